/**
 * What the person prefers, read from values of the settings that can be anything. What cannot be understood never opens
 * anything: it counts as the default, or as "never" where that is about access. Pure.
 */
import type { SignInRequest } from './service.ts';
import type { ConsentPolicy } from './terminal/grant.ts';

export type SignInFlow = NonNullable<SignInRequest['flow']>;

const DAY_MS = 24 * 60 * 60_000;
/** A long weekend; the same as in package.json. */
const DEFAULT_IDLE_DAYS = 4;

/** Of `agentAuth.signInFlow`. */
export function signInFlowOf(value: unknown): SignInFlow {
	return value === 'loopback' || value === 'device' || value === 'paste' ? value : 'auto';
}

/** Of `agentAuth.terminal.consent`, an object of policies by provider. */
export function consentPolicyOf(value: unknown, providerId: string): ConsentPolicy {
	if (typeof value !== 'object' || value === null || !Object.hasOwn(value, providerId)) return 'ask';
	const policy: unknown = (value as Record<string, unknown>)[providerId];
	return policy === 'always' || policy === 'ask' ? policy : 'never';
}

/** Of `agentAuth.earlyRefreshIdleDays`; 0 turns it off. */
export function earlyRefreshIdleMsOf(days: unknown): number {
	return (typeof days === 'number' && days >= 0 ? days : DEFAULT_IDLE_DAYS) * DAY_MS;
}
