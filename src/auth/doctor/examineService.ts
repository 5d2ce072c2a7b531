/** Asks the service itself: does it answer, is it the one that the settings mean, what time is it there, is the token good? */

import { isAuthError } from '../errors.ts';
import { describeError } from '../log.ts';
import type { OAuthDeps } from '../oauth/deps.ts';
import { resolveServer } from '../oauth/discovery.ts';
import { createServerCache } from '../oauth/serverCache.ts';
import { isOAuthProvider, type OAuthProvider, type Provider } from '../provider.ts';
import { parseUrl } from '../secureUrl.ts';
import type { AccessToken } from '../snapshot.ts';
import { type Finding, finding } from './finding.ts';
import { networkFact } from './networkFact.ts';
import { failedElsewhere } from './proxyFailure.ts';

/** Enough for a slow proxy; the person waits. */
const REQUEST_LIMIT_MS = 15_000;

/** Smaller differences are within what servers accept, and within what an answer takes. */
const SKEW_LIMIT_MS = 30_000;

/** Its reachability, its clock, and with a token whether it takes that. Never rejects but for the signal. */
export async function examineService(
	provider: Provider,
	deps: OAuthDeps,
	signal: AbortSignal,
	token?: AccessToken & { readonly bucketId: string },
): Promise<readonly Finding[]> {
	if (!isOAuthProvider(provider)) return [finding('service', 'nothing', { providerId: provider.id })];
	const dates: { readonly serverMs: number; readonly hereMs: number }[] = [];
	const listening = listeningTo(deps, (serverMs) => dates.push({ serverMs, hereMs: deps.clock.now() }));
	const startedAtMs = deps.clock.monotonic();
	const reached = await reach(provider, listening, signal);
	const tookMs = Math.round(deps.clock.monotonic() - startedAtMs);
	const findings: Finding[] = [{ ...reached, tookMs }];
	const date = dates[0];
	if (date) {
		const skewMs = date.hereMs - date.serverMs;
		const isSkewed = Math.abs(skewMs) > SKEW_LIMIT_MS;
		findings.push(finding('clock', isSkewed ? 'clockSkew' : 'healthy', { providerId: provider.id, skewMs }));
	}
	if (token && reached.fact === 'healthy') findings.push(await tryToken(provider, listening, signal, token));
	return findings;
}

async function reach(provider: OAuthProvider, deps: ListeningDeps, signal: AbortSignal): Promise<Finding> {
	const about = { providerId: provider.id };
	const limit = AbortSignal.timeout(REQUEST_LIMIT_MS);
	const both = AbortSignal.any([signal, limit]);
	try {
		// Endpoints of the settings are not asked about themselves, so any answer of theirs will do.
		if (provider.kind === 'oauth2')
			await deps.fetch(provider.endpoints.tokenEndpoint, { method: 'HEAD', redirect: 'manual', signal: both });
		else await resolveServer(provider, deps, both);
		return finding('service', 'healthy', about);
	} catch (error) {
		signal.throwIfAborted();
		const status = isAuthError(error) ? error.detail.status : undefined;
		const more = { ...about, cause: describeError(error), ...(status === undefined ? {} : { status }) };
		return finding('service', deps.failedAtProxy() ? 'proxyGone' : networkFact(error, limit.aborted), more);
	}
}

/** Whether the service takes the token, asked where OpenID Connect has an endpoint for it. */
async function tryToken(
	provider: OAuthProvider,
	deps: OAuthDeps,
	signal: AbortSignal,
	token: AccessToken & { readonly bucketId: string },
): Promise<Finding> {
	const about = { providerId: provider.id, bucketId: token.bucketId };
	const limit = AbortSignal.timeout(REQUEST_LIMIT_MS);
	try {
		const { userinfo_endpoint: address } = await resolveServer(provider, deps, AbortSignal.any([signal, limit]));
		if (address === undefined || !isBeside(provider, address)) return finding('account', 'notAsked', about);
		const response = await deps.fetch(address, {
			headers: { authorization: `Bearer ${token.value}` },
			redirect: 'manual',
			signal: AbortSignal.any([signal, limit]),
		});
		await response.body?.cancel();
		if (response.ok) return finding('account', 'healthy', about);
		const { status } = response;
		if (status === 401) return finding('account', 'tokenRefused', { ...about, status });
		// A token without the scope `openid` is good and may not ask this (OIDC Core section 5.3).
		return status === 403
			? finding('account', 'notAsked', about)
			: finding('account', 'serverError', { ...about, status });
	} catch (error) {
		signal.throwIfAborted();
		return finding('account', networkFact(error, limit.aborted), { ...about, cause: describeError(error) });
	}
}

/**
 * A token is bound to the endpoints that gave it and not to this one, so an address that the settings name by itself is asked
 * only beside them.
 */
function isBeside(provider: OAuthProvider, address: string): boolean {
	if (provider.kind === 'oidc') return true;
	const { issuer, tokenEndpoint } = provider.endpoints;
	return [issuer, tokenEndpoint].some((known) => parseUrl(known)?.origin === parseUrl(address)?.origin);
}

type ListeningDeps = OAuthDeps & {
	/** Whether the last request failed on its way to another place than its own, which is a proxy. */
	readonly failedAtProxy: () => boolean;
};

/** With a memory of its own, because what was asked an hour ago says nothing about now. */
function listeningTo(deps: OAuthDeps, onDate: (serverMs: number) => void): ListeningDeps {
	let atProxy = false;
	return {
		...deps,
		servers: createServerCache(deps.clock),
		failedAtProxy: () => atProxy,
		async fetch(url, init) {
			atProxy = false;
			try {
				const response = await deps.fetch(url, init);
				const serverMs = Date.parse(response.headers.get('date') ?? '');
				if (Number.isFinite(serverMs)) onDate(serverMs);
				return response;
			} catch (error) {
				atProxy = failedElsewhere(error, url);
				throw error;
			}
		},
	};
}
