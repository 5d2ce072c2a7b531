/** What a report changes, and the advice that it is answered with: keys, renewed tokens, commands, over real files and a real server. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { BindingSetting } from '../../../src/auth/buckets/binding.ts';
import { isAuthError } from '../../../src/auth/errors.ts';
import type { FailureReport } from '../../../src/auth/failover/report.ts';
import { digest } from '../../../src/auth/log.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import type { ServiceOptions } from '../../../src/auth/service/createService.ts';
import type { UseReport } from '../../../src/auth/service.ts';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { recordName } from '../../../src/auth/vault/sealing.ts';
import { type Server, startServer } from '../../server/server.ts';
import { createDeferred } from '../../support/deferred.ts';
import { createFaultyDisk } from '../../support/faultyDisk.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createSharedKeys, demoProvider, openWindow, scriptedUi, type Window } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';

const MINUTE_MS = 60_000;

const cleanUps: (() => Promise<void>)[] = [];
const windows: Window[] = [];
afterEach(async () => {
	for (const window of windows.splice(0)) window.service.dispose();
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
const folderOf = () => tempFolder({ after: (work) => void cleanUps.push(work) });

function open(folder: string, keys: ReturnType<typeof createSharedKeys>, provider: Provider, more = {}): Window {
	const window = openWindow(folder, keys, [provider], more);
	windows.push(window);
	return window;
}

const providerOf = (window: Window) => window.service.snapshot().providers[0];
const bucketOf = (window: Window, name: string) => {
	const found = providerOf(window)?.buckets.find((bucket) => bucket.name === name);
	assert.ok(found, name);
	return found;
};

function report(window: Window, value: string, got: Partial<FailureReport>, more: Partial<UseReport> = {}) {
	return window.service.report({
		providerId: providerOf(window)?.provider.id ?? '',
		tokenDigest: digest(value),
		report: { status: 429, headers: {}, ...got },
		deadlineMs: 20_000,
		...more,
	});
}

const CREDIT = { status: 402, body: '{"error":{"code":"insufficient_credits"}}' };
const QUOTA = { body: '{"error":{"code":"quota_exceeded"}}' };
const HOURS = { ...QUOTA, headers: { 'retry-after': '7200' } };

describe('a report about an API key', () => {
	const KEYS: Provider = { id: 'keys', label: 'Model Keys', kind: 'apiKey' };

	async function world(names: readonly string[], overrides: Partial<ServiceOptions> = {}) {
		const folder = await folderOf();
		const keys = createSharedKeys();
		const window = open(folder, keys, KEYS, overrides);
		for (const name of names) await window.service.addApiKey({ providerId: 'keys', key: `key-${name}`, name });
		return { folder, keys, window };
	}
	const token = async (window: Window, more: object = {}) =>
		(await window.service.getToken({ providerId: 'keys', deadlineMs: 5_000, purpose: 'test', ...more })).token.value;

	it('parks it until the person says otherwise where money is missing, and for a while where a quota names no time', async () => {
		const { window } = await world(['one', 'two']);
		assert.equal(await token(window), 'key-one');
		assert.deepEqual(await report(window, 'key-one', CREDIT), { kind: 'retryWithNewToken' });
		assert.equal(bucketOf(window, 'one').cooldown?.reason, 'credit');
		assert.equal(bucketOf(window, 'one').cooldown?.untilMs, undefined);
		assert.equal(await token(window), 'key-two');
		const advice = await report(window, 'key-two', QUOTA);
		assert.ok(advice.kind === 'wait' && advice.reason === 'exhausted');
		assert.equal(advice.untilMs, bucketOf(window, 'two').cooldown?.untilMs);
		assert.ok(advice.untilMs !== undefined && advice.untilMs > Date.now());
	});

	it('parks for a time where money is missing until a time that the service names', async () => {
		const { window } = await world(['one']);
		await token(window);
		const message = 'spend limit reached. resets at 2099-01-01T00:00:00Z';
		await report(window, 'key-one', { status: 429, body: JSON.stringify({ error: { message } }) });
		assert.equal(bucketOf(window, 'one').cooldown?.reason, 'credit');
		assert.notEqual(bucketOf(window, 'one').cooldown?.untilMs, undefined);
	});

	it('moves on from a refused key, tells who named it to sign in, and never throws it away', async () => {
		const { window } = await world(['one', 'two']);
		await token(window);
		assert.deepEqual(await report(window, 'key-one', { status: 401 }, { named: true }), { kind: 'signIn' });
		assert.equal(bucketOf(window, 'one').cooldown?.reason, 'refused');
		assert.deepEqual(await report(window, 'key-one', { status: 401 }), { kind: 'retryWithNewToken' });
		assert.equal(await token(window), 'key-two');
		assert.equal(await token(window, { bucketId: bucketOf(window, 'one').id }), 'key-one');
	});

	it('is not about the key that has taken its place', async () => {
		const { window } = await world(['one']);
		await token(window);
		const bucketId = bucketOf(window, 'one').id;
		await window.service.addApiKey({ providerId: 'keys', key: 'key-new', name: 'one', bucketId });
		assert.deepEqual(await report(window, 'key-one', { status: 401 }), { kind: 'retryWithNewToken' });
		assert.equal(bucketOf(window, 'one').cooldown, undefined);
		assert.equal(await token(window), 'key-new');
	});

	it('asks for a sign-in where the account is gone', async () => {
		const { window } = await world(['one']);
		await token(window);
		await window.service.signOut('keys', bucketOf(window, 'one').id);
		assert.deepEqual(await report(window, 'key-one', { status: 401 }), { kind: 'signIn' });
	});

	it('that it worked ends a cooldown that is over, and none that is not', async () => {
		const clock = createManualClock();
		const { window } = await world(['one'], { clock });
		await token(window);
		await report(window, 'key-one', HOURS);
		clock.advance(60 * MINUTE_MS);
		assert.deepEqual(await report(window, 'key-one', { status: 200 }), { kind: 'ignored' });
		assert.equal(bucketOf(window, 'one').cooldown?.reason, 'quota');
		clock.advance(61 * MINUTE_MS);
		assert.deepEqual(await report(window, 'key-one', { status: 200 }), { kind: 'ignored' });
		assert.equal(bucketOf(window, 'one').cooldown, undefined);
	});

	it('sends nobody to another account who named this one, nor to one outside Automatic', async () => {
		const { window } = await world(['one', 'two']);
		await token(window);
		const named = await report(window, 'key-one', HOURS, { named: true });
		assert.ok(named.kind === 'wait' && named.reason === 'limit');
		assert.equal(named.untilMs, bucketOf(window, 'one').cooldown?.untilMs);
		for (const name of ['one', 'two'])
			await window.service.describeBucket('keys', bucketOf(window, name).id, { automatic: false });
		const alone = await report(window, 'key-one', HOURS);
		assert.ok(alone.kind === 'wait' && alone.reason === 'limit');
		assert.equal(alone.untilMs, bucketOf(window, 'one').cooldown?.untilMs);
	});

	it('is told to wait, and not to ask again for the same token, where the disk keeps no cooldown', async () => {
		const disk = createFaultyDisk(nodeDisk);
		const { window } = await world(['one', 'two'], { disk });
		await token(window);
		await until('the use was noted', () => bucketOf(window, 'one').lastUsedAtMs !== undefined);
		disk.set({ operation: 'writeNew', code: 'ENOSPC', when: 'before', from: 1, times: Number.POSITIVE_INFINITY });
		assert.deepEqual(await report(window, 'key-one', HOURS), { kind: 'wait', reason: 'limit' });
		assert.match(window.lines.join('\n'), /the other windows could not be told/);
	});

	it('gives up where this window is tied to a bucket that is switched off or gone, or to two', async () => {
		const { folder, keys, window } = await world(['one', 'two']);
		let reading: BindingSetting = {
			kind: 'bound',
			binding: { providerId: 'keys', bucketName: 'two', workspace: 'w', fromWorkspace: false },
		};
		const tied = open(folder, keys, KEYS, { workspace: () => 'w', bindingOf: () => reading });
		await until('the window is tied', () => providerOf(tied)?.inForce === bucketOf(window, 'two').id);
		assert.equal(await token(tied), 'key-two');
		const answer = () => report(tied, 'key-two', HOURS);
		await window.service.describeBucket('keys', bucketOf(window, 'two').id, { disabled: true });
		await until('it is switched off', () => providerOf(tied)?.automatic.kind === 'boundUnusable');
		assert.deepEqual(await answer(), { kind: 'giveUp', code: 'binding', reason: 'boundUnusable' });
		await window.service.renameBucket('keys', bucketOf(window, 'two').id, 'other');
		await until('it has another name', () => providerOf(tied)?.automatic.kind === 'boundMissing');
		assert.deepEqual(await answer(), { kind: 'giveUp', code: 'binding', reason: 'boundMissing' });
		reading = { kind: 'conflict', names: ['one', 'two'] };
		await tied.service.reload();
		assert.deepEqual(await answer(), { kind: 'giveUp', code: 'binding', reason: 'bindingConflict' });
	});
});

describe('a report about a renewed token', () => {
	async function world(overrides: Partial<ServiceOptions> = {}) {
		const folder = await folderOf();
		const server: Server = await startServer({ accessTokenLifeS: 3600 });
		cleanUps.push(() => server.close());
		const window = open(folder, createSharedKeys(), demoProvider(server.issuer), overrides);
		const { id } = await window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
		const token = async (): Promise<string> =>
			(await window.service.getToken({ providerId: 'demo', deadlineMs: 20_000, purpose: 'test' })).token.value;
		const bucket = () => {
			const found = providerOf(window)?.buckets.find((candidate) => candidate.id === id);
			assert.ok(found);
			return found;
		};
		return { server, window, id, token, bucket };
	}
	const refused = { status: 401 };

	it('that was refused renews it once, whoever says so afterwards', async () => {
		const { server, window, token, bucket } = await world();
		const before = await token();
		const { generation } = bucket();
		assert.deepEqual(await report(window, before, refused), { kind: 'retryWithNewToken' });
		await until('it is announced', () => bucket().generation === generation + 1);
		const sent = server.count('refresh');
		assert.deepEqual(await report(window, before, refused), { kind: 'retryWithNewToken' });
		assert.equal(server.count('refresh'), sent);
		assert.notEqual(await token(), before);
	});

	it('that is refused again soon is not renewed again: the account is parked', async () => {
		const { server, window, token, bucket } = await world();
		await report(window, await token(), refused);
		const renewed = await token();
		const sent = server.count('refresh');
		assert.deepEqual(await report(window, renewed, refused), { kind: 'signIn' });
		assert.equal(server.count('refresh'), sent);
		assert.equal(bucket().cooldown?.reason, 'refused');
		assert.ok(bucket().cooldown?.untilMs !== undefined);
	});

	it('is never taken for one about the token before, however soon it comes', async () => {
		const held = createDeferred<void>();
		let holding: string | undefined;
		const disk = {
			...nodeDisk,
			async readFile(path: string): Promise<Buffer> {
				if (holding !== undefined && path.includes(holding)) await held.promise;
				return nodeDisk.readFile(path);
			},
		};
		const clock = createManualClock();
		const { server, window, token, bucket } = await world({ disk, clock });
		const other = await window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'grace' }) });
		await report(window, await token(), refused);
		clock.advance(10 * MINUTE_MS);
		// Reading takes its time, so nothing is announced; the token is there all the same.
		holding = recordName({ providerId: 'demo', bucketId: other.id });
		const reading = window.service.reload();
		const renewing = { providerId: 'demo', bucketId: bucket().id, deadlineMs: 20_000, purpose: 'test' };
		const before = await token();
		const renewed = await window.service.getToken({ ...renewing, refusedDigest: digest(before) });
		assert.notEqual(renewed.token.value, before);
		const sent = server.count('refresh');
		const answer = report(window, renewed.token.value, refused);
		held.resolve();
		assert.deepEqual(await answer, { kind: 'retryWithNewToken' });
		await reading;
		assert.equal(server.count('refresh'), sent + 1);
		assert.notEqual(await token(), renewed.token.value);
	});

	it('that is refused again much later, or worked in between, is renewed again', async () => {
		const clock = createManualClock();
		const { window, token, bucket } = await world({ clock });
		for (const between of [
			async () => clock.advance(10 * MINUTE_MS),
			async () => void (await report(window, await token(), { status: 200 })),
		]) {
			const { generation } = bucket();
			assert.deepEqual(await report(window, await token(), refused), { kind: 'retryWithNewToken' });
			await between();
			assert.deepEqual(await report(window, await token(), refused), { kind: 'retryWithNewToken' });
			await until('both are announced', () => bucket().generation === generation + 2);
			assert.equal(bucket().cooldown, undefined);
			clock.advance(10 * MINUTE_MS);
		}
	});

	it('that worked in the end leaves a cooldown that is not over', async () => {
		const { window, token, bucket } = await world();
		await report(window, await token(), refused);
		const renewed = await token();
		await report(window, renewed, HOURS);
		assert.deepEqual(await report(window, renewed, { status: 200 }), { kind: 'ignored' });
		assert.equal(bucket().cooldown?.reason, 'quota');
		// The refusal is forgotten all the same: the next one is a first one.
		assert.deepEqual(await report(window, renewed, refused), { kind: 'retryWithNewToken' });
	});

	it('is told to wait while the renewal is in trouble, until when the service says', async () => {
		const { server, window, token } = await world();
		const before = await token();
		const busy = server.fault({ on: 'refresh', respond: { status: 503, retryAfter: '120' } });
		const advice = await report(window, before, refused);
		assert.ok(advice.kind === 'wait' && advice.reason === 'service' && advice.untilMs !== undefined);
		assert.ok(Math.abs(advice.untilMs - Date.now() - 2 * MINUTE_MS) < 10_000);
		busy.dispose();
	});

	it('is told to wait for the service where its own time is over first', async () => {
		const { server, window, token } = await world();
		const before = await token();
		const slow = server.fault({ on: 'refresh', hold: 'before' });
		assert.deepEqual(await report(window, before, refused, { deadlineMs: 50 }), { kind: 'wait', reason: 'service' });
		slow.dispose();
		await until('the answer arrived all the same', async () => (await token()) !== before);
	});

	it('gives up where the service does not know this client any more', async () => {
		const { server, window, token } = await world();
		const before = await token();
		const unknown = server.fault({ on: 'refresh', oauthError: 'invalid_client' });
		const advice = await report(window, before, refused);
		assert.deepEqual(advice, { kind: 'giveUp', code: 'configuration', reason: 'configuration' });
		unknown.dispose();
	});

	it('asks for a sign-in where nothing of it can be read any more', async () => {
		const { window, token, id } = await world();
		const before = await token();
		await window.service.signOut('demo', id, 'forget');
		assert.deepEqual(await report(window, before, refused), { kind: 'signIn' });
	});
});

describe('a report about a token that a command printed', () => {
	it('parks the bucket where the command prints no other, and moves on', async () => {
		const folder = await folderOf();
		const provider: Provider = {
			id: 'keys',
			label: 'Model Keys',
			kind: 'apiKey',
			commands: {
				printer: { command: process.execPath, args: ['-p', '"printed"'], cacheMs: 60_000, timeoutMs: 10_000 },
			},
		};
		const window = open(folder, createSharedKeys(), provider);
		await window.service.addReference({ providerId: 'keys', command: 'printer', name: 'printed' });
		const token = async (more = {}) =>
			(await window.service.getToken({ providerId: 'keys', deadlineMs: 10_000, purpose: 'test', ...more })).token.value;
		assert.equal(await token(), 'printed');
		assert.deepEqual(await report(window, 'printed', { status: 401 }), { kind: 'signIn' });
		assert.equal(bucketOf(window, 'printed').cooldown?.reason, 'refused');
		await assert.rejects(token(), (error) => isAuthError(error));
	});
});
