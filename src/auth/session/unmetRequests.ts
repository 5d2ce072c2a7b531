/**
 * Requests that found no session. VS Code keeps a "Sign in" badge for each and clears it only when an added session has
 * exactly the scopes that were asked for. Ours are usually granted more, so a new session is announced once more with
 * the scopes of the requests that it meets.
 */
import type { ProviderSnapshot } from '../snapshot.ts';
import { covers } from './scopes.ts';
import { bucketIdOf, type Session, type SessionChange, sameScopes } from './sessions.ts';

export type UnmetRequests = {
	add(scopes: readonly string[]): void;
	/** Takes out the requests that the change meets; answers a session for each, with its scopes. */
	meet(provider: ProviderSnapshot | undefined, change: SessionChange): readonly Session[];
};

/** More different requests than this no window has; the oldest is forgotten and its badge stays until it is clicked. */
const LIMIT = 32;

export function createUnmetRequests(): UnmetRequests {
	let requests: readonly (readonly string[])[] = [];
	return {
		add(scopes) {
			if (requests.some((other) => sameScopes(other, scopes))) return;
			requests = [...requests, scopes].slice(-LIMIT);
		},
		meet(provider, change) {
			const met: Session[] = [];
			const candidates = [...change.added, ...change.changed];
			requests = requests.filter((scopes) => {
				const session = candidates.find((candidate) => meets(provider, candidate, scopes));
				if (session !== undefined) met.push({ ...session, scopes });
				return session === undefined;
			});
			return met;
		},
	};
}

function meets(provider: ProviderSnapshot | undefined, session: Session, scopes: readonly string[]): boolean {
	if (provider === undefined) return false;
	const bucketId = bucketIdOf(provider.provider.id, session.id) ?? provider.inForce;
	const bucket = provider.buckets.find((entry) => entry.id === bucketId);
	return bucket !== undefined && covers(bucket, session.scopes, scopes);
}
