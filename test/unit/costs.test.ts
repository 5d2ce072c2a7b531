/** What must not slip, as counts: a time says little on a busy machine, and a second look at the disk always shows. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { build } from 'esbuild';
import { bundleOptions, EXTENSION, ROOT } from '../../scripts/build.ts';
import { splitBundle } from '../../scripts/splitBundle.ts';
import { addBucket } from '../../src/auth/buckets/accounts.ts';
import { type Clock, systemClock } from '../../src/auth/clock.ts';
import type { OAuthCredential } from '../../src/auth/credential.ts';
import { nodeLockDisk } from '../../src/auth/lease/lockDisk.ts';
import { nodeProcesses } from '../../src/auth/lease/processes.ts';
import type { Provider } from '../../src/auth/provider.ts';
import { createSessionProvider } from '../../src/auth/session/sessionProvider.ts';
import { createDiskShelf } from '../../src/auth/shelf.ts';
import { type Disk, nodeDisk } from '../../src/auth/vault/disk.ts';
import type { FolderWatch } from '../../src/auth/vault/folderWatch.ts';
import { IDLE_POLL_MS } from '../../src/auth/vault/ledgerWatch.ts';
import { ASK_EVERY_MS, createWindowProbe } from '../../src/auth/windowProbe.ts';
import { startStrictTokenServer } from '../server/strictTokenServer.ts';
import { createFaultyDisk, type DiskOperation } from '../support/faultyDisk.ts';
import { createMemoryDisk, type MemoryDisk } from '../support/memoryDisk.ts';
import { createRecordingLog } from '../support/recordingLog.ts';
import { createSharedKeys, openWindow } from '../support/serviceWindow.ts';
import { tempFolder } from '../support/tempFolder.ts';
import { until } from '../support/until.ts';
import { createVirtualClock } from '../support/virtualClock.ts';

const AUTOMATIC = { id: 'Automatic', label: 'Automatic' };
const HOUR_MS = 3_600_000;
const KB = 1_000;
/** Work behind an answer pauses for a forced write at the longest. */
const QUIET_MS = 150;

/** What every window loads before VS Code says that the extension is there: two thirds of what github-authentication has. */
const EXTENSION_LIMIT_KB = 150;
/** The same right after it. */
const AFTER_ACTIVATION_LIMIT_KB = 90;
/** Copied beside every launcher, and started with every call that the shell cannot answer. */
const HELPER_LIMIT_KB = 60;
/** A record holds two tokens and an identity; sealing adds little. */
const RECORD_OVERHEAD_BYTES = 600;

type Counts = Partial<Record<DiskOperation, number>>;

/** A watch that always hears: what a busy system tells late must not decide what is counted. */
function createHearingWatch(): FolderWatch {
	const listeners: ((name: string | null) => void)[] = [];
	return {
		open(_folder, onEvent) {
			listeners.push(onEvent);
			return { dispose() {} };
		},
		identify: async () => 'same',
		async touch(file) {
			for (const tell of listeners) tell(path.basename(file));
		},
		remove: async () => undefined,
	};
}

/** The same disk with a faster listing, for many files. */
function quickly(disk: MemoryDisk): Disk {
	return {
		...disk,
		async readdir(folder) {
			const at = folder.length + 1;
			return [...disk.files.keys()]
				.filter((file) => file.startsWith(folder) && !file.includes(path.sep, at))
				.map((file) => file.slice(at));
		},
	};
}

