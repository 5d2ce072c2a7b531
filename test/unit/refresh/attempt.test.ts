/** What the holder of the lease comes back with: whether it renewed or adopted, and what the journal tells of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createStateFile } from '../../../src/auth/buckets/state.ts';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import type { Lease } from '../../../src/auth/lease/lease.ts';
import { createLifetimes } from '../../../src/auth/lifetimes.ts';
import { fingerprint } from '../../../src/auth/log.ts';
import type { RefreshOutcome } from '../../../src/auth/oauth/refreshGrant.ts';
import { createAttempt } from '../../../src/auth/refresh/attempt.ts';
import { createBucketNotes } from '../../../src/auth/refresh/bucketNotes.ts';
import { createDemands, type Present } from '../../../src/auth/refresh/demand.ts';
import { createIntents } from '../../../src/auth/refresh/intent.ts';
import { createJournal } from '../../../src/auth/refresh/journal.ts';
import { type RefreshRequest, unreadable } from '../../../src/auth/refresh/refresher.ts';
import { createStoring } from '../../../src/auth/refresh/storing.ts';
import { createLedger } from '../../../src/auth/vault/ledger.ts';
import { createVault } from '../../../src/auth/vault/vault.ts';
import { createFaultyDisk } from '../../support/faultyDisk.ts';
import { createMemoryDisk } from '../../support/memoryDisk.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { processesOf } from '../../support/senders.ts';
import { createVirtualClock } from '../../support/virtualClock.ts';

const ref = { providerId: 'demo', bucketId: 'b1' };
const HOUR_MS = 60 * 60_000;
const lease: Lease = { signal: new AbortController().signal, assertHeld: async () => undefined };

/** The holder of the lease of a bucket whose first token has so much life left. */
async function world({ leftMs = -1_000 } = {}) {
	const clock = createVirtualClock();
	const disk = createFaultyDisk(createMemoryDisk());
	const ledger = createLedger('/vault', disk);
	const key = Buffer.alloc(32, 7);
	const found = { kind: 'ready', key, keyId: 'k' } as const;
	const vault = createVault({
		ledger,
		key: { find: async () => found, findById: async () => found, ensure: async () => key, forget: () => undefined },
	});
	const log = createRecordingLog();
	const journal = createJournal(clock, log);
	const sent: string[] = [];
	const server = {
		next: async (): Promise<RefreshOutcome> => ({ kind: 'answered', credential: fresh('renewed') }),
	};

	function fresh(accessToken: string, lifeMs = HOUR_MS): OAuthCredential {
		return {
			...{ kind: 'oauth', accessToken, refreshToken: `refresh of ${accessToken}`, scopes: [] },
			...{ expiresAtMs: clock.now() + lifeMs, obtainedAtMs: clock.now() - (HOUR_MS - lifeMs) },
			identity: { issuer: 'https://demo', subject: 's' },
		};
	}

	async function read(_ref: typeof ref, hint?: number): Promise<Present> {
		const reading = await vault.readAgain(ref, hint);
		if (reading.kind !== 'credential') throw unreadable(reading);
		return reading;
	}

	await vault.write(ref, 0, fresh('first', leftMs));
	const first = await read(ref);
	const attempt = createAttempt({
		...{ vault, journal, clock, log, read },
		ending: new AbortController().signal,
		intents: createIntents('/vault', disk, processesOf(1)),
		notes: createBucketNotes(createStateFile(ledger), clock, log),
		storing: createStoring({ vault, clock, log, journal, ending: new AbortController().signal }),
		demands: createDemands(createLifetimes(clock), clock),
		send(_ref, { refreshToken = '' }) {
			sent.push(refreshToken);
			return server.next();
		},
	});
	return {
		...{ vault, disk, server, sent, fresh },
		run: (more: Partial<RefreshRequest> = {}) =>
			clock.settle(attempt({ ref, purpose: 'test', correlationId: 'c1', ...more }, first, lease, () => undefined)),
		told: (): readonly string[] => journal.entries(ref).map(({ text }) => text),
	};
}

