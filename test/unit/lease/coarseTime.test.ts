/**
 * A file system that keeps times to two seconds only (FAT, some network drives): the heart of a lock beats visibly all the
 * same, or whoever cannot judge its owner would take a live one's lease. Nothing else of a lease or a record is a time.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
import { tryLock } from '../../../src/auth/lease/heldLock.ts';
import { type LockDisk, nodeLockDisk } from '../../../src/auth/lease/lockDisk.ts';
import { createLockOffer, readBeat } from '../../../src/auth/lease/lockFolder.ts';
import { createOwnerObserver, HEARTBEAT_MS, UNJUDGEABLE_OBSERVATIONS } from '../../../src/auth/lease/ownerObserver.ts';
import type { Processes } from '../../../src/auth/lease/processes.ts';
import { selfIdentity } from '../../../src/auth/lease/processIdentity.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const GRANULARITY_MS = 2_000;
const BEATS = 2 * UNJUDGEABLE_OBSERVATIONS;
const HOUR_MS = 3_600_000;

/** Real folders whose times are kept beside them, to `GRANULARITY_MS`. */
function coarseDisk(): LockDisk & { beats(): number } {
	const times = new Map<string, number>();
	let beats = 0;
	const rounded = (atMs: number): number => Math.floor(atMs / GRANULARITY_MS) * GRANULARITY_MS;
	return {
		...nodeLockDisk,
		beats: () => beats,
		async place(folder, target) {
			const placed = await nodeLockDisk.place(folder, target);
			if (placed) times.set(target, rounded(Date.now()));
			return placed;
		},
		async changed(folder) {
			await nodeLockDisk.changed(folder);
			return String(times.get(folder));
		},
		async touch(folder, at) {
			await nodeLockDisk.touch(folder, at);
			times.set(folder, rounded(at.getTime()));
			beats++;
		},
	};
}

describe('a file system that keeps times to two seconds', () => {
	/** How the clock of the holder goes while its heart beats. */
	const clocks: Readonly<Record<string, (beat: number) => number>> = {
		'goes as it should': (beat) => beat * HEARTBEAT_MS,
		'stands still': () => 0,
		'goes at half its speed': (beat) => (beat * HEARTBEAT_MS) / 2,
		'is set back four hours': (beat) => beat * HEARTBEAT_MS - (beat > BEATS / 2 ? 4 * HOUR_MS : 0),
		'is set forward and back again': (beat) => beat * HEARTBEAT_MS + (beat % 5 === 3 ? HOUR_MS : 0),
	};
	for (const [how, elapsedMs] of Object.entries(clocks))
		for (const startMs of [1_000_000_000_000, 1_000_000_001_999])
			it(`shows every beat where the clock ${how} (from ${startMs % GRANULARITY_MS} ms)`, (context) =>
				holdAndObserve(context, (beat) => startMs + elapsedMs(beat)));

	async function holdAndObserve(context: TestContext, nowAt: (beat: number) => number): Promise<void> {
		const folder = join(await tempFolder(context), 'lease');
		await mkdir(folder, { mode: 0o700 });
		let beat = 0;
		context.mock.method(Date, 'now', () => nowAt(beat));
		context.mock.timers.enable({ apis: ['setTimeout'] });
		const disk = coarseDisk();
		const lockPath = join(folder, 'one.lock');
		const offer = createLockOffer(disk, join(folder, '0'.repeat(64)), await selfIdentity(), 'test');
		const held = await tryLock({ lockPath, offer, disk, log: createRecordingLog() });
		assert.ok(held);

		// A waiter on another host: it can only count the looks that find no new beat.
		const clock = createManualClock();
		const processes: Processes = { ...strangers, self: selfIdentity };
		const observer = createOwnerObserver(processes, clock);
		const owner = {
			kind: 'owner',
			nonce: held.nonce,
			process: { ...(await selfIdentity()), machine: randomBytes(8).toString('hex') },
			purpose: 'test',
		} as const;
		const verdicts = new Set<string>();
		const seen: string[] = [];
		for (beat = 1; beat <= BEATS; beat++) {
			const before = disk.beats();
			context.mock.timers.tick(HEARTBEAT_MS);
			while (disk.beats() === before) await settled();
			clock.advance(HEARTBEAT_MS);
			seen.push(await readBeat(disk, lockPath));
			verdicts.add(await observer.look(owner, () => readBeat(disk, lockPath)));
			await settled();
		}
		assert.deepEqual([...verdicts], ['present']);
		assert.equal(new Set(seen).size, BEATS, 'two beats look the same');
		assert.equal(held.signal.aborted, false);
		await held.release();
	}
});

const strangers: Omit<Processes, 'self'> = {
	probeIsCheap: true,
	exists: () => assert.fail('a pid of another host is looked for here'),
	probe: () => assert.fail('a process of another host is looked for here'),
};
