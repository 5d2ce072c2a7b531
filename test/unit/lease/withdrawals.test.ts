/** A lock whose work is done and whose removal fails for longer than a moment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createWithdrawals, LONGEST_WAIT_MS } from '../../../src/auth/lease/withdrawals.ts';
import { FOLDER, LOCK, leaseWorld, nothing } from '../../support/leaseWorld.ts';
import { systemError } from '../../support/memoryDisk.ts';
import { createMemoryLockDisk } from '../../support/memoryLockDisk.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { createVirtualClock } from '../../support/virtualClock.ts';

const HOUR_MS = 3_600_000;
const NONCE = 'a'.repeat(32);

function world() {
	const clock = createVirtualClock();
	const disk = createMemoryLockDisk();
	let refused = 0;
	const world = {
		...{ clock, disk, code: undefined as string | undefined },
		refused: () => refused,
		locks: () => [...disk.nodes.keys()].filter((path) => path.endsWith('.json')),
		withdrawals: createWithdrawals(disk, clock, createRecordingLog()),
	};
	disk.onOperation((operation) => {
		if (operation !== 'unlink' || world.code === undefined) return;
		refused++;
		throw systemError(world.code);
	});
	for (const folder of [FOLDER, LOCK]) disk.nodes.set(folder, undefined);
	disk.nodes.set(`${LOCK}/${NONCE}.json`, 'note');
	return world;
}

describe('a lock that cannot be removed', () => {
	for (const code of ['EROFS', 'EACCES', 'EBUSY', 'EIO'])
		it(`for three seconds is removed within the next seconds, without anybody asking for it (${code})`, async () => {
			const one = world();
			one.code = code;
			await one.clock.settle(one.withdrawals.withdraw(LOCK, NONCE));
			await one.clock.advance(3_000);
			assert.equal(one.withdrawals.has(NONCE), true);
			one.code = undefined;
			await one.clock.advance(LONGEST_WAIT_MS);
			assert.deepEqual(one.locks(), []);
			assert.equal(one.withdrawals.has(NONCE), false);
			assert.equal(one.clock.pending(), 0);
		});

	it('for an hour is tried at a bounded pace, and at once when it can be', async () => {
		const one = world();
		one.code = 'EROFS';
		await one.clock.settle(one.withdrawals.withdraw(LOCK, NONCE));
		await one.clock.advance(HOUR_MS);
		const most = HOUR_MS / LONGEST_WAIT_MS + 10;
		assert.ok(one.refused() > most - 20 && one.refused() <= most, `${one.refused()} tries`);
		one.code = undefined;
		await one.clock.advance(LONGEST_WAIT_MS);
		assert.deepEqual(one.locks(), []);
	});

	it('is tried once more when the window ends, and then no more', async () => {
		for (const code of [undefined, 'EROFS']) {
			const one = world();
			one.code = 'EROFS';
			await one.clock.settle(one.withdrawals.withdraw(LOCK, NONCE));
			one.code = code;
			await one.clock.settle(one.withdrawals.end());
			assert.equal(one.locks().length, code === undefined ? 0 : 1);
			assert.equal(one.clock.pending(), 0);
			// Whose work ends only now is tried for a moment still.
			await one.clock.settle(one.withdrawals.withdraw(LOCK, NONCE));
			assert.equal(one.clock.pending(), 0);
		}
	});

	it('is not taken for another’s that is there meanwhile', async () => {
		const one = world();
		one.code = 'EROFS';
		await one.clock.settle(one.withdrawals.withdraw(LOCK, NONCE));
		one.code = undefined;
		one.disk.nodes.delete(`${LOCK}/${NONCE}.json`);
		one.disk.nodes.set(`${LOCK}/${'b'.repeat(32)}.json`, 'note');
		await one.clock.advance(LONGEST_WAIT_MS);
		assert.deepEqual(one.locks(), [`${LOCK}/${'b'.repeat(32)}.json`]);
		assert.equal(one.clock.pending(), 0);
	});

	it('belongs to a lease that was released: who wants it next waits no longer than the disk does', async () => {
		const one = leaseWorld();
		const isLocked = (): boolean => [...one.disk.nodes.keys()].some((path) => path.startsWith(`${LOCK}/`));
		let refusing = true;
		one.disk.onOperation((operation) => {
			if (operation === 'unlink' && refusing) throw systemError('EROFS');
		});
		await one.run(nothing);
		assert.equal(isLocked(), true);
		await one.clock.advance(3_000);
		refusing = false;
		await one.clock.advance(LONGEST_WAIT_MS);
		assert.equal(isLocked(), false);
		await one.run(nothing);
	});
});
