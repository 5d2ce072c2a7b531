/**
 * A clock on which time passes only when the test says so: nothing that waits is waited for, and two runs are alike. Between
 * two timers every promise and every turn of the event loop that is ready runs first.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../src/auth/clock.ts';

export type VirtualClock = Clock & {
	/** Lets time pass, firing what falls due on the way. */
	advance(ms: number): Promise<void>;
	/** Lets time pass until the work settles, timer by timer. Rejects when nothing is left that could settle it. */
	settle<T>(work: Promise<T>): Promise<T>;
	/** The wall clock jumps; durations do not notice. */
	jump(ms: number): void;
	/** Timers that wait. */
	pending(): number;
};

/** Turns of the event loop that are enough for the longest chain of promises between two timers. */
const SETTLING_TURNS = 12;

export function createVirtualClock(startAtMs = Date.UTC(2030, 0, 1)): VirtualClock {
	let elapsedMs = 0;
	let offsetMs = startAtMs;
	let order = 0;
	const timers = new Set<{ atMs: number; order: number; callback: () => void }>();

	async function drain(): Promise<void> {
		for (let count = 0; count < SETTLING_TURNS; count++) await turn();
	}

	function nextTimer(): { atMs: number; order: number; callback: () => void } | undefined {
		return [...timers].sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
	}

	function fire(timer: { atMs: number; order: number; callback: () => void }): void {
		timers.delete(timer);
		elapsedMs = Math.max(elapsedMs, timer.atMs);
		timer.callback();
	}

	return {
		now: () => offsetMs + elapsedMs,
		monotonic: () => elapsedMs,
		schedule(delayMs, callback) {
			const timer = { atMs: elapsedMs + Math.max(0, delayMs), order: order++, callback };
			timers.add(timer);
			return { dispose: () => void timers.delete(timer) };
		},
		async advance(ms) {
			const endMs = elapsedMs + ms;
			await drain();
			for (let timer = nextTimer(); timer && timer.atMs <= endMs; timer = nextTimer()) {
				fire(timer);
				await drain();
			}
			elapsedMs = endMs;
		},
		async settle(work) {
			let settled = false;
			const done = (): void => {
				settled = true;
			};
			work.then(done, done);
			for (;;) {
				await drain();
				if (settled) return work;
				const timer = nextTimer();
				if (!timer) throw new Error('nothing is left that could settle this work');
				fire(timer);
			}
		},
		jump(ms) {
			offsetMs += ms;
		},
		pending: () => timers.size,
	};
}
