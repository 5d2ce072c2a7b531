/**
 * Tells the server that a credential is no longer wanted (RFC 7009). Best effort: a sign-out is final here whatever the
 * server says, and 200 proves nothing (section 2.2).
 */
import type { AuthorizationServer } from 'oauth4webapi';
import * as oauth from 'oauth4webapi';
import type { Credential } from '../credential.ts';
import { isAuthError } from '../errors.ts';
import { assertMayRevokeAt, assertOfService } from '../origin.ts';
import { isOAuthProvider, type Provider } from '../provider.ts';
import { readAnswer } from './answer.ts';
import type { OAuthDeps } from './deps.ts';
import { resolveServer } from './discovery.ts';
import { toOAuthError } from './failures.ts';
import { refusalError, refusalOf } from './refusal.ts';
import { clientOf } from './tokenAnswer.ts';
import { wire } from './wire.ts';

export type RevocationOutcome =
	/** The server took it for all tokens there were. */
	| { readonly kind: 'done' }
	/** Not an OAuth credential, or the server has no revocation endpoint. */
	| { readonly kind: 'unsupported' }
	/** At least one token may live on; after 503 until `retryAtMs` at the earliest (RFC 7009 section 2.2.1). */
	| { readonly kind: 'failed'; readonly code: string; readonly retryAtMs?: number };

/** @param signal the hard deadline of all requests together. Never rejects. */
export async function revoke(
	provider: Provider,
	credential: Credential,
	deps: OAuthDeps,
	signal: AbortSignal,
): Promise<RevocationOutcome> {
	if (!isOAuthProvider(provider) || credential.kind !== 'oauth') return { kind: 'unsupported' };
	let server: AuthorizationServer;
	try {
		assertOfService(provider, credential);
		server = await resolveServer(provider, deps, signal);
		assertMayRevokeAt(provider, server, credential);
	} catch (error) {
		return failed(error, provider.id);
	}
	if (server.revocation_endpoint === undefined) return { kind: 'unsupported' };
	// The refresh token first: with it most servers end the whole grant.
	const tokens = [
		{ token: credential.refreshToken, hint: 'refresh_token' },
		{ token: credential.accessToken, hint: 'access_token' },
	];
	let outcome: RevocationOutcome = { kind: 'done' };
	for (const { token, hint } of tokens) {
		if (token === undefined) continue;
		try {
			const options = { ...wire(deps, signal), additionalParameters: { token_type_hint: hint } };
			const response = await oauth.revocationRequest(server, clientOf(provider), oauth.None(), token, options);
			const refusal = refusalOf(await readAnswer(response, deps));
			if (refusal === undefined) continue;
			// Section 2.2.1: the server may be unable to revoke access tokens, which end by themselves.
			if (hint === 'access_token' && refusal.serverError === 'unsupported_token_type') continue;
			throw refusalError(refusal, provider.id);
		} catch (error) {
			if (outcome.kind === 'done') outcome = failed(error, provider.id);
		}
	}
	return outcome;
}

function failed(error: unknown, providerId: string): RevocationOutcome {
	const { code, detail } = toOAuthError(error, providerId);
	return { kind: 'failed', code, ...(isAuthError(error) && detail.retryAtMs ? { retryAtMs: detail.retryAtMs } : {}) };
}
