/** One sign-in over all windows: who asks while one runs shares its end, over real files. */
import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { abortable, type Clock, delay, systemClock } from '../../../src/auth/clock.ts';
import { AuthError } from '../../../src/auth/errors.ts';
import { createLeases } from '../../../src/auth/lease/lease.ts';
import { nodeLockDisk } from '../../../src/auth/lease/lockDisk.ts';
import { nodeProcesses } from '../../../src/auth/lease/processes.ts';
import { type SignInOnceRequest, signInOnce } from '../../../src/auth/signIn/signInOnce.ts';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { createLedger } from '../../../src/auth/vault/ledger.ts';
import { createDeferred } from '../../support/deferred.ts';
import { systemError } from '../../support/memoryDisk.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';

const never = new AbortController().signal;

/** Two windows over one folder, and the first of them in its sign-in. */
async function openTwo(folder: string, disk = nodeDisk) {
	const vault = path.join(folder, 'vault');
	const ledger = createLedger(vault, disk);
	await mkdir(vault);
	const window = () => {
		const leases = createLeases({
			folder: path.join(folder, 'locks'),
			clock: systemClock,
			log: createRecordingLog(),
			disk: nodeLockDisk,
			processes: nodeProcesses,
		});
		return (request: Partial<SignInOnceRequest> & Pick<SignInOnceRequest, 'flow'>) =>
			signInOnce(leases, ledger, {
				...{ providerId: 'acme', signal: never, clock: systemClock, onWait: () => undefined, isSeen: async () => true },
				...request,
			});
	};
	const [first, second] = [window(), window()];
	const begun = createDeferred<void>();
	const end = createDeferred<() => string>();
	const running = first({
		async flow() {
			begun.resolve();
			return (await end.promise)();
		},
	});
	running.catch(() => undefined);
	await begun.promise;
	/** The second window asks, and is known to wait. */
	const ask = async (flow: () => Promise<string>): Promise<Promise<string>[]> => {
		const waits = createDeferred<void>();
		const asked = second({ flow, onWait: () => waits.resolve() });
		asked.catch(() => undefined);
		await waits.promise;
		return [asked];
	};
	return { vault, first, running, end: (outcome: () => string) => end.resolve(outcome), ask };
}

const own = async (): Promise<string> => 'own';
const failing = (error: Error) => (): never => {
	throw error;
};

describe('a sign-in that another window asks for as well', () => {
	it('is one: who waited has the bucket, and who asks later gets a sign-in of its own', async (t) => {
		const { first, running, end, ask } = await openTwo(await tempFolder(t));
		const [asked] = await ask(() => assert.fail('a second sign-in'));
		end(() => 'bucket');
		assert.deepEqual([await running, await asked], ['bucket', 'bucket']);
		assert.equal(await first({ flow: own }), 'own');
	});

	it('ends for both with what ended it, if trying at once is no help', async (t) => {
		const { running, end, ask } = await openTwo(await tempFolder(t));
		const [asked] = await ask(() => assert.fail('a second sign-in'));
		end(failing(new AuthError('denied', 'no')));
		await assert.rejects(running, { code: 'denied' });
		await assert.rejects(asked ?? own(), { code: 'denied' });
	});

	it('ends for both as `protocol` if it broke in a way nobody foresaw', async (t) => {
		const { running, end, ask } = await openTwo(await tempFolder(t));
		const [asked] = await ask(() => assert.fail('a second sign-in'));
		end(failing(new TypeError('canary')));
		await assert.rejects(running, TypeError);
		await assert.rejects(
			asked ?? own(),
			(error: AuthError) => error.code === 'protocol' && !error.message.includes('canary'),
		);
	});

	it('is tried by who waited if it ended for a reason of the other window', async (t) => {
		const { running, end, ask } = await openTwo(await tempFolder(t));
		const [asked] = await ask(own);
		end(failing(new AuthError('untrusted', 'not here')));
		await assert.rejects(running, { code: 'untrusted' });
		assert.equal(await asked, 'own');
	});

	it('is tried by who waited if nobody can tell how it ended', async (t) => {
		for (const damage of ['{ half', '{ "kind": "other" }']) {
			const { vault, running, end, ask } = await openTwo(await tempFolder(t), {
				...nodeDisk,
				// What is written of the outcome is something else when it is on the disk.
				writeNew: (file, bytes) =>
					nodeDisk.writeNew(file, Buffer.from(bytes).includes('signedIn') ? Buffer.from(damage) : bytes),
			});
			const [asked] = await ask(own);
			end(() => 'bucket');
			assert.equal(await running, 'bucket');
			assert.equal(await asked, 'own');
			assert.ok((await readdir(vault)).length > 0);
		}
	});

	it('fails with its own reason where nobody can be told either', async (t) => {
		let full = false;
		const { running, end, ask } = await openTwo(await tempFolder(t), {
			...nodeDisk,
			writeNew: (file, bytes) => (full ? Promise.reject(systemError('ENOSPC')) : nodeDisk.writeNew(file, bytes)),
		});
		const [asked] = await ask(async () => {
			full = false;
			return 'own';
		});
		full = true;
		end(failing(new AuthError('denied', 'no')));
		await assert.rejects(running, { code: 'denied' });
		await until('the second sign-in has run', () => !full);
		assert.equal(await asked, 'own');
	});
});

