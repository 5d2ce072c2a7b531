/** A lock that came into its place although the disk reported a failure, as file servers do whose answer was lost. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import { createLeases, type LeaseRequest } from '../../../src/auth/lease/lease.ts';
import { type LockDisk, nodeLockDisk } from '../../../src/auth/lease/lockDisk.ts';
import { nodeProcesses } from '../../../src/auth/lease/processes.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';

const NAME = 'a lease';
const request: LeaseRequest = { patienceMs: 5_000, purpose: 'refresh' };
const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** Two windows over one folder. The disk of the first renames and then reports `code`, once. */
async function world(context: TestContext, code: string, unlink: LockDisk['unlink'] = nodeLockDisk.unlink) {
	const folder = join(await tempFolder(context), 'lease');
	const log = createRecordingLog();
	let lies = 1;
	const disk: LockDisk = {
		...nodeLockDisk,
		unlink,
		async place(from, to) {
			const placed = await nodeLockDisk.place(from, to);
			if (lies-- > 0) throw failure(code);
			return placed;
		},
	};
	const open = (own: LockDisk) =>
		createLeases({ folder, clock: systemClock, log, disk: own, processes: nodeProcesses });
	const locks = async (): Promise<string[]> => (await readdir(folder)).filter((file) => file.endsWith('.lock'));
	return { log, locks, window: open(disk), other: open(nodeLockDisk) };
}

describe('a lock of which it is in doubt whether it came into its place', () => {
	for (const ready of [false, true])
		it(`keeps nobody waiting for the end of this process${ready ? ', also one that was made ready' : ''}`, async (context) => {
			const { window, other, locks } = await world(context, 'EIO');
			if (ready) await window.expect('refresh');
			await assert.rejects(
				window.run(NAME, request, async () => undefined),
				{ code: 'storage' },
			);
			assert.equal(await other.run(NAME, { ...request, patienceMs: 1_000 }, async () => 'ran'), 'ran');
			assert.equal(await window.run(NAME, { ...request, patienceMs: 1_000 }, async () => 'ran'), 'ran');
			await until('nothing is left of it', async () => (await locks()).length === 0);
		});

	it('does not cost the caller the lease where the server says that what it renamed is not there', async (context) => {
		const { window, locks } = await world(context, 'ENOENT');
		const ran = window.run(NAME, { ...request, patienceMs: 1_000 }, async (lease) => {
			await lease.assertHeld();
			return 'ran';
		});
		assert.equal(await ran, 'ran');
		assert.deepEqual(await locks(), []);
	});

	it('is this window’s to replace as soon as it can be removed, and its log says that others wait', async (context) => {
		let refused = true;
		const { window, other, log } = await world(context, 'EIO', async (path) => {
			if (refused) throw failure('EACCES');
			await nodeLockDisk.unlink(path);
		});
		await assert.rejects(
			window.run(NAME, request, async () => undefined),
			{ code: 'storage' },
		);
		await until('it is given up', async () => log.lines.some((line) => line.includes('keeps others waiting')));
		await assert.rejects(
			other.run(NAME, { ...request, patienceMs: 50 }, async () => undefined),
			{ code: 'locked' },
		);
		refused = false;
		assert.equal(await window.run(NAME, { ...request, patienceMs: 1_000 }, async () => 'ran'), 'ran');
		assert.equal(await other.run(NAME, { ...request, patienceMs: 1_000 }, async () => 'ran'), 'ran');
	});
});
