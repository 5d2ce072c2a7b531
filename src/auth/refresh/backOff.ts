/** When to ask a troubled server again: doubling waits with jitter, never sooner than the server said, and capped. */

const FIRST_MS = 1_000;
const CAP_MS = 5 * 60_000;
/** A server may ask for more than our own cap, but not for days: a wrong header must not lock people out. */
const SERVER_CAP_MS = 60 * 60_000;
/** A time service corrects a clock by so much without anybody noticing; it must not send all windows to a server in trouble. */
const SLEW_MS = 2_000;

export const backOff = {
	/** Time of the next try after `attempts` failures in a row; `serverAtMs` is what `Retry-After` said. */
	next(attempts: number, nowMs: number, serverAtMs?: number, random: () => number = Math.random): number {
		const baseMs = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 20));
		const ownAtMs = nowMs + baseMs * (0.8 + 0.4 * random());
		return Math.max(ownAtMs, Math.min(serverAtMs ?? 0, nowMs + SERVER_CAP_MS));
	},
	/**
	 * False once the time has come, and also if the clock was moved: to before the wait began at `sinceMs`, or so that it is
	 * one that no server or back-off could have set.
	 */
	isPending(retryAtMs: number, nowMs: number, sinceMs = 0): boolean {
		return retryAtMs > nowMs && retryAtMs - nowMs <= SERVER_CAP_MS && nowMs >= sinceMs - SLEW_MS;
	},
} as const;
