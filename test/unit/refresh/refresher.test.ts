import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addBucket } from '../../../src/auth/buckets/accounts.ts';
import { createStateFile } from '../../../src/auth/buckets/state.ts';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import { createLocalLeases } from '../../../src/auth/lease/localLeases.ts';
import { createLifetimes } from '../../../src/auth/lifetimes.ts';
import { digest } from '../../../src/auth/log.ts';
import type { RefreshOutcome } from '../../../src/auth/oauth/refreshGrant.ts';
import { REQUEST_DEADLINE_MS } from '../../../src/auth/refresh/deadlines.ts';
import { createIntents } from '../../../src/auth/refresh/intent.ts';
import { createJournal } from '../../../src/auth/refresh/journal.ts';
import { createRefresher, type RefreshRequest, type RefreshResult } from '../../../src/auth/refresh/refresher.ts';
import { createRenewal } from '../../../src/auth/refresh/renewal.ts';
import { createLedger } from '../../../src/auth/vault/ledger.ts';
import { recordName, seal } from '../../../src/auth/vault/sealing.ts';
import { createVault } from '../../../src/auth/vault/vault.ts';
import type { VaultKey } from '../../../src/auth/vault/vaultKey.ts';
import { createDeferred } from '../../support/deferred.ts';
import { createFaultyDisk } from '../../support/faultyDisk.ts';
import { createGate } from '../../support/gate.ts';
import { createMemoryDisk } from '../../support/memoryDisk.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { leaveNote, processesOf, successor } from '../../support/senders.ts';
import { createVirtualClock } from '../../support/virtualClock.ts';

const folder = '/vault';
const ref = { providerId: 'demo', bucketId: 'b1' };
const LIFE_MS = 3_600_000;
const secret = Buffer.alloc(32, 7);

/** One window over a disk in memory and a clock that the test moves; the server is a function. */
async function world(life: { leftMs?: number } = {}) {
	const clock = createVirtualClock();
	const memory = createMemoryDisk();
	const disk = createFaultyDisk(memory);
	const ledger = createLedger(folder, disk);
	const keyId = 'k';
	const key: VaultKey = {
		find: async () => ({ kind: 'ready', key: secret, keyId }),
		findById: async () => ({ kind: 'ready', key: secret, keyId }),
		ensure: async () => secret,
		forget: () => undefined,
	};
	const vault = createVault({ ledger, key });
	const log = createRecordingLog();
	const state = createStateFile(ledger);
	const ending = new AbortController();
	const sent: string[] = [];
	const server = {
		next: async (_credential: OAuthCredential, _signal: AbortSignal): Promise<RefreshOutcome> => ({
			kind: 'answered',
			credential: fresh(`access-${sent.length}`, `refresh-${sent.length}`),
		}),
	};

	function fresh(accessToken: string, refreshToken: string, lifeMs = LIFE_MS): OAuthCredential {
		return {
			kind: 'oauth',
			accessToken,
			refreshToken,
			expiresAtMs: clock.now() + lifeMs,
			obtainedAtMs: clock.now() - (LIFE_MS - lifeMs),
			scopes: [],
			identity: { issuer: 'https://demo', subject: 's' },
		};
	}

	const first = fresh('access-0', 'refresh-0', life.leftMs ?? -1_000);
	await vault.write(ref, 0, first);
	const provider = { id: ref.providerId, label: 'Demo', kind: 'apiKey' as const };
	await state.update((present) => addBucket(present, provider, first, { nowMs: 1, bucketId: ref.bucketId }).state);
	const intents = createIntents(folder, disk, processesOf(1));
	const leases = createLocalLeases();
	const refresher = createRefresher({
		loadRenewal: async () => createRenewal,
		vault,
		intents,
		leases,
		state,
		clock,
		log,
		lifetimes: createLifetimes(clock),
		journal: createJournal(clock, log),
		ending: ending.signal,
		send(_ref, credential, signal) {
			sent.push(credential.refreshToken ?? '');
			return server.next(credential, signal);
		},
		watch: () => ({ dispose() {} }),
	});
	return {
		clock,
		memory,
		disk,
		ledger,
		vault,
		vaultOf: (schema: number) => createVault({ ledger, key, schema }),
		state,
		log,
		intents,
		ending,
		sent,
		server,
		fresh,
		ask: (request: Partial<RefreshRequest> = {}): Promise<RefreshResult> =>
			refresher.refresh({ ref, purpose: 'test', correlationId: 'c1', ...request }),
	};
}

