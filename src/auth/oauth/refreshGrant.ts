/**
 * One refresh request (RFC 6749 section 6) and what is known after it. It decides nothing: whether to send again, what
 * to store and whom to tell is for who holds the lease.
 */
import type { AuthorizationServer } from 'oauth4webapi';
import * as oauth from 'oauth4webapi';
import type { OAuthCredential } from '../credential.ts';
import { AuthError } from '../errors.ts';
import { describeError } from '../log.ts';
import { assertMayRenewAt, assertOfService, renewedOrigin } from '../origin.ts';
import { isOAuthProvider, type OAuthProvider, type Provider } from '../provider.ts';
import type { Answer } from './answer.ts';
import { isObject, readAnswer } from './answer.ts';
import { resourceParameter } from './codeGrant.ts';
import { ConnectionFailure } from './connectionFailure.ts';
import { renewedCredential } from './credentialOf.ts';
import type { OAuthDeps } from './deps.ts';
import { resolveServer } from './discovery.ts';
import type { Refusal } from './refusal.ts';
import { refusalOf } from './refusal.ts';
import { safeCause } from './safeCause.ts';
import type { Tokens } from './tokenAnswer.ts';
import { clientOf, readTokens } from './tokenAnswer.ts';
import { wire } from './wire.ts';

export type RefreshOutcome =
	/** The old refresh token is carried forward if none came; the identity is inherited. */
	| { readonly kind: 'answered'; readonly credential: OAuthCredential }
	/** The server's last word, in a real OAuth error body. */
	| { readonly kind: 'rejected'; readonly serverError: string; readonly status: number }
	/** The server answered something else; nothing was rotated as far as one can know (after `identity` it was). */
	| {
			readonly kind: 'failed';
			readonly code: 'transient' | 'configuration' | 'identity' | 'protocol';
			readonly status?: number;
			readonly retryAtMs?: number;
			readonly serverError?: string;
	  }
	/** No byte of the request arrived: free to try again. `cause` is an `AuthError` where discovery failed, and `service_changed` where the service is another one. */
	| { readonly kind: 'notSent'; readonly cause: unknown }
	/** The request was sent and its answer lost or unreadable: the refresh token may have been spent. */
	| {
			readonly kind: 'unknown';
			readonly cause: unknown;
			/** A gateway answered for the server, with this status. Absent where no answer came, or one that cannot be read. */
			readonly status?: number;
			readonly retryAtMs?: number;
	  };

/** Servers and proxies log it; it finds the request of a log line at the service's support. */
const CORRELATION_HEADER = 'x-request-id';

/**
 * Sends the refresh token once.
 * @param signal the hard deadline: aborts the request and closes its connection. Resolves soon after, never rejects.
 * @param correlationId goes along as `X-Request-Id`.
 */
export async function refresh(
	provider: Provider,
	credential: OAuthCredential,
	deps: OAuthDeps,
	signal: AbortSignal,
	correlationId?: string,
): Promise<RefreshOutcome> {
	const { refreshToken } = credential;
	if (!isOAuthProvider(provider) || refreshToken === undefined) {
		return { kind: 'notSent', cause: new AuthError('unavailable', 'nothing to refresh with') };
	}
	if (signal.aborted) return { kind: 'notSent', cause: safeCause(signal.reason) };
	let server: AuthorizationServer;
	try {
		// Before anything is asked: the issuer of the settings may be anybody's.
		assertOfService(provider, credential);
		server = await resolveServer(provider, deps, signal);
		assertMayRenewAt(provider, server, credential);
	} catch (error) {
		return { kind: 'notSent', cause: safeCause(error) };
	}
	let answer: Answer;
	try {
		answer = await send(provider, server, refreshToken, deps, signal, correlationId);
	} catch (error) {
		// Whatever is thrown before `fetch` was called (an address that is not allowed, a missing endpoint) sent nothing.
		const sent = error instanceof ConnectionFailure ? error.sent : 'notSent';
		return { kind: sent, cause: safeCause(error instanceof ConnectionFailure ? error.cause : error) };
	}
	const refusal = refusalOf(answer);
	return refusal === undefined ? accepted(provider, server, credential, answer, deps) : refused(refusal);
}

