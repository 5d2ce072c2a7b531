import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMinuteTicks } from '../../../src/views/accounts/minuteTicks.ts';

type Timer = { readonly atMs: number; readonly callback: () => void };

/** Fires what is due and moves on. */
function createTimers(startMs: number) {
	let nowMs = startMs;
	const timers = new Set<Timer>();
	return {
		pending: () => timers.size,
		clock: {
			now: () => nowMs,
			schedule(delayMs: number, callback: () => void) {
				const timer = { atMs: nowMs + delayMs, callback };
				timers.add(timer);
				return { dispose: () => void timers.delete(timer) };
			},
		},
		advance(ms: number) {
			const untilMs = nowMs + ms;
			for (;;) {
				const next = [...timers].sort((a, b) => a.atMs - b.atMs)[0];
				if (!next || next.atMs > untilMs) break;
				timers.delete(next);
				nowMs = next.atMs;
				next.callback();
			}
			nowMs = untilMs;
		},
	};
}

describe('the turn of the minute', () => {
	it('is told to all who listen, by one timer, and no timer is left when nobody does', () => {
		const { clock, advance, pending } = createTimers(10_000);
		const ticks = createMinuteTicks(clock);
		assert.equal(pending(), 0);
		const heard: string[] = [];
		const first = ticks(() => heard.push(`first at ${clock.now()}`));
		const second = ticks(() => heard.push(`second at ${clock.now()}`));
		assert.equal(pending(), 1);
		advance(50_000);
		assert.deepEqual(heard, ['first at 60000', 'second at 60000']);
		first.dispose();
		advance(60_000);
		assert.deepEqual(heard.slice(2), ['second at 120000']);
		second.dispose();
		assert.equal(pending(), 0);
		advance(600_000);
		assert.equal(heard.length, 3);
	});

	it('begins again after a pause', () => {
		const { clock, advance } = createTimers(0);
		const ticks = createMinuteTicks(clock);
		let count = 0;
		ticks(() => count++).dispose();
		const again = ticks(() => count++);
		advance(120_000);
		assert.equal(count, 2);
		again.dispose();
	});
});
