import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { TerminalRequest } from '../../../src/auth/terminal/protocol.ts';
import type { RequestContext } from '../../../src/auth/terminal/requestContext.ts';
import { tokenOf, window } from './answeringWindow.ts';

test('a caller of no terminal here is told so first, whatever this window may give or knows', async (t) => {
	for (const mayAsk of [true, false]) {
		const { world, service, send } = window(t, { ancestorsOf: (pid) => Promise.resolve([pid]) });
		world.trusted = false;
		const here = { kind: 'error', code: 'not_here' };
		for (const provider of ['acme', 'unheard-of'])
			assert.deepEqual(await send(tokenOf(provider, { ownOnly: true }), undefined, mayAsk), here);
		const caller = { ancestors: [1], cwd: '/', ownOnly: true };
		const key: TerminalRequest = { kind: 'addKey', provider: 'acme', key: 'k', ...caller };
		assert.deepEqual(await send(key, undefined, mayAsk), here);
		await assert.rejects(send(tokenOf('acme', { ownOnly: true, ancestors: [1, 100] })), { code: 'untrusted' });
		assert.deepEqual([world.asked, service.tokens], [0, 0]);
	}
});

test('a granted request gets the token of the bucket in force, with its end', async (t) => {
	const { service, steps, send } = window(t);
	const reply = await send(tokenOf('acme', { minTtlS: 300 }));
	assert.deepEqual(reply, { kind: 'token', accessToken: 'canary-b1', expiresAtMs: 1_900_000_000_000 });
	assert.deepEqual(steps, ['asking']);
	assert.equal(service.requests[0]?.minTtlMs, 300_000);
	assert.equal(service.requests[0]?.bucketId, undefined);
	assert.equal(service.requests[0]?.purpose, 'terminal');
});

test('a bucket is found by id and by name; a name that none or several have is an error before any question', async (t) => {
	const { service, world, send } = window(t);
	await send(tokenOf('acme', { bucket: 'home' }));
	await send(tokenOf('acme', { bucket: 'b2' }));
	assert.deepEqual(
		service.requests.map(({ bucketId }) => bucketId),
		['b2', 'b2'],
	);
	world.asked = 0;
	assert.deepEqual(await send(tokenOf('acme', { bucket: 'x' })), { kind: 'error', code: 'unknown_bucket' });
	assert.deepEqual(await send(tokenOf('twins', { bucket: 'same' })), { kind: 'error', code: 'ambiguous_bucket' });
	assert.equal(world.asked, 0);
});

test('where there is nothing to give, the person is not asked', async (t) => {
	const { world, send } = window(t);
	await assert.rejects(send(tokenOf('nobody')), { code: 'unknown_provider' });
	await assert.rejects(send(tokenOf('empty')), { code: 'no_account' });
	assert.equal(world.asked, 0);
});

test('without consent no token is even fetched', async (t) => {
	const { service, world, send } = window(t);
	world.answer = 'no';
	assert.deepEqual(await send(tokenOf('acme')), { kind: 'error', code: 'refused' });
	world.trusted = false;
	await assert.rejects(send(tokenOf('acme')), { code: 'untrusted' });
	await assert.rejects(send({ kind: 'providers' }), { code: 'untrusted' });
	assert.equal(service.requests.length, 0);
});

test('a helper that has gone already causes no question', async (t) => {
	const { world, send } = window(t);
	await assert.rejects(send(tokenOf('acme'), AbortSignal.abort()), { code: 'cancelled' });
	assert.equal(world.asked, 0);
});

test('a sign-in happens only if it was asked for, is needed and was allowed', async (t) => {
	const signIns: string[] = [];
	const { steps, send } = window(t, {
		signIn: (provider, bucket) => {
			signIns.push(`${provider} ${bucket}`);
			return Promise.resolve();
		},
	});
	await assert.rejects(send(tokenOf('dead')), { code: 'invalid_grant' });
	await send(tokenOf('acme', { signIn: true }));
	assert.deepEqual(signIns, []);
	await assert.rejects(send(tokenOf('empty', { signIn: true })), { code: 'no_account' });
	await assert.rejects(send(tokenOf('dead', { signIn: true, bucket: 'old' })), { code: 'invalid_grant' });
	assert.deepEqual(signIns, ['empty undefined', 'dead b3']);
	assert.deepEqual(steps, ['asking', 'asking', 'asking', 'signingIn', 'signingIn']);
});