describe('an attempt under the lease', () => {
	it('has renewed, and the journal tells each step', async () => {
		const { run, told, server, fresh } = await world();
		const credential = fresh('renewed');
		server.next = async () => ({ kind: 'answered', credential });
		assert.deepEqual(await run(), { result: { generation: 2, credential }, renewed: true });
		assert.deepEqual(told(), [
			'sending (test), generation 1',
			'answered',
			`stored generation 2 (${fingerprint('renewed')})`,
		]);
	});

	it('sends nothing while there is no room for the answer, and leaves no note of it', async () => {
		const { run, disk, sent } = await world();
		disk.set({ operation: 'overwrite', code: 'ENOSPC', when: 'before', from: 1, times: 1, path: /\.tmp$/ });
		await assert.rejects(run(), { code: 'storage' });
		disk.set(undefined);
		assert.deepEqual(sent, []);
		assert.ok((await disk.readdir('/vault')).every((file) => !/\.(intent|tmp)$/.test(file)));
	});

	it('gives back the room for an answer that does not come', async () => {
		const { run, disk, server } = await world();
		for (const outcome of [
			{ kind: 'failed', code: 'transient' },
			{ kind: 'rejected', serverError: 'invalid_grant', status: 400 },
			{ kind: 'unknown', cause: undefined, status: 502 },
		] as const) {
			server.next = async () => outcome;
			await assert.rejects(run({ force: true }));
			assert.deepEqual(
				(await disk.readdir('/vault')).filter((file) => file.endsWith('.tmp')),
				[],
				outcome.kind,
			);
		}
	});

	it('tells of a lost answer that the same token was sent again', async () => {
		const { run, told, server, sent } = await world();
		const working = server.next;
		server.next = async () => {
			server.next = working;
			return { kind: 'unknown', cause: undefined };
		};
		assert.equal((await run()).renewed, true);
		assert.deepEqual(sent, ['refresh of first', 'refresh of first']);
		assert.deepEqual(told(), [
			'sending (test), generation 1',
			'unknown (undefined)',
			'the answer was lost; the same token is sent once more',
			'sending again (test), generation 1',
			'answered',
			`stored generation 2 (${fingerprint('renewed')})`,
		]);
	});

	for (const [how, outcome, last] of [
		['answered', undefined, 'somebody else wrote after generation 1; theirs holds'],
		['refused', { kind: 'rejected', serverError: 'invalid_grant', status: 400 }, 'rejected (invalid_grant, HTTP 400)'],
	] as const)
		it(`has adopted what somebody else wrote while it was out, where it is ${how}`, async () => {
			const { run, told, server, vault, fresh } = await world();
			const theirs = fresh('theirs');
			server.next = async () => {
				await vault.write(ref, 1, theirs);
				return outcome ?? { kind: 'answered', credential: fresh('ours') };
			};
			const { result, renewed } = await run();
			assert.deepEqual([result.generation, result.credential, renewed], [2, theirs, false]);
			assert.equal(told().at(-1), last);
		});

	it('sends nothing where the token is good enough, or was changed since the lease was asked for', async () => {
		const good = await world({ leftMs: HOUR_MS });
		const met = await good.run();
		assert.deepEqual([met.result.generation, met.renewed], [1, false]);
		const changed = await world();
		await changed.vault.write(ref, 1, changed.fresh('theirs'));
		// Even for who wants it renewed in any case: that was about the one before.
		const adopted = await changed.run({ force: true });
		assert.deepEqual([adopted.result.credential.accessToken, adopted.renewed], ['theirs', false]);
		assert.deepEqual([good.sent, changed.sent, good.told(), changed.told()], [[], [], [], []]);
	});

	it('fails once where nothing can be read: what else was being read fails for nobody', async () => {
		const { run, disk, sent } = await world();
		const escaped: unknown[] = [];
		const onEscaped = (reason: unknown): void => void escaped.push(reason);
		process.on('unhandledRejection', onEscaped);
		try {
			for (const operation of ['readdir', 'readFile'] as const) {
				disk.set({ operation, code: 'EIO', when: 'before', from: 1, times: Number.POSITIVE_INFINITY });
				await assert.rejects(run(), { code: 'storage' });
			}
			await new Promise((resolve) => setImmediate(resolve));
		} finally {
			process.off('unhandledRejection', onEscaped);
		}
		assert.deepEqual([escaped, sent], [[], []]);
	});
});
