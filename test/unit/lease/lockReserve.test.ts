import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import { createLeases, type DiskLeases, type LeaseRequest } from '../../../src/auth/lease/lease.ts';
import { type LockDisk, nodeLockDisk } from '../../../src/auth/lease/lockDisk.ts';
import { createLockReserve } from '../../../src/auth/lease/lockReserve.ts';
import { nodeProcesses } from '../../../src/auth/lease/processes.ts';
import { createGate } from '../../support/gate.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';

const NAME = 'a lease';
const refresh: LeaseRequest = { patienceMs: 5_000, purpose: 'refresh' };

/** Leases over the real disk that notes which operations were asked for. */
async function world(context: TestContext, disk: LockDisk = nodeLockDisk) {
	const folder = join(await tempFolder(context), 'lease');
	const operations: string[] = [];
	const noting = new Proxy(disk, {
		get(target, name: keyof LockDisk) {
			return (...args: unknown[]) => {
				operations.push(name);
				return Reflect.apply(target[name], target, args);
			};
		},
	});
	const open = (): DiskLeases =>
		createLeases({ folder, clock: systemClock, log: createRecordingLog(), disk: noting, processes: nodeProcesses });
	const prepared = async (): Promise<string[]> => (await readdir(folder)).filter((file) => file.endsWith('.new'));
	return { folder, operations, open, prepared };
}

describe('a lock that is ready before it is wanted', () => {
	it('is in place in one step, and another one is ready afterwards', async (context) => {
		const { operations, open, prepared } = await world(context);
		const leases = open();
		await leases.expect('refresh');
		const [first, ...more] = await prepared();
		assert.ok(first !== undefined && more.length === 0);
		operations.length = 0;
		await leases.run(NAME, refresh, async () => {
			assert.deepEqual(operations, ['place']);
			assert.deepEqual(await prepared(), []);
		});
		await until('the next one is ready', async () => (await prepared()).length === 1);
		assert.notDeepEqual(await prepared(), [first]);
	});

	it('serves whoever of a window comes first, for any lease, and no other purpose', async (context) => {
		const { open, prepared } = await world(context);
		const leases = open();
		await leases.expect('refresh');
		const before = await prepared();
		await leases.run(NAME, { ...refresh, purpose: 'sign-in' }, async () => assert.deepEqual(await prepared(), before));
		await leases.run('another lease', refresh, async () => assert.deepEqual(await prepared(), []));
	});

	it('stays ready where somebody else was faster', async (context) => {
		const { open, prepared } = await world(context);
		const [holder, waiter] = [open(), open()];
		const held = createGate();
		const done = createGate();
		const holding = holder.run(NAME, refresh, async () => {
			held.open();
			await done.passed;
		});
		await held.passed;
		await waiter.expect('refresh');
		const before = await prepared();
		assert.equal(before.length, 1);
		await assert.rejects(
			waiter.run(NAME, { ...refresh, patienceMs: 50 }, async () => undefined),
			{ code: 'locked' },
		);
		assert.deepEqual(await prepared(), before);
		done.open();
		await holding;
	});

	it('is done without where the folder was removed with all that is in it', async (context) => {
		const { folder, open, prepared } = await world(context);
		const leases = open();
		await leases.expect('refresh');
		await rm(folder, { recursive: true });
		let ran = 0;
		await leases.run(NAME, refresh, async () => void ran++);
		assert.equal(ran, 1);
		await until('the next one is ready', async () => (await prepared()).length === 1);
	});

	it('is done without where it cannot be prepared', async (context) => {
		let refused = 0;
		const disk: LockDisk = {
			...nodeLockDisk,
			async mkdir(path) {
				if (refused++ === 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
				await nodeLockDisk.mkdir(path);
			},
		};
		const { open } = await world(context, disk);
		const leases = open();
		await leases.expect('refresh');
		assert.equal(refused, 1);
		assert.equal(await leases.run(NAME, refresh, async () => 'ran'), 'ran');
	});

	it('is removed at the end, also when it is just being prepared', async (context) => {
		const { folder, open } = await world(context);
		const ready = open();
		await ready.expect('refresh');
		await ready.end();
		assert.deepEqual(await readdir(folder), []);
		const preparing = open();
		const expected = preparing.expect('refresh');
		await preparing.end();
		await expected;
		assert.deepEqual(await readdir(folder), []);
	});
});

describe('what was taken from the reserve and did not come into its place', () => {
	it('is kept if it is for what is kept ready, and removed if not', async (context) => {
		const folder = await tempFolder(context);
		const reserve = createLockReserve(folder, nodeLockDisk, nodeProcesses);
		const other = await reserve.take('sign-in');
		await other.prepare();
		assert.equal((await readdir(folder)).length, 1);
		await reserve.giveBack(other, 'sign-in');
		assert.deepEqual(await readdir(folder), []);
		await reserve.keep('refresh');
		const kept = await reserve.take('refresh');
		assert.notEqual(await reserve.take('refresh'), kept);
		await reserve.giveBack(kept, 'refresh');
		assert.equal(await reserve.take('refresh'), kept);
		await reserve.end();
		await reserve.giveBack(kept, 'refresh');
		assert.deepEqual(await readdir(folder), []);
		await reserve.keep('refresh');
		assert.deepEqual(await readdir(folder), []);
	});
});
