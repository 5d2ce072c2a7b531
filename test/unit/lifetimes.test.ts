import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OAuthCredential } from '../../src/auth/credential.ts';
import { createLifetimes } from '../../src/auth/lifetimes.ts';
import { createManualClock } from '../support/manualClock.ts';

const HOUR_MS = 60 * 60_000;

describe('the life of a token', () => {
	function setUp() {
		const clock = createManualClock();
		const credential: OAuthCredential = {
			kind: 'oauth',
			accessToken: 'a',
			scopes: [],
			obtainedAtMs: clock.now(),
			expiresAtMs: clock.now() + HOUR_MS,
			identity: { issuer: 'i' },
		};
		const lifetimes = createLifetimes(clock);
		return {
			clock,
			credential,
			isFresh: (generation = 1) => lifetimes.isFresh('b', generation, credential),
			lifetimes,
		};
	}

	it('ends when the wall clock says so', () => {
		const { clock, isFresh } = setUp();
		assert.equal(isFresh(), true);
		clock.advance(HOUR_MS - 61_000);
		assert.equal(isFresh(), true);
		clock.advance(2_000);
		assert.equal(isFresh(), false);
	});

	it('does not grow when the wall clock is set back by less than the age of the token', () => {
		const { clock, isFresh } = setUp();
		assert.equal(isFresh(), true);
		clock.advance(HOUR_MS / 2);
		clock.jump(-HOUR_MS / 4);
		clock.advance(HOUR_MS / 2);
		assert.equal(isFresh(), false);
	});

	it('does not stand still with the wall clock', () => {
		const { clock, isFresh } = setUp();
		assert.equal(isFresh(), true);
		clock.advance(HOUR_MS);
		clock.jump(-HOUR_MS);
		assert.equal(isFresh(), false);
	});

	it('is unknown, and the token renewed, after the clock was set back behind its issue', () => {
		const { clock, isFresh } = setUp();
		clock.jump(-4 * HOUR_MS);
		assert.equal(isFresh(), false);
	});

	it('is over after a sleep, which only the wall clock sees', () => {
		const { clock, isFresh } = setUp();
		assert.equal(isFresh(), true);
		clock.jump(2 * HOUR_MS);
		assert.equal(isFresh(), false);
	});

	it('is measured anew for each generation', () => {
		const { clock, credential, lifetimes } = setUp();
		assert.equal(lifetimes.isFresh('b', 1, credential), true);
		clock.advance(HOUR_MS);
		const next = { ...credential, obtainedAtMs: clock.now(), expiresAtMs: clock.now() + HOUR_MS };
		assert.equal(lifetimes.isFresh('b', 2, next), true);
	});

	it('is taken as it comes where the server names none', () => {
		const { clock, credential, lifetimes } = setUp();
		const { expiresAtMs: _, ...endless } = credential;
		clock.jump(-4 * HOUR_MS);
		assert.equal(lifetimes.isFresh('b', 1, endless), true);
	});
});
