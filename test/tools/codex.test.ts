/** Codex with a command-backed provider, against a loopback Responses endpoint. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { answerEvents, answerJson, type Sent, startLoopbackService, tokensOf } from './loopbackService.ts';
import { openWorkplace } from './workplace.ts';

const EXEC = ['exec', '--skip-git-repo-check', '--sandbox', 'read-only', 'Say hello'];

/** What the person has of their own: the model, the choice of the provider, and Codex's documented switches for quiet. */
const SETTINGS = [
	...['# mine', 'model = "gpt-5"', 'model_provider = "gateway"', 'check_for_update_on_startup = false', ''],
	...['[analytics]', 'enabled = false', '', '[features]', 'plugins = false', 'apps = false', ''],
].join('\n');

const isResponses = ({ method, path }: Sent): boolean => method === 'POST' && path === '/v1/responses';

function answerHello(response: ServerResponse): void {
	const content = [{ type: 'output_text', text: 'hello from loopback', annotations: [] }];
	const item = { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content };
	const usage = {
		...{ input_tokens: 1, input_tokens_details: null, output_tokens: 1, output_tokens_details: null, total_tokens: 2 },
	};
	answerEvents(response, [
		{ type: 'response.created', response: { id: 'resp_1' } },
		{ type: 'response.output_item.done', output_index: 0, item },
		{ type: 'response.completed', response: { id: 'resp_1', output: [item], usage } },
	]);
}

test('sends the token of the account, after a rotation the new one, and keeps neither', async (t) => {
	const place = await openWorkplace(t, { tool: 'codex' });
	await place.write('.codex/config.toml', SETTINGS);
	const api = await startLoopbackService(t, (request, response) => {
		place.look();
		if (isResponses(request)) answerHello(response);
		else answerJson(response, 404, {});
	});
	await place.connect({ name: 'gateway', baseUrl: `${api.url}/v1` });
	const first = await place.token();
	const said = await place.run(EXEC);
	assert.equal(said.status, 0, said.stderr + said.stdout);
	assert.match(said.stdout, /hello from loopback/);
	const count = api.sent.length;
	for (const one of api.sent) assert.deepEqual(tokensOf(one), [first], one.path);
	const second = await place.rotate();
	assert.equal((await place.run(EXEC)).status, 0);
	assert.ok(api.sent.slice(count).some(isResponses));
	for (const one of api.sent.slice(count)) assert.deepEqual(tokensOf(one), [second], one.path);
	assert.equal(place.asked.length, 1);
	await place.assertNothingKept();
	await place.disconnect();
	assert.equal(await place.read('.codex/config.toml'), SETTINGS);
});

test('asks again after a 401 and goes on with the new token in the same run', async (t) => {
	const place = await openWorkplace(t, { tool: 'codex' });
	await place.write('.codex/config.toml', SETTINGS);
	const old = await place.token();
	let current = old;
	const api = await startLoopbackService(t, async (request, response) => {
		place.look();
		if (!isResponses(request)) return answerJson(response, 404, {});
		if (current === old) current = await place.rotate();
		if (tokensOf(request).includes(current)) return answerHello(response);
		answerJson(response, 401, { error: { message: 'token expired', type: 'invalid_request_error' } });
	});
	await place.connect({ name: 'gateway', baseUrl: `${api.url}/v1` });
	const said = await place.run(EXEC);
	assert.equal(said.status, 0, said.stderr + said.stdout);
	const tokens = api.sent.filter(isResponses).map(tokensOf);
	assert.deepEqual([tokens[0], tokens.at(-1)], [[old], [current]]);
	await place.assertNothingKept();
});
