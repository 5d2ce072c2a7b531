/** How a lease is waited for and taken over, step by step: on a disk in memory and a clock that the test moves. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { POLL_MS } from '../../../src/auth/lease/lease.ts';
import { HEARTBEAT_MS, UNJUDGEABLE_OBSERVATIONS } from '../../../src/auth/lease/ownerObserver.ts';
import { FOLDER, LOCK, NAME, nothing, other, request, leaseWorld as world } from '../../support/leaseWorld.ts';

/** Each wait is this share of what waits differ by, from half as long as usual. */
function spread(context: TestContext, share: number): void {
	context.mock.method(Math, 'random', () => share);
}

describe('a waiter for a lease', () => {
	it('looks now and then until its patience ends, says once whom it waits for, and prepares nothing of its own', async (context) => {
		for (const [share, everyMs] of [
			[0, POLL_MS * 0.5],
			[0.5, POLL_MS],
			[1, POLL_MS * 1.5],
		] as const) {
			spread(context, share);
			const { disk, log, lock, run, passedMs, clock } = world();
			await lock();
			const told: string[] = [];
			const looks: number[] = [];
			disk.operations.length = 0;
			disk.onOperation((operation) => void (operation === 'readdir' && looks.push(clock.monotonic())));
			await assert.rejects(
				run(nothing, { onWait: (owner) => void told.push(owner) }),
				(error: { code?: string; detail?: unknown }) => {
					assert.equal(error.code, 'locked');
					assert.deepEqual(error.detail, { holder: 'pid 2 (refresh)' });
					return true;
				},
			);
			assert.equal(passedMs(), request.patienceMs);
			assert.deepEqual(told, ['pid 2 (refresh)']);
			assert.deepEqual(log.lines, ['debug lease: waiting for pid 2 (refresh)']);
			const expected = [...Array(Math.ceil(request.patienceMs / everyMs)).keys()].map((look) => look * everyMs);
			assert.deepEqual(looks, [...expected, request.patienceMs]);
			// A note is read once, and a process that only waits leaves no trace.
			assert.deepEqual([...new Set(disk.operations)], ['readdir', 'readFile']);
			context.mock.restoreAll();
		}
	});

	it('waits for its turn and for another process in one patience', async () => {
		const { clock, disk, leases, passedMs } = world();
		const holding = leases.run(NAME, request, () => new Promise<void>((resolve) => void clock.schedule(600, resolve)));
		const waiting = assert.rejects(leases.run(NAME, request, nothing), { code: 'locked' });
		// Another process is faster than the next of this one.
		disk.onOperation((operation, path) => {
			if (operation !== 'rmdir' || path !== LOCK) return;
			const note = JSON.stringify({ version: 1, process: other, purpose: 'refresh' });
			disk.nodes.set(`${LOCK}/${'f'.repeat(32)}.json`, note);
		});
		await clock.settle(Promise.all([holding, waiting]));
		assert.equal(passedMs(), request.patienceMs);
	});

	it('has it as soon as it sees that the owner died', async (context) => {
		spread(context, 0.5);
		const { clock, log, kill, lock, run, passedMs } = world();
		await lock();
		clock.schedule(2.5 * POLL_MS, () => kill(2));
		assert.equal(await run(async () => 'mine'), 'mine');
		assert.equal(passedMs(), 3 * POLL_MS);
		assert.deepEqual(log.lines.slice(1), ['info lease: replaced a dead owner (pid 2 (refresh))']);
	});

	it('has it from an owner of whom nothing was heard for long, and says so', async () => {
		const { log, lock, run, passedMs } = world();
		await lock({ ...other, machine: 'another' });
		const fullMs = UNJUDGEABLE_OBSERVATIONS * HEARTBEAT_MS;
		assert.equal(await run(async () => 'mine', { patienceMs: 2 * fullMs }), 'mine');
		assert.ok(passedMs() >= fullMs, String(passedMs()));
		assert.deepEqual(log.lines.slice(1), ['info lease: replaced an owner without heartbeat (pid 2 (refresh))']);
	});

	it('never has it from such an owner while its heart beats', async () => {
		const { clock, disk, lock, run, passedMs } = world();
		await lock({ ...other, machine: 'another' });
		const patienceMs = 2 * UNJUDGEABLE_OBSERVATIONS * HEARTBEAT_MS;
		const beat = (): void => {
			clock.schedule(5 * HEARTBEAT_MS, () => {
				beat();
				void disk.touch(LOCK, new Date(0));
			});
		};
		beat();
		await assert.rejects(run(nothing, { patienceMs }), { code: 'locked' });
		assert.equal(passedMs(), patienceMs);
	});

	it('claims no replacement where another waiter was faster', async () => {
		const { disk, log, kill, lock, run } = world();
		await lock();
		kill(2);
		disk.onOperation((operation, path) => {
			if (operation !== 'unlink') return;
			disk.onOperation(() => undefined);
			disk.nodes.delete(path);
		});
		assert.equal(await run(async () => 'mine'), 'mine');
		assert.deepEqual(log.lines, []);
	});

	it('that is called off while it looks takes nothing, though the lease is free', async () => {
		const { disk, run } = world();
		const giving = new AbortController();
		disk.onOperation((operation) => void (operation === 'ensurePrivateFolder' && giving.abort()));
		let ran = 0;
		await assert.rejects(
			run(async () => void ran++, { signal: giving.signal }),
			{ code: 'cancelled' },
		);
		assert.deepEqual([ran, [...disk.nodes.keys()]], [0, [FOLDER]]);
	});

	it('with a lock that was made ready tries it at once, also if it can be called off', async () => {
		const { disk, leases, run } = world();
		await leases.expect('refresh');
		disk.operations.length = 0;
		await run(async () => assert.deepEqual(disk.operations, ['place']), { signal: new AbortController().signal });
	});

	it('has that lock ready for the next time if it was not had', async () => {
		const { clock, disk, leases, lock, run, kill } = world();
		await leases.expect('refresh');
		await lock();
		await assert.rejects(run(nothing), { code: 'locked' });
		kill(2);
		disk.operations.length = 0;
		await run(async (lease) => {
			assert.equal(disk.operations.includes('mkdir'), false);
			// Nothing that was left to do for the first time takes it away now.
			await new Promise<void>((resolve) => void clock.schedule(1_000, resolve));
			await lease.assertHeld();
		});
	});
});

