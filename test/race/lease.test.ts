import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../../src/auth/clock.ts';
import { createLeases } from '../../src/auth/lease/lease.ts';
import { nodeLockDisk } from '../../src/auth/lease/lockDisk.ts';
import { HEARTBEAT_MS, UNJUDGEABLE_OBSERVATIONS } from '../../src/auth/lease/ownerObserver.ts';
import { nodeProcesses } from '../../src/auth/lease/processes.ts';
import { type ProcessIdentity, selfIdentity } from '../../src/auth/lease/processIdentity.ts';
import { renamed, withoutProc } from '../support/otherSystem.ts';
import { publishLock } from '../support/publishLock.ts';
import { createRecordingLog } from '../support/recordingLog.ts';
import { tempFolder } from '../support/tempFolder.ts';
import { until } from '../support/until.ts';
import { killAll, startWorker, startWorkers, type Worker } from './workers.ts';

const NAME = 'a lease';
const PROCESSES = 16;
const FAST = 50;
/** `nobody` on every Linux. */
const NOBODY_UID = 65_534;
/** Mostly under 200 ms, with room for a machine that has other things to do, and far from any age of a lock. */
const SOON_MS = 1_500;
/** A long run sets more: the rounds are alike, and a race that is lost once in a thousand wants a thousand. */
const STORM_ROUNDS = Number(process.env.AGENT_AUTH_STORM_ROUNDS ?? 100);

/** Enter and leave must alternate, each pair by one process. */
async function assertNeverTwo(journal: string, entries: number): Promise<void> {
	const lines = (await readFile(journal, 'utf8')).trim().split('\n');
	for (let index = 0; index < lines.length; index += 2) {
		const [entered, left] = [lines[index]?.split(' '), lines[index + 1]?.split(' ')];
		assert.deepEqual([entered?.[0], left?.[0], left?.[1]], ['enter', 'leave', entered?.[1]], lines.slice(index).join());
	}
	assert.equal(lines.length, entries * 2);
}

async function lockPathIn(folder: string): Promise<string> {
	const leases = createLeases({
		folder,
		clock: systemClock,
		log: createRecordingLog(),
		disk: nodeLockDisk,
		processes: nodeProcesses,
	});
	let found = '';
	await leases.run(NAME, { patienceMs: 1_000, purpose: 'test' }, async () => {
		found = (await readdir(folder)).find((file) => file.endsWith('.lock')) ?? '';
	});
	return join(folder, found);
}

