/** The credential that a finished grant yields. */
import type { AuthorizationServer } from 'oauth4webapi';
import type { OAuthCredential } from '../credential.ts';
import { originOf } from '../origin.ts';
import type { OAuthProvider } from '../provider.ts';
import type { OAuthDeps } from './deps.ts';
import { identify } from './identity.ts';
import { grantedScopes } from './scopes.ts';
import type { Tokens } from './tokenAnswer.ts';

/** @throws AuthError only the signal's reason. */
export async function credentialOf(
	provider: OAuthProvider,
	server: AuthorizationServer,
	tokens: Tokens,
	askedScopes: readonly string[],
	deps: OAuthDeps,
	signal: AbortSignal,
): Promise<OAuthCredential> {
	return {
		...lifeOf(tokens),
		...(tokens.refreshToken && { refreshToken: tokens.refreshToken }),
		...(tokens.refreshExpiresAtMs === undefined ? {} : { refreshExpiresAtMs: tokens.refreshExpiresAtMs }),
		...(tokens.idToken && { idToken: tokens.idToken }),
		scopes: grantedScopes(tokens.scope, askedScopes),
		identity: await identify(provider, server, tokens, deps, signal),
		origin: originOf(provider, server),
	};
}

/**
 * RFC 6749 section 6: what the answer leaves out goes on as it was, the refresh token above all. The identity is
 * inherited: a refresh never changes whose credential it is.
 */
export function renewedCredential(old: OAuthCredential, tokens: Tokens): OAuthCredential {
	const { refreshToken = old.refreshToken, idToken = old.idToken } = tokens;
	const sameRefreshToken = refreshToken === old.refreshToken;
	const refreshExpiresAtMs = tokens.refreshExpiresAtMs ?? (sameRefreshToken ? old.refreshExpiresAtMs : undefined);
	return {
		...lifeOf(tokens),
		...(refreshToken && { refreshToken }),
		...(refreshExpiresAtMs === undefined ? {} : { refreshExpiresAtMs }),
		...(isSameEnd(old.refreshExpiresAtMs, refreshExpiresAtMs)
			? { refreshEndSinceMs: old.refreshEndSinceMs ?? old.obtainedAtMs }
			: {}),
		...(idToken && { idToken }),
		scopes: grantedScopes(tokens.scope, old.scopes),
		identity: old.identity,
	};
}

/** Servers name the end as a number of seconds from now, so it wavers by what an answer takes. */
const SAME_END_MS = 5 * 60_000;

/** False for an end that moves with every refresh: such a sign-in lasts as long as it is used. */
function isSameEnd(before: number | undefined, after: number | undefined): boolean {
	return before !== undefined && after !== undefined && Math.abs(after - before) < SAME_END_MS;
}

function lifeOf(tokens: Tokens): Pick<OAuthCredential, 'kind' | 'accessToken' | 'expiresAtMs' | 'obtainedAtMs'> {
	return {
		kind: 'oauth',
		accessToken: tokens.accessToken,
		...(tokens.expiresAtMs === undefined ? {} : { expiresAtMs: tokens.expiresAtMs }),
		obtainedAtMs: tokens.obtainedAtMs,
	};
}
