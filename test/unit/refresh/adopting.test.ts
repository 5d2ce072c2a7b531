/** What a window makes of it that another one holds the lease: it adopts, goes on, waits or gives up, and sends nothing that it need not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addBucket } from '../../../src/auth/buckets/accounts.ts';
import { createStateFile } from '../../../src/auth/buckets/state.ts';
import type { Clock } from '../../../src/auth/clock.ts';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import { AuthError } from '../../../src/auth/errors.ts';
import type { Lease, Leases } from '../../../src/auth/lease/lease.ts';
import { createTurns } from '../../../src/auth/lease/turns.ts';
import { createLifetimes } from '../../../src/auth/lifetimes.ts';
import { digest } from '../../../src/auth/log.ts';
import type { RefreshOutcome } from '../../../src/auth/oauth/refreshGrant.ts';
import { PATIENCE_MS } from '../../../src/auth/refresh/deadlines.ts';
import { createDemands } from '../../../src/auth/refresh/demand.ts';
import { createFlights } from '../../../src/auth/refresh/flights.ts';
import { createIntents } from '../../../src/auth/refresh/intent.ts';
import { createJournal } from '../../../src/auth/refresh/journal.ts';
import {
	createRefresher,
	type RefreshRequest,
	type RefreshResult,
	refreshLeaseName,
	unreadable,
} from '../../../src/auth/refresh/refresher.ts';
import { createRenewal } from '../../../src/auth/refresh/renewal.ts';
import { codeOfNotSent, describeOutcome, sendOnce } from '../../../src/auth/refresh/sending.ts';
import { createLedger } from '../../../src/auth/vault/ledger.ts';
import { recordName, seal } from '../../../src/auth/vault/sealing.ts';
import { createVault } from '../../../src/auth/vault/vault.ts';
import { createDeferred } from '../../support/deferred.ts';
import { createFaultyDisk } from '../../support/faultyDisk.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createMemoryDisk } from '../../support/memoryDisk.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { leaveNote, processesOf, successor } from '../../support/senders.ts';
import { createVirtualClock } from '../../support/virtualClock.ts';

const ref = { providerId: 'demo', bucketId: 'b1' };
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** One window, and a lease that another one can hold. */
async function world({ leftMs = -1_000, hasState = true } = {}) {
	const clock = createVirtualClock();
	const memory = createMemoryDisk();
	const disk = createFaultyDisk(memory);
	const ledger = createLedger('/vault', disk);
	const key = Buffer.alloc(32, 7);
	const found = { kind: 'ready', key, keyId: 'k' } as const;
	const vault = createVault({
		ledger,
		key: { find: async () => found, findById: async () => found, ensure: async () => key, forget: () => undefined },
	});
	const log = createRecordingLog();
	const state = createStateFile(ledger);
	const ending = new AbortController();
	const turns = createTurns(clock);
	const sent: string[] = [];
	const watchers = new Set<(generation: number) => void>();
	const server = {
		next: async (): Promise<RefreshOutcome> => ({ kind: 'answered', credential: fresh(`renewed-${sent.length}`) }),
	};
	const held = { assertHeld: async (): Promise<void> => undefined };

	function fresh(accessToken: string, lifeMs = HOUR_MS): OAuthCredential {
		return {
			kind: 'oauth',
			accessToken,
			refreshToken: `refresh of ${accessToken}`,
			expiresAtMs: clock.now() + lifeMs,
			obtainedAtMs: clock.now() - (HOUR_MS - lifeMs),
			scopes: [],
			identity: { issuer: 'https://demo', subject: 's' },
		};
	}

	const first = fresh('first', leftMs);
	await vault.write(ref, 0, first);
	const provider = { id: ref.providerId, label: 'Demo', kind: 'apiKey' as const };
	if (hasState)
		await state.update((present) => addBucket(present, provider, first, { nowMs: 1, bucketId: ref.bucketId }).state);
	const lease: Lease = { signal: new AbortController().signal, assertHeld: () => held.assertHeld() };
	const leases: Leases = {
		run: (name, { patienceMs, signal }, work) => turns.run(name, patienceMs, signal, () => work(lease)),
		owner: async () => ({ kind: 'none' }),
	};
	const intents = createIntents('/vault', disk, processesOf(1));
	const refresher = createRefresher({
		loadRenewal: async () => createRenewal,
		...{ vault, leases, state, clock, log },
		intents,
		lifetimes: createLifetimes(clock),
		journal: createJournal(clock, log),
		ending: ending.signal,
		send(_ref, credential) {
			sent.push(credential.refreshToken ?? '');
			return server.next();
		},
		watch(_ref, listener) {
			watchers.add(listener);
			return { dispose: () => void watchers.delete(listener) };
		},
	});
	return {
		...{ clock, memory, key, intents, state, disk, vault, log, ending, sent, server, held, fresh, watchers },
		ask: (request: Partial<RefreshRequest> = {}): Promise<RefreshResult> =>
			refresher.refresh({ ref, purpose: 'test', correlationId: 'c1', ...request }),
		/** Another window has the lease until it lets go. */
		async hold() {
			const done = createDeferred<void>();
			void turns.run(refreshLeaseName(ref), 0, undefined, () => done.promise);
			await clock.advance(0);
			return { letGo: () => done.resolve() };
		},
		hear: (generation: number): void => {
			for (const watcher of [...watchers]) watcher(generation);
		},
	};
}

