/**
 * The answer to "which sessions have these scopes", with tokens that live long enough to be used. An empty answer makes
 * VS Code offer a sign-in, so it is given only where a sign-in is what is missing; everything else is an error.
 */

import type { Clock } from '../clock.ts';
import { EXPIRY_SKEW_MS } from '../credential.ts';
import { AuthError, type AuthErrorCode, isAuthError } from '../errors.ts';
import type { AuthService } from '../service.ts';
import type { AccessToken, BucketSnapshot, BucketState, ProviderSnapshot } from '../snapshot.ts';
import { type AccountHint, bucketsOfAccount, isAutomatic } from './accountHint.ts';
import { covers } from './scopes.ts';
import { accountSession, automaticSession, bucketInForce, isUsable, type Session, tokenOf } from './sessions.ts';
import { scopesToReturn } from './signInTarget.ts';
import { namedBuckets, standingSessions } from './standingSessions.ts';

export type SessionLookup = {
	readonly service: AuthService;
	readonly clock: Clock;
	readonly providerId: string;
	readonly scopes: readonly string[];
	readonly account: AccountHint | undefined;
	readonly deadlineMs: number;
};

type Candidate = {
	/** Served as "Automatic": any bucket that the core puts in force, also if that changes meanwhile. */
	readonly automatic: boolean;
	/** Asked for by name, or "Automatic": the caller will use it, so the core decides and takes note of the use. */
	readonly wanted: boolean;
	readonly bucket: BucketSnapshot;
};

type Outcome =
	| { readonly kind: 'session'; readonly session: Session }
	/** Signing in helps, so it is left out. */
	| { readonly kind: 'needsSignIn' }
	| { readonly kind: 'failed'; readonly automatic: boolean; readonly error: unknown };

/** These failures end with a sign-in. The others pass, or need something else from the person. */
const NEEDS_SIGN_IN: ReadonlySet<AuthErrorCode> = new Set([
	'no_account',
	'invalid_grant',
	'unknown_outcome',
	'unavailable',
	'service_changed',
]);

/**
 * "Automatic" first, then the accounts in their order; only those of `account` if it is given. VS Code may hand out any
 * of them (it remembers the person's choice by label and does not tell), so all stale tokens are renewed, side by side.
 *
 * Rejects with the code of the failure if nothing is left to answer, and also if "Automatic" failed for a reason that
 * passes: without it in the list VS Code would ask its consumers to choose another account.
 */
export async function findSessions(lookup: SessionLookup): Promise<Session[]> {
	await throwIfAutomaticCannot(providerOf(lookup), lookup);
	const provider = providerOf(lookup);
	const standing =
		lookup.account === undefined ? standingSessions(provider, lookup.scopes, lookup.clock.now()) : undefined;
	const candidates = candidatesFor(provider, lookup, standing === undefined);
	const outcomes = await Promise.all(candidates.map((entry) => resolve(lookup, entry)));
	const sessions = outcomes.flatMap((outcome) => (outcome.kind === 'session' ? [outcome.session] : []));
	if (standing !== undefined) sessions.push(...standing);
	const failures = outcomes.flatMap((outcome) => (outcome.kind === 'failed' ? [outcome] : []));
	const decisive = failures.find((failure) => failure.automatic) ?? (sessions.length === 0 ? failures[0] : undefined);
	if (decisive !== undefined) throw decisive.error;
	// Read again: the outcome of a refresh may be news about the vault.
	if (sessions.length === 0) throwIfUnreadable(providerOf(lookup), lookup);
	return sessions;
}

/** Exhausted, or tied to a bucket that cannot be used: signing in to yet another account is no answer to that. */
async function throwIfAutomaticCannot({ automatic }: ProviderSnapshot, lookup: SessionLookup): Promise<void> {
	const { service, providerId, account, deadlineMs } = lookup;
	if (account !== undefined && !isAutomatic(account)) return;
	if (automatic.kind === 'inForce' || automatic.kind === 'none' || automatic.kind === 'needsSignIn') return;
	// The core says it with all that belongs to it; if that has passed meanwhile there is a token.
	await service.getToken({ providerId, deadlineMs, purpose: 'getSession' });
}

