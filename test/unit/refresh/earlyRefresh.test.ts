import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
import { createEarlyRefresh, EARLY_MARGIN_MS } from '../../../src/auth/refresh/earlyRefresh.ts';
import type { BucketSnapshot, BucketState, Snapshot } from '../../../src/auth/snapshot.ts';
import { createGate } from '../../support/gate.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createTestLog, demoProvider } from '../../support/serviceWindow.ts';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

describe('early refresh', () => {
	function setUp(
		options: {
			lifeMs?: number | undefined;
			idleMs?: number;
			position?: number;
			state?: BucketState;
			neverUsed?: boolean;
			renewing?: Promise<void>;
		} = {},
	) {
		const clock = createManualClock();
		const obtainedAtMs = clock.now();
		const lifeMs = 'lifeMs' in options ? options.lifeMs : HOUR_MS;
		let bucket: BucketSnapshot = {
			id: 'b',
			providerId: 'demo',
			name: 'b',
			account: { id: 'a', label: 'a', identity: { issuer: 'i' } },
			kind: 'oauth',
			state: options.state ?? { kind: 'ready' },
			generation: 1,
			renewable: true,
			sessionOnly: false,
			disabled: false,
			automatic: true,
			...(options.neverUsed ? {} : { lastUsedAtMs: clock.now() }),
			token: { value: 't', scopes: [], ...(lifeMs === undefined ? {} : { expiresAtMs: obtainedAtMs + lifeMs }) },
		};
		const renewed: number[] = [];
		const early = createEarlyRefresh({
			clock,
			log: createTestLog([]),
			snapshot: (): Snapshot => ({
				loaded: true,
				providers: [
					{
						provider: demoProvider('https://i.example'),
						buckets: [bucket],
						signingIn: false,
						automatic: { kind: 'none' },
					},
				],
			}),
			obtainedAtMs: () => obtainedAtMs,
			async renew() {
				renewed.push(clock.now() - obtainedAtMs);
				await options.renewing;
			},
			idleMs: () => options.idleMs ?? DAY_MS,
			random: () => options.position ?? 0,
		});
		/** As in a window: a look at the vault once a minute. */
		async function live(ms: number): Promise<void> {
			for (let passed = 0; passed < ms; passed += 60_000) {
				early.plan();
				clock.advance(Math.min(60_000, ms - passed));
				await settled();
			}
		}
		return {
			clock,
			early,
			renewed,
			live,
			become: (change: Partial<BucketSnapshot>) => (bucket = { ...bucket, ...change }),
		};
	}

	it('renews within the margin before expiry and not far from it', async () => {
		const { live, renewed } = setUp();
		await live(HOUR_MS - EARLY_MARGIN_MS - 1_000);
		assert.deepEqual(renewed, []);
		await live(2_000);
		assert.equal(renewed[0], HOUR_MS - EARLY_MARGIN_MS);
	});

	it('spreads the windows over the margin, all of them before the token is due on demand', async () => {
		const { live, renewed } = setUp({ position: 1 });
		await live(HOUR_MS - EARLY_MARGIN_MS + 1_000);
		assert.deepEqual(renewed, []);
		await live(EARLY_MARGIN_MS);
		assert.ok((renewed[0] ?? 0) < HOUR_MS - 60_000);
	});

	it('keeps to a quarter of a short life', async () => {
		const { live, renewed } = setUp({ lifeMs: 20_000 });
		await live(14_999);
		assert.deepEqual(renewed, []);
		await live(1);
		assert.deepEqual(renewed, [15_000]);
	});

	it('does not begin again while it renews', async () => {
		const done = createGate();
		const { live, renewed } = setUp({ renewing: done.passed });
		await live(HOUR_MS);
		assert.equal(renewed.length, 1);
		done.open();
		await settled();
		await live(60_000);
		assert.equal(renewed.length, 2);
	});

	it('plans anew when another window has renewed', async () => {
		const { live, renewed, become, clock } = setUp();
		await live(HOUR_MS - EARLY_MARGIN_MS - 30_000);
		become({ generation: 2, token: { value: 'u', scopes: [], expiresAtMs: clock.now() + HOUR_MS } });
		await live(60_000);
		assert.deepEqual(renewed, []);
	});

	for (const [name, options] of Object.entries({
		'nobody has asked for the account in days': { idleMs: 1_000 },
		'nobody has ever asked for the account': { neverUsed: true },
		'it is switched off': { idleMs: 0 },
		'the token has no known expiry': { lifeMs: undefined },
		'the token came with no life at all': { lifeMs: 0 },
		'the account needs a sign-in': { state: { kind: 'needsSignIn', reason: 'invalid_grant' } as const },
	}))
		it(`does nothing when ${name}`, async () => {
			const { live, renewed } = setUp(options);
			await live(2 * HOUR_MS);
			assert.deepEqual(renewed, []);
		});

	it('leaves a server in trouble the time that it asked for, and not longer', async () => {
		const { live, renewed, become, clock } = setUp({ lifeMs: 20_000 });
		become({ state: { kind: 'failing', retryAtMs: clock.now() + 10 * 60_000, sinceMs: clock.now() } });
		await live(10 * 60_000);
		assert.deepEqual(renewed, []);
		await live(60_000);
		assert.deepEqual(renewed, [10 * 60_000]);
	});

	for (const [name, aheadMs, waitMs] of [
		['a wait that was agreed on before it', 4 * HOUR_MS, 1_000],
		['a wait of an hour', 30 * 60_000, HOUR_MS],
	] as const)
		it(`goes on after the clock was set back: ${name} binds nobody`, async () => {
			const { early, renewed, become, clock } = setUp();
			const sinceMs = clock.now() + HOUR_MS - 1_000 + aheadMs;
			become({ state: { kind: 'failing', retryAtMs: sinceMs + waitMs, sinceMs } });
			clock.jump(HOUR_MS - 1_000);
			early.plan();
			assert.equal(renewed.length, 1);
		});

	it('goes on where the notes of an older version do not say since when a wait lasts that nobody can have set', async () => {
		const { early, renewed, become, clock } = setUp();
		clock.jump(HOUR_MS - 1_000);
		become({ state: { kind: 'failing', retryAtMs: clock.now() + 2 * HOUR_MS } });
		early.plan();
		assert.equal(renewed.length, 1);
	});

	it('notices at the next look that the machine slept past the time', async () => {
		const { clock, early, renewed } = setUp();
		early.plan();
		clock.jump(3 * HOUR_MS);
		early.plan();
		assert.equal(renewed.length, 1);
	});

	it('does not fire for a life longer than a timer can hold', async () => {
		const { live, renewed } = setUp({ lifeMs: 400 * DAY_MS, idleMs: 1_000 * DAY_MS });
		await live(2 * HOUR_MS);
		assert.deepEqual(renewed, []);
	});

	it('leaves no timer behind', async () => {
		const { clock, early, renewed } = setUp({ lifeMs: 20_000 });
		early.plan();
		early.dispose();
		clock.advance(HOUR_MS);
		assert.deepEqual(renewed, []);
	});
});
