/** The one deadline of a request, also where this process slept through it, and what is known after a sending. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../../../src/auth/clock.ts';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import { isAuthError } from '../../../src/auth/errors.ts';
import type { RefreshOutcome } from '../../../src/auth/oauth/refreshGrant.ts';
import { REQUEST_DEADLINE_MS } from '../../../src/auth/refresh/deadlines.ts';
import { sendOnce } from '../../../src/auth/refresh/sending.ts';
import { createDeferred } from '../../support/deferred.ts';
import { createManualClock } from '../../support/manualClock.ts';

const ref = { providerId: 'demo', bucketId: 'b1' };
const credential: OAuthCredential = {
	...{ kind: 'oauth', accessToken: 'a', refreshToken: 'r', scopes: [], identity: { issuer: 'https://demo' } },
	...{ expiresAtMs: 90_000, obtainedAtMs: 50_000 },
};

/** A clock whose timers go off when the test says so, however late that is. */
function sleepyClock() {
	let nowMs = 0;
	const timers = new Map<number, () => void>();
	const clock: Clock = {
		now: () => nowMs,
		monotonic: () => nowMs,
		schedule(delayMs, callback) {
			timers.set(delayMs, callback);
			return { dispose: () => void timers.delete(delayMs) };
		},
	};
	return {
		clock,
		armed: (): readonly number[] => [...timers.keys()],
		/** The timer of this length goes off so much later than it should. */
		fire(delayMs: number, lateMs: number): void {
			const callback = timers.get(delayMs);
			assert.ok(callback, `a timer of ${delayMs} ms`);
			timers.delete(delayMs);
			nowMs += delayMs + lateMs;
			callback();
		},
	};
}

/** A request under way. */
function send() {
	const { clock, armed, fire } = sleepyClock();
	const answer = createDeferred<RefreshOutcome>();
	const signals: AbortSignal[] = [];
	const outcome = sendOnce(
		clock,
		(_ref, _credential, signal) => {
			signals.push(signal);
			return answer.promise;
		},
		...([ref, credential, 'c1'] as const),
	);
	const [signal] = signals;
	assert.ok(signal);
	return { armed, fire, answer, signal, outcome };
}

describe('the deadline of a request', () => {
	it('leaves what is renewed with the grant that it was renewed from, whatever the answer says', async () => {
		for (const grantId of ['g1', undefined]) {
			const answered: RefreshOutcome = { kind: 'answered', credential: { ...credential, accessToken: 'b' } };
			const old = grantId === undefined ? credential : { ...credential, grantId };
			const outcome = await sendOnce(createManualClock(), () => Promise.resolve(answered), ref, old, 'c1');
			assert.ok(outcome.kind === 'answered');
			assert.deepEqual([outcome.credential.accessToken, outcome.credential.grantId], ['b', grantId]);
		}
	});

	it('aborts it, and says that it did', async () => {
		for (const lateMs of [0, 999]) {
			const { armed, fire, answer, signal, outcome } = send();
			assert.deepEqual(armed(), [REQUEST_DEADLINE_MS]);
			fire(REQUEST_DEADLINE_MS, lateMs);
			assert.ok(signal.aborted && isAuthError(signal.reason, 'timeout'), String(lateMs));
			assert.deepEqual(armed(), []);
			answer.resolve({ kind: 'unknown', cause: signal.reason });
			await outcome;
		}
	});

	it('leaves a process that slept through it the time to read what has come meanwhile', async () => {
		for (const lateMs of [1_000, 3_600_000]) {
			const { armed, fire, answer, signal, outcome } = send();
			fire(REQUEST_DEADLINE_MS, lateMs);
			assert.equal(signal.aborted, false, String(lateMs));
			assert.deepEqual(armed(), [5_000]);
			answer.resolve({ kind: 'answered', credential });
			assert.equal((await outcome).kind, 'answered');
			// What has settled is aborted by no timer.
			assert.deepEqual(armed(), []);
		}
	});

	it('aborts after that time where nothing has come', () => {
		const { fire, signal } = send();
		fire(REQUEST_DEADLINE_MS, 60_000);
		fire(5_000, 60_000);
		assert.ok(signal.aborted && isAuthError(signal.reason, 'timeout'));
	});

	it('is over with the answer', async () => {
		const { armed, answer, signal, outcome } = send();
		answer.resolve({ kind: 'failed', code: 'transient', status: 503 });
		assert.deepEqual(await outcome, { kind: 'failed', code: 'transient', status: 503 });
		assert.deepEqual([armed(), signal.aborted], [[], false]);
	});
});

describe('a sending', () => {
	it('that throws has an unknown outcome: nobody can say how far it came', async () => {
		const cause = new TypeError('of the library');
		const throwing = async (): Promise<never> => {
			throw cause;
		};
		const outcome = await sendOnce(createManualClock(), throwing, ref, credential, 'c1');
		assert.deepEqual(outcome, { kind: 'unknown', cause });
	});

	it('counts the life of a token from its beginning, and not from later where the clock was set back meanwhile', async () => {
		for (const [passedMs, ageMs] of [
			[3_000, 3_000],
			[-3_600_000, 0],
		] as const) {
			const clock = createManualClock();
			const answer = async (): Promise<RefreshOutcome> => {
				clock.jump(passedMs);
				return { kind: 'answered', credential };
			};
			assert.deepEqual(await sendOnce(clock, answer, ref, credential, 'c1'), {
				kind: 'answered',
				credential: { ...credential, obtainedAtMs: 50_000 - ageMs, expiresAtMs: 90_000 - ageMs },
			});
		}
	});
});
