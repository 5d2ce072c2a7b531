/**
 * The sessions of the named accounts, made once per snapshot and set of scopes: a consumer that names no account is
 * answered with all of them, and asking again must not cost more the more accounts there are.
 */
import { EXPIRY_SKEW_MS } from '../credential.ts';
import type { BucketSnapshot, ProviderSnapshot } from '../snapshot.ts';
import { covers } from './scopes.ts';
import { accountSession, isUsable, type Session, tokenOf } from './sessions.ts';
import { scopesToReturn } from './signInTarget.ts';

type Standing = {
	readonly sessions: readonly Session[];
	/** The first of their tokens has too little life left from then on. */
	readonly untilMs: number;
};

/** By scopes, in the order asked for: the answer repeats them. More sets than this nobody asks for in turns. */
const MOST_SETS = 16;

/** A snapshot is replaced whole by every change, so what was made of one stays true of it. */
const known = new WeakMap<ProviderSnapshot, Map<string, Standing>>();

/** Undefined if one of them has to be renewed first. */
export function standingSessions(
	provider: ProviderSnapshot,
	scopes: readonly string[],
	nowMs: number,
): readonly Session[] | undefined {
	const sets = known.get(provider) ?? new Map<string, Standing>();
	const key = JSON.stringify(scopes);
	const present = sets.get(key) ?? make(provider, scopes);
	if (nowMs >= present.untilMs) return undefined;
	if (sets.size >= MOST_SETS && !sets.has(key)) sets.clear();
	known.set(provider, sets.set(key, present));
	return present.sessions;
}

function make(provider: ProviderSnapshot, scopes: readonly string[]): Standing {
	const buckets = namedBuckets(provider.buckets, scopes);
	const ends = buckets.map((bucket) => tokenOf(bucket).expiresAtMs ?? Number.POSITIVE_INFINITY);
	return {
		sessions: buckets.map((bucket) => accountSession(bucket, tokenOf(bucket), scopesToReturn(scopes))),
		untilMs: ends.reduce((first, endsAtMs) => Math.min(first, endsAtMs - EXPIRY_SKEW_MS), Number.POSITIVE_INFINITY),
	};
}

/** Those whose session is in an answer to a request that names no account. */
export function namedBuckets(buckets: readonly BucketSnapshot[], scopes: readonly string[]): readonly BucketSnapshot[] {
	return buckets.filter(
		(bucket) =>
			isUsable(bucket) &&
			// A command may ask its person something, so it runs only for those who want what it prints.
			bucket.kind !== 'reference' &&
			covers(bucket, tokenOf(bucket).scopes, scopes),
	);
}
