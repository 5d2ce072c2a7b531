/** A clock that stands still until a test moves it. Wall clock and monotonic time move together. */
import type { Clock } from '../../src/auth/clock.ts';

export type ManualClock = Clock & {
	/** Moves on and calls back what is due, in order. */
	advance(ms: number): void;
	/** Moves the wall clock only, as a person or a time server does. */
	jump(ms: number): void;
	/** Delay of the next wait that `matches`, as soon as it is armed; one that is armed already counts. */
	armed(matches: (delayMs: number) => boolean): Promise<number>;
};

type Timer = { readonly delayMs: number; readonly dueAtMs: number; readonly callback: () => void; seen: boolean };

export function createManualClock(startAtMs = Date.now()): ManualClock {
	const timers = new Set<Timer>();
	const watchers = new Set<() => void>();
	let elapsedMs = 0;
	let offsetMs = 0;
	return {
		now: () => startAtMs + elapsedMs + offsetMs,
		monotonic: () => elapsedMs,
		schedule(delayMs, callback) {
			const timer: Timer = { delayMs, dueAtMs: elapsedMs + delayMs, callback, seen: false };
			timers.add(timer);
			for (const watch of [...watchers]) watch();
			return { dispose: () => void timers.delete(timer) };
		},
		advance(ms) {
			const endMs = elapsedMs + ms;
			for (;;) {
				const [next] = [...timers].filter(({ dueAtMs }) => dueAtMs <= endMs).sort((a, b) => a.dueAtMs - b.dueAtMs);
				if (next === undefined) break;
				timers.delete(next);
				elapsedMs = Math.max(elapsedMs, next.dueAtMs);
				next.callback();
			}
			elapsedMs = endMs;
		},
		jump(ms) {
			offsetMs += ms;
		},
		armed: (matches) =>
			new Promise((resolve) => {
				const look = (): void => {
					const found = [...timers].find((timer) => !timer.seen && matches(timer.delayMs));
					if (found === undefined) return;
					found.seen = true;
					watchers.delete(look);
					resolve(found.delayMs);
				};
				watchers.add(look);
				look();
			}),
	};
}