describe('a window that waits for the lease', () => {
	it('has what another one stored at once, while that one still holds the lease', async () => {
		const { clock, vault, fresh, hold, hear, ask, sent, watchers } = await world();
		await hold();
		const asked = ask();
		await clock.advance(10);
		await vault.write(ref, 1, fresh('theirs'));
		hear(2);
		const result = await asked;
		assert.equal(result.credential.accessToken, 'theirs');
		await clock.advance(0);
		assert.equal(watchers.size, 0);
		assert.deepEqual(sent, []);
	});

	it('is not woken by what it knows', async () => {
		const { clock, hold, hear, ask, sent } = await world();
		const holder = await hold();
		const asked = ask();
		await clock.advance(10);
		hear(1);
		hear(0);
		await clock.advance(10);
		holder.letGo();
		assert.equal((await clock.settle(asked)).generation, 2);
		assert.deepEqual(sent, ['refresh of first']);
	});

	it('goes on from what it heard of, if that has expired by now, and in its turn', async () => {
		const { clock, vault, fresh, hold, hear, ask, sent } = await world();
		const holder = await hold();
		const asked = ask();
		await clock.advance(10);
		await vault.write(ref, 1, fresh('slept', -1_000));
		hear(2);
		await clock.advance(10);
		assert.deepEqual(sent, []);
		holder.letGo();
		const result = await clock.settle(asked);
		assert.deepEqual([result.generation, result.credential.accessToken], [3, 'renewed-1']);
		assert.deepEqual(sent, ['refresh of slept']);
	});

	it('finishes what a dead holder left behind what another one wrote, before it sends anything', async () => {
		const { clock, memory, key, vault, fresh, hold, ask, sent, log } = await world();
		const holder = await hold();
		const asked = ask();
		await clock.advance(10);
		await vault.write(ref, 1, fresh('slept', -1_000));
		const temp = `/vault/${recordName(ref)}.3.${'a'.repeat(16)}.tmp`;
		memory.files.set(temp, seal(ref, 3, JSON.stringify(fresh('left')), key));
		holder.letGo();
		const result = await clock.settle(asked);
		assert.deepEqual([result.generation, result.credential.accessToken], [3, 'left']);
		assert.match(log.lines.join('\n'), /finished generation 3/);
		assert.doesNotMatch(log.lines.join('\n'), /finished generation 2/);
		assert.deepEqual(sent, []);
	});

	it('does so once: the second one that has expired is the answer, but never one that was refused', async () => {
		for (const refusedDigest of [undefined, digest('again')]) {
			const { clock, vault, fresh, hold, hear, ask, sent } = await world();
			await hold();
			const asked = ask(refusedDigest === undefined ? {} : { refusedDigest });
			await clock.advance(10);
			await vault.write(ref, 1, fresh('slept', -1_000));
			hear(2);
			await clock.advance(10);
			await vault.write(ref, 2, fresh('again', -1_000));
			hear(3);
			if (refusedDigest === undefined) assert.equal((await clock.settle(asked)).generation, 3);
			else await assert.rejects(clock.settle(asked), { code: 'cancelled' });
			assert.deepEqual(sent, []);
		}
	});

	it('ends with `locked` when its patience does, or with the token that it has if that lives', async () => {
		const expired = await world();
		await expired.hold();
		const startMs = expired.clock.now();
		await assert.rejects(expired.clock.settle(expired.ask()), { code: 'locked' });
		assert.equal(expired.clock.now() - startMs, PATIENCE_MS);
		const { clock, hold, ask, sent } = await world({ leftMs: 5 * MINUTE_MS });
		await hold();
		assert.equal((await clock.settle(ask({ minTtlMs: 10 * MINUTE_MS }))).generation, 1);
		await assert.rejects(clock.settle(ask({ force: true })), { code: 'locked' });
		await assert.rejects(clock.settle(ask({ minTtlMs: 10 * MINUTE_MS, refusedDigest: digest('first') })), {
			code: 'locked',
		});
		await assert.rejects(clock.settle(ask({ minTtlMs: 10 * MINUTE_MS, refusedDigest: digest('other') })), {
			code: 'locked',
		});
		assert.deepEqual(sent, []);
	});

	it('stops waiting when the window ends', async () => {
		const { clock, hold, hear, ask, ending, watchers } = await world();
		await hold();
		const asked = ask();
		await clock.advance(10);
		ending.abort();
		hear(2);
		await assert.rejects(clock.settle(asked), { code: 'cancelled' });
		assert.equal(watchers.size, 0);
	});
});

