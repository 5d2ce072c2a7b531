/** Where the service ends: unknown names, a place that keeps nothing, a disk that refuses, a choice that runs out. Over real files. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import type { BindingSetting } from '../../../src/auth/buckets/binding.ts';
import { isAuthError } from '../../../src/auth/errors.ts';
import type { FailureReport } from '../../../src/auth/failover/report.ts';
import { digest } from '../../../src/auth/log.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import type { ServiceOptions } from '../../../src/auth/service/createService.ts';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { startServer } from '../../server/server.ts';
import { createFaultyDisk } from '../../support/faultyDisk.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createSharedKeys, demoProvider, openWindow, scriptedUi, type Window } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';

const HOUR_MS = 60 * 60_000;
const KEYS: Provider = { id: 'keys', label: 'Model Keys', kind: 'apiKey' };
const windows: Window[] = [];
const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
	for (const window of windows.splice(0)) window.service.dispose();
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const folderOf = () => tempFolder({ after: (work) => void cleanUps.push(work) });

function open(folder: string, keys: ReturnType<typeof createSharedKeys>, more: Partial<ServiceOptions> = {}): Window {
	const window = openWindow(folder, keys, [KEYS], more);
	windows.push(window);
	return window;
}

/** A window with a key of each name. */
async function world(names: readonly string[], more: Partial<ServiceOptions> = {}) {
	const folder = await folderOf();
	const keys = createSharedKeys();
	const window = open(folder, keys, more);
	for (const name of names) await window.service.addApiKey({ providerId: 'keys', key: `key-${name}`, name });
	return { folder, keys, window };
}

const token = async (window: Window, more: object = {}): Promise<string> =>
	(await window.service.getToken({ providerId: 'keys', deadlineMs: 5_000, purpose: 'test', ...more })).token.value;
const report = (window: Window, value: string, got: Partial<FailureReport>) =>
	window.service.report({
		providerId: 'keys',
		tokenDigest: digest(value),
		report: { status: 429, headers: {}, ...got },
		deadlineMs: 5_000,
	});
const bucketId = (window: Window, name: string): string => {
	const found = window.service.snapshot().providers[0]?.buckets.find((bucket) => bucket.name === name);
	assert.ok(found, name);
	return found.id;
};
const inForce = (window: Window) => window.service.snapshot().providers[0]?.inForce;
const SPENT = { headers: { 'retry-after': '3600' }, body: '{"error":{"code":"quota_exceeded"}}' };

describe('a question about what is not there', () => {
	it('has the answer that nobody is signed in, whatever is asked', async () => {
		const { window } = await world(['one']);
		const { service } = window;
		const none = { code: 'no_account' };
		await assert.rejects(token(window, { bucketId: 'absent' }), none);
		await assert.rejects(service.refresh('keys', 'absent'), none);
		await assert.rejects(service.renameBucket('keys', 'absent', 'x'), none);
		await assert.rejects(token(window, { providerId: 'absent' }), { code: 'unknown_provider' });
		const ui = scriptedUi({ person: 'ada' });
		await assert.rejects(service.signIn({ providerId: 'absent', ui }), { code: 'unknown_provider' });
		await assert.rejects(service.signIn({ providerId: 'keys', ui }), { code: 'configuration' });
		assert.equal(await service.claimMessage('keys', 'absent', 'x'), false);
		assert.equal(await service.claimReminder('keys', 'absent', 1, 1), false);
		assert.deepEqual(ui.steps, []);
	});

	it('waits for the first reading, in its own time', async () => {
		const { folder, keys } = await world(['one']);
		assert.equal(await token(open(folder, keys)), 'key-one');
		const stuck = { ...nodeDisk, readdir: () => new Promise<never>(() => undefined) };
		await assert.rejects(token(open(folder, keys, { disk: stuck }), { deadlineMs: 20 }), { code: 'timeout' });
	});

	it('is told that the scopes were not granted, and that a damaged record cannot be renewed', async () => {
		const server = await startServer({ accessTokenLifeS: 3600 });
		cleanUps.push(() => server.close());
		const folder = await folderOf();
		const keys = createSharedKeys();
		const window = openWindow(folder, keys, [demoProvider(server.issuer)]);
		windows.push(window);
		const { id } = await window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
		const ask = (scopes: readonly string[]) =>
			window.service.getToken({ providerId: 'demo', deadlineMs: 5_000, purpose: 'test', scopes });
		assert.equal((await ask(['openid'])).bucket.id, id);
		await assert.rejects(ask(['openid', 'everything']), { code: 'no_account' });
		for (const name of await readdir(join(folder, 'vault')))
			if (/^[0-9a-f]{64}\.1/.test(name)) await writeFile(join(folder, 'vault', name), 'damaged');
		const other = openWindow(folder, keys, [demoProvider(server.issuer)]);
		windows.push(other);
		await other.service.loaded;
		await assert.rejects(other.service.refresh('demo', id), { code: 'damaged' });
	});

	it('renews also what is kept for this session only', async () => {
		const server = await startServer({ accessTokenLifeS: 3600 });
		cleanUps.push(() => server.close());
		const deaf = {
			...createSharedKeys(),
			read: async () => ({ kind: 'absent' as const }),
			write: async () => undefined,
		};
		const window = openWindow(await folderOf(), deaf, [demoProvider(server.issuer)], {
			askAboutKey: async () => 'sessionOnly',
		});
		windows.push(window);
		const { id } = await window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
		const generation = () => window.service.snapshot().providers[0]?.buckets[0]?.generation;
		assert.equal(generation(), 1);
		await window.service.refresh('demo', id);
		await until('the snapshot tells of it', () => generation() === 2);
	});
});

