/** Server metadata by issuer, bounded in number and age. Failures are never kept: the next caller asks again. */
import type { AuthorizationServer } from 'oauth4webapi';
import type { Clock } from '../clock.ts';

/** More issuers than anybody configures; keeps a long session from growing. */
const MAX_SERVERS = 32;

/** Endpoints move seldom; an hour bounds how long a moved one hurts. */
const MAX_AGE_MS = 60 * 60_000;

export type ServerCache = {
	get(issuer: string): AuthorizationServer | undefined;
	set(issuer: string, server: AuthorizationServer): void;
};

export function createServerCache(clock: Pick<Clock, 'monotonic'>, limit = MAX_SERVERS): ServerCache {
	const entries = new Map<string, { readonly server: AuthorizationServer; readonly readAtMs: number }>();
	return {
		get(issuer) {
			const entry = entries.get(issuer);
			if (entry === undefined) return undefined;
			entries.delete(issuer);
			if (clock.monotonic() - entry.readAtMs > MAX_AGE_MS) return undefined;
			// Put back at the end: a Map keeps the order of insertion, so the first is the least recently used.
			entries.set(issuer, entry);
			return entry.server;
		},
		set(issuer, server) {
			entries.delete(issuer);
			entries.set(issuer, { server, readAtMs: clock.monotonic() });
			for (const oldest of entries.keys()) {
				if (entries.size <= limit) break;
				entries.delete(oldest);
			}
		},
	};
}
