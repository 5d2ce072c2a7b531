/**
 * Where a provider's endpoints are: asked from the issuer (OpenID Connect Discovery 1.0, else RFC 8414) or built from
 * the settings. A document of another issuer is never used (RFC 8414 section 3.3), and no redirect is followed.
 */
import type { AuthorizationServer } from 'oauth4webapi';
import * as oauth from 'oauth4webapi';
import * as v from 'valibot';
import { AuthError } from '../errors.ts';
import type { OAuthEndpoints, OAuthProvider } from '../provider.ts';
import { isOnThisMachine, judgeUrl } from '../secureUrl.ts';
import type { Answer } from './answer.ts';
import { jsonResponse, readAnswer, requireJson } from './answer.ts';
import type { OAuthDeps } from './deps.ts';
import { toOAuthError } from './failures.ts';
import { refusalError, refusalOf } from './refusal.ts';
import { safeCause } from './safeCause.ts';
import { wire } from './wire.ts';

/** Servers configured by endpoints cannot say which they use, so that all that are fit for ID tokens are taken. */
const ID_TOKEN_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519', 'RS384', 'ES384', 'RS512', 'PS512'];

const endpoint = v.pipe(
	v.string(),
	v.check((value) => judgeUrl(value) === 'secure'),
);

/** What is used of the metadata; the rest is dropped. A bad optional endpoint is as good as none would be dangerous, hence an error. */
const metadataSchema = v.object({
	issuer: v.string(),
	token_endpoint: endpoint,
	authorization_endpoint: v.exactOptional(endpoint),
	device_authorization_endpoint: v.exactOptional(endpoint),
	revocation_endpoint: v.exactOptional(endpoint),
	userinfo_endpoint: v.exactOptional(endpoint),
	end_session_endpoint: v.exactOptional(endpoint),
	authorization_response_iss_parameter_supported: v.exactOptional(v.boolean()),
	id_token_signing_alg_values_supported: v.exactOptional(v.array(v.string())),
	scopes_supported: v.exactOptional(v.array(v.string())),
});

/**
 * @throws AuthError `transient` (no answer, 5xx, 429), `configuration` (no such document, another issuer, an endpoint
 * that is not https, or on this machine although the issuer is not), `protocol` (not a metadata document), or the signal's reason.
 */
export async function resolveServer(
	provider: OAuthProvider,
	deps: OAuthDeps,
	signal: AbortSignal,
): Promise<AuthorizationServer> {
	if (provider.kind === 'oauth2') return fromEndpoints(provider.endpoints);
	const cached = deps.servers.get(provider.issuer);
	if (cached !== undefined) return cached;
	const server = await discover(provider.id, provider.issuer, deps, signal).catch((error: unknown) => {
		throw toOAuthError(error, provider.id);
	});
	deps.servers.set(provider.issuer, server);
	return server;
}

async function discover(
	providerId: string,
	issuer: string,
	deps: OAuthDeps,
	signal: AbortSignal,
): Promise<AuthorizationServer> {
	const ask = async (algorithm: 'oidc' | 'oauth2'): Promise<Answer> =>
		readAnswer(await oauth.discoveryRequest(new URL(issuer), { ...wire(deps, signal), algorithm }), deps);
	let answer = await ask('oidc');
	if (isMissing(answer)) {
		const other = await ask('oauth2');
		// If neither exists, the first answer is the one to tell about.
		if (!isMissing(other)) answer = other;
	}
	const refusal = refusalOf(answer);
	if (refusal !== undefined) throw discoveryRefused(providerId, refusal, answer);
	return checked(providerId, issuer, answer);
}

/** 4xx, but none that means "later". */
function isMissing(answer: Answer): boolean {
	return answer.status >= 400 && answer.status < 500 && refusalOf(answer)?.kind !== 'transient';
}

function discoveryRefused(
	providerId: string,
	refusal: NonNullable<ReturnType<typeof refusalOf>>,
	answer: Answer,
): AuthError {
	if (!isMissing(answer)) return refusalError(refusal, providerId);
	return new AuthError('configuration', `no metadata at the issuer: status ${answer.status}`, {
		detail: { provider: providerId, status: answer.status, field: `${providerId}.issuer` },
	});
}

async function checked(providerId: string, issuer: string, answer: Answer): Promise<AuthorizationServer> {
	const json = requireJson(answer);
	const detail = { provider: providerId, field: `${providerId}.issuer` };
	try {
		await oauth.processDiscoveryResponse(new URL(issuer), jsonResponse(json));
	} catch (error) {
		throw new AuthError('configuration', 'the metadata is of another issuer', { cause: safeCause(error), detail });
	}
	const parsed = v.safeParse(metadataSchema, json);
	if (!parsed.success) {
		const fields = parsed.issues.map((issue) => issue.path?.map(({ key }) => String(key)).join('.')).join(', ');
		throw new AuthError('configuration', `the metadata cannot be used: ${fields}`, { detail });
	}
	const local = isOnThisMachine(issuer) ? [] : localEndpoints(parsed.output);
	if (local.length > 0) {
		throw new AuthError('configuration', `the metadata points to this machine: ${local.join(', ')}`, { detail });
	}
	return withoutUnsigned(parsed.output);
}

/** A service elsewhere has no business at this machine: another user's program may listen there. */
function localEndpoints(metadata: v.InferOutput<typeof metadataSchema>): string[] {
	return Object.entries(metadata)
		.filter(([name, value]) => name.endsWith('_endpoint') && typeof value === 'string' && isOnThisMachine(value))
		.map(([name]) => name);
}

/** OIDC Core section 3.1.3.7 (7): `none` only where the client registered for it, which this one never does. */
function withoutUnsigned(metadata: v.InferOutput<typeof metadataSchema>): AuthorizationServer {
	const { id_token_signing_alg_values_supported: algorithms, ...rest } = metadata;
	if (algorithms === undefined) return rest;
	return { ...rest, id_token_signing_alg_values_supported: algorithms.filter((name) => name.toLowerCase() !== 'none') };
}

function fromEndpoints(endpoints: OAuthEndpoints): AuthorizationServer {
	return {
		issuer: endpoints.issuer,
		token_endpoint: endpoints.tokenEndpoint,
		...(endpoints.authorizationEndpoint && { authorization_endpoint: endpoints.authorizationEndpoint }),
		...(endpoints.deviceAuthorizationEndpoint && {
			device_authorization_endpoint: endpoints.deviceAuthorizationEndpoint,
		}),
		...(endpoints.revocationEndpoint && { revocation_endpoint: endpoints.revocationEndpoint }),
		...(endpoints.userinfoEndpoint && { userinfo_endpoint: endpoints.userinfoEndpoint }),
		id_token_signing_alg_values_supported: ID_TOKEN_ALGORITHMS,
	};
}
