/**
 * Reads a token answer. Lenient where services are known to differ from RFC 6749 section 5.1 and nothing is at stake,
 * because refusing an answer throws a rotated refresh token away; strict about who issued it and for whom.
 */
import type { AuthorizationServer, Client, IDToken, TokenEndpointResponse } from 'oauth4webapi';
import * as oauth from 'oauth4webapi';
import { AuthError } from '../errors.ts';
import type { OAuthProvider } from '../provider.ts';
import type { Answer, Json } from './answer.ts';
import { isObject, jsonResponse, requireJson } from './answer.ts';

export type Tokens = {
	readonly accessToken: string;
	readonly refreshToken?: string;
	readonly idToken?: string;
	/** Of the validated ID token. */
	readonly claims?: IDToken;
	/** As the answer says it; absent means as asked. */
	readonly scope?: string;
	readonly expiresAtMs?: number;
	readonly refreshExpiresAtMs?: number;
	readonly obtainedAtMs: number;
};

export type ProcessTokens = (
	server: AuthorizationServer,
	client: Client,
	response: Response,
) => Promise<TokenEndpointResponse>;

/** Ten years: services that send epoch times or "for ever" must not overflow a date. */
const MAX_LIFE_S = 10 * 365 * 24 * 60 * 60;

/** ID tokens are judged by their age in {@link requireUnexpired}, not by the library's look at the local clock. */
const NO_CLOCK_CHECK_S = MAX_LIFE_S;

/** How far an ID token may be past its end by both clocks. */
const ID_TOKEN_TOLERANCE_S = 60;

/** Public client (RFC 8252 section 8.5): `client_id` in the body, no secret. */
export function clientOf(provider: OAuthProvider): Client {
	return { client_id: provider.client.clientId, [oauth.clockTolerance]: NO_CLOCK_CHECK_S };
}

/**
 * @throws AuthError `protocol` for an answer without a usable bearer token; errors of `oauth4webapi` for an ID token
 * that is not of this issuer, client or attempt.
 */
export async function readTokens(
	provider: OAuthProvider,
	server: AuthorizationServer,
	answer: Answer,
	process: ProcessTokens,
): Promise<Tokens> {
	const json = normalized(provider, requireJson(answer));
	const response = await process(server, clientOf(provider), jsonResponse(json));
	if (response.token_type !== 'bearer') {
		throw new AuthError('protocol', 'the token is not a bearer token', { detail: { provider: provider.id } });
	}
	const claims = oauth.getValidatedIdTokenClaims(response);
	if (claims !== undefined && response.id_token !== undefined) {
		requireIdToken(response.id_token, claims, provider);
		requireUnexpired(claims, answer, provider.id);
	}
	const raw = requireJson(answer);
	const expiresAtMs = endOf(raw.expires_in, answer.receivedAtMs);
	const refreshExpiresAtMs = endOf(raw.refresh_token_expires_in ?? raw.refresh_expires_in, answer.receivedAtMs);
	return {
		accessToken: response.access_token,
		...(response.refresh_token && { refreshToken: response.refresh_token }),
		...(response.id_token && { idToken: response.id_token }),
		...(claims && { claims }),
		...(response.scope && { scope: response.scope }),
		...(expiresAtMs === undefined ? {} : { expiresAtMs }),
		...(refreshExpiresAtMs === undefined ? {} : { refreshExpiresAtMs }),
		obtainedAtMs: answer.receivedAtMs,
	};
}

function normalized(provider: OAuthProvider, json: Json): Json {
	// Where the settings name no issuer there is nothing to hold an ID token against.
	const useIdToken = !(provider.kind === 'oauth2' && provider.endpoints.issuerIsDerived);
	const scope = Array.isArray(json.scope) ? json.scope.join(' ') : json.scope;
	const fields: Record<string, unknown> = {
		access_token: nonBlank(json.access_token),
		token_type: json.token_type ?? 'bearer',
		refresh_token: nonBlank(json.refresh_token),
		scope: nonBlank(scope),
		id_token: useIdToken ? nonBlank(json.id_token) : undefined,
	};
	return fields;
}

function nonBlank(value: unknown): string | undefined {
	return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/**
 * Local end of a token's life. `expires_in` counts from the answer, so the local clock's error cancels out. Absent,
 * 0 (which services send for "never"), negative, not a number: unknown. A numeric string counts; huge values are cut.
 */
export function endOf(expiresIn: unknown, receivedAtMs: number): number | undefined {
	const lifeS = typeof expiresIn === 'string' && expiresIn.trim() !== '' ? Number(expiresIn) : expiresIn;
	if (typeof lifeS !== 'number' || !Number.isFinite(lifeS) || lifeS <= 0) return undefined;
	return receivedAtMs + Math.min(lifeS, MAX_LIFE_S) * 1000;
}

/**
 * What the library leaves open: a JWT that says it is something else, such as an access token (`at+jwt`, RFC 8725 section
 * 3.11), and one that was issued to another client (OIDC Core section 3.1.3.7 (5)).
 */
function requireIdToken(idToken: string, claims: IDToken, provider: OAuthProvider): void {
	const encoded = idToken.slice(0, idToken.indexOf('.'));
	const header: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
	const type = isObject(header) && typeof header.typ === 'string' ? header.typ : '';
	const isOther = /\+jwt$/i.test(type);
	if (isOther || (claims.azp !== undefined && claims.azp !== provider.client.clientId)) {
		const what = isOther ? 'is another kind of token' : 'was issued to another client';
		throw new AuthError('protocol', `the ID token ${what}`, { detail: { provider: provider.id } });
	}
}

/** OIDC Core section 3.1.3.7 (9). Expired only if it is by the local clock and by the server's: either may be wrong. */
function requireUnexpired(claims: IDToken, answer: Answer, providerId: string): void {
	const latest = claims.exp + ID_TOKEN_TOLERANCE_S;
	const localS = answer.receivedAtMs / 1000;
	const serverS = localS + (answer.clockSkewMs ?? 0) / 1000;
	if (Math.min(localS, serverS) > latest) {
		throw new AuthError('protocol', 'the ID token has expired', { detail: { provider: providerId } });
	}
}
