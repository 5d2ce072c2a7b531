/**
 * A file system that tells nobody of changes, from the first sign-in on: windows look for themselves, which costs them a
 * moment and the server nothing.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { digest } from '../../src/auth/log.ts';
import { type StrictTokenServer, startStrictTokenServer } from '../server/strictTokenServer.ts';
import { createTestVault, type TestVault } from './vaults.ts';
import { type Answer, killAll, startWorker, startWorkers, type Worker } from './workers.ts';

const ROTATIONS = 5;
const HOUR_MS = 3_600_000;
/** Everybody has to wait for the holder, and hear of its answer. */
const SERVER_MS = 300;
/** A look every 50 ms, and room for a machine with other things to do. */
const HEARD_WITHIN_MS = 1_500;

describe('a folder that tells of no changes', () => {
	let pool: Worker[] = [];
	before(async () => {
		pool = await startWorkers(2);
	});
	after(() => killAll(pool));

	/** @param deaf which of the workers are; the others hear. */
	async function world(
		context: TestContext,
		workers: readonly Worker[],
		deaf: readonly boolean[],
	): Promise<{ server: StrictTokenServer; vault: TestVault }> {
		const server = await startStrictTokenServer({ accessTokenLifeS: 3_600, gracePeriodMs: 30_000 });
		context.after(() => server.close());
		const vault = await createTestVault(context, server);
		await Promise.all(
			workers.map((worker, index) =>
				worker.ask({ kind: 'open', setup: { ...vault.setup, deaf: deaf[index] === true } }),
			),
		);
		for (const [index, worker] of workers.entries()) {
			const answer = await worker.ask({ kind: 'lines' });
			assert.ok(answer.kind === 'lines');
			const said = answer.lines.filter((line) => line.includes('watch: ')).map((line) => line.split('watch: ')[1]);
			assert.equal(said.at(-1), deaf[index] === true ? 'deaf' : 'watching');
		}
		return { server, vault };
	}

	function askAll(workers: readonly Worker[], vault: TestVault): Promise<Answer[]> {
		return Promise.all(workers.map((worker) => worker.ask({ kind: 'token', request: { ref: vault.ref }, callers: 3 })));
	}

	async function assertOneToken(answers: readonly Answer[], vault: TestVault, generation: number): Promise<number> {
		const reading = await vault.shelf.vault.read(vault.ref);
		assert.ok(reading.kind === 'credential' && reading.generation === generation);
		let lastAtMs = 0;
		for (const answer of answers) {
			assert.ok(answer.kind === 'token', JSON.stringify(answer));
			assert.deepEqual(answer.digests, [digest(reading.credential.accessToken)]);
			lastAtMs = Math.max(lastAtMs, answer.atMs);
		}
		return lastAtMs;
	}

	for (const [what, deaf] of [
		['nobody hears', [true, true]],
		['one of two hears', [true, false]],
	] as const) {
		it(`costs one refresh per expiry over ${ROTATIONS} of them where ${what}, and all have the same token`, async (context) => {
			const { server, vault } = await world(context, pool, deaf);
			server.fault({ on: 'refresh', delayBeforeMs: SERVER_MS });
			context.after(() => Promise.all(pool.map((worker) => worker.ask({ kind: 'clock', offsetMs: 0 }))));
			const heardMs: number[] = [];
			for (let rotation = 1; rotation <= ROTATIONS; rotation++) {
				const startMs = Date.now();
				const tookMs = (await assertOneToken(await askAll(pool, vault), vault, rotation + 1)) - startMs;
				const offsetMs = rotation * 2 * HOUR_MS;
				// Their clocks were two hours further on each time.
				heardMs.push(tookMs - SERVER_MS - (rotation - 1) * 2 * HOUR_MS);
				assert.deepEqual([server.refreshRequests(), server.refreshes()], [rotation, rotation]);
				// Nobody asks again as long as it is good, whoever was told by whom.
				await assertOneToken(await askAll(pool, vault), vault, rotation + 1);
				assert.equal(server.refreshRequests(), rotation);
				await Promise.all(pool.map((worker) => worker.ask({ kind: 'clock', offsetMs })));
			}
			assert.deepEqual([server.reuses(), server.graceReuses(), server.resent().size], [0, 0, 0]);
			assert.equal((await vault.bucket())?.needsSignIn, undefined);
			console.log(`  ${what}: last one's token beyond the server's ${SERVER_MS} ms: ${heardMs.join(', ')} ms`);
			for (const ms of heardMs) assert.ok(ms < HEARD_WITHIN_MS, `${ms} ms`);
		});
	}

	it('keeps the session where the holder is killed with its request in flight, after one resend', async (context) => {
		const victim = await startWorker();
		context.after(() => victim.kill());
		const { server, vault } = await world(context, [victim, ...pool], [true, true, true]);
		const fault = server.fault({ on: 'refresh', hold: 'after', times: 1 });
		const arrived = server.next('refresh', { phase: 'arrived' });
		victim.ask({ kind: 'token', request: { ref: vault.ref } }).catch(() => undefined); // It dies before it can answer.
		await arrived;
		const survivors = askAll(pool, vault);
		await victim.kill();
		await assertOneToken(await survivors, vault, 2);
		fault.dispose();
		assert.deepEqual([server.refreshRequests(), server.reuses()], [2, 0]);
		assert.deepEqual([...server.resent().values()], [2]);
	});
});
