/** Where a service signs a person out of everything at once (OpenID Connect RP-Initiated Logout 1.0). */
import { isOAuthProvider, type Provider } from '../provider.ts';
import type { OAuthDeps } from './deps.ts';
import { resolveServer } from './discovery.ts';

/**
 * The address to open in the browser, or undefined if the service offers none. It names the client and not the person: an ID
 * token in it (`id_token_hint`) would stay in the browser's history. Rejects as {@link resolveServer}.
 */
export async function endSessionAddress(
	provider: Provider,
	deps: OAuthDeps,
	signal: AbortSignal,
): Promise<string | undefined> {
	if (!isOAuthProvider(provider)) return undefined;
	const server = await resolveServer(provider, deps, signal);
	if (server.end_session_endpoint === undefined) return undefined;
	const address = new URL(server.end_session_endpoint);
	address.searchParams.set('client_id', provider.client.clientId);
	return address.href;
}
