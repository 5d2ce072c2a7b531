/** What a lease leaves on the disk before, while and after it is held: on a disk in memory that refuses when the test says so. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeOwner } from '../../../src/auth/lease/lease.ts';
import { FOLDER, LOCK, NAME, nothing, other, request, leaseWorld as world } from '../../support/leaseWorld.ts';
import { systemError } from '../../support/memoryDisk.ts';

describe('the folder of the leases', () => {
	it('is made once, also after a lease that was not had', async () => {
		const { leases, clock, lock, run, kill, count } = world();
		await Promise.all([leases.prepare(), leases.prepare()]);
		await lock();
		await assert.rejects(run(nothing), { code: 'locked' });
		kill(2);
		await run(nothing);
		await clock.settle(leases.expect('refresh'));
		assert.equal(count('ensurePrivateFolder'), 1);
	});

	it('is made again after it could not be, and whoever prepares for later fails with nothing', async () => {
		const { disk, leases, run, count } = world();
		disk.onOperation((operation) => {
			if (operation === 'ensurePrivateFolder' && count('ensurePrivateFolder') <= 3) throw systemError('EROFS');
		});
		await assert.rejects(leases.prepare(), { code: 'EROFS' });
		await leases.expect('refresh');
		assert.deepEqual([...disk.nodes.keys()], []);
		await assert.rejects(run(nothing), { code: 'storage' });
		assert.equal(count('ensurePrivateFolder'), 3);
		assert.equal(await run(async () => 'mine'), 'mine');
	});

	it('is looked for again where it is gone, and once only', async () => {
		for (const [code, tries] of [
			['ENOENT', 2],
			['EACCES', 1],
		] as const) {
			const { disk, run, count } = world();
			disk.onOperation((operation) => {
				if (operation === 'mkdir') throw systemError(code);
			});
			await assert.rejects(run(nothing), (error: { code?: string; cause?: unknown }) => {
				assert.equal(error.code, 'storage');
				assert.equal((error.cause as { code?: string }).code, code);
				return true;
			});
			assert.deepEqual([count('mkdir'), count('ensurePrivateFolder')], [tries, tries]);
			// Nothing is known of it any more.
			disk.onOperation(() => undefined);
			assert.equal(await run(async () => 'mine'), 'mine');
			assert.equal(count('ensurePrivateFolder'), 2);
		}
	});

	it('keeps nothing of a lock that could not be prepared', async () => {
		const { clock, disk, run } = world();
		disk.onOperation((operation) => {
			if (operation === 'writeNew') throw systemError('ENOSPC');
		});
		await assert.rejects(run(nothing), { code: 'storage' });
		await clock.advance(0);
		assert.deepEqual([...disk.nodes.keys()], [FOLDER]);
	});

	it('is tidied once, after the first lease, and if that fails the work is done all the same', async () => {
		const { disk, log, kill, run, leases } = world();
		await leases.prepare();
		kill(2);
		const left = (nonce: string): string => `${FOLDER}/${'0'.repeat(64)}.${nonce.repeat(32)}.new`;
		for (const nonce of ['a', 'b']) {
			disk.nodes.set(left(nonce), undefined);
			disk.nodes.set(
				`${left(nonce)}/${nonce.repeat(32)}.json`,
				JSON.stringify({ version: 1, process: other, purpose: 'refresh' }),
			);
			await run(async () => assert.ok(disk.nodes.has(left(nonce))));
			assert.equal(disk.nodes.has(left(nonce)), nonce === 'b', nonce);
		}
		assert.deepEqual(log.lines, []);
		const failing = world();
		failing.disk.onOperation((operation, path) => {
			if (operation === 'readdir' && path === FOLDER) throw systemError('EIO');
		});
		assert.equal(await failing.run(async () => 'done'), 'done');
		assert.deepEqual(failing.log.lines, ['debug lease: not tidied up (Error EIO)']);
	});
});

describe('the release of a lease', () => {
	it('is tried again for a moment if the disk refuses it, and then never keeps this process from it', async () => {
		const { clock, disk, log, leases, run } = world();
		const tries: number[] = [];
		disk.onOperation((operation) => {
			if (operation !== 'unlink') return;
			tries.push(clock.monotonic());
			throw systemError('EBUSY');
		});
		assert.equal(await run(async () => 'done'), 'done');
		assert.deepEqual(tries, [0, 0, 20, 120, 620]);
		assert.deepEqual(log.lines, [
			'warn lease: release failed (Error EBUSY)',
			'warn lease: a lock cannot be removed, and keeps others waiting until it can (Error EBUSY)',
		]);
		assert.equal(describeOwner(await leases.owner(NAME)), 'pid 1 (refresh)');
		disk.onOperation(() => undefined);
		assert.equal(await run(async () => 'again', { patienceMs: 0 }), 'again');
		assert.equal(describeOwner(await leases.owner(NAME)), 'nobody');
	});

	it('is over with the first try that the disk does not refuse', async () => {
		const { disk, log, run, count, passedMs } = world();
		disk.onOperation((operation) => {
			if (operation === 'unlink' && count('unlink') <= 2) throw systemError('EBUSY');
		});
		await run(nothing);
		assert.deepEqual([count('unlink'), passedMs()], [3, 20]);
		assert.deepEqual(log.lines, ['warn lease: release failed (Error EBUSY)']);
		assert.deepEqual([...disk.nodes.keys()], [FOLDER]);
	});
});

describe('the holder of a lease', () => {
	it('holds it until another nonce owns the lock, and is told', async () => {
		const { disk, leases, clock } = world();
		await clock.settle(
			leases.run(NAME, request, async (lease) => {
				await lease.assertHeld();
				const [own] = [...disk.nodes.keys()].filter((path) => path.startsWith(`${LOCK}/`));
				assert.ok(own);
				const note = disk.nodes.get(own);
				disk.nodes.delete(own);
				disk.nodes.set(`${LOCK}/${'f'.repeat(32)}.json`, note);
				await assert.rejects(lease.assertHeld(), { code: 'conflict' });
			}),
		);
		// What is there now is another's.
		assert.ok(disk.nodes.has(`${LOCK}/${'f'.repeat(32)}.json`));
	});

	it('is named by its process and what it holds the lease for', () => {
		assert.equal(describeOwner({ kind: 'none' }), 'nobody');
		assert.equal(describeOwner({ kind: 'owner', nonce: 'n', process: other, purpose: 'sign-in' }), 'pid 2 (sign-in)');
		assert.equal(
			describeOwner({ kind: 'owner', nonce: 'n', process: undefined, purpose: 'unreadable' }),
			'an unknown process (unreadable)',
		);
	});
});
