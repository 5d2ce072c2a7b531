/** What changes while something is under way: settings, other windows, the time, the person's mind. Over real files. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { type LockDisk, nodeLockDisk } from '../../../src/auth/lease/lockDisk.ts';
import { nodeProcesses } from '../../../src/auth/lease/processes.ts';
import { digest } from '../../../src/auth/log.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import type { ServiceOptions } from '../../../src/auth/service/createService.ts';
import { nodeFolderWatch } from '../../../src/auth/vault/folderWatch.ts';
import { CLIENT_ID } from '../../server/client.ts';
import { type Server, startServer } from '../../server/server.ts';
import { createGate } from '../../support/gate.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createSharedKeys, demoProvider, openWindow, scriptedUi, type Window } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';

const KEYS: Provider = { id: 'keys', label: 'Model Keys', kind: 'apiKey' };
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Windows over one folder. */
async function world(providers: readonly Provider[] = [KEYS]) {
	const folder = await tempFolder({ after: (work) => void cleanUps.push(work) });
	const keys = createSharedKeys();
	function open(more: Partial<ServiceOptions> = {}, own = providers): Window {
		const window = openWindow(folder, keys, own, more);
		cleanUps.push(async () => window.service.dispose());
		return window;
	}
	return { folder, keys, open };
}

async function demo(accessTokenLifeS = 3_600): Promise<{ server: Server } & Awaited<ReturnType<typeof world>>> {
	const server = await startServer({ accessTokenLifeS });
	cleanUps.push(() => server.close());
	return { server, ...(await world([demoProvider(server.issuer)])) };
}

const key = (window: Window, name: string) =>
	window.service.addApiKey({ providerId: 'keys', key: `key-${name}`, name });
const token = async (window: Window, more: object = {}) =>
	(await window.service.getToken({ providerId: 'keys', deadlineMs: 20_000, purpose: 'test', ...more })).token;
const bucketsOf = (window: Window) => window.service.snapshot().providers[0]?.buckets ?? [];

describe('a session that began with a bucket', () => {
	it('goes on with it though another one is first now, until a thousand others have asked', async () => {
		const { open } = await world();
		const window = open();
		await key(window, 'one');
		const { id } = await key(window, 'two');
		const value = async (sessionKey: string) => (await token(window, { sessionKey })).value;
		assert.equal(await value('mine'), 'key-one');
		await window.service.moveBucket('keys', id, 0);
		assert.equal(await value('another'), 'key-two');
		assert.equal(await value('mine'), 'key-one');
		for (let other = 0; other < 1_000; other++) await value(`other ${other}`);
		assert.equal(await value('mine'), 'key-two');
	});

	it('comes back to what was exhausted after a sleep in which no timer ran', async () => {
		const clock = createManualClock();
		const { open } = await world();
		const window = open({ clock });
		for (const name of ['one', 'two']) await key(window, name);
		assert.equal((await token(window)).value, 'key-one');
		await window.service.report({
			providerId: 'keys',
			tokenDigest: digest('key-one'),
			report: { status: 429, headers: { 'retry-after': '3600' }, body: '{"error":{"code":"quota_exceeded"}}' },
			deadlineMs: 5_000,
		});
		assert.equal((await token(window)).value, 'key-two');
		clock.jump(3_700_000);
		assert.equal((await token(window)).value, 'key-one');
	});
});

describe('an account', () => {
	it('whose service leaves the settings while its token is renewed gives none', async () => {
		const { server, folder, keys } = await demo();
		let providers = [demoProvider(server.issuer)];
		const window = openWindow(folder, keys, [], { providers: () => providers });
		cleanUps.push(async () => window.service.dispose());
		await window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
		const before = await token(window, { providerId: 'demo' });
		const held = server.fault({ on: 'refresh', hold: 'after', times: 1 });
		const renewing = token(window, { providerId: 'demo', refusedDigest: digest(before.value) });
		const refused = assert.rejects(renewing, { code: 'no_account' });
		await until('the service has the request', () => server.refreshRequests() === 1);
		providers = [];
		await window.service.reload();
		held.dispose();
		await refused;
		const advice = await window.service.report({
			providerId: 'demo',
			tokenDigest: digest(before.value),
			report: { status: 401, headers: {} },
			deadlineMs: 5_000,
		});
		assert.deepEqual(advice, { kind: 'signIn' });
		assert.equal(server.refreshRequests(), 1);
	});

	it('that is kept for this session only is renewed when its token is refused, and never written to the disk', async () => {
		const { server, folder, open } = await demo();
		const window = open({
			secrets: { ...createSharedKeys(), write: async () => undefined },
			askAboutKey: async () => 'sessionOnly',
		});
		await window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
		const before = await token(window, { providerId: 'demo' });
		const after = await token(window, { providerId: 'demo', refusedDigest: digest(before.value) });
		assert.notEqual(after.value, before.value);
		assert.equal(server.refreshes(), 1);
		const records = (await readdir(join(folder, 'vault'))).filter((name) => /^[0-9a-f]{64}\.|^state\./.test(name));
		assert.deepEqual(records, []);
	});

	it('opens again where the secrets were wiped, if a copy of the key was to be kept beside the vault', async () => {
		for (const keepKeyCopy of [true, false]) {
			const { keys, open } = await world();
			await key(open({ keepKeyCopy }), 'one');
			keys.keys.clear();
			const later = token(open({ keepKeyCopy }));
			if (keepKeyCopy) assert.equal((await later).value, 'key-one');
			else await assert.rejects(later, { code: 'key_missing' });
		}
	});

	it('that a newer version wrote is not signed in again, and nobody is asked to', async () => {
		const { folder, open } = await demo();
		const first = open();
		const { id } = await first.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
		first.service.dispose();
		for (const name of await readdir(join(folder, 'vault'))) {
			if (!/^[0-9a-f]{64}\.\d+\.rec$/.test(name)) continue;
			const record = JSON.parse(await readFile(join(folder, 'vault', name), 'utf8'));
			await writeFile(join(folder, 'vault', name), JSON.stringify({ ...record, schema: 99 }));
		}
		const window = open();
		await window.service.loaded;
		const ui = scriptedUi({ person: 'ada' });
		await assert.rejects(window.service.signIn({ providerId: 'demo', bucketId: id, ui }), { code: 'newer_schema' });
		assert.deepEqual(ui.opened, []);
		assert.equal(bucketsOf(window)[0]?.state.kind, 'newerSchema');
	});

	it('is renewed before it ends though nobody asks, if somebody asked not long ago', async () => {
		const { server, open } = await demo(4);
		const window = open({ earlyRefreshIdleMs: () => 60_000 });
		await window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
		const before = await token(window, { providerId: 'demo' });
		server.setAccessTokenLife(3_600);
		await until('it was renewed', () => server.refreshes() === 1);
		await until('it is there', () => (bucketsOf(window)[0]?.generation ?? 0) > 1);
		assert.ok(Date.now() < (before.expiresAtMs ?? 0), 'renewed after its end');
	});
});

