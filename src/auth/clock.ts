/** Time as an argument: the core never reads the wall clock or arms a timer except through this port. */
import { AuthError } from './errors.ts';
import type { Disposable } from './event.ts';

export type Clock = {
	/** Wall clock in ms since the epoch. May jump; only ever compared with times of a server or a record. */
	now(): number;
	/** Monotonic ms, for durations and deadlines. */
	monotonic(): number;
	/**
	 * Calls back once after `delayMs` (clamped to what a timer can hold); dispose cancels.
	 * @param background keeps no process alive.
	 */
	schedule(delayMs: number, callback: () => void, background?: boolean): Disposable;
};

/** A timer of more than 2^31-1 ms fires at once in Node; long waits are cut here and re-armed by their owner. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
	now: () => Date.now(),
	monotonic: () => performance.now(),
	schedule(delayMs, callback, background = false) {
		const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), MAX_TIMER_MS));
		if (background) timer.unref();
		return { dispose: () => clearTimeout(timer) };
	},
};

/** Resolves after `delayMs`, or rejects with `cancelled` as soon as the signal aborts. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		if (signal?.aborted) return reject(cancelled(signal));
		const timer = clock.schedule(delayMs, () => {
			forget();
			resolve();
		});
		const forget = onceAborted(signal, (error) => {
			timer.dispose();
			reject(error);
		});
	});
}

/** Calls back with what to reject with when the signal aborts; the result undoes that. */
function onceAborted(signal: AbortSignal | undefined, callback: (error: AuthError) => void): () => void {
	if (!signal) return () => undefined;
	const onAbort = (): void => callback(cancelled(signal));
	signal.addEventListener('abort', onAbort, { once: true });
	return () => signal.removeEventListener('abort', onAbort);
}

/** The signal's own reason if it is an `AuthError`, else `cancelled`. */
export function cancelled(signal: AbortSignal): AuthError {
	return signal.reason instanceof AuthError
		? signal.reason
		: new AuthError('cancelled', 'cancelled', { cause: signal.reason });
}

/** Waits for `work` until the signal aborts, and then rejects with `cancelled`. Only the caller is detached. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
	if (!signal) return work;
	if (signal.aborted) {
		work.catch(() => undefined); // Its outcome is for those who still wait for it.
		return Promise.reject(cancelled(signal));
	}
	return new Promise((resolve, reject) => {
		work.then(resolve, reject).finally(onceAborted(signal, reject));
	});
}

/**
 * Waits for `work` until the deadline or the signal, whichever comes first, and then rejects with `timeout` or
 * `cancelled`. Only the caller is detached: the work goes on.
 */
export function withDeadline<T>(clock: Clock, work: Promise<T>, deadlineMs: number, signal?: AbortSignal): Promise<T> {
	return new Promise<T>((resolve, reject) => {
		if (signal?.aborted) return reject(cancelled(signal));
		const finish = (settle: () => void): void => {
			timer.dispose();
			forget();
			settle();
		};
		const forget = onceAborted(signal, (error) => finish(() => reject(error)));
		const timer = clock.schedule(deadlineMs, () =>
			finish(() => reject(new AuthError('timeout', `no answer within ${deadlineMs} ms`))),
		);
		work.then(
			(value) => finish(() => resolve(value)),
			(error: unknown) => finish(() => reject(error)),
		);
	});
}
