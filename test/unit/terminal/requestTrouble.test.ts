/** Requests of terminals that end halfway, that find nothing, or that this window may not answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TerminalRequest } from '../../../src/auth/terminal/protocol.ts';
import type { RequestContext } from '../../../src/auth/terminal/requestContext.ts';
import { tokenOf, window } from './answeringWindow.ts';

const key = (change: { provider?: string; name?: string } = {}): TerminalRequest => ({
	...{ kind: 'addKey', provider: 'empty', key: 'sk-canary', ancestors: [100], cwd: '/' },
	...change,
});

test('a window is there for whoever pings it, trusted or not', async (t) => {
	const { world, send } = window(t);
	world.trusted = false;
	assert.deepEqual(await send({ kind: 'ping' }), { kind: 'pong', pid: process.pid });
});

test('trust or consent that ends while a token is on its way keeps it', async (t) => {
	const { world, service, audited, send } = window(t);
	const { getToken } = service;
	service.getToken = (request) => {
		world.trusted = false;
		return getToken(request);
	};
	await assert.rejects(send(tokenOf('acme')), { code: 'untrusted' });
	assert.deepEqual(audited, []);
});

test('trust or consent that ends while the editor gets a session keeps it', async (t) => {
	let meanwhile = (): void => undefined;
	const editorSessions: RequestContext['editorSessions'] = {
		getToken() {
			meanwhile();
			return Promise.resolve({ value: 'canary', account: 'me' });
		},
	};
	const { access, world, audited, send } = window(t, { editorSessions });
	meanwhile = () => {
		world.trusted = false;
	};
	await assert.rejects(send(tokenOf('github')), { code: 'untrusted' });
	world.trusted = true;
	meanwhile = () => access.revoke(access.grants()[0]?.id ?? assert.fail());
	assert.deepEqual(await send(tokenOf('github')), { kind: 'error', code: 'refused' });
	assert.deepEqual(audited, []);
});

test("the editor's own sessions have no buckets and are for no host of git", async (t) => {
	const editorSessions: RequestContext['editorSessions'] = { getToken: () => assert.fail('it was asked') };
	const { world, send } = window(t, { editorSessions });
	assert.deepEqual(await send(tokenOf('github', { gitHost: 'github.com' })), { kind: 'error', code: 'foreign_host' });
	assert.deepEqual(await send(tokenOf('github', { bucket: 'work' })), { kind: 'error', code: 'unknown_bucket' });
	assert.equal(world.asked, 0);
	const listed = await send({ kind: 'providers' });
	assert.ok(listed.kind === 'providers');
	assert.deepEqual(
		listed.providers.slice(-2).map(({ id, state }) => [id, state]),
		[
			['github', 'editor'],
			['microsoft', 'editor'],
		],
	);
});

test('a helper that goes while it is looked for asks nobody anything', async (t) => {
	const helper = new AbortController();
	const { world, service, steps, send } = window(t, {
		programName: () => {
			helper.abort();
			return Promise.resolve(undefined);
		},
		confirmKey: () => assert.fail('the person was asked'),
	});
	await assert.rejects(send(tokenOf('acme'), helper.signal), { code: 'cancelled' });
	const second = new AbortController();
	await assert.rejects(
		window(t, {
			programName: () => {
				second.abort();
				return Promise.resolve(undefined);
			},
			confirmKey: () => assert.fail('the person was asked'),
		}).send(key(), second.signal),
		{ code: 'cancelled' },
	);
	assert.deepEqual([world.asked, service.requests, steps], [0, [], []]);
});

test('a token without an end is given without one, to a program that nobody can name', async (t) => {
	const { service, audited, send } = window(t, { programName: () => Promise.resolve(undefined) });
	const { getToken } = service;
	service.getToken = async (request) => {
		const { token, bucket } = await getToken(request);
		return { token: { value: token.value, scopes: [] }, bucket };
	};
	assert.deepEqual(await send(tokenOf('acme', { ancestors: [] })), { kind: 'token', accessToken: 'canary-b1' });
	assert.deepEqual(audited, [
		{ consumer: 'outside', providerId: 'acme', use: 'token', outcome: 'given', bucketId: 'b1' },
	]);
	assert.equal((await send(tokenOf('mapped'))).kind, 'token');
});

test('a caller that cannot wait and names no process is nobody', async (t) => {
	const looked: number[] = [];
	const { send } = window(t, {
		ancestorsOf: (pid) => {
			looked.push(pid);
			return Promise.resolve([]);
		},
	});
	const signal = new AbortController().signal;
	assert.deepEqual(await send(tokenOf('acme', { ancestors: [] }), signal, false), { kind: 'error', code: 'undecided' });
	assert.deepEqual(looked, [0]);
});

test('a bucket that was signed out is signed in again where the person agreed to that', async (t) => {
	const signIns: unknown[] = [];
	const { service, send } = window(t, {
		signIn: (provider, bucket) => {
			signIns.push([provider, bucket]);
			return Promise.resolve();
		},
	});
	const snapshot = service.snapshot();
	const providers = snapshot.providers.map((found) => ({
		...found,
		buckets: found.buckets.map((bucket) => ({ ...bucket, state: { kind: 'signedOut' } as const })),
	}));
	service.snapshot = () => ({ ...snapshot, providers });
	await send(tokenOf('acme', { signIn: true, bucket: 'home' }));
	await send(tokenOf('mapped', { signIn: true }));
	assert.deepEqual(signIns, [
		['acme', 'b2'],
		['mapped', undefined],
	]);
});

test('a key is refused where no key can be, where nobody can be asked, and where trust has ended', async (t) => {
	const { world, service, send } = window(t, {
		confirmKey: () => {
			world.trusted = false;
			return Promise.resolve(true);
		},
		programName: () => Promise.resolve(undefined),
	});
	await assert.rejects(send(key()), { code: 'untrusted' });
	const snapshot = service.snapshot();
	const [first, ...rest] = snapshot.providers;
	assert.ok(first);
	service.snapshot = () => ({
		...snapshot,
		providers: [{ ...first, provider: { id: 'acme', label: 'Acme', kind: 'command' } }, ...rest],
	});
	world.trusted = true;
	assert.deepEqual(await send(key({ provider: 'acme' })), { kind: 'error', code: 'takes_no_key' });
	assert.deepEqual(service.keys, []);
	assert.deepEqual(await window(t).send(key()), { kind: 'error', code: 'refused_for_good' });
	const named = window(t, { confirmKey: ({ name }) => Promise.resolve(name === 'The empty') });
	assert.deepEqual(await named.send(key()), { kind: 'added', name: 'The empty' });
});

test('a status that no answer has is an error of the caller', async (t) => {
	const { service, send } = window(t);
	await send(tokenOf('acme', { ancestors: [100] }));
	const report: TerminalRequest = { kind: 'report', provider: 'acme', status: 42, ancestors: [100], cwd: '/' };
	await assert.rejects(send(report), { code: 'configuration' });
	assert.deepEqual(service.reports, []);
});

test('the person is told until when the token works that would be given', async (t) => {
	const { questions, service, send } = window(t);
	const snapshot = service.snapshot();
	const ends = new Map([
		['b1', 5],
		['b2', 6],
	]);
	const providers = snapshot.providers.map((found) => ({
		...found,
		buckets: found.buckets.map((bucket) => {
			const expiresAtMs = ends.get(bucket.id);
			return expiresAtMs === undefined ? bucket : { ...bucket, token: { value: 'canary', scopes: [], expiresAtMs } };
		}),
	}));
	service.snapshot = () => ({ ...snapshot, providers });
	await send(tokenOf('acme', { ancestors: [100] }));
	await send(tokenOf('acme', { bucket: 'home' }));
	await send(tokenOf('mapped'));
	assert.deepEqual(
		questions.map(({ expiresAtMs }) => expiresAtMs),
		[5, 6, undefined],
	);
	assert.doesNotMatch(JSON.stringify(questions), /canary/);
});

test('the status says when the tokens of this terminal end, where they do', async (t) => {
	const { service, send } = window(t);
	await send(tokenOf('acme', { ancestors: [100] }));
	const snapshot = service.snapshot();
	const providers = snapshot.providers.map((found) => ({
		...found,
		buckets: found.buckets.map((bucket) => ({
			...bucket,
			...(bucket.id === 'b1' ? { token: { value: 'canary', expiresAtMs: 5, scopes: [] } } : {}),
		})),
	}));
	service.snapshot = () => ({ ...snapshot, providers });
	const reply = await send({ kind: 'status', ancestors: [100], cwd: '/' });
	assert.ok(reply.kind === 'status');
	assert.deepEqual(
		reply.providers[0]?.buckets?.map(({ expiresAtMs }) => expiresAtMs),
		[5, undefined],
	);
});