describe('a sign-in', () => {
	it('that is cancelled while the place of the key does not answer ends at once, and asks nothing more', async () => {
		const { server } = await demo();
		const { folder, keys } = await world();
		const asked = createGate();
		const hanging = {
			...keys,
			read() {
				asked.open();
				return new Promise<never>(() => undefined);
			},
		};
		const window = openWindow(folder, hanging, [demoProvider(server.issuer)], {
			askAboutKey: () => assert.fail('asked about the key'),
		});
		cleanUps.push(async () => window.service.dispose());
		const giving = new AbortController();
		const ui = scriptedUi({ person: 'ada' });
		const signIn = window.service.signIn({ providerId: 'demo', ui, signal: giving.signal });
		await asked.passed;
		giving.abort();
		await assert.rejects(signIn, { code: 'cancelled' });
		assert.deepEqual(ui.opened, []);
		assert.equal(window.service.snapshot().providers[0]?.signingIn, false);
	});

	it('takes the name that the person gave its account', async () => {
		const { open } = await demo();
		const window = open();
		const ui = scriptedUi({ person: 'ada' });
		assert.equal((await window.service.signIn({ providerId: 'demo', bucketName: 'Work', ui })).name, 'Work');
	});
});

describe('a sign-out', () => {
	it('of what is not there is done', async () => {
		const { open } = await world();
		const window = open();
		await window.service.signOut('keys', 'absent');
		await window.service.signOut('keys', 'absent', 'revoke');
	});

	it('at a service that offers no revocation says so and keeps the account, until the person insists', async () => {
		const { server, open } = await demo();
		const first = open();
		const { id } = await first.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
		const client = { clientId: CLIENT_ID, scopes: [] };
		const endpoints = { issuer: server.issuer, tokenEndpoint: `${server.issuer}/token` };
		const window = open({}, [{ id: 'demo', label: 'Demo', kind: 'oauth2', endpoints, client }]);
		await window.service.loaded;
		await assert.rejects(window.service.signOut('demo', id, 'revoke'), { code: 'configuration' });
		assert.equal(bucketsOf(window)[0]?.state.kind, 'ready');
		assert.equal(server.count('revocation'), 0);
		await window.service.signOut('demo', id);
		assert.deepEqual(bucketsOf(window), []);
	});
});

describe('the diagnostics', () => {
	it('say what there is: no key before the first sign-in, then which, and who holds what', async () => {
		const { open } = await world();
		const reading = createGate();
		const lockDisk: LockDisk = {
			...nodeLockDisk,
			async ensurePrivateFolder(folder) {
				await reading.passed;
				await nodeLockDisk.ensurePrivateFolder(folder);
			},
		};
		const window = open({ system: { lockDisk, processes: nodeProcesses, folderWatch: nodeFolderWatch } });
		const before = await window.service.diagnose();
		assert.deepEqual([before.vault, before.key, before.buckets], ['loading', 'none', []]);
		reading.open();
		await window.service.loaded;
		assert.equal((await window.service.diagnose()).vault, 'readable');
		await key(window, 'one');
		const { key: after, buckets } = await window.service.diagnose();
		assert.match(after, /^ready \([0-9a-f]{8}\)$/);
		assert.equal(buckets.length, 1);
		assert.deepEqual([buckets[0]?.generationHere, buckets[0]?.generationInVault], [1, '1']);
		assert.equal(buckets[0]?.leaseHolder, 'nobody');
	});
});
