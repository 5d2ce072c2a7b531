/** Scopes are sets (RFC 6749 section 3.3): whether a grant covers a request, and what to ask for when it does not. */
import { isOAuthProvider, type Provider } from '../provider.ts';
import type { BucketSnapshot } from '../snapshot.ts';

/**
 * True if every requested scope was granted. `offline_access` asks for a refresh token and servers often do not repeat
 * it in their answer (OIDC Core section 11), so having one counts. A key, or what a command prints,
 * has no scopes that we know: what it may do is decided where it was made, so it covers every request.
 */
export function covers(bucket: BucketSnapshot, granted: readonly string[], requested: readonly string[]): boolean {
	if (bucket.kind !== 'oauth') return true;
	const set = new Set(granted);
	return requested.every((scope) => set.has(scope) || (scope === 'offline_access' && bucket.renewable));
}

/**
 * What to ask for when somebody needs `requested`: that, what the settings say, and what the bucket already has, so that
 * one consumer's sign-in never takes a scope away from another.
 */
export function scopesToAskFor(
	provider: Provider,
	bucket: BucketSnapshot | undefined,
	requested: readonly string[],
): readonly string[] {
	const configured = isOAuthProvider(provider) ? provider.client.scopes : [];
	return [...new Set([...configured, ...(bucket?.token?.scopes ?? []), ...requested])];
}