async function send(
	provider: OAuthProvider,
	server: AuthorizationServer,
	refreshToken: string,
	deps: OAuthDeps,
	signal: AbortSignal,
	correlationId: string | undefined,
): Promise<Answer> {
	const response = await oauth.refreshTokenGrantRequest(server, clientOf(provider), oauth.None(), refreshToken, {
		...wire(deps, signal),
		...(correlationId === undefined ? {} : { headers: { [CORRELATION_HEADER]: correlationId } }),
		additionalParameters: resourceParameter(provider),
	});
	return readAnswer(response, deps);
}

function refused(refusal: Refusal): RefreshOutcome {
	const { kind, status, serverError, retryAtMs } = refusal;
	if (kind === 'rejected' && serverError !== undefined) return { kind, serverError, status };
	const wait = retryAtMs === undefined ? {} : { retryAtMs };
	if (kind === 'unknown')
		return { kind, status, ...wait, cause: new AuthError('transient', `status ${status}`, { detail: { status } }) };
	return {
		kind: 'failed',
		// `access_denied` is no answer to a refresh.
		code: kind === 'denied' || kind === 'rejected' ? 'protocol' : kind,
		status,
		...(serverError && { serverError }),
		...wait,
	};
}

async function accepted(
	provider: OAuthProvider,
	server: AuthorizationServer,
	old: OAuthCredential,
	answer: Answer,
	deps: OAuthDeps,
): Promise<RefreshOutcome> {
	const idToken = answer.json?.id_token;
	const derived = provider.kind === 'oauth2' && provider.endpoints.issuerIsDerived;
	if (!derived && typeof idToken === 'string' && namesAnother(idToken, old)) {
		return { kind: 'failed', code: 'identity', status: answer.status };
	}
	try {
		const tokens = await readTokens(provider, server, answer, oauth.processRefreshTokenResponse).catch(
			(error: unknown) => withoutIdToken(provider, server, answer, deps, error),
		);
		const origin = renewedOrigin(old.origin, provider, server);
		return { kind: 'answered', credential: { ...renewedCredential(old, tokens), origin } };
	} catch (error) {
		return { kind: 'unknown', cause: safeCause(error) };
	}
}

/**
 * An ID token is no part of a refresh (OIDC Core section 12.2), but the rotated refresh token beside it is all there
 * is. One that does not pass the checks and names nobody else is left out.
 */
async function withoutIdToken(
	provider: OAuthProvider,
	server: AuthorizationServer,
	answer: Answer,
	deps: OAuthDeps,
	error: unknown,
): Promise<Tokens> {
	if (answer.json?.id_token === undefined) throw error;
	const { id_token: _, ...json } = answer.json;
	const tokens = await readTokens(provider, server, { ...answer, json }, oauth.processRefreshTokenResponse);
	deps.log.warn(`${provider.id}: ID token of the refresh ignored: ${describeError(safeCause(error))}`);
	return tokens;
}

/** OIDC Core section 12.2: same `iss`, same `sub`. Read before validation, so that no other fault can hide it. */
function namesAnother(idToken: string, old: OAuthCredential): boolean {
	const { issuer, subject } = old.identity;
	const claims = unverifiedClaims(idToken);
	const differs = (claim: unknown, known: string | undefined): boolean =>
		typeof claim === 'string' && known !== undefined && claim !== known;
	return differs(claims.iss, issuer) || differs(claims.sub, subject);
}

function unverifiedClaims(idToken: string): Readonly<Record<string, unknown>> {
	try {
		const claims: unknown = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString('utf8'));
		return isObject(claims) ? claims : {};
	} catch {
		// Not a JWT: it names nobody, and validation drops it.
		return {};
	}
}