describe('a lock folder that nobody owns', () => {
	it('is looked at three times before what is foreign in it is removed', async (context) => {
		spread(context, 0.5);
		const { disk, run, passedMs, count, foreign, leases } = world();
		await leases.prepare();
		disk.nodes.set(LOCK, undefined);
		disk.nodes.set(foreign, 'x');
		const places: number[] = [];
		disk.onOperation(
			(operation, path) => void (operation === 'removeAll' && path === foreign && places.push(count('place'))),
		);
		assert.equal(await run(async () => 'mine'), 'mine');
		assert.deepEqual(places, [3]);
		assert.equal(passedMs(), POLL_MS);
	});

	it('is no reason to wait longer than patience lasts where it cannot be cleared', async () => {
		const { disk, run, passedMs, foreign, leases } = world();
		await leases.prepare();
		disk.nodes.set(LOCK, undefined);
		disk.nodes.set(foreign, 'x');
		disk.onOperation((operation, path) => {
			if (operation === 'rmdir' && path === LOCK) disk.nodes.set(foreign, 'x');
		});
		await assert.rejects(run(nothing), (error: { code?: string; detail?: unknown }) => {
			assert.equal(error.code, 'locked');
			assert.deepEqual(error.detail, { holder: 'nobody' });
			return true;
		});
		assert.equal(passedMs(), request.patienceMs);
	});

	it('is left alone where an owner was seen in between', async () => {
		const { disk, lock, run, kill } = world();
		await lock();
		// As others come and go: twice nobody, then the owner, then twice nobody again.
		const note = [...disk.nodes].find(([path]) => path.startsWith(`${LOCK}/`));
		assert.ok(note);
		let tries = 0;
		let cleared = 0;
		let isSeen = false;
		disk.onOperation((operation, path) => {
			if (operation === 'place') {
				tries++;
				if (tries < 5) disk.nodes.set(`${LOCK}/.seen-midway`, 'x');
				else disk.nodes.delete(`${LOCK}/.seen-midway`);
			}
			if (operation === 'readdir' && path === LOCK) {
				disk.nodes.delete(note[0]);
				if (tries === 2 && !isSeen) {
					isSeen = true;
					disk.nodes.set(...note);
				}
			}
			if (operation === 'removeAll' && path.endsWith('.seen-midway')) cleared++;
		});
		kill(2);
		assert.equal(await run(async () => 'mine'), 'mine');
		assert.deepEqual([tries, cleared], [5, 0]);
	});
});
