/** Which tokens were ours, by digest, so that a report about any other is ignored and no token has to be named. */
import { keepNewest } from '../keepNewest.ts';
import { digest } from '../log.ts';
import type { Snapshot } from '../snapshot.ts';

export type TokenOrigin = { readonly providerId: string; readonly bucketId: string };

export type IssuedTokens = {
	note(token: string, origin: TokenOrigin): void;
	/** Notes every token that this snapshot holds: another window may have handed it out. */
	observe(snapshot: Snapshot): void;
	find(tokenDigest: string): TokenOrigin | undefined;
};

/** Newest last; a report about an older token comes too late to be of use. */
const REMEMBERED = 2_000;

export function createIssuedTokens(): IssuedTokens {
	const origins = new Map<string, TokenOrigin>();
	/** Generations that were hashed already: a snapshot comes often, a new token rarely. */
	const seen = new Map<string, number>();

	function note(token: string, origin: TokenOrigin): void {
		const key = digest(token);
		origins.delete(key);
		origins.set(key, origin);
		keepNewest(origins, REMEMBERED);
	}

	return {
		note,
		observe({ providers }) {
			for (const { buckets } of providers)
				for (const { id, providerId, token, generation } of buckets) {
					if (!token || seen.get(id) === generation) continue;
					seen.set(id, generation);
					note(token.value, { providerId, bucketId: id });
				}
		},
		find: (tokenDigest) => origins.get(tokenDigest),
	};
}