/** A signed-in window whose disk counts and whose clock counts the timers that are armed. */
async function openCounting(
	context: TestContext,
	options: {
		readonly buckets: number;
		readonly expiresInMs: number;
		readonly disk?: Disk;
		readonly folderWatch?: FolderWatch;
		readonly onSeeded?: () => void;
		readonly onAllSeeded?: () => void;
	},
) {
	const server = await startStrictTokenServer({ accessTokenLifeS: 3_600 });
	context.after(() => server.close());
	const provider: Provider = {
		id: 'demo',
		label: 'Demo',
		kind: 'oauth2',
		endpoints: { issuer: server.issuer, tokenEndpoint: server.tokenUrl },
		client: { clientId: server.clientId, scopes: ['api'] },
	};
	const storagePath = path.join(await tempFolder(context), 'storage');
	const secrets = createSharedKeys();
	const disk = createFaultyDisk(options.disk ?? nodeDisk);
	const clock = systemClock;
	const shelf = createDiskShelf({ storagePath, disk, clock, log: createRecordingLog(), secrets, keepKeyCopy: false });
	const nowMs = clock.now();
	const credentials = Array.from({ length: options.buckets }, (_, index): OAuthCredential => {
		const { accessToken, refreshToken } = server.seed();
		return {
			kind: 'oauth',
			accessToken,
			refreshToken,
			expiresAtMs: nowMs + options.expiresInMs,
			obtainedAtMs: nowMs - 1_000,
			scopes: ['api'],
			identity: { issuer: server.issuer, subject: `person-${index}`, email: `person-${index}@example.test` },
		};
	});
	const idOf = (index: number): string => `b${index}`;
	for (const [index, credential] of credentials.entries()) {
		await shelf.vault.write({ providerId: provider.id, bucketId: idOf(index) }, 0, credential);
		options.onSeeded?.();
	}
	options.onAllSeeded?.();
	// The first reading of another process confirms the key, which writes once in the life of a vault.
	await shelf.vault.read({ providerId: provider.id, bucketId: idOf(0) });
	await shelf.state.update((state) =>
		credentials.reduce(
			(present, credential, index) => addBucket(present, provider, credential, { nowMs, bucketId: idOf(index) }).state,
			state,
		),
	);
	let timers = 0;
	const counting: Clock = {
		...clock,
		schedule(delayMs, callback) {
			timers++;
			return clock.schedule(delayMs, callback);
		},
	};
	const { service, lines } = openWindow(storagePath, secrets, [provider], {
		disk,
		clock: counting,
		...(options.folderWatch && {
			system: { lockDisk: nodeLockDisk, processes: nodeProcesses, folderWatch: options.folderWatch },
		}),
	});
	context.after(async () => service.dispose());
	await service.loaded;
	const sessions = createSessionProvider(provider.id, {
		service,
		clock: counting,
		log: createRecordingLog(),
		describe: String,
		signIn: () => Promise.reject(new Error('nobody signs in here')),
		askSignOutAutomatic: async () => 'cancel',
		isTrusted: () => true,
	});
	context.after(async () => sessions.dispose());
	return {
		server,
		service,
		sessions,
		disk,
		lines,
		storagePath,
		/** Begins to count anew. */
		reset() {
			disk.set(undefined);
			timers = 0;
		},
		counts: (): Counts => Object.fromEntries(disk.calls),
		timers: () => timers,
		/** Until the disk has been left alone for a while: what happens behind an answer is over. */
		async quiet() {
			const total = (): number => [...disk.calls.values()].reduce((sum, count) => sum + count, 0);
			let [last, sinceMs] = [total(), performance.now()];
			await until('the disk is left alone', () => {
				if (total() !== last) [last, sinceMs] = [total(), performance.now()];
				return performance.now() - sinceMs > QUIET_MS;
			});
		},
	};
}

describe('a cached call', () => {
	for (const buckets of [1, 100, 1_000]) {
		it(`touches no file, arms no timer and sends nothing with ${buckets} buckets`, async (context) => {
			// In memory, because a thousand forced writes are not what is counted here.
			const disk = createMemoryDisk();
			const records = new Map<string, Buffer>();
			const window = await openCounting(context, {
				buckets,
				expiresInMs: HOUR_MS,
				disk: quickly(disk),
				folderWatch: createHearingWatch(),
				// Aside until all are there: each write lists the folder.
				onSeeded() {
					for (const [file, bytes] of disk.files) {
						if (!/[0-9a-f]{64}\.1\.rec$/.test(file)) continue;
						records.set(file, bytes);
						disk.files.delete(file);
					}
				},
				onAllSeeded() {
					for (const [file, bytes] of records) disk.files.set(file, bytes);
				},
			});
			// The first use is noted for early renewal, once an hour.
			await window.sessions.getSessions(['api']);
			await window.quiet();
			window.reset();
			for (let call = 0; call < 20; call++) {
				assert.equal((await window.sessions.getSessions(['api'], AUTOMATIC)).length, 1);
				assert.equal((await window.sessions.getSessions(['api'])).length, buckets + 1);
				assert.equal((await window.sessions.getSessions(undefined)).length, buckets + 1);
				await window.service.getToken({ providerId: 'demo', deadlineMs: 1_000, purpose: 'test' });
			}
			assert.deepEqual(window.counts(), {});
			assert.equal(window.timers(), 0);
			assert.equal(window.server.requests.length, 0);
		});
	}
});

describe('the sessions of the named accounts', () => {
	it('are made once, and anew when a token changes', async (context) => {
		const window = await openCounting(context, { buckets: 3, expiresInMs: HOUR_MS });
		const ask = () => window.sessions.getSessions(['api']);
		await ask();
		await window.quiet();
		const [first, again] = [await ask(), await ask()];
		assert.equal(first.length, 4);
		for (const at of [1, 2, 3]) assert.equal(again[at], first[at]);
		await window.service.refresh('demo', 'b1');
		await until('the new token is in the answer', async () => {
			const later = await ask();
			return later[2]?.accessToken !== first[2]?.accessToken && later[3]?.accessToken === first[3]?.accessToken;
		});
	});
});

