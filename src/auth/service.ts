/**
 * The face of the core: everything that VS Code's authentication API, the views and the terminal server may ask for.
 * One per extension host.
 */
import type { AuthErrorCode } from './errors.ts';
import type { Event } from './event.ts';
import type { Diagnostics } from './service/diagnostics.ts';
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

export type RefusalReport = {
	readonly providerId: string;
	/** SHA-256 of the token that was refused, in hex. */
	readonly tokenDigest: string;
	/** 401, or 403 where the service says that it is about the token. */
	readonly status: number;
	readonly deadlineMs: number;
};

/** What to do after a refusal. Never holds a token. */
export type RefusalAdvice =
	/** No token of ours, or of another provider. */
	| { readonly kind: 'ignored' }
	/** Ask for a token again: it is another one now. */
	| { readonly kind: 'retryWithNewToken' }
	/** Passing trouble; the same token is of no use meanwhile. */
	| { readonly kind: 'wait'; readonly untilMs?: number }
	| { readonly kind: 'signIn' }
	| { readonly kind: 'giveUp'; readonly code: AuthErrorCode };

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
	/** Final in every window; revocation at the server is best effort and afterwards. Idempotent. */
	signOut(providerId: string, bucketId: string): Promise<void>;
	/** Renews now, whatever life is left. */
	refresh(providerId: string, bucketId: string): Promise<void>;
	/** A service refused a token; see {@link RefusalAdvice}. */
	reportRefused(report: RefusalReport): Promise<RefusalAdvice>;
	/**
	 * True for the one window of all that may tell the person about this trouble with this credential. False for the
	 * others, and for this one when it asks again.
	 */
	claimMessage(providerId: string, bucketId: string, reason: string): Promise<boolean>;
	/** Facts for the log channel's reader, safe to paste. */
	diagnose(): Promise<Diagnostics>;
	/** Reads settings' providers, state and vault again. */
	reload(): Promise<void>;
	/** Synchronous part of the end: gives up leases, stops watching. */
	dispose(): void;
};
