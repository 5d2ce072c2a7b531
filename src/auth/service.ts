/**
 * The face of the core: everything that VS Code's authentication API, the views and the terminal server may ask for.
 * One per extension host.
 */
import type { BillingClass, BucketOwner } from './buckets/billing.ts';
import type { Binding } from './buckets/binding.ts';
import type { Examine } from './doctor/examine.ts';
import type { AuthErrorCode } from './errors.ts';
import type { Disposable, Event } from './event.ts';
import type { FailureReport } from './failover/report.ts';
import type { Diagnostics } from './service/diagnostics.ts';
import type { StoredDataParts } from './service/removal.ts';
import type { FlowKind, SignInUi } from './signIn/ui.ts';
import type { AccessToken, BucketSnapshot, Snapshot } from './snapshot.ts';

export type TokenRequest = {
	readonly providerId: string;
	/** This bucket and no other; absent means the bucket in force for this window ("Automatic"). */
	readonly bucketId?: string;
	/** Every one of these must have been granted; compared as sets. Absent or empty means whatever was granted. */
	readonly scopes?: readonly string[];
	/** Guaranteed remaining life in ms; at least the skew of 60 s by default. */
	readonly minTtlMs?: number;
	/** How long the caller waits before it gets `timeout`; the refresh goes on. */
	readonly deadlineMs: number;
	readonly signal?: AbortSignal;
	/** Who asks, for the log: e.g. `getSession`, `terminal`. */
	readonly purpose: string;
	/** Renew even if the token looks fresh, unless the vault already holds another than the one with this digest. */
	readonly refusedDigest?: string;
	/** Tokens for the same key stay with the bucket that they began with while it is usable. Automatic only. */
	readonly sessionKey?: string;
};

export type IssuedToken = { readonly token: AccessToken; readonly bucket: BucketSnapshot };

export type SignInRequest = {
	readonly providerId: string;
	readonly scopes?: readonly string[];
	/** Sign in again into this bucket; another account than its own is asked about. */
	readonly bucketId?: string;
	readonly flow?: FlowKind | 'auto';
	/** Name of a new bucket; by default the account's label. */
	readonly bucketName?: string;
	readonly ui: SignInUi;
	readonly signal?: AbortSignal;
};

/** What a request that carried a token of ours got. See `failover/report.ts` for the bounds. */
export type UseReport = {
	readonly providerId: string;
	/** SHA-256 of the token that the request carried, in hex. */
	readonly tokenDigest: string;
	readonly report: FailureReport;
	/** The consumer asked for this account by name: another one's token is no answer. */
	readonly named?: boolean;
	/** The same for all attempts of one request, so that no bucket is tried twice for it. */
	readonly requestKey?: string;
	readonly deadlineMs: number;
};

/** What to do after a report. Never holds a token. */
export type Advice =
	/** No token of ours, or nothing that we could do something about. */
	| { readonly kind: 'ignored' }
	/** The request may be sent again with the same token. */
	| { readonly kind: 'retry' }
	/** Ask for a token again: it is another one now. */
	| { readonly kind: 'retryWithNewToken' }
	/** Not before `untilMs`; absent means that only the person can end the wait. */
	| { readonly kind: 'wait'; readonly untilMs?: number; readonly reason: WaitReason }
	| { readonly kind: 'signIn' }
	| { readonly kind: 'giveUp'; readonly code: AuthErrorCode; readonly reason: string };

export type WaitReason =
	/** The service is busy or unreachable; another account would not help. */
	| 'service'
	/** This account's limit, and no other account may stand in for it. */
	| 'limit'
	/** Every bucket is exhausted. */
	| 'exhausted'
	/** Another bucket could, but it has another owner or is billed another way, and the person has not said yes. */
	| 'decision'
	/** Another window holds the lease. */
	| 'busy';

/** Where a yes or no to another owner or billing class holds. */
export type CrossingScope = 'untilReset' | 'workspace' | 'always';

/** The choice a person makes when the next bucket has another owner or billing class than the first. */
export type Crossing = {
	readonly providerId: string;
	readonly fromBucketId: string;
	readonly toBucketId: string;
	readonly allowed: boolean;
	readonly scope: CrossingScope;
};

