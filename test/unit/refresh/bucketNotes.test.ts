/** What a refresh notes about a bucket, and what the next one makes of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addBucket } from '../../../src/auth/buckets/accounts.ts';
import { createStateFile } from '../../../src/auth/buckets/state.ts';
import { AuthError } from '../../../src/auth/errors.ts';
import { createBucketNotes } from '../../../src/auth/refresh/bucketNotes.ts';
import { createLedger } from '../../../src/auth/vault/ledger.ts';
import { createFaultyDisk } from '../../support/faultyDisk.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createMemoryDisk } from '../../support/memoryDisk.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';

const ref = { providerId: 'demo', bucketId: 'b1' };
const other = { ...ref, bucketId: 'b2' };
const NOW_MS = 1_700_000_000_000;

async function world() {
	const clock = createManualClock(NOW_MS);
	const memory = createMemoryDisk();
	const disk = createFaultyDisk(memory);
	const log = createRecordingLog();
	const state = createStateFile(createLedger('/vault', disk));
	const provider = { id: ref.providerId, label: 'Demo', kind: 'apiKey' as const };
	for (const { bucketId } of [ref, other])
		await state.update((present) => {
			const identity = { issuer: 'https://demo', subject: bucketId };
			return addBucket(present, provider, { kind: 'oauth', identity }, { nowMs: 1, bucketId }).state;
		});
	const notes = createBucketNotes(state, clock, log);
	return {
		...{ clock, memory, disk, log, notes },
		async bucket(id = ref.bucketId) {
			const reading = await state.read();
			assert.ok(reading.kind === 'state');
			return reading.state.providers[ref.providerId]?.buckets.find((bucket) => bucket.id === id);
		},
	};
}

/** The wait is spread by a fifth. */
function assertAbout(actual: number | undefined, expected: number): void {
	assert.ok(actual !== undefined && Math.abs(actual - expected) <= expected / 5 + 1, `${actual} is about ${expected}`);
}

describe('trouble that passes', () => {
	it('is waited out by all, longer with every failure of this generation, and only there', async () => {
		const { clock, notes, bucket } = await world();
		for (const [attempts, waitMs] of [
			[1, 1_000],
			[2, 2_000],
			[3, 4_000],
		] as const) {
			const error = await notes.failed(ref, 4, { code: 'transient', status: 503 });
			assert.equal(error.code, 'transient');
			assertAbout((error.detail.retryAtMs ?? 0) - NOW_MS, waitMs);
			assert.equal(error.detail.status, 503);
			assert.equal('serverError' in error.detail, false);
			const { failing } = (await bucket()) ?? {};
			assert.deepEqual(failing, { generation: 4, retryAtMs: error.detail.retryAtMs, attempts, sinceMs: NOW_MS });
		}
		assert.equal((await bucket('b2'))?.failing, undefined);
		const check = await notes.read(ref);
		assert.throws(() => check(4), { code: 'transient' });
		check(3);
		check(5);
		(await notes.read(other))(4);
		clock.advance(5_000);
		check(4);
		await notes.failed(ref, 5, { code: 'transient' });
		assert.equal((await bucket())?.failing?.attempts, 1);
	});

	it('tells until when, in the words of the server', async () => {
		const { notes } = await world();
		const retryAtMs = NOW_MS + 90_000;
		const error = await notes.failed(ref, 1, { code: 'transient', retryAtMs, serverError: 'temporarily_unavailable' });
		assert.deepEqual(error.detail, { retryAtMs, serverError: 'temporarily_unavailable' });
		const check = await notes.read(ref);
		assert.throws(
			() => check(1),
			(thrown) => thrown instanceof AuthError && thrown.detail.retryAtMs === retryAtMs,
		);
	});

	it('is over with a renewal, but not what was noted about the new token meanwhile', async () => {
		const { clock, notes, bucket } = await world();
		await notes.failed(ref, 1, { code: 'transient' });
		await notes.renewed(ref, 2, clock.now());
		assert.deepEqual(
			[(await bucket())?.failing, (await bucket())?.lastRefreshAtMs, (await bucket())?.lastRefreshPid],
			[undefined, NOW_MS, process.pid],
		);
		await notes.failed(ref, 2, { code: 'transient' });
		await notes.renewed(ref, 2, clock.now() + 1);
		assert.equal((await bucket())?.failing?.generation, 2);
		assert.equal((await bucket())?.lastRefreshAtMs, NOW_MS + 1);
		await notes.renewed(other, 2, clock.now());
		assert.equal((await bucket('b2'))?.lastRefreshAtMs, NOW_MS);
	});
});

describe('trouble that does not pass', () => {
	it('is noted nowhere if the settings or the service must change', async () => {
		const { notes, bucket } = await world();
		const cause = new Error('x');
		for (const code of ['configuration', 'identity', 'protocol'] as const) {
			const error = await notes.failed(ref, 1, { code, status: 401, cause });
			assert.deepEqual([error.code, error.detail, error.cause], [code, { status: 401 }, cause]);
		}
		assert.equal((await bucket())?.failing, undefined);
		(await notes.read(ref))(1);
	});

	it('asks for a sign-in as long as it is this generation', async () => {
		const { notes, bucket } = await world();
		const error = await notes.lost(ref, 3, 'invalid_grant', 'invalid_grant');
		assert.deepEqual([error.code, error.detail], ['invalid_grant', { serverError: 'invalid_grant' }]);
		assert.deepEqual((await notes.lost(other, 3, 'unknown_outcome')).detail, {});
		assert.deepEqual((await bucket())?.needsSignIn, { generation: 3, reason: 'invalid_grant' });
		const check = await notes.read(ref);
		assert.throws(() => check(3), { code: 'invalid_grant' });
		check(4);
		const otherCheck = await notes.read(other);
		assert.throws(() => otherCheck(3), { code: 'unknown_outcome' });
	});
});

describe('notes that cannot be kept', () => {
	it('fail no refresh, and the log says so', async () => {
		const { disk, notes, log, bucket } = await world();
		disk.set({ operation: 'writeNew', code: 'ENOSPC', when: 'before', from: 1, times: Number.POSITIVE_INFINITY });
		await notes.renewed(ref, 2, NOW_MS);
		assert.equal((await notes.lost(ref, 3, 'invalid_grant')).code, 'invalid_grant');
		const error = await notes.failed(ref, 3, { code: 'transient' });
		assert.equal(error.code, 'transient');
		disk.set(undefined);
		assert.equal((await bucket())?.needsSignIn, undefined);
		assert.match(log.lines.join('\n'), /the state could not be written \(.*ENOSPC/);
	});

	it('that are damaged keep nobody from asking', async () => {
		const { memory, notes } = await world();
		await notes.lost(ref, 3, 'invalid_grant');
		for (const path of memory.files.keys()) memory.files.set(path, Buffer.from('damaged'));
		(await notes.read(ref))(3);
	});
});
