/** The forms in which git, AWS tools and Kubernetes clients want what the window gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awsCredentials } from '../../../src/auth/terminal/program/credentialProcess.ts';
import { readExecInfo } from '../../../src/auth/terminal/program/execCredential.ts';
import { answerLines, parseAttributes } from '../../../src/auth/terminal/program/gitCredential.ts';
import { ENDS_AT, ENDS_AT_MS, place, TOKEN } from './programPlace.ts';

const ID = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

test('AWS tools get a pasted key and the JSON that a command printed, with the end that is known', async (t) => {
	const { openWindow, call } = place(t);
	const secrets = [
		{ accessToken: `${ID}:${SECRET}` },
		{ accessToken: `${ID}:${SECRET}:session`, expiresAtMs: ENDS_AT_MS },
		{
			accessToken: JSON.stringify({ AccessKeyId: ID, SecretAccessKey: SECRET, Expiration: '2031-01-01T00:00:00Z' }),
			expiresAtMs: ENDS_AT_MS,
		},
	];
	const asked = await openWindow(() => ({ kind: 'token', ...(secrets.shift() ?? assert.fail()) }));
	const keys = { Version: 1, AccessKeyId: ID, SecretAccessKey: SECRET };
	for (const expected of [
		keys,
		{ ...keys, SessionToken: 'session', Expiration: ENDS_AT },
		{ ...keys, Expiration: '2031-01-01T00:00:00Z' },
	]) {
		const { status, stdout, stderr } = await call(['credential-process', 'aws']);
		assert.deepEqual([status, JSON.parse(stdout), stderr], [0, expected, '']);
	}
	assert.ok(asked.every((request) => request.kind === 'token' && request.use === 'aws'));
});

test('what is no AWS key is refused, and nothing of it is repeated', async (t) => {
	for (const secret of ['', 'canary', '5', 'null', '[]', '{}', `${ID}:`, `${ID}:short`, `x ${ID}:${SECRET}`, `${ID}`])
		assert.equal(awsCredentials(secret), undefined, secret);
	assert.equal(awsCredentials(JSON.stringify({ AccessKeyId: ID, SecretAccessKey: '' })), undefined);
	const { openWindow, call } = place(t);
	await openWindow(TOKEN);
	const { status, stdout, stderr } = await call(['credential-process', 'aws']);
	assert.deepEqual([status, stdout], [8, '']);
	assert.doesNotMatch(stderr, /canary/);
});

test('a Kubernetes client gets its version, and a browser only where it says that a person is there', async (t) => {
	const { openWindow, call } = place(t);
	const tokens = [TOKEN, { kind: 'token', accessToken: 'endless' } as const, TOKEN, TOKEN];
	const asked = await openWindow(() => tokens.shift() ?? assert.fail());
	const info = (spec: object) =>
		JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1beta1', kind: 'ExecCredential', ...spec });
	const byHand = await call(['exec-credential', 'acme', '--sign-in']);
	assert.deepEqual(JSON.parse(byHand.stdout), {
		...{ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential' },
		status: { token: 'canary-token', expirationTimestamp: ENDS_AT },
	});
	const endless = await call(['exec-credential', 'acme', '--sign-in'], {
		env: { KUBERNETES_EXEC_INFO: info({ spec: { interactive: true } }) },
	});
	assert.deepEqual(JSON.parse(endless.stdout).status, { token: 'endless' });
	for (const spec of [{}, { spec: { interactive: false } }])
		await call(['exec-credential', 'acme', '--sign-in'], { env: { KUBERNETES_EXEC_INFO: info(spec) } });
	assert.deepEqual(
		asked.map((request) => request.kind === 'token' && request.signIn),
		[true, true, false, false],
	);
	assert.deepEqual(readExecInfo(''), readExecInfo(undefined));
	for (const text of ['{', '{}', info({ kind: 'Other' }), info({ spec: { interactive: 'yes' } })])
		assert.deepEqual(readExecInfo(text), { kind: 'invalid' }, text);
	const unknown = await call(['exec-credential', 'acme'], { env: { KUBERNETES_EXEC_INFO: '{}' } });
	assert.deepEqual([unknown.status, unknown.stdout, asked.length], [2, '', 4]);
});

test('the lines of git are read as its manual says', () => {
	const read = (text: string) => Object.fromEntries(parseAttributes(text));
	assert.deepEqual(read('a=1\nb=x=y\nno line\n=nothing\na=2\n\nc=3'), { a: ['2'], b: ['x=y'] });
	assert.deepEqual(read('c[]=1\nc[]=2\nd[]=1\nd[]=\n'), { c: ['1', '2'] });
	assert.deepEqual(read('c[]=1\nc[]=\nc[]=3'), { c: ['3'] });
});

test('git gets a bearer token only where it can take one, and an end only where there is one', () => {
	const command = { bearer: true, username: 'oauth2' };
	const token = { accessToken: 'abc' };
	const lines = (text: string, given: Parameters<typeof answerLines>[2] = token) =>
		answerLines(command, parseAttributes(text), given);
	assert.deepEqual(lines('host=x'), ['username=oauth2', 'password=abc']);
	assert.deepEqual(lines('capability[]=state'), ['username=oauth2', 'password=abc']);
	assert.deepEqual(lines('username=me', { ...token, expiresAtMs: 5_999 }), [
		...['username=me', 'password=abc', 'password_expiry_utc=5'],
	]);
	assert.deepEqual(lines('username=\ncapability[]=authtype'), [
		...['capability[]=authtype', 'authtype=Bearer', 'credential=abc', 'ephemeral=1'],
	]);
});

test('git is told nothing about other hosts and schemes, and what it gives back is reported by its digest', async (t) => {
	const { openWindow, call } = place(t);
	const asked = await openWindow((request) => {
		if (request.kind === 'report') return { kind: 'advice', advice: 'ignored' };
		if (request.kind !== 'token' || request.gitHost !== 'git.example.test')
			return { kind: 'error', code: 'foreign_host' };
		return TOKEN;
	});
	const git = async (action: string, ...lines: string[]) => {
		const { status, stdout, stderr } = await call(['git-credential', 'acme', action], { input: lines.join('\n') });
		assert.deepEqual([status, stderr], [0, ''], lines.join());
		return stdout;
	};
	const https = 'protocol=https';
	assert.match(await git('get', https, 'host=GIT.example.test'), /^password=canary-token$/m);
	assert.equal(await git('get', https, 'host=other.example.test'), '');
	const before = asked.length;
	assert.equal(await git('get', 'protocol=http', 'host=git.example.test'), '');
	assert.equal(await git('get', https, 'host='), '');
	assert.equal(await git('get', https), '');
	assert.equal(await git('store', https, 'host=git.example.test', 'password=x'), '');
	assert.equal(await git('capability', https, 'host=git.example.test'), '');
	assert.equal(await git('erase', https, 'host=git.example.test'), '');
	assert.equal(await git('erase', https, 'host=git.example.test', 'password='), '');
	assert.equal(asked.length, before);
	await git('erase', https, 'host=git.example.test', 'password=abc');
	await git('erase', https, 'host=git.example.test', 'authtype=Bearer', 'credential=abc');
	const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
	assert.deepEqual(
		asked.slice(before).map((request) => request.kind === 'report' && [request.status, request.tokenDigest]),
		[
			[401, digest],
			[401, digest],
		],
	);
	assert.doesNotMatch(JSON.stringify(asked), /"abc"/);
});