function providerOf(lookup: SessionLookup): ProviderSnapshot {
	const provider = lookup.service.snapshot().providers.find((entry) => entry.provider.id === lookup.providerId);
	if (provider === undefined) throw new AuthError('unknown_provider', `no provider ${lookup.providerId}`);
	return provider;
}

/** @param named false leaves out the accounts by name, because their sessions are there already. */
function candidatesFor(provider: ProviderSnapshot, lookup: SessionLookup, named: boolean): readonly Candidate[] {
	const { account, scopes } = lookup;
	const inForce = bucketInForce(provider);
	const candidates: Candidate[] = [];
	if (inForce !== undefined && (account === undefined || isAutomatic(account))) {
		candidates.push({ automatic: true, wanted: true, bucket: inForce });
	}
	if (named && account === undefined) {
		for (const bucket of namedBuckets(provider.buckets, scopes))
			candidates.push({ automatic: false, wanted: false, bucket });
	}
	if (account !== undefined && !isAutomatic(account)) {
		for (const bucket of bucketsOfAccount(provider, account).filter(isUsable))
			candidates.push({ automatic: false, wanted: true, bucket });
	}
	return candidates.filter(({ bucket }) => covers(bucket, tokenOf(bucket).scopes, scopes));
}

async function resolve(lookup: SessionLookup, { automatic, wanted, bucket }: Candidate): Promise<Outcome> {
	const { service, clock, providerId, scopes, deadlineMs } = lookup;
	const session = (owner: BucketSnapshot, token: AccessToken): Outcome => ({
		kind: 'session',
		session: automatic
			? automaticSession(providerId, token, scopesToReturn(scopes))
			: accountSession(owner, token, scopesToReturn(scopes)),
	});
	if (!wanted && livesLongEnough(tokenOf(bucket), clock.now())) return session(bucket, tokenOf(bucket));
	try {
		const issued = await service.getToken({
			providerId,
			...(automatic ? {} : { bucketId: bucket.id }),
			// Coverage is decided here, before and after: it knows of keys and of `offline_access`.
			deadlineMs,
			purpose: 'getSession',
		});
		// A refresh may come back with fewer scopes (RFC 6749 section 6).
		if (!covers(issued.bucket, issued.token.scopes, scopes)) return { kind: 'needsSignIn' };
		return session(issued.bucket, issued.token);
	} catch (error) {
		if (isAuthError(error) && NEEDS_SIGN_IN.has(error.code)) return { kind: 'needsSignIn' };
		return { kind: 'failed', automatic, error };
	}
}

function livesLongEnough(token: AccessToken, nowMs: number): boolean {
	return token.expiresAtMs === undefined || token.expiresAtMs - nowMs > EXPIRY_SKEW_MS;
}

/** A sign-in that exists and cannot be read, or was switched off, is not "signed out". */
function throwIfUnreadable(provider: ProviderSnapshot, { account, service }: SessionLookup): void {
	const buckets =
		account === undefined || isAutomatic(account) ? provider.buckets : bucketsOfAccount(provider, account);
	const [off] = buckets;
	if (off !== undefined && buckets.every(({ disabled }) => disabled))
		throw new AuthError('disabled', 'the account is switched off', {
			detail: { provider: provider.provider.id, bucketName: off.name },
		});
	const codes = buckets.map((bucket) => unreadableCode(bucket.state));
	const code = service.snapshot().problem ?? (codes.includes(undefined) ? undefined : codes[0]);
	if (code === undefined) return;
	throw new AuthError(code, 'no stored sign-in can be read', { detail: { provider: provider.provider.id } });
}

function unreadableCode(state: BucketState): AuthErrorCode | undefined {
	switch (state.kind) {
		case 'keyMissing':
			return 'key_missing';
		case 'keyUnreadable':
			return 'key_unreadable';
		case 'damaged':
			return 'damaged';
		case 'newerSchema':
			return 'newer_schema';
		case 'storageFailed':
			return 'storage';
		case 'ready':
		case 'failing':
		case 'needsSignIn':
		case 'signedOut':
			return undefined;
	}
}