describe('a window that holds the lease', () => {
	it('says `locked` if it was taken over while it was silent, and sends nothing', async () => {
		const { clock, held, ask, sent } = await world();
		const conflict = new AuthError('conflict', 'not ours any more');
		held.assertHeld = async () => {
			throw conflict;
		};
		await assert.rejects(clock.settle(ask()), (error) => {
			assert.ok(error instanceof AuthError && error.code === 'locked' && error.cause === conflict);
			return true;
		});
		assert.deepEqual(sent, []);
	});

	it('sends no second time after a lost answer if the lease was lost with it', async () => {
		const { clock, held, ask, sent, server } = await world();
		server.next = async () => {
			held.assertHeld = async () => {
				throw new AuthError('conflict', 'not ours any more');
			};
			return { kind: 'unknown', cause: new Error('ECONNRESET') };
		};
		await assert.rejects(clock.settle(ask()), { code: 'locked' });
		assert.equal(sent.length, 1);
	});

	it('keeps a token with life left through trouble that passes, and through no other', async () => {
		const { clock, ask, server } = await world({ leftMs: 5 * MINUTE_MS });
		const request = { minTtlMs: 10 * MINUTE_MS };
		server.next = async () => ({ kind: 'failed', code: 'transient', status: 503 });
		assert.equal((await clock.settle(ask(request))).generation, 1);
		await assert.rejects(clock.settle(ask({ ...request, force: true })), { code: 'transient' });
		server.next = async () => ({ kind: 'failed', code: 'configuration', status: 401 });
		await clock.advance(3 * MINUTE_MS);
		await assert.rejects(clock.settle(ask(request)), { code: 'configuration' });
	});

	it('notes for all windows that it has renewed, and takes that for nobody else’s doing', async () => {
		const { clock, state, ask, log } = await world();
		const startMs = clock.now();
		assert.equal((await clock.settle(ask())).generation, 2);
		const reading = await state.read();
		assert.ok(reading.kind === 'state');
		assert.equal(reading.state.providers[ref.providerId]?.buckets[0]?.lastRefreshAtMs, startMs);
		assert.doesNotMatch(log.lines.join('\n'), /somebody else wrote|adopted/);
	});

	it('is served however the intent is cleared afterwards', async () => {
		const { clock, disk, ask, log } = await world();
		disk.set({ operation: 'unlink', code: 'EACCES', when: 'before', from: 1, times: 100, path: /\.intent$/ });
		assert.equal((await clock.settle(ask())).generation, 2);
		assert.match(log.lines.join('\n'), /the intent could not be cleared/);
	});

	it('goes on ending its intent where that fails, or all others would wait for it as long as it lives', async () => {
		const { clock, disk, ask, server } = await world();
		server.next = async () => ({ kind: 'failed', code: 'transient' });
		disk.set({ operation: 'unlink', code: 'EACCES', when: 'before', from: 1, times: 3, path: /\.intent$/ });
		await assert.rejects(clock.settle(ask()), { code: 'transient' });
		const others = createIntents('/vault', disk, processesOf(2, new Set([1])));
		const count = async () => (await others.read(ref))(1, digest('refresh of first'));
		assert.equal(await count(), 'underWay');
		await clock.advance(5_000);
		assert.equal(await count(), 0);
		assert.equal(clock.pending(), 0);
	});

	it('sends nothing while another process that lives has sent it, and ends as `locked` when that takes too long', async () => {
		const { clock, disk, intents, ask, sent } = await world();
		const refreshTokenDigest = digest('refresh of first');
		const intent = { generation: 1, refreshTokenDigest, attempt: 1, correlationId: 'c0' };
		const living = createIntents('/vault', disk, {
			...processesOf(process.pid),
			probe: async () => ({ kind: 'alive', startTime: '' }),
		});
		intents.read = living.read; // To this window whoever wrote it lives.
		await createIntents('/vault', disk, processesOf(9)).begin(ref, intent);
		await assert.rejects(clock.settle(ask()), { code: 'locked' });
		assert.deepEqual(sent, []);
	});

	it('leaves what it noted to who has the lease by now, if that was lost before anything was sent', async () => {
		const { clock, disk, held, ask, sent } = await world();
		held.assertHeld = async () => {
			throw new AuthError('conflict', 'the lease was lost');
		};
		await assert.rejects(clock.settle(ask()), { code: 'locked' });
		assert.deepEqual(sent, []);
		assert.equal((await successor('/vault', disk).read(ref))(1, digest('refresh of first')), 0);
	});

	it('asks for a sign-in when the answer was for somebody else, and sends that token no more', async () => {
		const { clock, ask, server, sent } = await world();
		server.next = async () => ({ kind: 'failed', code: 'identity', status: 200, serverError: 'other subject' });
		for (let times = 0; times < 2; times++)
			await assert.rejects(clock.settle(ask()), { code: 'invalid_grant' }, String(times));
		assert.equal(sent.length, 1);
	});

	it('has written down that it sends, one more than those who died, and takes that back when the token is lost', async () => {
		const { clock, disk, intents, ask, server } = await world();
		const refreshTokenDigest = digest('refresh of first');
		await leaveNote(intents, ref, { generation: 1, refreshTokenDigest, attempt: 1, correlationId: 'c0' });
		const counted: (number | 'underWay')[] = [];
		const count = async (): Promise<void> =>
			void counted.push((await successor('/vault', disk).read(ref))(1, refreshTokenDigest));
		server.next = async () => {
			await count();
			return { kind: 'rejected', serverError: 'invalid_grant', status: 400 };
		};
		await assert.rejects(clock.settle(ask()), { code: 'invalid_grant' });
		await count();
		assert.deepEqual(counted, [2, 0]);
	});

	it('says `unavailable` where there is no refresh token, and sends nothing', async () => {
		const { clock, vault, fresh, ask, sent } = await world();
		const { refreshToken: _, ...credential } = fresh('no refresh', -1_000);
		await vault.write(ref, 1, credential);
		await assert.rejects(clock.settle(ask()), { code: 'unavailable' });
		assert.deepEqual(sent, []);
	});

	it('renews also where nothing is noted about the bucket', async () => {
		const { clock, ask } = await world({ hasState: false });
		assert.equal((await clock.settle(ask())).generation, 2);
	});
});