describe('a sign-in that somebody else waits for', () => {
	/** Twenty times as fast: who looks once a second is not waited for. */
	const fast: Clock = {
		...systemClock,
		schedule: (delayMs, callback) => systemClock.schedule(delayMs / 20, callback),
	};

	async function windows(folder: string) {
		const vault = path.join(folder, 'vault');
		await mkdir(vault);
		const ledger = createLedger(vault, nodeDisk);
		/** @returns what the window does: waits for the flow of another, or runs its own until `end`. */
		return (isSeen = true) => {
			const leases = createLeases({
				...{ folder: path.join(folder, 'locks'), clock: systemClock, log: createRecordingLog() },
				...{ disk: nodeLockDisk, processes: nodeProcesses },
			});
			const [waits, begun, end] = [createDeferred<() => void>(), createDeferred<void>(), createDeferred<string>()];
			const outcome = signInOnce(leases, ledger, {
				...{ providerId: 'acme', signal: never, clock: fast, isSeen: async () => isSeen, onWait: waits.resolve },
				flow: (signal) => {
					begun.resolve();
					return abortable(end.promise, signal);
				},
			});
			outcome.catch(() => undefined);
			return { outcome, takeOver: waits.promise, begun: begun.promise, end: end.resolve };
		};
	}

	it('gives way within seconds where nobody sees its window, and the other one runs its own', async (t) => {
		const open = await windows(await tempFolder(t));
		const orphan = open(false);
		await orphan.begun;
		const other = open();
		await assert.rejects(orphan.outcome, { code: 'cancelled' });
		await other.begun;
		other.end('mine');
		assert.equal(await other.outcome, 'mine');
	});

	it('goes on in a window that is seen, and in one that nobody sees while nobody waits', async (t) => {
		const open = await windows(await tempFolder(t));
		for (const isSeen of [true, false]) {
			const first = open(isSeen);
			await first.begun;
			const other = isSeen ? open() : undefined;
			await other?.takeOver;
			// Three looks.
			await delay(fast, 3_000);
			first.end('first');
			assert.equal(await first.outcome, 'first');
			if (other) assert.equal(await other.outcome, 'first');
		}
	});

	it('goes on where the person wants it, and all others have that account', async (t) => {
		const open = await windows(await tempFolder(t));
		const first = open();
		await first.begun;
		const [second, third] = [open(), open()];
		await second.takeOver;
		(await third.takeOver)();
		await assert.rejects(first.outcome, { code: 'cancelled' });
		await third.begun;
		third.end('third');
		assert.deepEqual(await Promise.all([second.outcome, third.outcome]), ['third', 'third']);
	});

	it('gives way again to who waited already for the flow before', async (t) => {
		const open = await windows(await tempFolder(t));
		const first = open();
		await first.begun;
		const [second, third] = [open(false), open()];
		await third.takeOver;
		(await second.takeOver)();
		await assert.rejects(first.outcome, { code: 'cancelled' });
		await second.begun;
		await assert.rejects(second.outcome, { code: 'cancelled' });
		await third.begun;
		third.end('third');
		assert.equal(await third.outcome, 'third');
	});
});