test('providers are listed with their state and without accounts', async (t) => {
	const { send } = window(t);
	assert.deepEqual(await send({ kind: 'providers' }), {
		kind: 'providers',
		providers: [
			{ id: 'acme', label: 'The acme', state: 'signedIn' },
			{ id: 'mapped', label: 'The mapped', state: 'signedIn' },
			{ id: 'empty', label: 'The empty', state: 'signedOut' },
			{ id: 'dead', label: 'The dead', state: 'needsSignIn' },
			{ id: 'twins', label: 'The twins', state: 'signedIn' },
		],
	});
});

test('the log names who got what and never the token', async (t) => {
	const { log, send } = window(t);
	await send(tokenOf('acme'));
	assert.match(log.lines.join('\n'), /token [0-9a-f]{8} of acme to outside/);
	assert.doesNotMatch(log.lines.join('\n'), /canary/);
});

test('the audit has terminal, program, use and end of what was given or refused, and no value', async (t) => {
	const { audited, world, send } = window(t);
	await send(tokenOf('acme', { ancestors: [300, 200, 100, 5], use: 'exec' }));
	world.answer = 'no';
	await send(tokenOf('mapped', { ancestors: [300] }));
	assert.deepEqual(audited, [
		{
			...{ consumer: 'terminal', terminal: 'zsh', terminalPid: 100, program: 'program 200', providerId: 'acme' },
			...{ use: 'exec', outcome: 'given', bucketId: 'b1', expiresAtMs: 1_900_000_000_000 },
		},
		{ consumer: 'outside', program: 'program 300', providerId: 'mapped', use: 'token', outcome: 'refused' },
	]);
	assert.doesNotMatch(JSON.stringify(audited), /canary/);
});

test('git gets the token only for the hosts of the settings, and nobody is asked about others', async (t) => {
	const { world, send } = window(t);
	for (const gitHost of ['evil.example.test', 'git.example.test.evil.test', 'git.example.test:8443']) {
		assert.deepEqual(await send(tokenOf('acme', { gitHost })), { kind: 'error', code: 'foreign_host' });
	}
	assert.deepEqual(await send(tokenOf('mapped', { gitHost: 'git.example.test' })), {
		kind: 'error',
		code: 'foreign_host',
	});
	assert.equal(world.asked, 0);
	assert.equal((await send(tokenOf('acme', { gitHost: 'git.example.test' }))).kind, 'token');
});

test('a caller that cannot wait gets what is allowed already, and causes no question', async (t) => {
	const { world, send } = window(t);
	const signal = new AbortController().signal;
	assert.deepEqual(await send(tokenOf('acme', { ancestors: [7] }), signal, false), {
		kind: 'error',
		code: 'undecided',
	});
	assert.equal(world.asked, 0);
	await send(tokenOf('acme', { ancestors: [8, 100] }));
	assert.equal((await send(tokenOf('acme', { ancestors: [7] }), signal, false)).kind, 'token');
	assert.equal(world.asked, 1);
});

test('a grant that is revoked while the token is renewed gives nothing', async (t) => {
	const { access, service, send } = window(t);
	await send(tokenOf('acme'));
	const getToken = service.getToken;
	service.getToken = (request) => {
		access.revoke(access.grants()[0]?.id ?? assert.fail());
		return getToken(request);
	};
	assert.deepEqual(await send(tokenOf('acme')), { kind: 'error', code: 'refused' });
});

