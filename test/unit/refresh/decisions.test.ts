/** When a troubled server is asked again, and which renewal answers which request. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import { createLifetimes } from '../../../src/auth/lifetimes.ts';
import { digest } from '../../../src/auth/log.ts';
import { backOff } from '../../../src/auth/refresh/backOff.ts';
import { covers, createDemands } from '../../../src/auth/refresh/demand.ts';
import type { RefreshRequest } from '../../../src/auth/refresh/refresher.ts';
import { createManualClock } from '../../support/manualClock.ts';

const NOW_MS = 1_700_000_000_000;
const HOUR_MS = 60 * 60_000;
const middle = (): number => 0.5;

describe('the wait for a troubled server', () => {
	it('doubles from a second and stops at five minutes', () => {
		const waits = [1, 2, 3, 4, 9, 10, 50].map((attempts) => backOff.next(attempts, NOW_MS, undefined, middle) - NOW_MS);
		assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000]);
	});

	it('is spread by a fifth to both sides', () => {
		assert.equal(Math.round(backOff.next(1, NOW_MS, undefined, () => 0) - NOW_MS), 800);
		assert.equal(Math.round(backOff.next(1, NOW_MS, undefined, () => 1) - NOW_MS), 1_200);
	});

	it('is what the server says if that is later, but no more than an hour', () => {
		assert.equal(backOff.next(1, NOW_MS, NOW_MS + 90_000, middle), NOW_MS + 90_000);
		assert.equal(backOff.next(1, NOW_MS, NOW_MS + 500, middle), NOW_MS + 1_000);
		assert.equal(backOff.next(1, NOW_MS, NOW_MS + 48 * HOUR_MS, middle), NOW_MS + HOUR_MS);
	});

	it('is over at its time, and also where the clock was moved so far that nobody can have set it', () => {
		assert.equal(backOff.isPending(NOW_MS + 1, NOW_MS), true);
		assert.equal(backOff.isPending(NOW_MS, NOW_MS), false);
		assert.equal(backOff.isPending(NOW_MS + HOUR_MS, NOW_MS), true);
		assert.equal(backOff.isPending(NOW_MS + HOUR_MS + 1, NOW_MS), false);
	});
});

describe('what a request demands', () => {
	const ref = { providerId: 'demo', bucketId: 'b1' };
	const request = (more: Partial<RefreshRequest> = {}): RefreshRequest => ({
		ref,
		purpose: 'test',
		correlationId: 'c1',
		...more,
	});
	const demandsNow = () => {
		const clock = createManualClock(NOW_MS);
		return createDemands(createLifetimes(clock), clock);
	};
	const present = (lifeMs: number): { generation: number; credential: OAuthCredential } => ({
		generation: 1,
		credential: {
			kind: 'oauth',
			accessToken: 'access',
			expiresAtMs: NOW_MS + lifeMs,
			obtainedAtMs: NOW_MS - 5 * HOUR_MS,
			scopes: [],
			identity: { issuer: 'https://issuer.example' },
		},
	});

	it('is met by a token with life left, but not if a renewal is asked for in any case', () => {
		const demands = demandsNow();
		assert.equal(demands.isMet(request(), present(HOUR_MS)), true);
		assert.equal(demands.isMet(request({ force: true }), present(HOUR_MS)), false);
		assert.equal(demands.isMet(request({ minTtlMs: 2 * HOUR_MS }), present(HOUR_MS)), false);
		assert.equal(demands.isOfUse(request({ force: true }), present(HOUR_MS)), true);
	});

	it('is not met by the token that was refused, and by any other', () => {
		const demands = demandsNow();
		assert.equal(demands.isOfUse(request({ refusedDigest: digest('access') }), present(HOUR_MS)), false);
		assert.equal(demands.isOfUse(request({ refusedDigest: digest('other') }), present(HOUR_MS)), true);
	});

	it('tells a token that has any life from one that has none', () => {
		assert.equal(demandsNow().isAlive(request({ minTtlMs: 2 * HOUR_MS }), present(1_000)), true);
		assert.equal(demandsNow().isAlive(request(), present(1)), true);
		assert.equal(demandsNow().isAlive(request(), present(0)), false);
		assert.equal(demandsNow().isAlive(request(), present(-1_000)), false);
	});

	it('is answered by a renewal that was started for as much', () => {
		assert.equal(covers(request(), request()), true);
		assert.equal(covers(request({ force: true }), request()), true);
		assert.equal(covers(request({ force: true }), request({ force: true })), true);
		assert.equal(covers(request(), request({ force: true })), false);
		assert.equal(covers(request({ refusedDigest: 'a' }), request({ refusedDigest: 'a' })), true);
		assert.equal(covers(request({ refusedDigest: 'a' }), request({ refusedDigest: 'b' })), false);
		assert.equal(covers(request({ minTtlMs: 60_000 }), request()), true);
		assert.equal(covers(request({ minTtlMs: 59_999 }), request()), false);
		assert.equal(covers(request(), request({ minTtlMs: 60_001 })), false);
		assert.equal(covers(request({ minTtlMs: 60_002 }), request({ minTtlMs: 60_001 })), true);
	});
});
