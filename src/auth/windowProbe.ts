/**
 * Is there still a window? When a browser or renderer is killed, its extension host lives on for hours: calls of the VS Code
 * API never return there while timers run. Such an orphan must not refresh or answer terminals, and comes back to life if
 * its window returns. So one harmless call is kept out at a time, and silence means that nobody is there.
 */
import type { Clock } from './clock.ts';
import { createEmitter, type Disposable, type Event } from './event.ts';
import type { Logger } from './log.ts';

/** A healthy window answers within milliseconds; a busy one within a second or two. */
export const SILENCE_MS = 5_000;

/** Each question costs the window a message; nothing is urgent enough here for more than two a minute. */
export const ASK_EVERY_MS = 30_000;

export type WindowProbe = Disposable & {
	isOrphan(): boolean;
	readonly onDidChange: Event<boolean>;
	/**
	 * Whether the window is there, after {@link SILENCE_MS} at most. Answers from memory if the window itself did within
	 * `maxAgeMs` ({@link ASK_EVERY_MS} unless given), so it may be called at any rate.
	 */
	check(maxAgeMs?: number): Promise<boolean>;
};

/** @param ask any call of the VS Code API that has no effect. That it rejects is an answer, too. */
export function createWindowProbe(ask: () => PromiseLike<unknown>, clock: Clock, log: Logger): WindowProbe {
	const emitter = createEmitter<boolean>(() => log.error('window: a listener failed'));
	let orphan = false;
	let pending: Promise<void> | undefined;
	let answeredAtMs = Number.NEGATIVE_INFINITY;

	function becomes(next: boolean): void {
		if (next === orphan) return;
		orphan = next;
		log.warn(next ? 'window: it does not answer; nothing is refreshed until it does' : 'window: it answers again');
		emitter.fire(orphan);
	}

	function answer(): Promise<void> {
		pending ??= Promise.resolve(ask()).then(settled, settled);
		return pending;
	}

	function settled(): void {
		pending = undefined;
		answeredAtMs = clock.monotonic();
		becomes(false);
	}

	return {
		isOrphan: () => orphan,
		onDidChange: emitter.event,
		check(maxAgeMs = ASK_EVERY_MS) {
			if (clock.monotonic() - answeredAtMs < maxAgeMs) return Promise.resolve(true);
			return new Promise((resolve) => {
				const timer = clock.schedule(SILENCE_MS, () => {
					becomes(true);
					resolve(false);
				});
				void answer().then(() => {
					timer.dispose();
					resolve(true);
				});
			});
		},
		dispose: () => emitter.dispose(),
	};
}
