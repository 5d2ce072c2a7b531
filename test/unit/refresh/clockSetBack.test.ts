/** A clock that is set back while a server is in trouble: the wait that was agreed on by the old clock binds nobody. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addBucket } from '../../../src/auth/buckets/accounts.ts';
import { createStateFile } from '../../../src/auth/buckets/state.ts';
import { createBucketNotes } from '../../../src/auth/refresh/bucketNotes.ts';
import { createLedger } from '../../../src/auth/vault/ledger.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createMemoryDisk } from '../../support/memoryDisk.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';

const ref = { providerId: 'demo', bucketId: 'b1' };
const MINUTE_MS = 60_000;
const GENERATION = 4;

/** @param aheadMs how far ahead the clock was when the refresh failed. */
async function failedWithClock(aheadMs: number, serverWaitMs?: number) {
	const right = createManualClock(1_700_000_000_000);
	let offsetMs = aheadMs;
	const clock = { ...right, now: () => right.now() + offsetMs };
	const state = createStateFile(createLedger('/vault', createMemoryDisk()));
	const credential = { kind: 'oauth', identity: { issuer: 'https://demo', subject: 'ada' } } as const;
	const provider = { id: ref.providerId, label: 'Demo', kind: 'apiKey' as const };
	await state.update((present) => addBucket(present, provider, credential, { nowMs: 1, bucketId: ref.bucketId }).state);
	const notes = createBucketNotes(state, clock, createRecordingLog());
	await notes.failed(ref, GENERATION, {
		code: 'transient',
		...(serverWaitMs === undefined ? {} : { retryAtMs: clock.now() + serverWaitMs }),
	});
	offsetMs = 0;
	return { clock: right, check: await notes.read(ref) };
}

describe('a clock that is set back after a refresh failed', () => {
	for (const minutes of [1, 30, 59, 240])
		it(`by ${minutes} min does not make that the wait`, async () => {
			const { check } = await failedWithClock(minutes * MINUTE_MS);
			check(GENERATION);
		});

	it('by a moment, as a time service does all day, leaves the wait to all windows', async () => {
		const { clock, check } = await failedWithClock(200, 10 * MINUTE_MS);
		assert.throws(() => check(GENERATION), { code: 'transient' });
		clock.advance(10 * MINUTE_MS + 200);
		check(GENERATION);
	});
});
