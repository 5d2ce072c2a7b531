/** Where a sign-in that VS Code asked for goes, and which session it gets back. */
import { AuthError } from '../errors.ts';
import type { BucketSnapshot, ProviderSnapshot } from '../snapshot.ts';
import { type AccountHint, bucketsOfAccount, isAutomatic } from './accountHint.ts';
import { covers, scopesToAskFor } from './scopes.ts';
import { accountSession, automaticSession, bucketInForce, type Session, tokenOf } from './sessions.ts';

/** A sign-in with a person at the keyboard; `src/views` asks what is missing (a way to sign in, an API key). */
export type InteractiveSignIn = {
	readonly providerId: string;
	/** Absent means what the settings say. */
	readonly scopes?: readonly string[];
	/** Sign in again to this bucket; absent means that any account may come back. */
	readonly bucketId?: string;
};

/** Signs in to the account that is named, to the one that lacks something, or to a new one. */
export function signInTarget(
	provider: ProviderSnapshot,
	scopes: readonly string[],
	account: AccountHint | undefined,
): InteractiveSignIn {
	const bucket = bucketToSignInTo(provider, scopes, account);
	return {
		providerId: provider.provider.id,
		scopes: scopesToAskFor(provider.provider, bucket, scopes),
		...(bucket === undefined ? {} : { bucketId: bucket.id }),
	};
}

function bucketToSignInTo(
	provider: ProviderSnapshot,
	scopes: readonly string[],
	account: AccountHint | undefined,
): BucketSnapshot | undefined {
	if (account !== undefined && !isAutomatic(account)) return bucketsOfAccount(provider, account)[0];
	const inForce = bucketInForce(provider);
	const { automatic } = provider;
	if (automatic.kind === 'boundUnusable' || automatic.kind === 'needsSignIn')
		return provider.buckets.find(({ id }) => id === automatic.bucketId);
	if (inForce === undefined) return provider.buckets.find((bucket) => bucket.state.kind === 'needsSignIn');
	// No account, and the scopes are there: then VS Code was asked for another account.
	return account === undefined && covers(inForce, tokenOf(inForce).scopes, scopes) ? undefined : inForce;
}

/**
 * "Automatic" where the caller may have it: it named none and signed in to the bucket in force, or named "Automatic".
 * Else the account itself; VS Code compares its label with the one that was named and warns if they differ.
 * Throws `denied` if the service granted less than was asked for, `no_account` if there is no token.
 */
export function sessionAfterSignIn(
	provider: ProviderSnapshot | undefined,
	signedIn: BucketSnapshot,
	requested: readonly string[],
	account: AccountHint | undefined,
): Session {
	const bucket = provider?.buckets.find((entry) => entry.id === signedIn.id) ?? signedIn;
	const inForce = provider === undefined ? undefined : bucketInForce(provider);
	const wantsAutomatic = account === undefined ? inForce?.id === bucket.id : isAutomatic(account);
	if (wantsAutomatic && inForce !== undefined && covers(inForce, tokenOf(inForce).scopes, requested)) {
		return automaticSession(inForce.providerId, tokenOf(inForce), scopesToReturn(requested));
	}
	if (bucket.token === undefined) throw new AuthError('no_account', 'the sign-in left no token');
	if (!covers(bucket, bucket.token.scopes, requested)) {
		throw new AuthError('denied', 'fewer scopes were granted than asked for', {
			detail: { provider: bucket.providerId, serverError: 'invalid_scope' },
		});
	}
	return accountSession(bucket, bucket.token, scopesToReturn(requested));
}

/**
 * A session carries the scopes that were asked for, because VS Code and consumers compare them as sets. Nothing asked for
 * means whatever was granted, and then it carries that.
 */
export function scopesToReturn(requested: readonly string[]): readonly string[] | undefined {
	return requested.length === 0 ? undefined : requested;
}
