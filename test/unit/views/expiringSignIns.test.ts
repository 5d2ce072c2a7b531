import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BucketSnapshot } from '../../../src/auth/snapshot.ts';
import { expiringSignIns } from '../../../src/views/notices/expiringSignIns.ts';
import { bucketOf, snapshotOf } from '../../support/fakeAuthService.ts';

const NOW_MS = Date.UTC(2026, 0, 5, 12);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function isReminded(more: Partial<BucketSnapshot>, leftMs: number, ageMs: number): boolean {
	const signInEnd = { atMs: NOW_MS + leftMs, sinceMs: NOW_MS - ageMs };
	const { token: _, ...bucket } = bucketOf('a', { signInEnd, ...more });
	return expiringSignIns(snapshotOf([bucket]), NOW_MS).length === 1;
}

describe('a sign-in that ends', () => {
	it('is reminded of in its last two days', () => {
		assert.equal(isReminded({}, 3 * DAY_MS, 11 * DAY_MS), false);
		assert.equal(isReminded({}, 1.9 * DAY_MS, 12.1 * DAY_MS), true);
		assert.equal(isReminded({}, -HOUR_MS, 14 * DAY_MS), false);
	});

	it('is not reminded of from its begin, if it lasts for hours', () => {
		assert.equal(isReminded({}, 8 * HOUR_MS, 0), false);
		assert.equal(isReminded({}, 1.5 * HOUR_MS, 6.5 * HOUR_MS), true);
	});

	it('is not reminded of while every renewal moves its end', () => {
		for (let sinceRenewalMs = 0; sinceRenewalMs < HOUR_MS; sinceRenewalMs += HOUR_MS / 4)
			assert.equal(isReminded({}, DAY_MS - sinceRenewalMs, sinceRenewalMs), false);
	});

	it('is not reminded of where it is no news: without renewal, switched off, ended', () => {
		assert.equal(isReminded({ renewable: false }, HOUR_MS, 14 * DAY_MS), false);
		assert.equal(isReminded({ disabled: true }, HOUR_MS, 14 * DAY_MS), false);
		assert.equal(isReminded({ state: { kind: 'needsSignIn', reason: 'invalid_grant' } }, HOUR_MS, 14 * DAY_MS), false);
	});
});