describe('a token that lives shorter than its answer takes', () => {
	it('is adopted by who waited for it while another window holds the lease, and by who comes to the lease after it', async () => {
		for (const hears of [true, false]) {
			const { clock, vault, fresh, hold, hear, ask, sent } = await world();
			const { letGo } = await hold();
			const asking = Promise.all([1, 2, 3].map(() => ask()));
			await clock.advance(1_300);
			await vault.write(ref, 1, { ...fresh('short', 0), obtainedAtMs: clock.now() });
			await clock.advance(200);
			if (hears) hear(2);
			letGo();
			for (const { generation } of await clock.settle(asking)) assert.equal(generation, 2);
			assert.deepEqual(sent, [], String(hears));
			// Who asks only now wants another one.
			assert.equal((await clock.settle(ask())).generation, 3);
			assert.equal(sent.length, 1);
		}
	});

	it('is not adopted by who slept since it came', async () => {
		const { clock, vault, fresh, hold, hear, ask, sent } = await world();
		const { letGo } = await hold();
		const asking = ask();
		await clock.advance(1_300);
		await vault.write(ref, 1, { ...fresh('short', 0), obtainedAtMs: clock.now() });
		clock.jump(8 * HOUR_MS);
		hear(2);
		letGo();
		assert.equal((await clock.settle(asking)).generation, 3);
		assert.equal(sent.length, 1);
	});
});

