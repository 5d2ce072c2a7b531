/** What an examination finds: one fact about one part, as data. `src/views/doctor/doctorText.ts` has the sentences. */

import type { AuthErrorCode } from '../errors.ts';

/** In the order in which they are examined: what comes later may be broken because of what comes before. */
export const CHECKS = ['vault', 'key', 'lease', 'watch', 'service', 'clock', 'account', 'terminal'] as const;
export type Check = (typeof CHECKS)[number];

export type Fact =
	| 'healthy'
	/** Nothing to examine: no sign-in yet, no service, switched off. */
	| 'nothing'
	/** The folder cannot be written. */
	| 'unwritable'
	| 'damaged'
	| 'newerVersion'
	/** Records exist and their key is gone. */
	| 'keyMissing'
	/** The store of the key does not answer. */
	| 'keySilent'
	/** Somebody holds the lease of the examination itself for too long, or leases cannot be taken. */
	| 'leaseBusy'
	/** The file system tells nothing; polling does the work. */
	| 'watchDeaf'
	/** No such host. */
	| 'noName'
	/** The connection was refused or the network is down. */
	| 'noConnection'
	| 'certificate'
	/** The proxy does not let it through. */
	| 'proxy'
	/** There is a proxy in between, and it cannot be reached. */
	| 'proxyGone'
	| 'timeout'
	/** It answers with an error; `status` says which. */
	| 'serverError'
	/** It answers, and not with what the settings say it is. */
	| 'wrongAnswer'
	/** This machine's clock differs from the service's by `skewMs`. */
	| 'clockSkew'
	| 'needsSignIn'
	/** The service itself refused the access token. */
	| 'tokenRefused'
	/** Nobody could be asked: the service has no endpoint for it. */
	| 'notAsked'
	/** The socket of this window does not answer. */
	| 'socketSilent'
	/** Something else; the log has it. */
	| 'unknown';

export type Finding = {
	readonly check: Check;
	readonly fact: Fact;
	readonly verdict: 'healthy' | 'warning' | 'broken';
	/** The service, or the service and the account's bucket id. */
	readonly providerId?: string;
	readonly bucketId?: string;
	readonly status?: number;
	/** Positive if this machine's clock is ahead. */
	readonly skewMs?: number;
	readonly tookMs?: number;
	/** Why the token could not be renewed, with the fact `unknown` of an account. */
	readonly code?: AuthErrorCode;
	/** Name and code of what went wrong, without any text of a foreign error. */
	readonly cause?: string;
};

const WARNINGS: ReadonlySet<Fact> = new Set(['watchDeaf', 'clockSkew', 'leaseBusy', 'needsSignIn', 'socketSilent']);
const FINE: ReadonlySet<Fact> = new Set(['healthy', 'nothing', 'notAsked']);

export function finding(check: Check, fact: Fact, more: Omit<Finding, 'check' | 'fact' | 'verdict'> = {}): Finding {
	return { check, fact, verdict: FINE.has(fact) ? 'healthy' : WARNINGS.has(fact) ? 'warning' : 'broken', ...more };
}