describe('refresher', () => {
	it('returns what is valid without asking anybody', async () => {
		const { clock, ask, sent } = await world({ leftMs: LIFE_MS });
		assert.equal((await clock.settle(ask())).generation, 1);
		assert.deepEqual(sent, []);
	});

	it('is one flight for all callers of a window, who all have the same result or the same failure', async () => {
		const { clock, ask, sent, server } = await world();
		const results = await clock.settle(Promise.all(Array.from({ length: 20 }, () => ask())));
		assert.equal(new Set(results).size, 1);
		assert.equal(sent.length, 1);
		server.next = async () => ({ kind: 'failed', code: 'transient', status: 503 });
		await clock.advance(LIFE_MS);
		const failures = await clock.settle(Promise.allSettled(Array.from({ length: 20 }, () => ask())));
		for (const failure of failures) assert.ok(failure.status === 'rejected' && failure.reason.code === 'transient');
		assert.equal(sent.length, 2);
	});

	it('does not give a caller who forces a renewal the valid token of a flight that renewed nothing', async () => {
		const { clock, ask, sent } = await world({ leftMs: LIFE_MS });
		const [plain, forced] = await clock.settle(Promise.all([ask(), ask({ force: true })]));
		assert.equal(plain?.generation, 1);
		assert.equal(forced?.generation, 2);
		assert.equal(sent.length, 1);
	});

	it('does not refuse a caller who forces a renewal because of a back-off that it overrides', async () => {
		const { clock, ask, sent, server } = await world();
		const working = server.next;
		server.next = async () => ({ kind: 'failed', code: 'transient' });
		await assert.rejects(clock.settle(ask()), { code: 'transient' });
		server.next = working;
		const [plain, forced] = await clock.settle(Promise.allSettled([ask(), ask({ force: true })]));
		assert.equal(plain?.status, 'rejected');
		assert.equal(forced?.status, 'fulfilled');
		assert.equal(sent.length, 2);
	});

	it('does not give a caller who wants much life left the token of a flight that was content with less', async () => {
		const { clock, ask } = await world({ leftMs: 5 * 60_000 });
		const [little, much] = await clock.settle(Promise.all([ask(), ask({ minTtlMs: 10 * 60_000 })]));
		assert.equal(little?.generation, 1);
		assert.equal(much?.generation, 2);
	});

	it('never returns a refused token, nor an expired one in its place', async () => {
		const { clock, ask, vault, fresh, sent } = await world({ leftMs: LIFE_MS });
		const refusedDigest = digest('access-0');
		await vault.write(ref, 1, fresh('expired', 'refresh-x', -1_000));
		const result = await clock.settle(ask({ refusedDigest }));
		assert.ok(result.generation === 3 && result.credential.accessToken === 'access-1');
		assert.deepEqual(sent, ['refresh-x']);
	});

	it('never sends a token that somebody has replaced while a dead writer’s record was looked at', async () => {
		const { clock, ask, memory, disk, vault, fresh, sent } = await world();
		const temp = `${folder}/${recordName(ref)}.2.${'a'.repeat(16)}.tmp`;
		memory.files.set(temp, seal(ref, 2, JSON.stringify(fresh('left', 'left')), secret));
		// A sign-in of another window gets there first, at the last moment.
		const link = disk.link;
		let raced = false;
		disk.link = async (existing, created) => {
			if (!raced && created.includes(recordName(ref))) {
				raced = true;
				await vault.write(ref, 1, fresh('signed in', 'signed in'));
			}
			await link(existing, created);
		};
		const result = await clock.settle(ask());
		assert.equal(result.credential.accessToken, 'signed in');
		assert.deepEqual(sent, []);
	});

	it('finishes every record that dead holders left, one after the other, before it decides whether to send', async () => {
		const { clock, ask, memory, fresh, sent, log } = await world();
		const leave = (generation: number, name: string, lifeMs: number): void => {
			const temp = `${folder}/${recordName(ref)}.${generation}.${'a'.repeat(16)}.tmp`;
			memory.files.set(temp, seal(ref, generation, JSON.stringify(fresh(name, name, lifeMs)), secret));
		};
		leave(2, 'left', -1_000);
		leave(3, 'left later', LIFE_MS);
		const result = await clock.settle(ask());
		assert.deepEqual([result.generation, result.credential.accessToken], [3, 'left later']);
		assert.deepEqual(sent, []);
		for (const generation of [2, 3])
			assert.match(
				log.lines.join('\n'),
				new RegExp(`finished generation ${generation}, which a dead holder had stored`),
			);
	});

	it('serves every caller of the window from memory while the disk refuses the new token, also those who come later', async () => {
		const { clock, ask, disk, sent, vault } = await world();
		disk.set({
			operation: 'link',
			code: 'ENOSPC',
			when: 'before',
			from: 1,
			times: 5,
			path: new RegExp(`${recordName(ref)}.2`),
		});
		const first = await clock.settle(ask());
		assert.equal(first.unsaved, true);
		for (let count = 0; count < 3; count++) assert.equal(await clock.settle(ask()), first);
		assert.equal(sent.length, 1);
		await clock.advance(60_000);
		const reading = await vault.read(ref);
		assert.ok(reading.kind === 'credential' && reading.credential.accessToken === first.credential.accessToken);
		assert.equal((await clock.settle(ask())).unsaved, undefined);
		assert.equal(sent.length, 1);
	});

	it('finds its own record when storing succeeded and only the success was lost', async () => {
		for (const operation of ['link', 'syncFolder', 'unlink'] as const) {
			const { clock, ask, disk, sent } = await world();
			disk.set({ operation, code: 'EIO', when: 'after', from: 1, times: 1 });
			const result = await clock.settle(ask());
			await clock.advance(10_000);
			assert.equal(result.credential.accessToken, 'access-1', operation);
			assert.equal((await clock.settle(ask())).credential.accessToken, 'access-1');
			assert.equal(sent.length, 1);
		}
	});

	it('gives up the lease when a newer version wrote the record while the request was out', async () => {
		const { clock, ask, server, vaultOf, fresh } = await world();
		const arrived = createGate();
		const answer = createGate();
		server.next = async () => {
			arrived.open();
			await answer.passed;
			return { kind: 'answered', credential: fresh('late', 'late') };
		};
		const asked = ask();
		const refused = assert.rejects(asked, { code: 'newer_schema' });
		await clock.settle(arrived.passed);
		await vaultOf(99).write(ref, 1, fresh('of the newer version', 'r'));
		answer.open();
		await clock.settle(refused);
		assert.equal(clock.pending(), 0);
	});

	it('believes `invalid_grant` only after reading again', async () => {
		const { clock, ask, server, vault, fresh, state } = await world();
		server.next = async () => {
			await vault.write(ref, 1, fresh('of another window', 'r'));
			return { kind: 'rejected', serverError: 'invalid_grant', status: 400 };
		};
		assert.equal((await clock.settle(ask())).credential.accessToken, 'of another window');
		const reading = await state.read();
		assert.ok(reading.kind === 'state' && reading.state.providers.demo?.buckets[0]?.needsSignIn === undefined);
	});

	it('keeps the record after `invalid_grant`, and asks the server no more for this generation', async () => {
		const { clock, ask, server, sent, vault } = await world();
		server.next = async () => ({ kind: 'rejected', serverError: 'invalid_grant', status: 400 });
		for (let count = 0; count < 3; count++) await assert.rejects(clock.settle(ask()), { code: 'invalid_grant' });
		assert.equal(sent.length, 1);
		assert.equal((await vault.read(ref)).kind, 'credential');
	});

	it('aborts at the one hard deadline, resends once, and holds the lease until both have settled', async () => {
		const { clock, ask, server, sent } = await world();
		const abortedAt: number[] = [];
		server.next = (_credential, signal) =>
			new Promise((resolve) => {
				signal.addEventListener('abort', () => {
					abortedAt.push(clock.monotonic());
					resolve({ kind: 'unknown', cause: signal.reason });
				});
			});
		await assert.rejects(clock.settle(ask()), { code: 'transient' });
		assert.equal(sent.length, 2);
		assert.deepEqual(abortedAt, [REQUEST_DEADLINE_MS, 2 * REQUEST_DEADLINE_MS]);
	});

	it('keeps an answer that comes late, as long as nothing newer was written', async () => {
		const { clock, ask, server, fresh } = await world();
		server.next = () =>
			new Promise((resolve) => {
				clock.schedule(REQUEST_DEADLINE_MS - 1, () => resolve({ kind: 'answered', credential: fresh('late', 'late') }));
			});
		assert.equal((await clock.settle(ask())).credential.accessToken, 'late');
	});

	it('counts the life of a token from when it was asked for: its answer may have lain unread while the machine slept', async () => {
		const { clock, ask, server, sent, fresh } = await world();
		const working = server.next;
		server.next = async () => {
			server.next = working;
			clock.jump(2 * LIFE_MS);
			return { kind: 'answered', credential: fresh('slept', 'refresh-slept') };
		};
		await clock.settle(ask());
		assert.equal((await clock.settle(ask())).credential.accessToken, 'access-2');
		assert.deepEqual(sent, ['refresh-0', 'refresh-slept']);
	});

	it('counts no try that was answered with 503, none that never left, and no lost answer that it heard of', async () => {
		const { clock, ask, server, sent } = await world();
		const outcomes: RefreshOutcome[] = [
			{ kind: 'unknown', cause: undefined },
			{ kind: 'failed', code: 'transient', status: 503 },
			{ kind: 'notSent', cause: undefined },
			{ kind: 'unknown', cause: undefined },
		];
		server.next = async () => outcomes.shift() ?? { kind: 'unknown', cause: undefined };
		await assert.rejects(clock.settle(ask()), { code: 'transient' });
		await clock.advance(600_000);
		await assert.rejects(clock.settle(ask()), { code: 'transient' });
		await clock.advance(600_000);
		// Nothing is left over from before: so this one has its resend.
		await assert.rejects(clock.settle(ask()), { code: 'transient' });
		assert.equal(sent.length, 5);
	});

	it('signs nobody out for a lost answer that it heard of and one death after it', async () => {
		const { clock, ask, server, sent, intents, disk } = await world();
		const working = server.next;
		const atResend = createDeferred<number | 'underWay'>();
		server.next = async () => {
			if (sent.length === 2) atResend.resolve((await successor(folder, disk).read(ref))(1, digest('refresh-0')));
			return { kind: 'unknown', cause: undefined };
		};
		await assert.rejects(clock.settle(ask()), { code: 'transient' });
		// Who had died with the resend would have left one death, and now there is none.
		assert.equal(await atResend.promise, 1);
		assert.equal((await intents.read(ref))(1, digest('refresh-0')), 0);
		await leaveNote(intents, ref, {
			generation: 1,
			refreshTokenDigest: digest('refresh-0'),
			attempt: 1,
			correlationId: 'dead',
		});
		await clock.advance(600_000);
		server.next = working;
		assert.equal((await clock.settle(ask())).generation, 2);
	});

	it('waits after the first lost answer if the sending before it ended with its holder, and counts anew', async () => {
		const { clock, ask, server, sent, intents } = await world();
		await leaveNote(intents, ref, {
			generation: 1,
			refreshTokenDigest: digest('refresh-0'),
			attempt: 1,
			correlationId: 'dead',
		});
		server.next = async () => ({ kind: 'unknown', cause: undefined });
		await assert.rejects(clock.settle(ask()), { code: 'transient' });
		assert.equal(sent.length, 1);
		assert.equal((await intents.read(ref))(1, digest('refresh-0')), 0);
	});

	it('does not hand out what another window wrote if that has expired by now: it goes on from there, once', async () => {
		const { clock, ask, server, vault, fresh, sent } = await world();
		const working = server.next;
		server.next = async () => {
			server.next = working;
			await vault.write(ref, 1, fresh('expired', 'refresh-x', -1_000));
			return { kind: 'failed', code: 'transient' };
		};
		assert.equal((await clock.settle(ask())).credential.accessToken, 'access-2');
		assert.deepEqual(sent, ['refresh-0', 'refresh-x']);
	});

	it('takes a torn intent for none: it is whole before anything is sent', async () => {
		const { clock, ask, server, memory, sent } = await world();
		memory.files.set(`${folder}/${recordName(ref)}.intent`, Buffer.from('{"gen'));
		server.next = async () => ({ kind: 'unknown', cause: undefined });
		await assert.rejects(clock.settle(ask()), { code: 'transient' });
		assert.equal(sent.length, 2);
	});

	it('waits and goes on, and signs nobody out, while nobody answers; each try after a wait has a resend of its own', async () => {
		const { clock, ask, server, sent, state } = await world();
		const working = server.next;
		server.next = async () => ({ kind: 'unknown', cause: undefined });
		for (let round = 1; round <= 5; round++) {
			for (let asker = 0; asker < 3; asker++) await assert.rejects(clock.settle(ask()), { code: 'transient' });
			assert.equal(sent.length, 2 * round);
			await clock.advance(600_000);
		}
		const reading = await state.read();
		assert.ok(reading.kind === 'state' && reading.state.providers.demo?.buckets[0]?.needsSignIn === undefined);
		let lost = 1;
		server.next = async (...args) => (lost-- > 0 ? { kind: 'unknown', cause: undefined } : working(...args));
		assert.equal((await clock.settle(ask())).generation, 2);
		assert.deepEqual(new Set(sent), new Set(['refresh-0']));
	});

	it('asks for a sign-in when two who had sent it died, and sends it a third time only if the person insists', async () => {
		const { clock, ask, intents, sent } = await world();
		await leaveNote(intents, ref, {
			generation: 1,
			refreshTokenDigest: digest('refresh-0'),
			attempt: 2,
			correlationId: 'of the second',
		});
		for (let count = 0; count < 2; count++) await assert.rejects(clock.settle(ask()), { code: 'unknown_outcome' });
		assert.equal(sent.length, 0);
		assert.equal((await clock.settle(ask({ force: true }))).generation, 2);
	});

	it('says `storage`, and nothing raw, when the disk fails anywhere', async () => {
		for (const operation of ['readdir', 'readFile', 'writeNew', 'rename'] as const) {
			for (const from of [1, 2, 3, 4, 5, 6]) {
				const { clock, ask, disk } = await world();
				disk.set({ operation, code: 'EIO', when: 'before', from, times: 1 });
				await clock.settle(ask()).catch((error: unknown) => {
					assert.ok(error instanceof Error && 'code' in error && error.code === 'storage', `${operation} ${from}`);
				});
				disk.set(undefined);
				await clock.advance(60_000);
				assert.equal((await clock.settle(ask())).credential.kind, 'oauth');
			}
		}
	});

	it('gives up retrying to store when the window ends, and leaves the intent for the next holder', async () => {
		const { clock, ask, disk, ending, intents } = await world();
		disk.set({
			operation: 'link',
			code: 'ENOSPC',
			when: 'before',
			from: 1,
			times: Number.POSITIVE_INFINITY,
			path: new RegExp(`${recordName(ref)}.2`),
		});
		await clock.settle(ask());
		ending.abort();
		await clock.advance(1);
		assert.equal(clock.pending(), 0);
		assert.equal((await intents.read(ref))(1, digest('refresh-0')), 1);
	});

	it('writes no token to its log', async () => {
		const { clock, ask, log } = await world();
		await clock.settle(ask());
		for (const token of ['access-0', 'access-1', 'refresh-0', 'refresh-1'])
			assert.ok(!log.lines.join('\n').includes(token));
	});
});