describe('a flight that others join', () => {
	const clock = createManualClock();
	const demands = createDemands(createLifetimes(clock), clock);
	const result = (generation: number, lifeMs: number): RefreshResult => ({
		generation,
		credential: {
			...{ kind: 'oauth', accessToken: `a${generation}`, scopes: [], identity: { issuer: 'https://demo' } },
			expiresAtMs: clock.now() + lifeMs,
			obtainedAtMs: clock.now(),
		},
	});
	const request = (more: Partial<RefreshRequest> = {}): RefreshRequest => ({
		...{ ref, purpose: 'test', correlationId: 'c1' },
		...more,
	});

	it('is followed by another one for who finds its token expired, as after a sleep', async () => {
		let flown = 0;
		const sleepy: Clock = {
			...clock,
			now() {
				const landedAtMs = clock.now();
				if (flown === 1) clock.jump(8 * HOUR_MS);
				return landedAtMs;
			},
		};
		const flights = createFlights(demands, sleepy, async () => {
			flown++;
			return result(flown, HOUR_MS);
		});
		const [first, second, third] = await Promise.all([1, 2, 3].map(() => flights.join(request())));
		assert.deepEqual([first?.generation, second?.generation, third?.generation], [1, 2, 2]);
		assert.equal(flown, 2);
	});

	it('is for all of them whatever life its token has left, but not if it is the one that was refused', async () => {
		let flown = 10;
		const flights = createFlights(demands, clock, async () => {
			flown++;
			// Longer on its way than it was given to live.
			const short = result(flown, -1_000);
			return { ...short, credential: { ...short.credential, obtainedAtMs: clock.now() - 30_000 } };
		});
		const joined = await Promise.all(Array.from({ length: 8 }, () => flights.join(request())));
		assert.deepEqual(new Set(joined.map(({ generation }) => generation)), new Set([11]));
		const refusedDigest = digest('a12');
		const refusing = await Promise.all([1, 2].map(() => flights.join(request({ refusedDigest }))));
		assert.deepEqual(
			refusing.map(({ generation }) => generation),
			[12, 13],
		);
	});

	it('answers another kind of request too if its result does, and its failure is not theirs', async () => {
		const landed = createDeferred<RefreshResult>();
		const kinds: (number | undefined)[] = [];
		const flights = createFlights(demands, clock, async ({ minTtlMs }) => {
			kinds.push(minTtlMs);
			if (minTtlMs === 1) throw new AuthError('transient', 'no');
			return minTtlMs === MINUTE_MS ? landed.promise : result(9, HOUR_MS);
		});
		const asked = flights.join(request({ minTtlMs: MINUTE_MS }));
		const more = flights.join(request({ minTtlMs: 2 * MINUTE_MS }));
		landed.resolve(result(1, HOUR_MS));
		assert.deepEqual([(await asked).generation, (await more).generation], [1, 1]);
		const failing = flights.join(request({ minTtlMs: 1 }));
		const other = flights.join(request({ minTtlMs: 2 * MINUTE_MS }));
		await assert.rejects(failing, { code: 'transient' });
		assert.equal((await other).generation, 9);
		assert.deepEqual(kinds, [MINUTE_MS, 1, 2 * MINUTE_MS]);
		// Nothing is joined that is over.
		await flights.join(request({ minTtlMs: MINUTE_MS + 1 }));
		assert.equal(kinds.length, 4);
	});

	it('fails for all of them with one failure', async () => {
		let flown = 0;
		const flights = createFlights(demands, clock, async () => {
			flown++;
			throw new AuthError('configuration', 'no');
		});
		const asked = await Promise.allSettled([1, 2, 3].map(() => flights.join(request())));
		const reasons = asked.map((one) => (one.status === 'rejected' ? one.reason : undefined));
		assert.ok(reasons[0] instanceof AuthError && reasons.every((reason) => reason === reasons[0]));
		assert.equal(flown, 1);
	});

	it('is one per bucket', async () => {
		const asked: string[] = [];
		const flights = createFlights(demands, clock, async ({ ref: { bucketId } }) => {
			asked.push(bucketId);
			return result(1, HOUR_MS);
		});
		await Promise.all(['b1', 'b2'].map((bucketId) => flights.join(request({ ref: { ...ref, bucketId } }))));
		assert.deepEqual(asked, ['b1', 'b2']);
	});
});

