/** kubectl with an `exec` user, against a loopback API server over https. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { makeCertificate } from './certificate.ts';
import { answerJson, type Sent, startLoopbackService, tokensOf } from './loopbackService.ts';
import { openWorkplace } from './workplace.ts';

const kubeConfig = (server: string, authority: string): string =>
	[
		...['# mine', 'apiVersion: v1', 'kind: Config', 'current-context: here', 'clusters:', '- name: loopback'],
		...['  cluster:', `    server: ${server}`, `    certificate-authority: ${authority}`],
		...[
			'contexts:',
			'- name: here',
			'  context: {cluster: loopback, user: ada}',
			'users:',
			'- name: ada',
			'  user: {}',
			'',
		],
	].join('\n');

const PODS = { name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get', 'list'] };

/** As much of an API server as `kubectl get pods` needs. */
const API: Readonly<Record<string, unknown>> = {
	'/api': { kind: 'APIVersions', versions: ['v1'] },
	'/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
	'/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [PODS] },
	'/api/v1/namespaces/default/pods': {
		...{ kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '1' } },
		items: [{ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'pod-of-ada', namespace: 'default' } }],
	},
};

function answerApi({ path }: Sent, response: ServerResponse): void {
	const found = API[path.split('?')[0] ?? ''];
	const absent = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404 };
	answerJson(response, found === undefined ? 404 : 200, found ?? absent);
}

test('sends the token of the account, after a rotation the new one, and keeps neither', async (t) => {
	const place = await openWorkplace(t, { tool: 'kubectl' });
	const certificate = await makeCertificate(place.root);
	const listener = (request: Sent, response: ServerResponse): void => {
		place.look();
		answerApi(request, response);
	};
	const api = await startLoopbackService(t, listener, certificate);
	const before = kubeConfig(api.url, certificate.file);
	await place.write('.kube/config', before);
	await place.connect({ name: 'ada' });
	const first = await place.token();
	const got = await place.run(['get', 'pods', '-o', 'name']);
	assert.deepEqual([got.status, got.stdout], [0, 'pod/pod-of-ada\n'], got.stderr);
	const count = api.sent.length;
	assert.ok(count > 0);
	for (const one of api.sent) assert.deepEqual(tokensOf(one), [first], one.path);
	const second = await place.rotate();
	assert.equal((await place.run(['get', 'pods', '-o', 'name'])).status, 0);
	assert.ok(api.sent.length > count);
	for (const one of api.sent.slice(count)) assert.deepEqual(tokensOf(one), [second], one.path);
	assert.equal(place.asked.length, 1);
	await place.assertNothingKept();
	await place.disconnect();
	assert.equal(await place.read('.kube/config'), before);
});

test('asks again after a 401: later requests of the same run carry the new token', async (t) => {
	const place = await openWorkplace(t, { tool: 'kubectl' });
	const certificate = await makeCertificate(place.root);
	const old = await place.token();
	let current = old;
	const refuse = async (request: Sent, response: ServerResponse): Promise<void> => {
		place.look();
		if (current === old) current = await place.rotate();
		if (tokensOf(request).includes(current)) return answerApi(request, response);
		answerJson(response, 401, {
			kind: 'Status',
			apiVersion: 'v1',
			status: 'Failure',
			reason: 'Unauthorized',
			code: 401,
		});
	};
	const api = await startLoopbackService(t, refuse, certificate);
	await place.write('.kube/config', kubeConfig(api.url, certificate.file));
	await place.connect({ name: 'ada' });
	const got = await place.run(['get', 'pods', '-o', 'name']);
	assert.deepEqual([got.status, got.stdout], [0, 'pod/pod-of-ada\n'], got.stderr);
	const tokens = api.sent.map(tokensOf);
	assert.deepEqual([tokens[0], tokens.at(-1)], [[old], [current]]);
	await place.assertNothingKept();
});
