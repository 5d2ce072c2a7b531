import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { digest } from '../../src/auth/log.ts';
import { PATIENCE_MS } from '../../src/auth/refresh/deadlines.ts';
import { type StrictOptions, type StrictTokenServer, startStrictTokenServer } from '../server/strictTokenServer.ts';
import { until } from '../support/until.ts';
import { createTestVault, type TestVault } from './vaults.ts';
import { type Answer, killAll, startWorker, startWorkers, type Worker } from './workers.ts';

type Token = Extract<Answer, { kind: 'token' }>;

/** Long enough for any server, short enough that a lost grace shows. */
const GRACE_MS = 30_000;
/** Waits of the processes pass this much faster where a test is about patience. */
const SPEED = 20;
/** Of a proxy: a few steps of the back-off. */
const OUTAGE_MS = 4_000;
const HOUR_MS = 3_600_000;
/** From a death to the last survivor's token: mostly under 200 ms, and there is room for a machine with other things to do. */
const SURVIVED_WITHIN_MS = 3_000;

describe('refresh between processes', () => {
	let pool: Worker[] = [];
	before(async () => {
		pool = await startWorkers(16);
	});
	after(() => killAll(pool));

	async function world(
		context: TestContext,
		options: { server?: StrictOptions; workers?: readonly Worker[]; speed?: number } = {},
	): Promise<{ server: StrictTokenServer; vault: TestVault; workers: readonly Worker[] }> {
		const server = await startStrictTokenServer({ accessTokenLifeS: 3_600, ...options.server });
		context.after(() => server.close());
		const vault = await createTestVault(context, server, options.speed === undefined ? {} : { speed: options.speed });
		const workers = options.workers ?? [];
		await Promise.all(workers.map((worker) => worker.ask({ kind: 'open', setup: vault.setup })));
		return { server, vault, workers };
	}

	/** A process of its own that will stand still at a barrier, and be killed there. */
	async function victimAt(context: TestContext, vault: TestVault, ...barriers: string[]): Promise<Worker> {
		const worker = await startWorker();
		context.after(() => worker.kill());
		await worker.ask({ kind: 'open', setup: vault.setup, barriers });
		return worker;
	}

	function tokenOf(worker: Worker, vault: TestVault, callers = 1): Promise<Answer> {
		return worker.ask({ kind: 'token', request: { ref: vault.ref }, callers });
	}

	/** Every answer is a token, and all are the same one: that of the vault. */
	async function assertOneToken(answers: readonly Answer[], vault: TestVault): Promise<void> {
		const reading = await vault.shelf.vault.read(vault.ref);
		assert.ok(reading.kind === 'credential');
		const expected = digest(reading.credential.accessToken);
		for (const answer of answers) {
			assert.ok(answer.kind === 'token', JSON.stringify(answer));
			assert.deepEqual(answer.digests, [expected]);
		}
		assert.notEqual(expected, digest(vault.credential.accessToken));
	}

	/** One try for all, and another one only if the first step of the back-off had passed before the last one was heard. */
	function assertShared(attempts: number | undefined, startMs: number): void {
		const most = Date.now() - startMs < 800 ? 1 : 2;
		assert.ok(attempts !== undefined && attempts >= 1 && attempts <= most, `${attempts} tries`);
	}

	/** Nobody who asks waits for it, but nothing of a refresh stays behind. */
	async function assertTidy(vault: TestVault): Promise<void> {
		await until('nothing is left of the refresh', async () => {
			const files = await readdir(join(vault.setup.storagePath, 'vault'));
			const leases = await readdir(join(vault.setup.storagePath, 'lease'));
			// What lives on are the locks that the windows have ready.
			return ![...files, ...leases].some((file) => /\.(tmp|lock|intent)$/.test(file));
		});
	}

	for (const count of [2, 8, 16]) {
		for (const callers of [1, 20]) {
			it(`is one for ${count} processes with ${callers} callers each, who all have the same new token`, async (context) => {
				const delayMs = 200;
				const lastMs: number[] = [];
				for (let round = 0; round < 3; round++) {
					const { server, vault, workers } = await world(context, { workers: pool.slice(0, count) });
					server.fault({ on: 'refresh', delayBeforeMs: delayMs });
					const answers = await Promise.all(workers.map((worker) => tokenOf(worker, vault, callers)));
					await assertOneToken(answers, vault);
					assert.deepEqual([server.refreshRequests(), server.refreshes(), server.reuses()], [1, 1, 0]);
					const doneAtMs = server.log[0]?.doneAtMs ?? 0;
					lastMs.push(Math.max(...answers.map((answer) => (answer as Token).atMs)) - doneAtMs);
					await assertTidy(vault);
				}
				console.log(
					`  ${count} processes, ${callers} callers: last waiter after the server's answer: ${lastMs.join(', ')} ms`,
				);
			});
		}
	}

	it('is one for all who wait for it also where the token lives shorter than its answer takes', async (context) => {
		const { server, vault, workers } = await world(context, { workers: pool.slice(0, 8) });
		server.fault({ on: 'refresh', delayBeforeMs: 1_000, expiresIn: 0.001 });
		const answers = await Promise.all(workers.map((worker) => tokenOf(worker, vault, 8)));
		await assertOneToken(answers, vault);
		assert.deepEqual([server.refreshRequests(), server.reuses()], [1, 0]);
		// Who asks after it wants another one.
		await tokenOf(pool[0] ?? assert.fail(), vault);
		assert.equal(server.refreshRequests(), 2);
	});

	it('is one per expiry over several expiries', async (context) => {
		const { server, vault, workers } = await world(context, { workers: pool.slice(0, 8) });
		const setClocks = (offsetMs: number): Promise<unknown> =>
			Promise.all(workers.map((worker) => worker.ask({ kind: 'clock', offsetMs })));
		context.after(() => setClocks(0));
		for (let round = 1; round <= 4; round++) {
			const answers = await Promise.all(workers.map((worker) => tokenOf(worker, vault, 3)));
			await assertOneToken(answers, vault);
			assert.equal(server.refreshRequests(), round);
			await setClocks(round * 2 * HOUR_MS);
		}
		assert.equal(server.reuses(), 0);
	});

	describe('whose holder is killed', () => {
		/** Requests that reach the server in all, and how many of them are the declared resend. */
		const points: Record<string, { requests: number; graceReuses: number }> = {
			'intent.overwrite:before': { requests: 1, graceReuses: 0 },
			'intent.overwrite:after': { requests: 1, graceReuses: 0 },
			'record.overwrite:before': { requests: 1, graceReuses: 0 },
			'record.overwrite:after': { requests: 1, graceReuses: 0 },
			'send:before': { requests: 1, graceReuses: 0 },
			'send:after': { requests: 2, graceReuses: 1 },
			'record.writeInto:before': { requests: 2, graceReuses: 1 },
			'record.writeInto:after': { requests: 1, graceReuses: 0 },
			'record.link:before': { requests: 1, graceReuses: 0 },
			'record.link:after': { requests: 1, graceReuses: 0 },
			'record.unlink:before': { requests: 1, graceReuses: 0 },
			'intent.unlink:before': { requests: 1, graceReuses: 0 },
			'intent.unlink:after': { requests: 1, graceReuses: 0 },
		};
		for (const [point, expected] of Object.entries(points)) {
			it(`at ${point} leaves every survivor with a token`, async (context) => {
				const { server, vault, workers } = await world(context, {
					workers: pool.slice(0, 4),
					server: { gracePeriodMs: GRACE_MS },
				});
				const victim = await victimAt(context, vault, point);
				tokenOf(victim, vault).catch(() => undefined); // It dies before it can answer.
				await victim.reached(point);
				const survivors = Promise.all(workers.map((worker) => tokenOf(worker, vault, 2)));
				await wait(120);
				const killedAtMs = Date.now();
				await victim.kill();
				const answers = await survivors;
				await assertOneToken(answers, vault);
				assert.deepEqual(
					[server.refreshRequests(), server.graceReuses(), server.reuses()],
					[expected.requests, expected.graceReuses, 0],
				);
				const lastMs = Math.max(...answers.map((answer) => (answer as Token).atMs)) - killedAtMs;
				console.log(`  killed at ${point}: last survivor's token after ${lastMs} ms`);
				assert.ok(lastMs < SURVIVED_WITHIN_MS, `${lastMs} ms`);
				assert.equal(server.grantsAlive().length, 1);
			});
		}

		for (const hold of ['before', 'after'] as const) {
			it(`while the server works on its request (${hold} it acted) leaves every survivor with a token after one resend`, async (context) => {
				const { server, vault, workers } = await world(context, {
					workers: pool.slice(0, 4),
					server: { gracePeriodMs: GRACE_MS },
				});
				const victim = await victimAt(context, vault);
				const fault = server.fault({ on: 'refresh', hold, times: 1 });
				context.after(() => fault.dispose());
				const arrived = server.next('refresh', { phase: 'arrived' });
				tokenOf(victim, vault).catch(() => undefined); // It dies before it can answer.
				await arrived;
				const survivors = Promise.all(workers.map((worker) => tokenOf(worker, vault, 2)));
				await wait(120);
				const killedAtMs = Date.now();
				await victim.kill();
				const answers = await survivors;
				await assertOneToken(answers, vault);
				assert.deepEqual([server.refreshRequests(), server.reuses()], [2, 0]);
				assert.deepEqual([...server.resent().values()], [2]);
				const lastMs = Math.max(...answers.map((answer) => (answer as Token).atMs)) - killedAtMs;
				console.log(`  killed in flight, ${hold} the server acted: last survivor's token after ${lastMs} ms`);
				assert.ok(lastMs < SURVIVED_WITHIN_MS, `${lastMs} ms`);
			});
		}

		it('again and again sends the token once more in all', async (context) => {
			const { server, vault, workers } = await world(context, {
				workers: pool.slice(0, 4),
				server: { gracePeriodMs: GRACE_MS },
			});
			for (let death = 0; death < 3; death++) {
				const victim = await victimAt(context, vault, 'send:after');
				const asked = tokenOf(victim, vault);
				asked.catch(() => undefined); // It dies before it can answer.
				if (death < 2) await victim.reached('send:after');
				else assert.equal((await asked).kind, 'failed');
				await victim.kill();
			}
			const answers = await Promise.all(workers.map((worker) => tokenOf(worker, vault)));
			for (const answer of answers) assert.ok(answer.kind === 'failed' && answer.code === 'unknown_outcome');
			assert.equal(server.refreshRequests(), 2);
			assert.equal((await vault.shelf.vault.read(vault.ref)).kind, 'credential');
		});

		it('after storing, at a server that keeps the refresh token, counts nothing against the next refresh', async (context) => {
			const { server, vault, workers } = await world(context, {
				workers: pool.slice(0, 2),
				server: { accessTokenLifeS: 1 },
			});
			server.fault({ on: 'refresh', omitRefreshToken: true });
			for (let death = 0; death < 3; death++) {
				const victim = await victimAt(context, vault, 'intent.unlink:before');
				tokenOf(victim, vault).catch(() => undefined); // It dies before it can answer.
				await victim.reached('intent.unlink:before');
				await victim.kill();
				await wait(1_050);
			}
			server.setAccessTokenLife(3_600);
			const answers = await Promise.all(workers.map((worker) => tokenOf(worker, vault)));
			await assertOneToken(answers, vault);
			assert.equal(server.refreshRequests(), 4);
		});
	});

	describe('whose answer is lost', () => {
		it('is sent once more, and kept within the server’s grace period', async (context) => {
			const { server, vault, workers } = await world(context, {
				workers: pool.slice(0, 8),
				server: { gracePeriodMs: GRACE_MS },
			});
			server.fault({ on: 'refresh', drop: 'after', times: 1 });
			const answers = await Promise.all(workers.map((worker) => tokenOf(worker, vault, 2)));
			await assertOneToken(answers, vault);
			assert.deepEqual([server.refreshRequests(), server.graceReuses(), server.reuses()], [2, 1, 0]);
			await assertTidy(vault);
		});

		it('is sent once more and never again at a strict server; everybody hears the same and the record is kept', async (context) => {
			const { server, vault, workers } = await world(context, { workers: pool.slice(0, 8) });
			server.fault({ on: 'refresh', drop: 'after', times: 1 });
			for (let round = 0; round < 2; round++) {
				const answers = await Promise.all(workers.map((worker) => tokenOf(worker, vault)));
				for (const answer of answers)
					assert.ok(answer.kind === 'failed' && answer.code === 'invalid_grant', JSON.stringify(answer));
			}
			assert.equal(server.refreshRequests(), 2);
			const reading = await vault.shelf.vault.read(vault.ref);
			assert.ok(reading.kind === 'credential' && reading.generation === 1);
			assert.equal((await vault.bucket())?.needsSignIn?.reason, 'invalid_grant');
		});

		it('twice makes everybody wait, signs nobody out, and within the grace period the session is there afterwards', async (context) => {
			const { server, vault, workers } = await world(context, {
				workers: pool.slice(0, 8),
				server: { gracePeriodMs: GRACE_MS },
			});
			const outage = server.fault({ on: 'refresh', drop: 'after' });
			const startMs = Date.now();
			const answers = await Promise.all(workers.map((worker) => tokenOf(worker, vault)));
			for (const answer of answers)
				assert.ok(answer.kind === 'failed' && answer.code === 'transient', JSON.stringify(answer));
			const bucket = await vault.bucket();
			assertShared(bucket?.failing?.attempts, startMs);
			const requests = server.refreshRequests();
			assert.equal(requests, 2 * (bucket?.failing?.attempts ?? 0));
			assert.equal(bucket?.needsSignIn, undefined);
			outage.dispose();
			await until('the back-off has passed', () => (bucket?.failing?.retryAtMs ?? 0) <= Date.now());
			await assertOneToken(await Promise.all(workers.map((worker) => tokenOf(worker, vault, 3))), vault);
			assert.deepEqual([server.refreshRequests(), server.reuses()], [requests + 1, 0]);
			assert.equal(server.grantsAlive().length, 1);
			await assertTidy(vault);
		});

		it('again and again by a strict server that never acted signs nobody out', async (context) => {
			const { server, vault, workers } = await world(context, { workers: pool.slice(0, 8) });
			const outage = server.fault({ on: 'refresh', drop: 'before' });
			for (let round = 1; round <= 2; round++) {
				for (const answer of await Promise.all(workers.map((worker) => tokenOf(worker, vault))))
					assert.ok(answer.kind === 'failed' && answer.code === 'transient', JSON.stringify(answer));
				const { attempts = 0, retryAtMs = 0 } = (await vault.bucket())?.failing ?? {};
				assert.ok(attempts >= round);
				assert.equal(server.refreshRequests(), 2 * attempts);
				await until('the back-off has passed', () => retryAtMs <= Date.now());
			}
			outage.dispose();
			const requests = server.refreshRequests();
			// It had never acted: nothing is lost, whoever had given up would have signed everybody out.
			await assertOneToken(await Promise.all(workers.map((worker) => tokenOf(worker, vault))), vault);
			assert.deepEqual([server.refreshRequests(), server.refreshes(), server.reuses()], [requests + 1, 1, 0]);
		});
	});

	describe('in passing trouble', () => {
		it('asks a server that is down once for all, and works when it is back', async (context) => {
			const { server, vault, workers } = await world(context, { workers: pool.slice(0, 8) });
			await server.down();
			const startMs = Date.now();
			const answers = await Promise.all(workers.map((worker) => tokenOf(worker, vault)));
			for (const answer of answers)
				assert.ok(answer.kind === 'failed' && answer.code === 'transient', JSON.stringify(answer));
			const failing = (await vault.bucket())?.failing;
			assertShared(failing?.attempts, startMs);
			await assertTidy(vault);
			await server.up();
			await until('the back-off has passed', () => (failing?.retryAtMs ?? 0) <= Date.now());
			await assertOneToken(await Promise.all(workers.map((worker) => tokenOf(worker, vault))), vault);
			assert.deepEqual([server.refreshRequests(), server.reuses()], [1, 0]);
			await until('the failure is forgotten', async () => (await vault.bucket())?.failing === undefined);
		});

		it('waits as long as Retry-After says, in every process', async (context) => {
			const { server, vault, workers } = await world(context, { workers: pool.slice(0, 8) });
			server.fault({ on: 'refresh', times: 1, respond: { status: 503, retryAfter: '6' } });
			const startMs = Date.now();
			for (let round = 0; round < 3; round++) {
				const answers = await Promise.all(workers.map((worker) => tokenOf(worker, vault)));
				for (const answer of answers) assert.ok(answer.kind === 'failed' && answer.code === 'transient');
			}
			assert.equal(server.refreshRequests(), 1);
			const retryAtMs = (await vault.bucket())?.failing?.retryAtMs ?? 0;
			assert.ok(retryAtMs >= startMs + 5_900 && retryAtMs <= Date.now() + 6_100, `${retryAtMs - startMs}`);
			await until('the server’s time has come', () => retryAtMs <= Date.now());
			await assertOneToken(await Promise.all(workers.map((worker) => tokenOf(worker, vault))), vault);
			assert.deepEqual([server.refreshRequests(), server.reuses()], [2, 0]);
		});

		it('signs nobody out while a proxy answers 502 for the server, and shares the few requests that are made meanwhile', async (context) => {
			const { server, vault, workers } = await world(context, { workers: pool.slice(0, 8) });
			const outage = server.fault({ on: 'refresh', respond: { status: 502 } });
			const endsAtMs = Date.now() + OUTAGE_MS;
			await Promise.all(
				workers.map(async (worker) => {
					while (Date.now() < endsAtMs) {
						const answer = await tokenOf(worker, vault);
						assert.ok(answer.kind === 'failed' && answer.code === 'transient', JSON.stringify(answer));
						await wait(100);
					}
				}),
			);
			// At once and after about 1, 3 and 7 s.
			const requests = server.refreshRequests();
			assert.ok(requests >= 2 && requests <= 4, `${requests} requests`);
			const bucket = await vault.bucket();
			assert.equal(bucket?.failing?.attempts, requests, 'each process counted for itself');
			assert.equal(bucket?.needsSignIn, undefined);
			outage.dispose();
			await until('the back-off has passed', () => (bucket?.failing?.retryAtMs ?? 0) <= Date.now());
			await assertOneToken(await Promise.all(workers.map((worker) => tokenOf(worker, vault, 3))), vault);
			assert.deepEqual([server.refreshRequests(), server.refreshes(), server.reuses()], [requests + 1, 1, 0]);
			await assertTidy(vault);
		});

		it('serves callers from memory while the disk refuses the new token, holds the lease, and stores in the end', async (context) => {
			const { server, vault, workers } = await world(context, { workers: pool.slice(0, 3) });
			const [holder, other, third] = workers;
			assert.ok(holder && other && third);
			await holder.ask({
				kind: 'fault',
				fault: { operation: 'link', code: 'ENOSPC', when: 'before', from: 1, times: 4, path: /[0-9a-f]{64}\.2\.rec$/ },
			});
			const first = await tokenOf(holder, vault, 5);
			assert.ok(first.kind === 'token' && first.unsaved, JSON.stringify(first));
			const again = await tokenOf(holder, vault, 5);
			assert.ok(again.kind === 'token');
			assert.deepEqual(again.digests, first.digests);
			// The others wait for the lease and adopt what is stored in the end.
			const answers = await Promise.all([tokenOf(other, vault), tokenOf(third, vault)]);
			await assertOneToken([first, again, ...answers], vault);
			assert.deepEqual([server.refreshRequests(), server.reuses()], [1, 0]);
			await until('the lease is free', async () => {
				const leases = await readdir(join(vault.setup.storagePath, 'lease'));
				return !leases.some((file) => file.endsWith('.lock'));
			});
		});

		it('sends nothing while the intent cannot be written, and says `storage`', async (context) => {
			const { server, vault, workers } = await world(context, { workers: pool.slice(0, 1) });
			const [worker] = workers;
			assert.ok(worker);
			for (const when of ['before', 'after'] as const) {
				await worker.ask({
					kind: 'fault',
					fault: { operation: 'overwrite', code: 'ENOSPC', when, from: 1, times: 1, path: /\.intent/ },
				});
				const answer = await tokenOf(worker, vault);
				assert.ok(answer.kind === 'failed' && answer.code === 'storage', JSON.stringify(answer));
			}
			assert.equal(server.refreshRequests(), 0);
			await assertOneToken([await tokenOf(worker, vault)], vault);
			assert.equal(server.refreshRequests(), 1);
		});
	});

	it('loses against a sign-out while its request is out, in every process', async (context) => {
		const { server, vault, workers } = await world(context, { workers: pool.slice(0, 4) });
		const [holder, leaver, ...others] = workers;
		assert.ok(holder && leaver);
		const fault = server.fault({ on: 'refresh', hold: 'after', times: 1 });
		const arrived = server.next('refresh', { phase: 'arrived' });
		const asked = tokenOf(holder, vault);
		await arrived;
		const waiting = others.map((worker) => tokenOf(worker, vault));
		await leaver.ask({ kind: 'signOut', ref: vault.ref });
		// Who waits hears of it at once, not when the server answers.
		for (const answer of await Promise.all(waiting))
			assert.ok(answer.kind === 'failed' && answer.code === 'no_account');
		fault.dispose();
		const answer = await asked;
		assert.ok(answer.kind === 'failed' && answer.code === 'no_account', JSON.stringify(answer));
		assert.deepEqual(await vault.shelf.vault.read(vault.ref), { kind: 'signedOut', generation: 2 });
		assert.equal(server.refreshRequests(), 1);
		await assertTidy(vault);
	});

	it('by a holder that is stopped after the server got its request is not repeated: others get `locked` in their own time, and nothing is lost', async (context) => {
		const { server, vault, workers } = await world(context, { workers: pool.slice(0, 5), speed: SPEED });
		const [holder, ...others] = workers;
		assert.ok(holder);
		const fault = server.fault({ on: 'refresh', hold: 'after', times: 1 });
		const arrived = server.next('refresh', { phase: 'arrived' });
		const asked = tokenOf(holder, vault);
		await arrived;
		holder.signal('SIGSTOP');
		fault.dispose();
		const startMs = performance.now();
		for (const answer of await Promise.all(others.map((worker) => tokenOf(worker, vault))))
			assert.ok(answer.kind === 'failed' && answer.code === 'locked', JSON.stringify(answer));
		const tookMs = (performance.now() - startMs) * SPEED;
		assert.ok(tookMs >= PATIENCE_MS * 0.9 && tookMs < PATIENCE_MS * 4, `${tookMs}`);
		assert.equal(server.refreshRequests(), 1);
		holder.signal('SIGCONT');
		const answers = [await asked, ...(await Promise.all(others.map((worker) => tokenOf(worker, vault))))];
		for (const answer of answers) assert.equal(answer.kind, 'token', JSON.stringify(answer));
		assert.equal(server.reuses(), 0);
		assert.equal(server.grantsAlive().length, 1);
	});

	it('is forced once for all who report the same refused token, and never gives that token out again', async (context) => {
		const { server, vault, workers } = await world(context, { workers: pool.slice(0, 8) });
		await assertOneToken(await Promise.all(workers.map((worker) => tokenOf(worker, vault))), vault);
		const reading = await vault.shelf.vault.read(vault.ref);
		assert.ok(reading.kind === 'credential');
		const refusedDigest = digest(reading.credential.accessToken);
		const answers = await Promise.all(
			workers.map((worker) => worker.ask({ kind: 'token', request: { ref: vault.ref, refusedDigest }, callers: 5 })),
		);
		await assertOneToken(answers, vault);
		for (const answer of answers) assert.ok(answer.kind === 'token' && !answer.digests.includes(refusedDigest));
		assert.deepEqual([server.refreshRequests(), server.reuses()], [2, 0]);
	});

	it('is forced once when everybody asks for it at once', async (context) => {
		const { server, vault, workers } = await world(context, { workers: pool.slice(0, 8) });
		server.fault({ on: 'refresh', delayBeforeMs: 300 });
		const answers = await Promise.all(
			workers.map((worker) => worker.ask({ kind: 'token', request: { ref: vault.ref, force: true } })),
		);
		await assertOneToken(answers, vault);
		assert.deepEqual([server.refreshRequests(), server.reuses()], [1, 0]);
	});
});