describe('lease between processes', () => {
	let pool: Worker[] = [];
	before(async () => {
		pool = await startWorkers(PROCESSES);
	});
	after(() => killAll(pool));

	/** Workers of the pool, all on one folder. */
	async function useFolder(context: TestContext, workers: readonly Worker[], speed = 1): Promise<string> {
		const folder = join(await tempFolder(context), 'lease');
		await Promise.all(workers.map((worker) => worker.ask({ kind: 'leases', folder, speed })));
		return folder;
	}

	/** A process of this host that has ended. */
	async function deadIdentity(): Promise<ProcessIdentity> {
		const worker = await startWorker();
		const answer = await worker.ask({ kind: 'identity' });
		await worker.kill();
		assert.ok(answer.kind === 'identity');
		return answer.identity;
	}

	it(`is held by one of ${PROCESSES} processes at a time`, async (context) => {
		const folder = await useFolder(context, pool);
		const journal = join(folder, '..', 'journal');
		const rounds = 4;
		const answers = await Promise.all(
			pool.flatMap((worker) =>
				Array.from({ length: rounds }, () =>
					worker.ask({ kind: 'hold', name: NAME, patienceMs: 60_000, journal, holdMs: 2, assertHeld: true }),
				),
			),
		);
		for (const answer of answers) assert.equal(answer.kind, 'done', JSON.stringify(answer));
		await assertNeverTwo(journal, PROCESSES * rounds);
		assert.deepEqual(await readdir(folder), []);
	});

	it('is had by a waiter soon after the death of its holder', async (context) => {
		const [waiter] = pool;
		assert.ok(waiter);
		const times: number[] = [];
		for (let round = 0; round < 5; round++) {
			const folder = await useFolder(context, [waiter]);
			const holder = await startWorker();
			await holder.ask({ kind: 'leases', folder });
			await holder.hold({ kind: 'hold', name: NAME, patienceMs: 1_000 }).held;
			const waiting = waiter.hold({ kind: 'hold', name: NAME, patienceMs: 10_000 });
			await wait(150);
			const killedAt = performance.now();
			await Promise.all([holder.kill(), waiting.held]);
			times.push(performance.now() - killedAt);
			waiter.letGo();
			await waiting.finished;
		}
		console.log(`  death of the holder to the waiter's lease: ${times.map((ms) => Math.round(ms)).join(', ')} ms`);
		for (const ms of times) assert.ok(ms < SOON_MS, `${ms} ms`);
	});

	it('is had at once where the owner is a zombie', async (context) => {
		const [taker] = pool;
		assert.ok(taker);
		const folder = await useFolder(context, [taker]);
		// A shell that never waits for its child keeps it a zombie once it ends.
		const shell = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
		context.after(() => shell.kill('SIGKILL'));
		const [text] = await once(shell.stdout, 'data');
		const pid = Number(String(text).trim());
		const stateOf = (): string => execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim();
		await until('the child is a zombie', () => stateOf().startsWith('Z'));
		const lockPath = await lockPathIn(folder);
		const startTime = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[19] ?? '';
		await publishLock(nodeLockDisk, lockPath, { ...(await selfIdentity()), pid, startTime }, 'test');
		const taking = taker.hold({ kind: 'hold', name: NAME, patienceMs: 5_000 });
		const tookMs = await taking.held;
		taker.letGo();
		await taking.finished;
		assert.ok(tookMs >= 0 && tookMs < SOON_MS, `${tookMs} ms`);
	});

	it('is never taken from a stopped holder: waiters get `locked` in their own time, and the holder goes on', async (context) => {
		const [holder, ...others] = pool.slice(0, 4);
		assert.ok(holder);
		await useFolder(context, [holder, ...others]);
		const holding = holder.hold({ kind: 'hold', name: NAME, patienceMs: 1_000, assertHeld: true });
		await holding.held;
		holder.signal('SIGSTOP');
		// Longer than any heartbeat.
		const answers = await Promise.all(
			others.map((other) => other.ask({ kind: 'hold', name: NAME, patienceMs: 3_000 })),
		);
		for (const answer of answers)
			assert.ok(answer.kind === 'failed' && answer.code === 'locked', JSON.stringify(answer));
		holder.signal('SIGCONT');
		holder.letGo();
		assert.equal((await holding.finished).kind, 'done');
	});

	it('is never taken from a stopped holder by who knows the machine under another name', async (context) => {
		const holder = await startWorker();
		const waiter = await startWorker(undefined, renamed('name-of-another-network'));
		context.after(() => killAll([holder, waiter]));
		// So fast that more observations fit in than a silent owner of another host would be left.
		const folder = await useFolder(context, [holder, waiter], FAST);
		const holding = holder.hold({ kind: 'hold', name: NAME, patienceMs: 1_000, assertHeld: true });
		await holding.held;
		holder.signal('SIGSTOP');
		const patienceMs = 2 * UNJUDGEABLE_OBSERVATIONS * HEARTBEAT_MS;
		const refused = await waiter.ask({ kind: 'hold', name: NAME, patienceMs });
		assert.ok(refused.kind === 'failed' && refused.code === 'locked', JSON.stringify(refused));
		// Dead it is replaced at once, not after its silence.
		const waiting = waiter.hold({ kind: 'hold', name: NAME, patienceMs });
		await holder.kill();
		assert.ok((await waiting.held) >= 0);
		waiter.letGo();
		assert.equal((await waiting.finished).kind, 'done');
		assert.deepEqual(await readdir(folder), []);
	});

	for (const kind of ['absent', 'foreign'] as const)
		it(`is never taken from a live holder where /proc is ${kind}, and from a dead one at once`, {
			skip: process.platform !== 'linux' && 'there is no /proc',
		}, async (context) => {
			const [holder, waiter] = await Promise.all([1, 2].map(() => startWorker(undefined, withoutProc(kind))));
			assert.ok(holder && waiter);
			context.after(() => killAll([holder, waiter]));
			const folder = await useFolder(context, [holder, waiter]);
			const holding = holder.hold({ kind: 'hold', name: NAME, patienceMs: 1_000, assertHeld: true });
			await holding.held;
			const refused = await waiter.ask({ kind: 'hold', name: NAME, patienceMs: 300 });
			assert.ok(refused.kind === 'failed' && refused.code === 'locked', JSON.stringify(refused));
			const waiting = waiter.hold({ kind: 'hold', name: NAME, patienceMs: 10_000 });
			await holder.kill();
			assert.ok((await waiting.held) >= 0);
			waiter.letGo();
			assert.equal((await waiting.finished).kind, 'done');
			assert.deepEqual(await readdir(folder), []);
		});

	it('goes on after the clock was set back four hours under the holder, and forward under the waiters', async (context) => {
		const [holder, waiter] = await startWorkers(2);
		assert.ok(holder && waiter);
		context.after(() => killAll([holder, waiter]));
		await useFolder(context, [holder, waiter]);
		const holding = holder.hold({ kind: 'hold', name: NAME, patienceMs: 1_000, assertHeld: true });
		await holding.held;
		await holder.ask({ kind: 'clock', offsetMs: -4 * 3_600_000 });
		await waiter.ask({ kind: 'clock', offsetMs: 60 * 86_400_000 });
		const refused = await waiter.ask({ kind: 'hold', name: NAME, patienceMs: 3_000 });
		assert.ok(refused.kind === 'failed' && refused.code === 'locked');
		holder.letGo();
		assert.equal((await holding.finished).kind, 'done');
		const next = waiter.hold({ kind: 'hold', name: NAME, patienceMs: 1_000, assertHeld: true });
		assert.ok((await next.held) >= 0);
		waiter.letGo();
		assert.equal((await next.finished).kind, 'done');
	});

	it(`is never held by two of ${PROCESSES} that arrive together at a dead holder's lock (${STORM_ROUNDS} rounds)`, async (context) => {
		const dead = await deadIdentity();
		const folder = await useFolder(context, pool);
		const lockPath = await lockPathIn(folder);
		const journal = join(folder, '..', 'journal');
		let entered = 0;
		const startMs = performance.now();
		for (let round = 0; round < STORM_ROUNDS; round++) {
			// Mostly a dead owner's lock; now and then what a death in the middle of a release leaves.
			if (round % 5 === 4) await mkdir(lockPath);
			else
				assert.ok(
					await publishLock(nodeLockDisk, lockPath, dead, 'test'),
					`round ${round} did not begin with a free lock`,
				);
			const answers = await Promise.all(
				pool.map((worker, index) =>
					worker.ask({
						kind: 'hold',
						name: NAME,
						patienceMs: index % 8 === 0 ? 5_000 : 0,
						journal,
						holdMs: 1,
						assertHeld: true,
					}),
				),
			);
			const held = answers.filter(({ kind }) => kind === 'done').length;
			for (const answer of answers)
				assert.ok(
					answer.kind === 'done' || (answer.kind === 'failed' && answer.code === 'locked'),
					JSON.stringify(answer),
				);
			assert.ok(held >= PROCESSES / 8, `round ${round}: only ${held} had it`);
			entered += held;
		}
		await assertNeverTwo(journal, entered);
		const tookMs = Math.round(performance.now() - startMs);
		console.log(`  takeover storm: ${STORM_ROUNDS} rounds, ${entered} holdings, two holders 0 times, ${tookMs} ms`);
	});

	it('is had by who waits soon after a folder was read-only in which it could not be released', {
		skip: process.getuid?.() !== 0 && 'only root can become another user, to whom modes apply',
	}, async (context) => {
		const [holder, waiter] = await startWorkers(2);
		assert.ok(holder && waiter);
		context.after(() => killAll([holder, waiter]));
		const folder = await useFolder(context, [holder, waiter]);
		await chmod(join(folder, '..'), 0o777);
		await Promise.all([holder, waiter].map((worker) => worker.ask({ kind: 'become', uid: NOBODY_UID })));
		const holding = holder.hold({ kind: 'hold', name: NAME, patienceMs: 1_000 });
		await holding.held;
		const [lock] = await readdir(folder);
		assert.ok(lock);
		await chmod(join(folder, lock), 0o500);
		const waiting = waiter.hold({ kind: 'hold', name: NAME, patienceMs: 20_000 });
		holder.letGo();
		assert.equal((await holding.finished).kind, 'done');
		await chmod(join(folder, lock), 0o700);
		assert.ok((await waiting.held) >= 0);
		// The one that could not release it lives all the time, and was asked for nothing.
		assert.equal((await holder.ask({ kind: 'identity' })).kind, 'identity');
		waiter.letGo();
		assert.equal((await waiting.finished).kind, 'done');
	});

	it('is had by every survivor while one holder after the other is killed', async (context) => {
		const folder = await useFolder(context, []);
		let workers = await startWorkers(6);
		context.after(() => killAll(workers));
		for (let round = 0; round < 6; round++) {
			await Promise.all(workers.map((worker) => worker.ask({ kind: 'leases', folder })));
			const holdings = workers.map((worker) => worker.hold({ kind: 'hold', name: NAME, patienceMs: 20_000 }));
			const first = await Promise.race(holdings.map(({ held }, index) => held.then(() => index)));
			const victim = workers[first];
			assert.ok(victim);
			const rest = holdings.filter((_, index) => index !== first);
			for (const { finished } of holdings) finished.catch(() => undefined); // The victim's never comes.
			await victim.kill();
			const survivors = workers.filter((worker) => worker !== victim);
			const heldAt: number[] = [];
			await Promise.all(
				rest.map(async ({ held, finished }, index) => {
					await held;
					heldAt.push(performance.now());
					survivors[index]?.letGo();
					assert.equal((await finished).kind, 'done');
				}),
			);
			assert.equal(heldAt.length, survivors.length);
			workers = [...survivors, await startWorker()];
		}
		assert.deepEqual(
			(await readdir(folder)).filter((file) => file.endsWith('.lock')),
			[],
		);
	});
});
