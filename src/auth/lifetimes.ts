/**
 * How long a token still lives when the wall clock cannot be trusted. All windows compare expiries with the wall clock, or
 * they would disagree; but when it is set back or stands still, a token must not seem to live longer. So each window also
 * measures monotonically from when it first saw the token, and the shorter life counts. (Sleep stops the monotonic clock
 * and not the wall clock; then the wall clock counts.)
 */
import type { Clock } from './clock.ts';
import { type Credential, isFresh } from './credential.ts';

export type Lifetimes = {
	/** Begins to measure; later sights of the same generation change nothing. */
	see(bucketId: string, generation: number, expiresAtMs: number | undefined): void;
	/** {@link isFresh} by both clocks. */
	isFresh(bucketId: string, generation: number, credential: Credential, minTtlMs?: number): boolean;
};

type Sight = { readonly generation: number; readonly endsAtMonotonicMs: number };

export function createLifetimes(clock: Clock): Lifetimes {
	const sights = new Map<string, Sight>();

	function sightOf(bucketId: string, generation: number, expiresAtMs: number): Sight {
		const present = sights.get(bucketId);
		if (present?.generation === generation) return present;
		const sight = { generation, endsAtMonotonicMs: clock.monotonic() + expiresAtMs - clock.now() };
		sights.set(bucketId, sight);
		return sight;
	}

	return {
		see(bucketId, generation, expiresAtMs) {
			if (expiresAtMs !== undefined) sightOf(bucketId, generation, expiresAtMs);
		},
		isFresh(bucketId, generation, credential, minTtlMs) {
			if (credential.kind === 'apiKey' || credential.expiresAtMs === undefined) return true;
			const sight = sightOf(bucketId, generation, credential.expiresAtMs);
			const remainingMs = sight.endsAtMonotonicMs - clock.monotonic();
			const nowMs = clock.now();
			// What the wall clock would have to show for this much to remain.
			const impliedMs = credential.expiresAtMs - remainingMs;
			return isFresh(credential, nowMs, minTtlMs) && isFresh(credential, impliedMs, minTtlMs);
		},
	};
}