describe('a place for a key', () => {
	it('is asked about by what is the matter with it, again after each answer, and nothing is stored before it is found', async () => {
		const folder = await folderOf();
		const keys = createSharedKeys();
		await open(folder, keys).service.addApiKey({ providerId: 'keys', key: 'key-one', name: 'one' });
		const asked: string[] = [];
		let answers = false;
		const mute = { ...keys, read: async () => ({ kind: 'unreadable' as const, cause: new Error('no answer') }) };
		const window = open(
			folder,
			{ ...mute, read: (keyId) => (answers ? keys.read(keyId) : mute.read()) },
			{
				async askAboutKey(trouble) {
					asked.push(trouble);
					answers = asked.length === 2;
					return 'retry';
				},
			},
		);
		await window.service.addApiKey({ providerId: 'keys', key: 'key-two', name: 'two' });
		assert.deepEqual(asked, ['unreadable', 'unreadable']);
		assert.equal(await token(window, { bucketId: bucketId(window, 'two') }), 'key-two');
	});

	it('is the folder’s trouble where that cannot be written, and a no stores nothing', async () => {
		const disk = createFaultyDisk(nodeDisk);
		disk.set({ operation: 'makeFolder', code: 'EROFS', when: 'before', from: 1, times: Number.POSITIVE_INFINITY });
		const asked: string[] = [];
		const { window } = await world([], {
			disk,
			async askAboutKey(trouble) {
				asked.push(trouble);
				return 'cancel';
			},
		});
		await assert.rejects(window.service.addApiKey({ providerId: 'keys', key: 'k', name: 'one' }), {
			code: 'cancelled',
		});
		assert.deepEqual(asked, ['storage']);
		assert.deepEqual(window.service.snapshot().providers[0]?.buckets, []);
	});

	it('that has lost its key starts over only by a yes, and keeps what it cannot open', async () => {
		const { folder, keys } = await world(['one']);
		keys.keys.clear();
		const asked: string[] = [];
		const window = open(folder, keys, {
			async askAboutKey(trouble) {
				asked.push(trouble);
				return 'startOver';
			},
		});
		await window.service.addApiKey({ providerId: 'keys', key: 'key-two', name: 'two' });
		assert.ok(asked.length === 1 && (asked[0] === 'missing' || asked[0] === 'forgotten'), asked.join());
		assert.equal(await token(window, { bucketId: bucketId(window, 'two') }), 'key-two');
		assert.equal(window.service.snapshot().providers[0]?.buckets.length, 2);
		await assert.rejects(token(window, { bucketId: bucketId(window, 'one') }), { code: 'key_missing' });
	});
});

