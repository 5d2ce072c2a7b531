/**
 * Where a credential came from, sealed with it. A provider's id is a name in the settings, and what it names can change under a
 * credential that is kept: by Settings Sync, by a typing mistake, by somebody else's file. What one service gave is never sent
 * to another one, and never handed out in the name of another one.
 */
import type { Credential, Origin } from './credential.ts';
import { AuthError } from './errors.ts';
import { isOAuthProvider, type OAuthProvider, type Provider } from './provider.ts';
import { parseUrl } from './secureUrl.ts';

/** The endpoints in use, as server metadata names them (RFC 8414 section 2). */
type Endpoints = { readonly token_endpoint?: string; readonly revocation_endpoint?: string };

/** @param server the metadata of the provider; without it only what the settings say. */
export function originOf(provider: OAuthProvider, server?: Endpoints): Origin {
	const named = provider.kind === 'oauth2' ? provider.endpoints : undefined;
	const token = server?.token_endpoint ?? named?.tokenEndpoint;
	const revocation = server?.revocation_endpoint ?? named?.revocationEndpoint;
	return {
		issuer: named?.issuer ?? (provider.kind === 'oidc' ? provider.issuer : ''),
		clientId: provider.client.clientId,
		...(token === undefined ? {} : { token: new URL(token).origin }),
		...(revocation === undefined ? {} : { revocation: new URL(revocation).origin }),
	};
}

/**
 * Whether this provider, as the settings have it now, is the one that gave the credential. Nothing binds an API key: its entry
 * names no address, and it is sent nowhere by us.
 * @param older the binding of a credential that an earlier version stored without one
 */
export function isOfService(provider: Provider, credential: Credential, older?: Origin): boolean {
	if (credential.kind === 'apiKey') return true;
	if (!isOAuthProvider(provider)) return false;
	const now = originOf(provider);
	const bound = credential.origin ?? older;
	if (bound === undefined) return isSameAddress(credential.identity.issuer, now.issuer);
	return isSame(bound, now);
}

/** @throws AuthError `service_changed` */
export function assertOfService(provider: Provider, credential: Credential, older?: Origin): void {
	if (!isOfService(provider, credential, older)) throw serviceChanged(provider.id);
}

/**
 * Before a refresh token is sent: the endpoints that were found must be those it came from.
 * @throws AuthError `service_changed`
 */
export function assertMayRenewAt(provider: OAuthProvider, server: Endpoints, credential: Credential): void {
	assertOfService(provider, credential);
	const bound = credential.kind === 'oauth' ? credential.origin : undefined;
	if (bound && !isSame(bound, originOf(provider, server))) throw serviceChanged(provider.id);
}

/**
 * Before tokens are sent to be revoked. A service may have got its revocation endpoint since the sign-in: then it is believed
 * only beside the token endpoint or the issuer.
 * @throws AuthError `service_changed`
 */
export function assertMayRevokeAt(provider: OAuthProvider, server: Endpoints, credential: Credential): void {
	assertMayRenewAt(provider, server, credential);
	const { revocation } = originOf(provider, server);
	const bound = credential.kind === 'oauth' ? credential.origin : undefined;
	if (bound === undefined || revocation === undefined || revocation === bound.revocation) return;
	const beside = [bound.token, parseUrl(bound.issuer)?.origin];
	if (bound.revocation !== undefined || !beside.includes(revocation)) throw serviceChanged(provider.id);
}

/** With the binding that the state keeps of what an earlier version stored. */
export function withOlderOrigin<C extends Credential>(credential: C, older: Origin | undefined): C {
	const isBound = credential.kind !== 'oauth' || credential.origin !== undefined;
	return isBound || older === undefined ? credential : { ...credential, origin: older };
}

/** The binding of what is renewed: what was sealed stays, and only what nothing bound so far is taken from the service. */
export function renewedOrigin(old: Origin | undefined, provider: OAuthProvider, server: Endpoints): Origin {
	return old?.token === undefined ? { ...originOf(provider, server), ...old } : old;
}

function serviceChanged(provider: string): AuthError {
	return new AuthError('service_changed', 'the settings name another service than the one that gave the credential', {
		detail: { provider },
	});
}

function isSame(bound: Origin, now: Origin): boolean {
	return (
		isSameAddress(bound.issuer, now.issuer) &&
		bound.clientId === now.clientId &&
		(bound.token === undefined || now.token === undefined || bound.token === now.token)
	);
}

/** A slash at the end of a bare host makes no other address (RFC 3986 section 6.2.3). */
function isSameAddress(a: string, b: string): boolean {
	return a.trim() === b.trim() || (parseUrl(a)?.href ?? a) === (parseUrl(b)?.href ?? b);
}
