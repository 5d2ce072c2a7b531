/** Waiting: it ends with the time, the work or the signal, whichever comes first, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
import { abortable, cancelled, delay, systemClock, withDeadline } from '../../src/auth/clock.ts';
import { AuthError } from '../../src/auth/errors.ts';
import { createDeferred } from '../support/deferred.ts';
import { createManualClock } from '../support/manualClock.ts';

/** No timer is armed any more and nobody listens to the signal. */
async function assertNothingLeft(clock: ReturnType<typeof createManualClock>, signal?: AbortSignal): Promise<void> {
	let armed = false;
	void clock.armed(() => true).then(() => (armed = true));
	await settled();
	assert.equal(armed, false);
	if (signal) assert.deepEqual(getEventListeners(signal, 'abort'), []);
}

describe('a wait', () => {
	it('ends with its time, with the signal, or never begins', async () => {
		const clock = createManualClock();
		const giving = new AbortController();
		const whole = delay(clock, 1_000, giving.signal);
		clock.advance(1_000);
		await whole;
		await assertNothingLeft(clock, giving.signal);
		const called = delay(clock, 1_000, giving.signal);
		giving.abort();
		await assert.rejects(called, { code: 'cancelled' });
		await assert.rejects(delay(clock, 1_000, giving.signal), { code: 'cancelled' });
		await assertNothingLeft(clock, giving.signal);
		const plain = delay(clock, 1_000);
		clock.advance(1_000);
		await plain;
	});

	it('in the background keeps no process alive', () => {
		const source = new URL('../../src/auth/clock.ts', import.meta.url).href;
		const program = `import { systemClock } from '${source}'; systemClock.schedule(60_000, () => {}, true);`;
		execFileSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 30_000 });
	});

	it('for longer than a timer can hold does not end at once, and one for less than no time does', async () => {
		let rang = false;
		const timer = systemClock.schedule(2 ** 40, () => (rang = true));
		await delay(systemClock, -5);
		await delay(systemClock, 5);
		assert.equal(rang, false);
		timer.dispose();
	});
});

describe('work that somebody waits for', () => {
	it('goes on without who called off, whose reason is what they get', async () => {
		const reason = new AuthError('timeout', 'the sign-in took too long');
		for (const [given, code] of [
			[reason, 'timeout'],
			[new Error('whatever'), 'cancelled'],
		] as const) {
			const giving = new AbortController();
			const work = createDeferred<string>();
			const waiting = abortable(work.promise, giving.signal);
			const other = abortable(work.promise, undefined);
			giving.abort(given);
			await assert.rejects(waiting, { code });
			assert.equal(cancelled(giving.signal).code, code);
			await assert.rejects(abortable(Promise.reject(new Error('late')), giving.signal), { code });
			work.resolve('done');
			assert.equal(await other, 'done');
		}
	});

	it('has until its deadline, and what comes later is nobody’s', async () => {
		const clock = createManualClock();
		const giving = new AbortController();
		const work = createDeferred<string>();
		const late = withDeadline(clock, work.promise, 1_000, giving.signal);
		const patient = withDeadline(clock, work.promise, 5_000);
		clock.advance(1_000);
		await assert.rejects(late, { code: 'timeout' });
		assert.deepEqual(getEventListeners(giving.signal, 'abort'), []);
		work.resolve('done');
		assert.equal(await patient, 'done');
		await assertNothingLeft(clock);
		await assert.rejects(withDeadline(clock, Promise.reject(new RangeError('of the work')), 1_000), RangeError);
		const never = createDeferred<string>();
		const called = withDeadline(clock, never.promise, 1_000, giving.signal);
		giving.abort();
		await assert.rejects(called, { code: 'cancelled' });
		await assertNothingLeft(clock, giving.signal);
		await assert.rejects(withDeadline(clock, never.promise, 1_000, giving.signal), { code: 'cancelled' });
	});
});