describe('what is in force', () => {
	it('comes back by itself when a hold ends, and the end of a hold that is over ends no other', async () => {
		const clock = createManualClock();
		const { window } = await world(['one', 'two'], { clock });
		await token(window);
		await report(window, 'key-one', SPENT);
		assert.equal(await token(window), 'key-two');
		const first = window.service.hold('keys', 'work', 2 * HOUR_MS);
		window.service.hold('keys', 'more work', 3 * HOUR_MS);
		clock.advance(2 * HOUR_MS + 1);
		first.dispose();
		assert.equal(await token(window), 'key-two');
		clock.advance(HOUR_MS);
		assert.equal(await token(window), 'key-one');
	});

	it('goes back at the end of a yes that was given until then', async () => {
		const clock = createManualClock();
		const { window } = await world(['one', 'two'], { clock });
		await token(window);
		await window.service.describeBucket('keys', bucketId(window, 'one'), { owner: 'work' });
		await window.service.describeBucket('keys', bucketId(window, 'two'), { owner: 'personal' });
		await report(window, 'key-one', SPENT);
		await window.service.decideCrossing({
			providerId: 'keys',
			fromBucketId: bucketId(window, 'one'),
			toBucketId: bucketId(window, 'two'),
			allowed: true,
			scope: 'untilReset',
		});
		assert.equal(await token(window), 'key-two');
		clock.advance(HOUR_MS + 60_000);
		assert.equal(await token(window), 'key-one');
		await report(window, 'key-one', SPENT);
		await assert.rejects(token(window), { code: 'exhausted' });
	});

	it('stays where the claim of a probe cannot be written', async () => {
		const clock = createManualClock();
		const disk = createFaultyDisk(nodeDisk);
		const { window } = await world(['one', 'two'], { clock, disk });
		await token(window);
		await report(window, 'key-one', SPENT);
		assert.equal(await token(window), 'key-two');
		await until(
			'the use was noted',
			() => window.service.snapshot().providers[0]?.buckets[1]?.lastUsedAtMs !== undefined,
		);
		clock.advance(HOUR_MS + 1);
		disk.set({ operation: 'writeNew', code: 'ENOSPC', when: 'before', from: 1, times: Number.POSITIVE_INFINITY });
		assert.equal(await token(window), 'key-two');
		assert.match(window.lines.join('\n'), /could not be claimed/);
		disk.set(undefined);
		assert.equal(await token(window), 'key-one');
	});

	it('is tried by one of the windows that see it come back at the same moment', async () => {
		const clock = createManualClock();
		const { folder, keys, window } = await world(['one', 'two'], { clock });
		const other = open(folder, keys, { clock });
		await other.service.loaded;
		await token(window);
		await report(window, 'key-one', SPENT);
		await until('both have moved on', () => [window, other].every((one) => inForce(one) === bucketId(window, 'two')));
		clock.advance(HOUR_MS + 1);
		const given = await Promise.all([token(window), token(other)]);
		assert.deepEqual(given.sort(), ['key-one', 'key-two']);
	});

	it('says no time where only the person can end the wait', async () => {
		const { window } = await world(['one']);
		await token(window);
		const advice = await report(window, 'key-one', { status: 402, body: '{"error":{"code":"insufficient_credits"}}' });
		assert.deepEqual(advice, { kind: 'wait', reason: 'exhausted' });
		await assert.rejects(token(window), (error) => {
			assert.ok(isAuthError(error, 'exhausted') && !('retryAtMs' in error.detail));
			return true;
		});
	});

	it('is nothing in a window whose folders are tied to two, which are named, nor where the tie has gone', async () => {
		let setting: BindingSetting = { kind: 'conflict', names: ['one', 'two'] };
		const { window } = await world(['one', 'two'], { bindingOf: () => setting, workspace: () => 'w' });
		await assert.rejects(token(window), (error) => {
			assert.ok(isAuthError(error, 'binding'));
			assert.equal(error.detail.bucketName, 'one, two');
			return true;
		});
		setting = {
			kind: 'bound',
			binding: { providerId: 'keys', bucketName: 'three', workspace: 'w', fromWorkspace: false },
		};
		await window.service.reload();
		await assert.rejects(token(window), (error) => {
			assert.ok(isAuthError(error, 'binding'));
			assert.equal(error.detail.bucketName, 'three');
			return true;
		});
	});
});
