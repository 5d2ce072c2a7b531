/**
 * Pure: when a bucket that was exhausted may be used again. It comes back by a probe: one window uses it for a while, and
 * the others follow if nobody reports that it is exhausted still.
 */
import { RESET_CAP_MS } from '../failover/resetCap.ts';
import type { CooldownReason } from '../snapshot.ts';
import type { Bucket, BucketCooldown } from './state.ts';

/** Long enough for the first request to come back and be reported; after that silence means that all is well. */
export const PROBE_MS = 60_000;

/** Where the service names no time: doubled each time in a row. */
const FIRST_COOLDOWN_MS = 60_000;
const LONGEST_GUESS_MS = 30 * 60_000;

/** A shorter cooldown than this would have a window go back and forth between two buckets. */
const SHORTEST_COOLDOWN_MS = 15_000;

/** A bucket that worked for this long after a cooldown begins anew. */
const FORGET_AFTER_MS = 6 * 60 * 60_000;

export type Availability =
	| { readonly kind: 'usable' }
	/** The cooldown is over; whoever claims the probe goes first. */
	| { readonly kind: 'probeable' }
	| { readonly kind: 'probedElsewhere' }
	| { readonly kind: 'cooling'; readonly untilMs?: number };

export function availability(cooldown: BucketCooldown | undefined, window: string, nowMs: number): Availability {
	if (!cooldown) return { kind: 'usable' };
	if (cooldown.untilMs === undefined) return { kind: 'cooling' };
	// An end that no answer can have set: the clock was moved since, and nothing is known.
	if (cooldown.untilMs > nowMs && cooldown.untilMs - nowMs <= RESET_CAP_MS)
		return { kind: 'cooling', untilMs: cooldown.untilMs };
	const { probe } = cooldown;
	if (!probe) return { kind: 'probeable' };
	const isOver = probe.untilMs <= nowMs || probe.untilMs - nowMs > PROBE_MS;
	return probe.window === window || isOver ? { kind: 'usable' } : { kind: 'probedElsewhere' };
}

/** The times after `nowMs` at which {@link availability} changes by itself. */
export function edges(cooldown: BucketCooldown | undefined, nowMs: number): readonly number[] {
	return [cooldown?.untilMs, cooldown?.probe?.untilMs].filter((atMs) => atMs !== undefined && atMs > nowMs) as number[];
}

export type Exhaustion = {
	readonly reason: CooldownReason;
	readonly rule: string;
	/** As the service named it. */
	readonly untilMs?: number;
	/** The service named no time and none can be guessed: it takes the person, or a payment. */
	readonly parked?: boolean;
};

/** Parks a bucket. What was known to last longer stays: a later answer never shortens it. */
export function cool(bucket: Bucket, { reason, rule, untilMs, parked = false }: Exhaustion, nowMs: number): Bucket {
	const { cooldown } = bucket;
	const isPending = cooldown !== undefined && (cooldown.untilMs === undefined || cooldown.untilMs > nowMs);
	if (isPending && (cooldown.untilMs === undefined || (untilMs === undefined && !parked))) return bucket;
	const times = isPending ? cooldown.times : timesInARow(cooldown, nowMs) + 1;
	const since = isPending ? cooldown.sinceMs : nowMs;
	if (parked) return { ...bucket, cooldown: { reason, rule, sinceMs: since, times } };
	const guessMs = Math.min(FIRST_COOLDOWN_MS * 2 ** Math.min(times - 1, 20), LONGEST_GUESS_MS);
	const pendingEnd = isPending ? cooldown.untilMs : undefined;
	const end = Math.max(untilMs ?? nowMs + guessMs, nowMs + SHORTEST_COOLDOWN_MS, pendingEnd ?? 0);
	if (end === pendingEnd) return bucket;
	return { ...bucket, cooldown: { reason, rule, sinceMs: since, untilMs: end, times } };
}

function timesInARow(cooldown: BucketCooldown | undefined, nowMs: number): number {
	if (cooldown?.untilMs === undefined || nowMs - cooldown.untilMs > FORGET_AFTER_MS) return 0;
	return cooldown.times;
}

/** Claims the probe for a window; the same bucket if there is none to claim. */
export function claimProbe(bucket: Bucket, window: string, nowMs: number): Bucket {
	if (!bucket.cooldown || availability(bucket.cooldown, window, nowMs).kind !== 'probeable') return bucket;
	return { ...bucket, cooldown: { ...bucket.cooldown, probe: { window, untilMs: nowMs + PROBE_MS } } };
}

/** The bucket answered well, or the person says that it will. */
export function endCooldown(bucket: Bucket): Bucket {
	if (!bucket.cooldown) return bucket;
	const { cooldown: _over, ...rest } = bucket;
	return rest;
}
