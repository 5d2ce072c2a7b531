/** As many processes as nobody has: what holds for 16 windows has to hold for 32, and in the long run for 50, with time to spare. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { digest } from '../../src/auth/log.ts';
import { type StrictTokenServer, startStrictTokenServer } from '../server/strictTokenServer.ts';
import { createTestVault, type TestVault } from './vaults.ts';
import { type Answer, killAll, startWorker, startWorkers, type Worker } from './workers.ts';

const PROCESSES = Number(process.env.AGENT_AUTH_CROWD ?? 32);
/** More than two cores start at a time without any of them missing its deadline. */
const STARTED_AT_ONCE = 8;

describe(`${PROCESSES} processes`, () => {
	const pool: Worker[] = [];
	before(async () => {
		while (pool.length < PROCESSES)
			pool.push(...(await startWorkers(Math.min(STARTED_AT_ONCE, PROCESSES - pool.length))));
	});
	after(() => killAll(pool));

	async function world(context: TestContext): Promise<{ server: StrictTokenServer; vault: TestVault }> {
		const server = await startStrictTokenServer({ accessTokenLifeS: 3_600, gracePeriodMs: 30_000 });
		context.after(() => server.close());
		const vault = await createTestVault(context, server);
		await Promise.all(pool.map((worker) => worker.ask({ kind: 'open', setup: vault.setup })));
		return { server, vault };
	}

	function askAll(vault: TestVault, callers: number): Promise<Answer[]> {
		return Promise.all(pool.map((worker) => worker.ask({ kind: 'token', request: { ref: vault.ref }, callers })));
	}

	async function assertOneToken(answers: readonly Answer[], vault: TestVault): Promise<number> {
		const reading = await vault.shelf.vault.read(vault.ref);
		assert.ok(reading.kind === 'credential' && reading.generation === 2);
		let lastAtMs = 0;
		for (const answer of answers) {
			assert.ok(answer.kind === 'token', JSON.stringify(answer));
			assert.deepEqual(answer.digests, [digest(reading.credential.accessToken)]);
			lastAtMs = Math.max(lastAtMs, answer.atMs);
		}
		return lastAtMs;
	}

	for (const callers of [1, 20]) {
		it(`with ${callers} callers each cost the server one refresh and have the same new token`, async (context) => {
			const { server, vault } = await world(context);
			server.fault({ on: 'refresh', delayBeforeMs: 200 });
			const lastAtMs = await assertOneToken(await askAll(vault, callers), vault);
			assert.deepEqual([server.refreshRequests(), server.refreshes(), server.reuses()], [1, 1, 0]);
			const tookMs = lastAtMs - (server.log[0]?.doneAtMs ?? 0);
			console.log(`  ${PROCESSES} processes, ${callers} callers: last waiter after the server's answer: ${tookMs} ms`);
		});
	}

	it('are all served when the holder dies with its request in flight, after one resend', async (context) => {
		const { server, vault } = await world(context);
		const victim = await startWorker();
		context.after(() => victim.kill());
		await victim.ask({ kind: 'open', setup: vault.setup });
		const fault = server.fault({ on: 'refresh', hold: 'after', times: 1 });
		const arrived = server.next('refresh', { phase: 'arrived' });
		victim.ask({ kind: 'token', request: { ref: vault.ref } }).catch(() => undefined); // It dies before it can answer.
		await arrived;
		const survivors = askAll(vault, 20);
		await victim.kill();
		const killedAtMs = Date.now();
		const lastAtMs = await assertOneToken(await survivors, vault);
		fault.dispose();
		assert.deepEqual([server.refreshRequests(), server.reuses()], [2, 0]);
		assert.deepEqual([...server.resent().values()], [2]);
		console.log(`  ${PROCESSES} survivors: the last one's token ${lastAtMs - killedAtMs} ms after the death`);
	});
});