test('a report is about the last token of the terminal, or the one whose digest is named', async (t) => {
	const { service, send } = window(t);
	const report = (change: object) =>
		send({ ...{ kind: 'report', provider: 'acme', status: 401, ancestors: [100], cwd: '/' }, ...change });
	assert.deepEqual(await report({}), { kind: 'error', code: 'nothing_given' });
	await send(tokenOf('acme', { ancestors: [100], bucket: 'home' }));
	assert.deepEqual(await report({ headers: [['X-A', 'b']], retryAfter: '5', body: '{}' }), {
		kind: 'advice',
		advice: 'retryWithNewToken',
	});
	const digest = createHash('sha256').update('canary-b2').digest('hex');
	assert.equal(service.reports[0]?.tokenDigest, digest);
	assert.equal(service.reports[0]?.named, true);
	assert.deepEqual(service.reports[0]?.report.headers, { 'x-a': 'b', 'retry-after': '5' });
	assert.deepEqual(await report({ status: 429, tokenDigest: 'a'.repeat(64) }), {
		...{ kind: 'advice', advice: 'wait', untilMs: 1_900_000_000_000, reason: 'limit' },
	});
	assert.equal(service.reports[1]?.tokenDigest, 'a'.repeat(64));
	assert.deepEqual(await report({ status: 402 }), {
		...{ kind: 'advice', advice: 'giveUp', code: 'exhausted', reason: 'credit' },
	});
	assert.deepEqual(await report({ ancestors: [5] }), { kind: 'error', code: 'nothing_given' });
});

test('a key is stored only after a yes to this key, and never for a provider that takes none', async (t) => {
	const answers = [false, true];
	const { service, audited, send } = window(t, { confirmKey: () => Promise.resolve(answers.shift() ?? assert.fail()) });
	const add = () =>
		send({ kind: 'addKey', provider: 'empty', key: 'sk-canary', name: 'new', ancestors: [100], cwd: '/' });
	assert.deepEqual(await add(), { kind: 'error', code: 'refused' });
	assert.equal(service.keys.length, 0);
	assert.deepEqual(await add(), { kind: 'added', name: 'new' });
	assert.deepEqual(service.keys, [{ providerId: 'empty', key: 'sk-canary', name: 'new' }]);
	assert.doesNotMatch(JSON.stringify(audited), /sk-canary/);
	assert.equal(audited.at(-1)?.outcome, 'keyAdded');
});

test('the status names accounts only where this terminal gets tokens, and asks nobody', async (t) => {
	const { world, send } = window(t);
	const status = async () => {
		const reply = await send({ kind: 'status', ancestors: [100], cwd: '/' });
		assert.ok(reply.kind === 'status');
		return reply.providers.map(({ id, allowed, buckets }) => [id, allowed, buckets?.length]);
	};
	assert.deepEqual((await status()).slice(0, 2), [
		['acme', false, undefined],
		['mapped', false, undefined],
	]);
	assert.equal(world.asked, 0);
	await send(tokenOf('acme', { ancestors: [100] }));
	assert.deepEqual((await status())[0], ['acme', true, 2]);
});

test("the editor's own sessions come through the same question, and a configured provider goes first", async (t) => {
	const asked: unknown[] = [];
	const editorSessions: RequestContext['editorSessions'] = {
		getToken({ providerId, scopes, interactive }) {
			asked.push([providerId, scopes, interactive]);
			return Promise.resolve({ value: 'canary-gh', account: 'me' });
		},
	};
	const { world, send } = window(t, { editorSessions });
	const reply = await send(tokenOf('github', { scopes: ['repo'] }));
	assert.deepEqual(reply, { kind: 'token', accessToken: 'canary-gh' });
	await send(tokenOf('github', { signIn: true }));
	assert.deepEqual(asked, [
		['github', ['repo'], false],
		['github', [], true],
	]);
	assert.equal(world.asked, 1);
	world.answer = 'no';
	assert.deepEqual(await send(tokenOf('microsoft')), { kind: 'error', code: 'refused' });
	assert.equal(asked.length, 2);
	await assert.rejects(window(t).send(tokenOf('github')), { code: 'unknown_provider' });
});
