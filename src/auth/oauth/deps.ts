/** What the wire needs from outside. One value per extension host, so that server metadata is shared by all flows. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { ServerCache } from './serverCache.ts';
import { createServerCache } from './serverCache.ts';

/** The part of `fetch` that is used; the global one fits. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type OAuthDeps = {
	readonly fetch: Fetch;
	readonly clock: Clock;
	readonly log: Logger;
	readonly servers: ServerCache;
};

export function createOAuthDeps(outside: { fetch: Fetch; clock: Clock; log: Logger }): OAuthDeps {
	return { ...outside, servers: createServerCache(outside.clock) };
}