/** How an account is left. */
export type SignOutMode =
	/** Gone on this machine at once; the service is told afterwards, as well as it goes. What VS Code's own sign-out does. */
	| 'leave'
	/** Gone on this machine at once, and the service hears nothing of it. */
	| 'forget'
	/** The grant is revoked first (RFC 7009), and the record kept if that fails. Rejects with `transient` or `configuration`. */
	| 'revoke';

/** What a person may say about a bucket. */
export type BucketDescription = {
	readonly owner?: BucketOwner;
	readonly billing?: BillingClass;
	/** Whether Automatic may use it. */
	readonly automatic?: boolean;
	readonly disabled?: boolean;
};

export type AuthService = {
	/** In memory, never throws. */
	snapshot(): Snapshot;
	readonly onDidChange: Event<Snapshot>;
	/** Resolves when state and vault were read once; never rejects. */
	readonly loaded: Promise<void>;
	/** A token that is good for at least `minTtlMs`, renewed under the lease if need be. Rejects with `AuthError`. */
	getToken(request: TokenRequest): Promise<IssuedToken>;
	/** One flow at a time per provider over all windows; a second asker gets the outcome of the first. */
	signIn(request: SignInRequest): Promise<BucketSnapshot>;
	/** Stores an API key as a bucket. */
	addApiKey(request: { providerId: string; key: string; name: string; bucketId?: string }): Promise<BucketSnapshot>;
	/** A bucket whose token comes from a command of the provider's settings. Rejects with `configuration` if there is none. */
	addReference(request: { providerId: string; command: string; name: string }): Promise<BucketSnapshot>;
	/** Final in every window. Idempotent. Works on a bucket that cannot be read. See {@link SignOutMode}. */
	signOut(providerId: string, bucketId: string, mode?: SignOutMode): Promise<void>;
	/** Where the service signs the person out of everything; undefined if it offers that nowhere. Rejects with `transient`, `configuration`. */
	endSessionAddress(providerId: string): Promise<string | undefined>;
	/** Rejects with `configuration` if the name is blank or another bucket of the provider has it. */
	renameBucket(providerId: string, bucketId: string, name: string): Promise<void>;
	/** Puts a bucket at this place of the order, counted from 0 without it. */
	moveBucket(providerId: string, bucketId: string, index: number): Promise<void>;
	describeBucket(providerId: string, bucketId: string, description: BucketDescription): Promise<void>;
	/** Ends a cooldown: the person knows better. */
	endCooldown(providerId: string, bucketId: string): Promise<void>;
	decideCrossing(crossing: Crossing): Promise<void>;
	/**
	 * Whether a workspace's own file may tie it to this bucket name, as the person said; undefined until they have.
	 * `workspace` is {@link Binding.workspace}.
	 */
	confirmBinding(binding: Pick<Binding, 'providerId' | 'bucketName' | 'workspace'>, allowed: boolean): Promise<void>;
	/**
	 * Automatic stays with the bucket it has now in this window, as long as that is usable, also when an earlier one comes
	 * back. Ends by itself after `forMs`.
	 */
	hold(providerId: string, sessionKey: string, forMs: number): Disposable;
	/** Renews now, whatever life is left. */
	refresh(providerId: string, bucketId: string): Promise<void>;
	/** What came of a request with a token of ours; see {@link Advice}. Rejects only for a fault of our own. */
	report(report: UseReport): Promise<Advice>;
	/**
	 * True for the one window of all that may tell the person about this trouble with this credential. False for the
	 * others, and for this one when it asks again.
	 */
	claimMessage(providerId: string, bucketId: string, reason: string): Promise<boolean>;
	/**
	 * The same for the end of a sign-in, which is told of once whatever is renewed until then: an end within `sameMs` of the
	 * one that the person was reminded of is that one.
	 */
	claimReminder(providerId: string, bucketId: string, endsAtMs: number, sameMs: number): Promise<boolean>;
	/** Facts for the log channel's reader, safe to paste. */
	diagnose(): Promise<Diagnostics>;
	/** Tries everything that a sign-in and a refresh need, and asks the services. Rejects only when the signal aborts. */
	readonly examine: Examine;
	/** All that is kept, to be listed and removed. */
	readonly storedData: StoredDataParts;
	/** Reads settings' providers, state and vault again. */
	reload(): Promise<void>;
	/** Synchronous part of the end: gives up leases, stops watching. */
	dispose(): void;
};
