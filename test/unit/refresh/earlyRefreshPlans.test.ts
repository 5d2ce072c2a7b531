/** When exactly a window renews by itself, and what it plans for that between two looks at the vault. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AuthError } from '../../../src/auth/errors.ts';
import { createEarlyRefresh, EARLY_MARGIN_MS } from '../../../src/auth/refresh/earlyRefresh.ts';
import type { BucketSnapshot } from '../../../src/auth/snapshot.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { demoProvider } from '../../support/serviceWindow.ts';
import { createVirtualClock } from '../../support/virtualClock.ts';

const HOUR_MS = 60 * 60_000;
const LOOK_MS = 60_000;

/** A window with a token that lives for an hour from now, and was just used. */
function world(options: { positions?: readonly number[]; idleMs?: number; fails?: boolean } = {}) {
	const clock = createVirtualClock();
	const startMs = clock.now();
	const log = createRecordingLog();
	const positions = [...(options.positions ?? [0])];
	const renewed: number[] = [];
	let buckets: readonly BucketSnapshot[] = [
		{
			...{ id: 'b', providerId: 'demo', name: 'b', kind: 'oauth', generation: 1, state: { kind: 'ready' } },
			...{ renewable: true, sessionOnly: false, disabled: false, automatic: true, lastUsedAtMs: startMs },
			account: { id: 'a', label: 'a', identity: { issuer: 'https://issuer.example' } },
			token: { value: 't', scopes: [], expiresAtMs: startMs + HOUR_MS },
		},
	];
	const early = createEarlyRefresh({
		...{ clock, log },
		snapshot: () => ({
			loaded: true,
			providers: [
				{ provider: demoProvider('https://i.example'), buckets, signingIn: false, automatic: { kind: 'none' } },
			],
		}),
		obtainedAtMs: (bucket) => (bucket.token?.expiresAtMs ?? 0) - HOUR_MS,
		async renew() {
			renewed.push(clock.now() - startMs);
			if (options.fails) throw new AuthError('transient', 'no answer');
		},
		idleMs: () => options.idleMs ?? 24 * HOUR_MS,
		random: () => positions.shift() ?? 0,
	});
	const become = (change: Partial<BucketSnapshot>): void => {
		buckets = buckets.map((bucket) => ({ ...bucket, ...change }));
	};
	return {
		...{ clock, log, early, renewed, become },
		/** Another window has renewed, as is seen at this look. */
		renewedElsewhere(generation: number, expiresInMs: number): void {
			become({ generation, token: { value: 'u', scopes: [], expiresAtMs: clock.now() + expiresInMs } });
			early.plan();
		},
		forget: (): void => {
			buckets = [];
		},
	};
}

describe('the moment of an early renewal', () => {
	it('is where the margin begins, or later by this window’s share of two fifths of it', async () => {
		for (const position of [0, 0.5, 1]) {
			const { clock, early, renewed } = world({ positions: [position] });
			const dueMs = HOUR_MS - EARLY_MARGIN_MS * (1 - 0.4 * position);
			await clock.advance(dueMs - 1);
			early.plan();
			assert.deepEqual(renewed, [], String(position));
			await clock.advance(1);
			assert.deepEqual(renewed, [dueMs]);
		}
	});

	it('is drawn once for each credential, however often the window looks', async () => {
		const { clock, early, renewed, renewedElsewhere } = world({ positions: [1, 0, 1] });
		const lastMs = HOUR_MS - EARLY_MARGIN_MS * 0.6;
		for (let atMs = 0; atMs < lastMs; atMs += LOOK_MS) {
			early.plan();
			await clock.advance(LOOK_MS);
		}
		assert.deepEqual(renewed, [lastMs]);
		renewedElsewhere(2, EARLY_MARGIN_MS + 1_000);
		await clock.advance(1_000);
		assert.deepEqual(renewed, [lastMs, lastMs + 1_000]);
	});

	it('is waited for if it comes before the next look, and left to that look if not', async () => {
		for (const [aheadMs, isArmed] of [
			[LOOK_MS, true],
			[LOOK_MS + 1, false],
		] as const) {
			const { clock, early, renewed } = world();
			await clock.advance(HOUR_MS - EARLY_MARGIN_MS - aheadMs);
			early.plan();
			assert.equal(clock.pending(), isArmed ? 1 : 0);
			await clock.advance(aheadMs);
			assert.equal(renewed.length, isArmed ? 1 : 0);
		}
	});

	it('comes for no account that cannot be renewed, and for none that was last asked for too long ago', async () => {
		for (const [change, idleMs, times] of [
			[{ renewable: false }, 24 * HOUR_MS, 0],
			[{}, HOUR_MS, 0],
			[{}, HOUR_MS + 1, 1],
		] as const) {
			const { clock, early, renewed, become } = world({ idleMs });
			become(change);
			await clock.advance(HOUR_MS);
			early.plan();
			assert.equal(renewed.length, times);
		}
	});

	it('never comes where it is switched off, also after the clock was set back', async () => {
		const { clock, early, renewed, become } = world({ idleMs: 0 });
		become({ lastUsedAtMs: clock.now() + 2 * HOUR_MS });
		await clock.advance(HOUR_MS);
		early.plan();
		assert.deepEqual(renewed, []);
	});

	it('comes again at the next look after a failure, of which the log says what it was', async () => {
		const { clock, log, early, renewed } = world({ fails: true });
		await clock.advance(HOUR_MS - EARLY_MARGIN_MS);
		for (let looks = 1; looks <= 2; looks++) {
			early.plan();
			await clock.advance(LOOK_MS);
			assert.equal(renewed.length, looks);
		}
		assert.deepEqual([...new Set(log.lines)], ['debug early refresh: AuthError transient: no answer']);
	});
});

describe('the plan of a window', () => {
	it('is one timer for each credential, however often it looks', async () => {
		const { clock, early } = world();
		await clock.advance(HOUR_MS - EARLY_MARGIN_MS - LOOK_MS);
		let armed = 0;
		const { schedule } = clock;
		Object.assign(clock, {
			schedule(delayMs: number, callback: () => void) {
				armed++;
				return schedule(delayMs, callback);
			},
		});
		for (let looks = 0; looks < 3; looks++) early.plan();
		assert.deepEqual([armed, clock.pending()], [1, 1]);
	});

	it('is another one when another window has renewed, and none where the account is gone', async () => {
		const { clock, early, renewed, renewedElsewhere, forget } = world();
		const dueMs = HOUR_MS - EARLY_MARGIN_MS;
		await clock.advance(dueMs - 1_000);
		early.plan();
		assert.equal(clock.pending(), 1);
		renewedElsewhere(2, EARLY_MARGIN_MS + 30_000);
		assert.equal(clock.pending(), 1);
		await clock.advance(29_999);
		assert.deepEqual(renewed, []);
		await clock.advance(1);
		assert.deepEqual(renewed, [dueMs - 1_000 + 30_000]);
		renewedElsewhere(3, EARLY_MARGIN_MS + 30_000);
		forget();
		early.plan();
		assert.equal(clock.pending(), 0);
	});
});
