/** The core end to end in plain Node: real files, a real OAuth server, several windows. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import { isAuthError } from '../../../src/auth/errors.ts';
import { digest } from '../../../src/auth/log.ts';
import { createWindowProbe } from '../../../src/auth/windowProbe.ts';
import { type Server, startServer } from '../../server/server.ts';
import {
	createSharedKeys,
	createTestLog,
	demoProvider,
	openWindow,
	scriptedUi,
	type Window,
} from '../../support/serviceWindow.ts';
import { until } from '../../support/until.ts';

describe('the core, end to end', () => {
	let folder: string;
	let server: Server;
	let keys: ReturnType<typeof createSharedKeys>;
	const windows: Window[] = [];

	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'agent-auth-service-'));
		server = await startServer({ accessTokenLifeS: 3600, deviceIntervalS: 1 });
		keys = createSharedKeys();
	});

	afterEach(async () => {
		for (const window of windows.splice(0)) window.service.dispose();
		await server.close();
		// What a window tidies up after it has answered may still be going on.
		await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
	});

	function open(overrides: Parameters<typeof openWindow>[3] = {}): Window {
		const window = openWindow(folder, keys, [demoProvider(server.issuer)], overrides);
		windows.push(window);
		return window;
	}

	const token = (window: Window, more: { refusedDigest?: string; bucketId?: string } = {}) =>
		window.service.getToken({ providerId: 'demo', deadlineMs: 20_000, purpose: 'test', ...more });

	const signIn = (window: Window, person: 'ada' | 'grace' = 'ada') =>
		window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person }) });

	it('signs in by loopback and serves the token in another window without asking again', async () => {
		const first = open();
		const second = open();
		const bucket = await signIn(first);
		assert.equal(bucket.account.label, 'ada@example.test');
		assert.equal(bucket.state.kind, 'ready');
		const issued = await token(first);
		await until(
			'the second window knows the account',
			() => second.service.snapshot().providers[0]?.inForce !== undefined,
		);
		assert.equal((await token(second)).token.value, issued.token.value);
		assert.equal(server.count('code'), 1);
		assert.equal(server.refreshRequests(), 0);
	});

	for (const flow of ['device', 'paste'] as const) {
		it(`signs in by ${flow}`, async () => {
			const window = open();
			const bucket = await window.service.signIn({
				providerId: 'demo',
				flow,
				ui: scriptedUi({ person: 'grace', flow }),
			});
			assert.equal(bucket.account.label, 'grace@example.test');
		});
	}

	it('refreshes once for many windows and callers when the token has expired', async () => {
		server.setAccessTokenLife(4);
		const all = Array.from({ length: 4 }, () => open());
		await signIn(all[0] ?? open());
		const before = await token(all[0] ?? open());
		await until('everybody knows the account', () =>
			all.every((window) => window.service.snapshot().providers[0]?.inForce !== undefined),
		);
		server.setAccessTokenLife(3600);
		await until('the token is due', () => Date.now() > (before.token.expiresAtMs ?? 0) - 1_000);
		const issued = await Promise.all(all.flatMap((window) => Array.from({ length: 5 }, () => token(window))));
		assert.equal(new Set(issued.map((result) => result.token.value)).size, 1);
		assert.notEqual(issued[0]?.token.value, before.token.value);
		assert.equal(server.refreshes(), 1);
		assert.equal(server.reuses(), 0);
	});

	it('renews a refused token once, however many refuse it', async () => {
		const window = open();
		await signIn(window);
		const before = await token(window);
		const refusedDigest = digest(before.token.value);
		const issued = await Promise.all(Array.from({ length: 6 }, () => token(window, { refusedDigest })));
		assert.equal(new Set(issued.map((result) => result.token.value)).size, 1);
		assert.notEqual(issued[0]?.token.value, before.token.value);
		assert.equal(server.refreshes(), 1);
	});

	it('answers all who report the same refused token with one refresh, and never hands it out again', async () => {
		const [first, second] = [open(), open()];
		const { id: bucketId } = await signIn(first);
		const before = await token(first);
		await until('the second window knows', () => second.service.snapshot().providers[0]?.inForce !== undefined);
		const report = {
			providerId: 'demo',
			tokenDigest: digest(before.token.value),
			report: { status: 401, headers: {} },
			deadlineMs: 20_000,
		};
		const advice = await Promise.all([first, second, first, second].map((window) => window.service.report(report)));
		assert.deepEqual(new Set(advice.map(({ kind }) => kind)), new Set(['retryWithNewToken']));
		assert.equal(server.refreshes(), 1);
		for (const window of [first, second])
			assert.notEqual((await token(window, { bucketId })).token.value, before.token.value);
		assert.deepEqual(await first.service.report(report), { kind: 'retryWithNewToken' });
		assert.equal(server.refreshes(), 1);
	});

	it('ignores reports about tokens that are not ours', async () => {
		const window = open();
		await signIn(window);
		const tokenDigest = digest('somebody else');
		const advice = await window.service.report({
			providerId: 'demo',
			tokenDigest,
			report: { status: 401, headers: {} },
			deadlineMs: 1_000,
		});
		assert.deepEqual(advice, { kind: 'ignored' });
		assert.equal(server.refreshRequests(), 0);
	});

	it('does not hand out a refused token while the server cannot renew it, in any window', async () => {
		const [first, second] = [open(), open()];
		await signIn(first);
		const before = await token(first);
		await until('the second window knows', () => second.service.snapshot().providers[0]?.inForce !== undefined);
		const trouble = server.fault({ on: 'refresh', respond: { status: 503, retryAfter: '1' } });
		const report = {
			providerId: 'demo',
			tokenDigest: digest(before.token.value),
			report: { status: 401, headers: {} },
			deadlineMs: 20_000,
		};
		assert.equal((await first.service.report(report)).kind, 'wait');
		await until('both windows know of the trouble', () =>
			[first, second].every((window) => window.service.snapshot().providers[0]?.buckets[0]?.state.kind === 'failing'),
		);
		for (const window of [first, second])
			await assert.rejects(token(window), (error) => isAuthError(error, 'transient'));
		trouble.dispose();
		const after = await until('it is renewed when the time has come', () => token(second).catch(() => undefined));
		assert.notEqual(after.token.value, before.token.value);
	});

	it('tells the person once, over all windows, that a sign-in has ended', async () => {
		const [first, second] = [open(), open()];
		const bucket = await signIn(first);
		await until('the second window knows', () => second.service.snapshot().providers[0]?.inForce !== undefined);
		const dead = server.fault({ on: 'refresh', oauthError: 'invalid_grant' });
		const report = {
			providerId: 'demo',
			tokenDigest: digest((await token(first)).token.value),
			report: { status: 401, headers: {} },
			deadlineMs: 20_000,
		};
		assert.deepEqual(await first.service.report(report), { kind: 'signIn' });
		dead.dispose();
		await until('both know', () =>
			[first, second].every(
				(window) => window.service.snapshot().providers[0]?.buckets[0]?.state.kind === 'needsSignIn',
			),
		);
		const claims = await Promise.all(
			[first, second, first, second].map((window) => window.service.claimMessage('demo', bucket.id, 'invalid_grant')),
		);
		assert.equal(claims.filter(Boolean).length, 1);
		// Nothing is asked of the server for a credential that is known to be dead.
		const asked = server.refreshRequests();
		await assert.rejects(token(second), (error) => isAuthError(error, 'invalid_grant'));
		assert.equal(server.refreshRequests(), asked);
		assert.equal((await signIn(second)).state.kind, 'ready');
		assert.equal((await token(first)).bucket.id, bucket.id);
	});

	it('reminds of the end of a sign-in once, over all windows and renewals, and again when the end has moved', async () => {
		const [first, second] = [open(), open()];
		const bucket = await signIn(first);
		await until('the second window knows', () => second.service.snapshot().providers[0]?.inForce !== undefined);
		const endsAtMs = Date.now() + 86_400_000;
		const claims = await Promise.all(
			[first, second, first].map(({ service }) => service.claimReminder('demo', bucket.id, endsAtMs, 60_000)),
		);
		assert.equal(claims.filter(Boolean).length, 1);
		await first.service.refresh('demo', bucket.id);
		await until('the second window has the renewed token', () => {
			const renewed = second.service.snapshot().providers[0]?.buckets[0];
			return renewed?.lastRefreshPid === process.pid && renewed.generation > bucket.generation;
		});
		assert.equal(await second.service.claimReminder('demo', bucket.id, endsAtMs + 30_000, 60_000), false);
		assert.equal(await second.service.claimReminder('demo', bucket.id, endsAtMs + 86_400_000, 60_000), true);
		assert.equal(await first.service.claimReminder('demo', 'gone', endsAtMs, 60_000), false);
	});

	it('refreshes nothing while the window of this host is gone, and goes on when it returns', async () => {
		let answer: (value: unknown) => void = () => undefined;
		const lines: string[] = [];
		const probe = createWindowProbe(
			() => new Promise((resolve) => (answer = resolve)),
			systemClock,
			createTestLog(lines),
		);
		const window = open({ probe });
		await signIn(window);
		assert.equal(await probe.check(), false);
		const before = await token(window);
		const refusedDigest = digest(before.token.value);
		await assert.rejects(token(window, { refusedDigest }), (error) => isAuthError(error, 'transient'));
		assert.equal(server.refreshRequests(), 0);
		answer(undefined);
		await until('the window is back', () => !probe.isOrphan());
		assert.notEqual((await token(window, { refusedDigest })).token.value, before.token.value);
	});

	it('gives one correlation id to the log, the server and the diagnostics', async () => {
		const window = open();
		const bucket = await signIn(window);
		await window.service.refresh('demo', bucket.id);
		const record = server.log.find((entry) => entry.kind === 'refresh');
		const id = record?.requestHeaders['x-request-id'];
		assert.match(id ?? '', /^[0-9a-f]{8}$/);
		assert.ok(window.lines.some((line) => line.includes(`refresh ${id}`) && line.includes('stored generation')));
		const facts = await window.service.diagnose();
		assert.ok(facts.buckets[0]?.events.some((event) => event.correlationId === id));
		assert.equal(JSON.stringify(facts).includes('@'), false);
	});

	it('a second asker of a sign-in, here and in another window, gets the outcome of the first', async () => {
		const [first, second] = [open(), open()];
		const uis = [first, first, second].map((window) => ({ window, ...scriptedUi({ person: 'ada' }) }));
		// Else the first may be done before the other window has asked.
		const held = server.fault({ on: 'code', hold: 'before' });
		const asked = uis.map(({ window, ...ui }) => window.service.signIn({ providerId: 'demo', ui }));
		await until('one window waits for the other', () =>
			uis.some(({ steps }) => steps.some(({ kind }) => kind === 'waitingForOtherWindow')),
		);
		held.dispose();
		const buckets = await Promise.all(asked);
		assert.equal(new Set(buckets.map((bucket) => bucket.id)).size, 1);
		assert.equal(server.count('code'), 1);
		assert.equal(
			uis.reduce((count, ui) => count + ui.opened.length, 0),
			1,
		);
	});

	it('keeps two people in two buckets and renews the bucket of who signs in again', async () => {
		const window = open();
		const ada = await signIn(window, 'ada');
		const grace = await signIn(window, 'grace');
		const again = await signIn(window, 'ada');
		assert.notEqual(ada.id, grace.id);
		assert.equal(again.id, ada.id);
		assert.equal(again.generation, ada.generation + 1);
		const provider = window.service.snapshot().providers[0];
		assert.deepEqual(
			provider?.buckets.map((bucket) => bucket.account.label),
			['ada@example.test', 'grace@example.test'],
		);
		assert.equal(provider?.inForce, ada.id);
	});

	it('signs out in every window, tells the server, and never brings the account back', async () => {
		const [first, second] = [open(), open()];
		const bucket = await signIn(first);
		await until('the second window knows', () => second.service.snapshot().providers[0]?.inForce !== undefined);
		await second.service.signOut('demo', bucket.id);
		await until('the first window knows', () => first.service.snapshot().providers[0]?.buckets.length === 0);
		await assert.rejects(token(first), (error) => isAuthError(error, 'no_account'));
		await until('the server was told', () => server.revocations().length > 0);
		assert.deepEqual(server.grantsAlive(), []);
		const third = open();
		await third.service.loaded;
		assert.equal(third.service.snapshot().providers[0]?.buckets.length, 0);
	});

	it('a sign-out during a refresh in flight is final', async () => {
		const window = open();
		const bucket = await signIn(window);
		const held = server.fault({ on: 'refresh', hold: 'after' });
		const arrived = server.next('refresh', { phase: 'arrived' });
		const refreshing = assert.rejects(token(window, { refusedDigest: digest((await token(window)).token.value) }));
		await arrived;
		await window.service.signOut('demo', bucket.id);
		held.dispose();
		await refreshing;
		assert.equal(window.service.snapshot().providers[0]?.buckets.length, 0);
	});

	it('cancel and denial persist nothing, and the next try works', async () => {
		const window = open();
		await assert.rejects(
			window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada', deny: true }) }),
			(error) => isAuthError(error, 'denied'),
		);
		const abort = new AbortController();
		const cancelled = window.service.signIn({
			providerId: 'demo',
			ui: scriptedUi({ person: 'ada', signal: abort.signal, visit: async () => abort.abort() }),
		});
		await assert.rejects(cancelled, (error) => isAuthError(error, 'cancelled'));
		const records = (await readdir(join(folder, 'vault'))).filter((file) => /^[0-9a-f]{64}\./.test(file));
		assert.deepEqual(records, []);
		assert.equal((await signIn(window)).state.kind, 'ready');
	});

	it('says that the key is missing, keeps the file, and opens it when the key returns', async () => {
		await signIn(open());
		const kept = new Map(keys.keys);
		keys.keys.clear();
		const window = open();
		await window.service.loaded;
		assert.equal(window.service.snapshot().providers[0]?.buckets[0]?.state.kind, 'keyMissing');
		await assert.rejects(token(window), (error) => isAuthError(error, 'key_missing'));
		for (const [keyId, key] of kept) keys.keys.set(keyId, key);
		keys.announce();
		await until(
			'the record opens again',
			() => window.service.snapshot().providers[0]?.buckets[0]?.state.kind === 'ready',
		);
		assert.equal(server.count('code'), 1);
	});

	it('makes the state anew from the records when it is damaged', async () => {
		const first = open();
		const bucket = await signIn(first);
		first.service.dispose();
		const state = (await readdir(join(folder, 'vault'))).find((file) => file.startsWith('state.'));
		await writeFile(join(folder, 'vault', state ?? ''), 'not json');
		const second = open();
		await second.service.loaded;
		const found = second.service.snapshot().providers[0]?.buckets[0];
		assert.equal(found?.id, bucket.id);
		assert.equal(found?.account.label, 'ada@example.test');
		assert.equal((await token(second)).bucket.id, bucket.id);
	});

	it('a damaged record is shown as such, kept, and set aside by the next sign-in', async () => {
		const first = open();
		const bucket = await signIn(first);
		first.service.dispose();
		const file = (await readdir(join(folder, 'vault'))).find((name) => /^[0-9a-f]{64}\./.test(name)) ?? '';
		await writeFile(join(folder, 'vault', file), 'damaged');
		const second = open();
		await second.service.loaded;
		assert.equal(second.service.snapshot().providers[0]?.buckets[0]?.state.kind, 'damaged');
		await assert.rejects(token(second), (error) => isAuthError(error, 'damaged'));
		assert.equal((await signIn(second)).id, bucket.id);
		const [aside] = await readdir(join(folder, 'vault', 'set-aside'));
		assert.equal(await readFile(join(folder, 'vault', 'set-aside', aside ?? ''), 'utf8'), 'damaged');
	});

	it('without a place for the key the person may go on for this session only', async () => {
		const deaf = { ...keys, read: async () => ({ kind: 'absent' as const }), write: async () => undefined };
		const asked: string[] = [];
		const window = openWindow(folder, deaf, [demoProvider(server.issuer)], {
			askAboutKey: async (trouble) => {
				asked.push(trouble);
				return 'sessionOnly';
			},
		});
		windows.push(window);
		const bucket = await signIn(window);
		assert.equal(bucket.sessionOnly, true);
		assert.deepEqual(asked, ['notKept']);
		assert.ok((await token(window)).token.value.length > 0);
		assert.deepEqual(
			(await readdir(join(folder, 'vault'))).filter((file) => /^[0-9a-f]{64}\./.test(file)),
			[],
		);
	});

	it('finds out in the next session that the store forgets, and a key file ends that', async () => {
		const openForgetful = (asked: string[]) => {
			const window = openWindow(folder, createSharedKeys(), [demoProvider(server.issuer)], {
				askAboutKey: async (trouble) => {
					asked.push(trouble);
					return 'keyFile';
				},
			});
			windows.push(window);
			return window;
		};
		const asked: string[] = [];
		const first = openForgetful(asked);
		const { id } = await signIn(first);
		first.service.dispose();
		const second = openForgetful(asked);
		await second.service.loaded;
		assert.equal(second.service.snapshot().providers[0]?.buckets[0]?.state.kind, 'keyMissing');
		assert.equal((await signIn(second)).id, id);
		assert.deepEqual(asked, ['forgotten']);
		second.service.dispose();
		const third = openForgetful(asked);
		await third.service.loaded;
		assert.equal(third.service.snapshot().providers[0]?.buckets[0]?.state.kind, 'ready');
		assert.deepEqual(asked, ['forgotten']);
		// What the lost key sealed is set aside, not deleted.
		assert.equal((await readdir(join(folder, 'vault', 'set-aside'))).length, 1);
	});

	it('does not blame a store that did keep the key before', async () => {
		const asked: string[] = [];
		const askAboutKey = async (trouble: string) => {
			asked.push(trouble);
			return 'cancel' as const;
		};
		const first = open();
		await signIn(first);
		first.service.dispose();
		const second = open();
		await second.service.loaded;
		await until('it is noted that the key was found', async () =>
			(await readdir(join(folder, 'vault'))).includes('key.2.rec'),
		);
		second.service.dispose();
		keys.keys.clear();
		await assert.rejects(signIn(open({ askAboutKey })), (error) => isAuthError(error, 'cancelled'));
		assert.deepEqual(asked, ['missing']);
	});

	it('no secret reaches the log or a file name, and no file holds one in clear', async () => {
		const window = open();
		await signIn(window);
		await window.service.refresh('demo', window.service.snapshot().providers[0]?.inForce ?? '');
		const secrets = server.secrets();
		assert.ok(secrets.length > 3);
		const texts = [...window.lines];
		for (const file of await readdir(join(folder, 'vault'))) {
			texts.push(file);
			texts.push(await readFile(join(folder, 'vault', file), 'utf8').catch(() => ''));
		}
		for (const secret of secrets) for (const text of texts) assert.equal(text.includes(secret), false);
	});
});
