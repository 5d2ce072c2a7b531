import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { POLL_MS } from '../../../src/auth/lease/lease.ts';
import { HEARTBEAT_MS, UNJUDGEABLE_OBSERVATIONS } from '../../../src/auth/lease/ownerObserver.ts';
import { backOff } from '../../../src/auth/refresh/backOff.ts';
import {
	LEASE_HOLD_MS,
	PATIENCE_MS,
	REQUEST_DEADLINE_MS,
	STORE_MARGIN_MS,
} from '../../../src/auth/refresh/deadlines.ts';

describe('deadlines of a refresh', () => {
	it('outlast each other: request < lease < the waiters’ patience, with room between', () => {
		assert.ok(REQUEST_DEADLINE_MS >= 10_000, 'a slow server is no dead one');
		const requests = 2; // A sending and its resend.
		assert.ok(LEASE_HOLD_MS >= requests * REQUEST_DEADLINE_MS + STORE_MARGIN_MS);
		assert.ok(PATIENCE_MS >= LEASE_HOLD_MS + 5_000);
		assert.ok(POLL_MS * 10 <= PATIENCE_MS - LEASE_HOLD_MS);
	});

	it('let a waiter outlast the observations after which an owner that cannot be judged counts as gone', () => {
		assert.ok(UNJUDGEABLE_OBSERVATIONS * HEARTBEAT_MS < PATIENCE_MS - 5_000);
		assert.ok(UNJUDGEABLE_OBSERVATIONS >= 10, 'a few missed beats are a busy machine');
	});
});

describe('back-off', () => {
	it('is never sooner than the server said and never later than its cap, and later with every failure', () => {
		const nowMs = Date.UTC(2030, 0, 1);
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 0, max: 3_600_000 }), (attempts, serverMs) => {
				const atMs = backOff.next(attempts, nowMs, nowMs + serverMs);
				assert.ok(atMs >= nowMs + serverMs && atMs > nowMs);
				assert.ok(atMs <= nowMs + Math.max(serverMs, 360_000));
				assert.ok(backOff.isPending(atMs, nowMs));
				assert.ok(!backOff.isPending(atMs, atMs));
			}),
		);
		const middle = (attempts: number): number => backOff.next(attempts, nowMs, undefined, () => 0.5);
		for (let attempts = 1; attempts < 8; attempts++) assert.ok(middle(attempts + 1) > middle(attempts));
	});

	it('locks nobody out for days: by a server’s header, or by a clock that was moved', () => {
		const nowMs = Date.UTC(2030, 0, 1);
		const atMs = backOff.next(1, nowMs, nowMs + 365 * 86_400_000);
		assert.ok(atMs <= nowMs + 3_600_000);
		assert.equal(backOff.isPending(atMs, nowMs - 4 * 3_600_000), false);
	});
});
