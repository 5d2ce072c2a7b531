/**
 * What the core knows at this moment, as one immutable value that is replaced whole. The authentication provider, the
 * tree and the terminal server read only this; it holds no secret but the access tokens inside {@link BucketSnapshot.token},
 * which only the authentication provider and the terminal server may hand out.
 */
import type { BillingClass, BucketOwner } from './buckets/billing.ts';
import type { BindingInForce } from './buckets/binding.ts';
import type { Identity } from './credential.ts';
import type { BucketObstacle } from './errors.ts';
import type { Provider } from './provider.ts';

/** A person's account at a service. The label is what VS Code ties consent and preference to: unique, never reused. */
export type Account = {
	/** Stable over refreshes and restarts. */
	readonly id: string;
	readonly label: string;
	readonly identity: Identity;
};

export type AccessToken = {
	readonly value: string;
	readonly scopes: readonly string[];
	/** Absent if the server did not say when it ends. */
	readonly expiresAtMs?: number;
};

/** What is the matter with a bucket. Each looks different to the person and has its own action. */
export type BucketState =
	/** Usable, or renewable by itself when it has expired. */
	| { readonly kind: 'ready' }
	/**
	 * The server refused the refresh token, the outcome is unknown, it ran out and cannot be renewed, or the provider names
	 * another service now.
	 */
	| { readonly kind: 'needsSignIn'; readonly reason: SignInReason }
	/** The last refresh failed, at `sinceMs` if that was noted, for a passing reason; it is tried again by itself. */
	| { readonly kind: 'failing'; readonly retryAtMs: number; readonly sinceMs?: number }
	/** Records exist, their key does not (it is looked for again). */
	| { readonly kind: 'keyMissing' }
	/** The place that keeps the key does not answer. */
	| { readonly kind: 'keyUnreadable' }
	/** The record cannot be opened; the file is kept. */
	| { readonly kind: 'damaged' }
	/** Written by a newer version of the extension. */
	| { readonly kind: 'newerSchema' }
	/** The vault folder cannot be read. */
	| { readonly kind: 'storageFailed' }
	| { readonly kind: 'signedOut' };

export type SignInReason = 'invalid_grant' | 'unknown_outcome' | 'unavailable' | 'service_changed';

export type BucketSnapshot = {
	/** Immutable, random. */
	readonly id: string;
	readonly providerId: string;
	/** A label of the person's choice. */
	readonly name: string;
	readonly account: Account;
	readonly state: BucketState;
	/** Counts up at every write of the credential; 0 if there is none. */
	readonly generation: number;
	/** The last access token known here, expired or not. Absent unless the record could be opened and is of this service. */
	readonly token?: AccessToken;
	readonly renewable: boolean;
	readonly kind: 'oauth' | 'apiKey' | 'reference';
	/** Of references: the name of the command in the provider's settings. */
	readonly command?: string;
	/** The person switched it off: it gives no tokens. */
	readonly disabled: boolean;
	/** Whether Automatic may use it. */
	readonly automatic: boolean;
	/** Absent until the person said. */
	readonly owner?: BucketOwner;
	/** Absent until the person said. */
	readonly billing?: BillingClass;
	/** A service said that it is exhausted. May lie in the past: then it is tried by one window first. */
	readonly cooldown?: Cooldown;
	/** Kept in the memory of this window only, because nothing here persists secrets. */
	readonly sessionOnly: boolean;
	/** The disk refuses the last credential so far: it lives in the memory of this window while storing is tried again. */
	readonly unsaved?: true;
	/** When the sign-in itself ends, and not just its access token; absent if the server does not say. */
	readonly signInEnd?: SignInEnd;
	readonly lastRefreshAtMs?: number;
	/** Process id of the extension host that renewed it last. */
	readonly lastRefreshPid?: number;
	readonly lastUsedAtMs?: number;
};

/** `sinceMs` is when the server first named this end: one that moves with every refresh is never old. */
export type SignInEnd = { readonly atMs: number; readonly sinceMs: number };

export type CooldownReason = 'quota' | 'rate_limit' | 'credit' | 'entitlement' | 'refused';

export type Cooldown = {
	readonly reason: CooldownReason;
	/** Id of the rule that decided. */
	readonly rule: string;
	readonly sinceMs: number;
	/** Absent: until the person ends it. */
	readonly untilMs?: number;
};

/** Which bucket answers those who name no account, or why none does. */
export type AutomaticState =
	| { readonly kind: 'inForce'; readonly bucketId: string }
	/** Nobody is signed in, or no bucket was let into Automatic. */
	| { readonly kind: 'none' }
	/** Nothing but a sign-in, or what else mends a bucket, helps. */
	| { readonly kind: 'needsSignIn'; readonly bucketId: string }
	/** `untilMs` is the earliest time at which one comes back; absent if only the person can end it. */
	| { readonly kind: 'exhausted'; readonly untilMs?: number; readonly buckets: readonly BucketObstacle[] }
	/** The next bucket has another owner or billing class. */
	| {
			readonly kind: 'decision';
			readonly fromBucketId: string;
			readonly toBucketId: string;
			readonly untilMs?: number;
			readonly buckets: readonly BucketObstacle[];
	  }
	| { readonly kind: 'boundMissing'; readonly bucketName: string }
	| { readonly kind: 'boundUnusable'; readonly bucketName: string; readonly bucketId: string }
	| { readonly kind: 'bindingConflict'; readonly names: readonly string[] };

export type ProviderSnapshot = {
	readonly provider: Provider;
	/** In order. */
	readonly buckets: readonly BucketSnapshot[];
	/** The bucket that consumers get who name no account; absent if none is usable. */
	readonly inForce?: string;
	readonly automatic: AutomaticState;
	/** The workspace of this window is tied to a bucket, or wants to be. */
	readonly binding?: BindingInForce;
	/** A sign-in is running, in this window or in another one. */
	readonly signingIn: boolean;
};

export type Snapshot = {
	/** False until state and vault were read for the first time. */
	readonly loaded: boolean;
	/** State and vault as a whole cannot be used; absent if they can. */
	readonly problem?: 'storage' | 'newer_schema' | 'damaged';
	readonly providers: readonly ProviderSnapshot[];
};
