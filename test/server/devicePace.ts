/** How often a client may poll for a device sign-in (RFC 8628 section 3.5): too often is `slow_down`, and 5 s more. */
import { digest } from './oracle.ts';

export type DevicePace = {
	readonly intervalS: number;
	/** The error for this token request, or nothing if the poll is not too early. */
	check(form: URLSearchParams): { readonly error: string; readonly error_description: string } | undefined;
};

/** Timers fire early by a millisecond or two, and a request overtakes another on a loaded machine. */
const TOLERANCE_MS = 150;
/** RFC 8628 section 3.5. */
const SLOW_DOWN_S = 5;

export function createDevicePace(intervalS: number): DevicePace {
	const polls = new Map<string, { intervalS: number; atMs: number }>();
	return {
		intervalS,
		check(form) {
			const code = form.get('device_code');
			if (code === null) return undefined;
			const id = digest(code);
			const nowMs = performance.now();
			const poll = polls.get(id);
			if (poll === undefined) {
				polls.set(id, { intervalS, atMs: nowMs });
				return undefined;
			}
			const tooEarly = nowMs - poll.atMs < poll.intervalS * 1000 - TOLERANCE_MS;
			poll.atMs = nowMs;
			if (!tooEarly) return undefined;
			poll.intervalS += SLOW_DOWN_S;
			return { error: 'slow_down', error_description: 'polling too often' };
		},
	};
}