describe('what is said of a refresh', () => {
	it('that could not be sent: a network that may return, or settings that must be changed', () => {
		assert.equal(codeOfNotSent(new AuthError('configuration', '')), 'configuration');
		assert.equal(codeOfNotSent(new AuthError('unknown_provider', '')), 'configuration');
		assert.equal(codeOfNotSent(new AuthError('protocol', '')), 'protocol');
		assert.equal(codeOfNotSent(new AuthError('transient', '')), 'transient');
		assert.equal(codeOfNotSent(new Error('ENOTFOUND')), 'transient');
	});

	it('in the journal', () => {
		const outcome = (more: object): string => describeOutcome(more as RefreshOutcome);
		assert.equal(outcome({ kind: 'answered' }), 'answered');
		assert.equal(
			outcome({ kind: 'rejected', serverError: 'invalid_grant', status: 400 }),
			'rejected (invalid_grant, HTTP 400)',
		);
		assert.equal(outcome({ kind: 'failed', code: 'transient', status: 503 }), 'failed (transient, HTTP 503)');
		assert.equal(outcome({ kind: 'failed', code: 'protocol' }), 'failed (protocol)');
		assert.match(outcome({ kind: 'notSent', cause: new AuthError('transient', 'x') }), /^notSent \(.*transient/);
		assert.equal(outcome({ kind: 'unknown', status: 502 }), 'unknown (HTTP 502)');
		assert.match(outcome({ kind: 'unknown', cause: new AuthError('timeout', 'x') }), /^unknown \(.*timeout/);
	});

	it('that holds no credential, each state of the vault by its own code', () => {
		const code = (kind: Parameters<typeof unreadable>[0]['kind']): string =>
			unreadable({ kind, generation: 1 } as never).code;
		assert.deepEqual(
			(['absent', 'signedOut', 'keyMissing', 'keyUnreadable', 'damaged', 'newerSchema'] as const).map(code),
			['no_account', 'no_account', 'key_missing', 'key_unreadable', 'damaged', 'newer_schema'],
		);
	});

	it('whose token has no end: none is made up, and it is as old as the question', async () => {
		const clock = createManualClock();
		const obtainedAtMs = clock.now() + 3_000;
		const credential: OAuthCredential = {
			...{ kind: 'oauth', accessToken: 'a', scopes: [], identity: { issuer: 'https://demo' } },
			obtainedAtMs,
		};
		const outcome = await sendOnce(
			clock,
			async () => {
				clock.advance(3_000);
				return { kind: 'answered', credential };
			},
			ref,
			credential,
			'c1',
		);
		assert.ok(outcome.kind === 'answered');
		assert.equal('expiresAtMs' in outcome.credential, false);
		assert.equal(outcome.credential.obtainedAtMs, obtainedAtMs - 3_000);
	});
});
