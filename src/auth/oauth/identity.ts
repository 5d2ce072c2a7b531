/**
 * Who signed in: the claims of a validated ID token, else what the userinfo endpoint says. What neither says stays
 * unknown; nothing is made up.
 */
import type { AuthorizationServer } from 'oauth4webapi';
import * as oauth from 'oauth4webapi';
import type { Identity } from '../credential.ts';
import { describeError } from '../log.ts';
import type { OAuthProvider } from '../provider.ts';
import type { Json } from './answer.ts';
import { jsonResponse, readAnswer, requireJson } from './answer.ts';
import type { OAuthDeps } from './deps.ts';
import { withinRequest } from './failures.ts';
import { refusalError, refusalOf } from './refusal.ts';
import type { Tokens } from './tokenAnswer.ts';
import { clientOf } from './tokenAnswer.ts';
import { wire } from './wire.ts';

/** The longest email address there is (RFC 5321 section 4.5.3.1). */
const MAX_SHOWN_LENGTH = 320;

/** Control characters, line ends, and what turns the direction of text around. */
const NOT_SHOWN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/** @throws AuthError only the signal's reason: a userinfo endpoint that fails costs a name, not the sign-in. */
export async function identify(
	provider: OAuthProvider,
	server: AuthorizationServer,
	tokens: Tokens,
	deps: OAuthDeps,
	signal: AbortSignal,
): Promise<Identity> {
	const fromIdToken: Identity = { issuer: server.issuer, ...(tokens.claims && fieldsOf(provider, tokens.claims)) };
	if (fromIdToken.email !== undefined || server.userinfo_endpoint === undefined) return fromIdToken;
	try {
		const claims = await userinfo(provider, server, tokens, deps, signal);
		return { ...fieldsOf(provider, claims), ...fromIdToken };
	} catch (error) {
		if (signal.aborted) throw error;
		deps.log.warn(`${provider.id}: no userinfo: ${describeError(error)}`);
		return fromIdToken;
	}
}

function userinfo(
	provider: OAuthProvider,
	server: AuthorizationServer,
	tokens: Tokens,
	deps: OAuthDeps,
	signal: AbortSignal,
): Promise<Json> {
	return withinRequest(deps.clock, signal, provider.id, async (request) => {
		const client = clientOf(provider);
		const options = wire(deps, request);
		const answer = await readAnswer(await oauth.userInfoRequest(server, client, tokens.accessToken, options), deps);
		const refusal = refusalOf(answer);
		if (refusal !== undefined) throw refusalError(refusal, provider.id);
		const json = requireJson(answer);
		// OIDC Core section 5.3.2: of another subject, it must not be used.
		if (tokens.claims !== undefined) {
			await oauth.processUserInfoResponse(server, client, tokens.claims.sub, jsonResponse(json));
		}
		return json;
	});
}

function fieldsOf(provider: OAuthProvider, claims: Json): Omit<Identity, 'issuer'> {
	// Services without OpenID Connect name the same thing `id`.
	const subject = text(claims.sub) ?? (provider.kind === 'oauth2' ? text(claims.id) : undefined);
	const email = shown(claims.email);
	const name = shown(claims.name) ?? shown(claims.preferred_username) ?? shown(claims.login);
	return { ...(subject && { subject }), ...(email && { email }), ...(name && { name }) };
}

/** For people to read: on one line, in the order it is written, and short enough to be shown. */
function shown(value: unknown): string | undefined {
	return text(text(value)?.replace(NOT_SHOWN, ' ').slice(0, MAX_SHOWN_LENGTH));
}

function text(value: unknown): string | undefined {
	if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
	return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}
