/**
 * Authorization code with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 9700 section 2.1.1): the address a browser is sent
 * to, and what its answer is exchanged for.
 */
import type { AuthorizationServer } from 'oauth4webapi';
import * as oauth from 'oauth4webapi';
import type { OAuthCredential } from '../credential.ts';
import { AuthError } from '../errors.ts';
import type { OAuthProvider } from '../provider.ts';
import { readAnswer } from './answer.ts';
import { credentialOf } from './credentialOf.ts';
import type { OAuthDeps } from './deps.ts';
import { toOAuthError, withinRequest } from './failures.ts';
import { fieldOf, kindOfErrorCode, plainErrorCode, refusalError, refusalOf } from './refusal.ts';
import { safeCause } from './safeCause.ts';
import { OFFLINE_ACCESS, OPENID } from './scopes.ts';
import { clientOf, readTokens } from './tokenAnswer.ts';
import { wire } from './wire.ts';

/** One attempt. Every value in it is fresh; none but `url` leaves the process before the exchange. */
export type CodeRequest = {
	/** Where the browser goes. */
	readonly url: string;
	readonly redirectUri: string;
	readonly scopes: readonly string[];
	/** 256 random bits, as are the others. */
	readonly state: string;
	readonly codeVerifier: string;
	readonly nonce?: string;
};

/** @throws AuthError `configuration` if the server has no authorization endpoint. */
export async function startCodeGrant(
	provider: OAuthProvider,
	server: AuthorizationServer,
	scopes: readonly string[],
	redirectUri: string,
): Promise<CodeRequest> {
	if (server.authorization_endpoint === undefined) {
		throw new AuthError('configuration', 'the server has no authorization endpoint', {
			detail: { provider: provider.id, field: `${provider.id}.authorizationEndpoint` },
		});
	}
	const state = oauth.generateRandomState();
	const codeVerifier = oauth.generateRandomCodeVerifier();
	const nonce = expectsIdToken(provider, scopes) ? oauth.generateRandomNonce() : undefined;
	const prompt = provider.client.prompt ?? (scopes.includes(OFFLINE_ACCESS) ? 'consent' : undefined);
	const url = new URL(server.authorization_endpoint);
	const parameters: Readonly<Record<string, string | undefined>> = {
		response_type: 'code',
		client_id: provider.client.clientId,
		redirect_uri: redirectUri,
		scope: scopes.length > 0 ? scopes.join(' ') : undefined,
		state,
		nonce,
		code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
		// Never `plain`, whatever the metadata says (RFC 7636 section 7.2).
		code_challenge_method: 'S256',
		resource: provider.client.resource,
		prompt,
	};
	for (const [name, value] of Object.entries(parameters)) {
		if (value !== undefined) url.searchParams.set(name, value);
	}
	return { url: url.href, redirectUri, scopes, state, codeVerifier, ...(nonce && { nonce }) };
}

/** With endpoints alone nobody promises an ID token, even if `openid` is asked for. */
function expectsIdToken(provider: OAuthProvider, scopes: readonly string[]): boolean {
	return provider.kind === 'oidc' && scopes.includes(OPENID);
}

/**
 * @param callback the query of the redirect.
 * @throws AuthError `denied`, `transient`, `configuration` (the server said why), `protocol` (wrong `state` or `iss`,
 * unreadable answer, invalid ID token), or the signal's reason.
 */
export async function finishCodeGrant(
	provider: OAuthProvider,
	server: AuthorizationServer,
	request: CodeRequest,
	callback: URLSearchParams,
	deps: OAuthDeps,
	signal: AbortSignal,
): Promise<OAuthCredential> {
	const parameters = checkCallback(provider, server, request, callback);
	const tokens = await withinRequest(deps.clock, signal, provider.id, async (exchange) => {
		const response = await oauth.authorizationCodeGrantRequest(
			server,
			clientOf(provider),
			oauth.None(),
			parameters,
			request.redirectUri,
			request.codeVerifier,
			{ ...wire(deps, exchange), additionalParameters: resourceParameter(provider) },
		);
		const answer = await readAnswer(response, deps);
		const refusal = refusalOf(answer);
		if (refusal !== undefined) throw refusalError(refusal, provider.id);
		return readTokens(provider, server, answer, (as, client, clean) =>
			oauth.processAuthorizationCodeResponse(
				as,
				client,
				clean,
				request.nonce === undefined ? {} : { expectedNonce: request.nonce, requireIdToken: true },
			),
		);
	});
	return credentialOf(provider, server, tokens, request.scopes, deps, signal);
}

/** RFC 8707 section 2.2: the same resource in every request. */
export function resourceParameter(provider: OAuthProvider): Record<string, string> {
	return provider.client.resource === undefined ? {} : { resource: provider.client.resource };
}

/** RFC 9207 section 2.4 and RFC 6749 section 4.1.2.1: `iss` and `state` first, then the server's own word. */
function checkCallback(
	provider: OAuthProvider,
	server: AuthorizationServer,
	request: CodeRequest,
	callback: URLSearchParams,
): URLSearchParams {
	const query = new URLSearchParams(callback);
	if (provider.kind === 'oauth2' && provider.endpoints.issuerIsDerived) query.delete('iss');
	try {
		const checked = oauth.validateAuthResponse(server, clientOf(provider), query, request.state);
		if (!checked.get('code')) throw new AuthError('protocol', 'the redirect brings neither a code nor an error');
		return checked;
	} catch (error) {
		if (!(error instanceof oauth.AuthorizationResponseError)) throw toOAuthError(error, provider.id);
		const serverError = plainErrorCode(error.error);
		const kind = serverError === undefined ? 'protocol' : kindOfErrorCode(serverError, 400);
		const code = kind === 'rejected' || kind === 'unknown' ? 'protocol' : kind;
		throw new AuthError(code, `the server refused: ${serverError ?? 'unknown error'}`, {
			cause: safeCause(error),
			detail: {
				provider: provider.id,
				...(serverError && { serverError }),
				...(code === 'configuration' ? { field: `${provider.id}.${fieldOf(serverError)}` } : {}),
			},
		});
	}
}