describe('a refresh', () => {
	it('sends one request, however many ask', async (context) => {
		const window = await openCounting(context, { buckets: 1, expiresInMs: -1_000 });
		const asking = Array.from({ length: 50 }, () => window.sessions.getSessions(['api'], AUTOMATIC));
		assert.equal(new Set((await Promise.all(asking)).map(([session]) => session?.accessToken)).size, 1);
		assert.equal(window.server.requests.length, 1);
	});

	it('forces one file and one folder to the disk before the token is handed out', async (context) => {
		const forced: string[] = [];
		const counting: Disk = {
			...nodeDisk,
			writeNew(file, bytes) {
				forced.push('file');
				return nodeDisk.writeNew(file, bytes);
			},
			writeInto(file, bytes) {
				forced.push('file');
				return nodeDisk.writeInto(file, bytes);
			},
			syncFolder(folder) {
				forced.push('folder');
				return nodeDisk.syncFolder(folder);
			},
		};
		const window = await openCounting(context, { buckets: 1, expiresInMs: -1_000, disk: counting });
		await window.quiet();
		forced.length = 0;
		await window.service.getToken({ providerId: 'demo', deadlineMs: 10_000, purpose: 'test' });
		assert.deepEqual(forced, ['file', 'folder']);
		await window.quiet();
		// The note of when it was renewed and used.
		assert.ok(forced.length <= 6, forced.join(' '));
	});

	it('reads, lists and writes no more than it does now, with what comes after the answer', async (context) => {
		const window = await openCounting(context, { buckets: 1, expiresInMs: -1_000 });
		await window.quiet();
		window.reset();
		await window.service.getToken({ providerId: 'demo', deadlineMs: 10_000, purpose: 'test' });
		await window.quiet();
		const counts = window.counts();
		console.log(`  one refresh and all that comes after it: ${JSON.stringify(counts)}`);
		const most: Counts = {
			readdir: 7,
			readFile: 7,
			overwrite: 2,
			writeInto: 1,
			writeNew: 2,
			link: 3,
			unlink: 6,
			syncFolder: 3,
		};
		for (const [operation, count] of Object.entries(counts))
			assert.ok(count <= (most[operation as DiskOperation] ?? 0), `${operation}: ${JSON.stringify(counts)}`);
	});
});

describe('an idle window', () => {
	it('looks at the vault once a minute while the watch works, with one timer', async (context) => {
		const clock = createVirtualClock();
		// Everything in memory: a virtual minute is over before a real file has answered.
		const folderWatch = createHearingWatch();
		const disk = createFaultyDisk(createMemoryDisk());
		const secrets = createSharedKeys();
		const storagePath = path.join(await tempFolder(context), 'storage');
		let asked = 0;
		let armed = 0;
		const counting: Clock = {
			...clock,
			schedule(delayMs, callback) {
				armed++;
				return clock.schedule(delayMs, callback);
			},
		};
		const log = createRecordingLog();
		const ask = async (): Promise<void> => void asked++;
		const { service } = openWindow(storagePath, secrets, [], {
			disk,
			clock: counting,
			system: { lockDisk: nodeLockDisk, processes: nodeProcesses, folderWatch },
			probe: createWindowProbe(ask, counting, log),
		});
		context.after(async () => service.dispose());
		await service.loaded;
		await until('the watch has proved itself', () => clock.pending() === 1);
		disk.set(undefined);
		armed = 0;
		asked = 0;
		const minutes = 30;
		await clock.advance(minutes * 60_000);
		assert.equal(IDLE_POLL_MS, 60_000);
		assert.deepEqual(Object.fromEntries(disk.calls), { readdir: minutes });
		assert.ok(asked <= (minutes * 60_000) / Math.max(ASK_EVERY_MS, IDLE_POLL_MS), `${asked} questions to the window`);
		// The next look, and the silence of the window that each look waits for.
		assert.ok(armed <= 2 * minutes, `${armed} timers in ${minutes} minutes`);
		assert.equal(clock.pending(), 1);
	});
});

describe('what is shipped', () => {
	it('is small: every window loads it', async () => {
		const [extension, afterActivation] = await splitBundle(bundleOptions('package'), EXTENSION);
		const { outputFiles } = await build({
			...bundleOptions('package'),
			entryPoints: [path.join(ROOT, 'src/auth/terminal/helper.ts')],
			write: false,
		});
		const sizes = [extension, afterActivation, outputFiles?.[0]].map((file) => file?.contents.length ?? 0);
		const limits = [EXTENSION_LIMIT_KB, AFTER_ACTIVATION_LIMIT_KB, HELPER_LIMIT_KB];
		for (const [index, size] of sizes.entries())
			assert.ok(size > 0 && size < (limits[index] ?? 0) * KB, `extension, after activation, helper: ${sizes} bytes`);
		// Each of the two takes Node longer to load than the window takes to answer.
		const loaded: readonly string[] = outputFiles?.[0]?.text.match(/\brequire\("[^"]+"\)/g) ?? [];
		assert.ok(loaded.includes('require("node:net")'), loaded.join());
		for (const slow of ['node:fs/promises', 'node:child_process'])
			assert.ok(!loaded.includes(`require("${slow}")`), slow);
	});

	it('stores little more than the tokens', async (context) => {
		const disk = createMemoryDisk();
		await openCounting(context, { buckets: 1, expiresInMs: HOUR_MS, disk });
		const record = [...disk.files].find(([file]) => /[0-9a-f]{64}\.\d+\.rec$/.test(file));
		assert.ok(record !== undefined);
		assert.ok(record[1].length < 2 * 60 + RECORD_OVERHEAD_BYTES * 2, `a record has ${record[1].length} bytes`);
	});
});
