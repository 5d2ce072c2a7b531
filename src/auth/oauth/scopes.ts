/** Which scopes a sign-in asks for, and which were granted. */
import type { AuthorizationServer } from 'oauth4webapi';
import type { OAuthProvider } from '../provider.ts';

export const OPENID = 'openid';

/** Without it many OIDC servers issue no refresh token (OIDC Core section 11). */
export const OFFLINE_ACCESS = 'offline_access';

/**
 * The caller's scopes, else those of the settings. An OIDC provider is always asked who signs in, and for offline
 * access where it knows that scope.
 */
export function scopesToAsk(
	provider: OAuthProvider,
	server: AuthorizationServer,
	requested: readonly string[],
): readonly string[] {
	const scopes = new Set(requested.length > 0 ? requested : provider.client.scopes);
	if (provider.kind === 'oidc') {
		scopes.add(OPENID);
		if (server.scopes_supported?.includes(OFFLINE_ACCESS)) scopes.add(OFFLINE_ACCESS);
	}
	return [...scopes];
}

/** RFC 6749 section 5.1: no `scope` in the answer means that all of `asked` were granted. */
export function grantedScopes(scope: unknown, asked: readonly string[]): string[] {
	const granted = typeof scope === 'string' ? scope.split(/\s+/).filter((word) => word !== '') : [];
	return granted.length > 0 ? [...new Set(granted)] : [...asked];
}
