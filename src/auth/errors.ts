/**
 * Every failure that leaves the core is an {@link AuthError} with one of a closed set of codes.
 * Code branches on the code, never on the message; what a person reads is decided in `src/views/messages.ts`.
 */

/** What went wrong, as a closed union; `src/views/messages.ts` maps each to one sentence and one action. */
export type AuthErrorCode =
	/** No credential is stored for this provider, bucket or account. */
	| 'no_account'
	/** The authorization server's last word: the refresh token is dead (RFC 6749 section 5.2). Sign in again. */
	| 'invalid_grant'
	/** A refresh was sent, its answer never came, and the one declared resend was lost as well. Sign in again. */
	| 'unknown_outcome'
	/** Network or server trouble; nothing changed. `retryAtMs` says when to try again, if the server said so. */
	| 'transient'
	/** The credential has expired and cannot be renewed: it has no refresh token. Sign in again. */
	| 'unavailable'
	/** The provider names another service than the one that gave the credential; nothing was sent. Sign in again. */
	| 'service_changed'
	/** A live window holds the lease (it may be asleep). Try again later; nothing is wrong with the credential. */
	| 'locked'
	/** Reading or writing the vault failed. */
	| 'storage'
	/** Records exist, but the key that opens them is gone from where it was kept. */
	| 'key_missing'
	/** The place that keeps the key does not answer or refuses. */
	| 'key_unreadable'
	/** The record is there and cannot be opened with the right key. It is kept. */
	| 'damaged'
	/** The record was written by a newer version of the extension. It is never rewritten. */
	| 'newer_schema'
	/** Somebody else wrote a newer generation first. Read again. */
	| 'conflict'
	/** The person, or the caller's signal, stopped it. */
	| 'cancelled'
	/** The caller's time is up; the work goes on without it. */
	| 'timeout'
	/** The settings of a provider are wrong or incomplete; `detail` names entry and field. */
	| 'configuration'
	/** No such provider is configured. */
	| 'unknown_provider'
	/** The credential that came back belongs to somebody else than the one expected. */
	| 'identity'
	/** The person or the server said no during sign-in (`access_denied`). */
	| 'denied'
	/** An answer broke the protocol: wrong `state`, wrong `iss`, invalid ID token, unreadable answer. */
	| 'protocol'
	/** The person did not allow this terminal or tool to have a token. */
	| 'refused'
	/** Every bucket that could answer is exhausted, or the next one waits for the person's decision; `buckets` says why. */
	| 'exhausted'
	/** The workspace is tied to a bucket that is not there or cannot be used; another one is no answer. */
	| 'binding'
	/** The person switched this bucket off. */
	| 'disabled'
	/** The workspace is not trusted (Restricted Mode). */
	| 'untrusted';

/** Facts about a failure that are safe to show and to log: never a token, a response body or a cause's text. */
export type AuthErrorDetail = {
	readonly provider?: string;
	readonly bucket?: string;
	/** Earliest time at which trying again makes sense, in ms since the epoch. */
	readonly retryAtMs?: number;
	/** The OAuth `error` code of the server, if it is a plain token of RFC 6749 section 5.2 characters. */
	readonly serverError?: string;
	/** HTTP status of the server. */
	readonly status?: number;
	/** Who holds the lease, e.g. `pid 4711`. */
	readonly holder?: string;
	/** The port of the redirect address, if it could not be opened. */
	readonly port?: number;
	/** Why each bucket could not answer, in order. Names are labels of the person's choice. */
	readonly buckets?: readonly BucketObstacle[];
	/** Name of the bucket that the workspace is tied to. */
	readonly bucketName?: string;
	/** Setting entry and field, e.g. `acme.issuer`. */
	readonly field?: string;
};

/** Why Automatic does not use a bucket now. */
export type BucketObstacle = {
	readonly bucketId: string;
	readonly name: string;
	readonly reason: 'cooling' | 'decision' | 'needsSignIn' | 'unreadable';
	/** When it can be used again, in ms since the epoch; absent if only the person can end it. */
	readonly untilMs?: number;
};

export class AuthError extends Error {
	readonly code: AuthErrorCode;
	readonly detail: AuthErrorDetail;

	/** @param message for the log, in English, without secrets; people see the text of `messages.ts` instead. */
	constructor(code: AuthErrorCode, message: string, options: { cause?: unknown; detail?: AuthErrorDetail } = {}) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.name = 'AuthError';
		this.code = code;
		this.detail = options.detail ?? {};
	}
}

/** True if `error` is an {@link AuthError}, and of this code if one is given. */
export function isAuthError(error: unknown, code?: AuthErrorCode): error is AuthError {
	return error instanceof AuthError && (code === undefined || error.code === code);
}

/** Passes an {@link AuthError} through and wraps anything else under `code`, keeping it as the cause. */
export function toAuthError(
	error: unknown,
	code: AuthErrorCode,
	message: string,
	detail: AuthErrorDetail = {},
): AuthError {
	return isAuthError(error) ? error : new AuthError(code, message, { cause: error, detail });
}

/** Says which provider an {@link AuthError} is about where it does not say so: what is below a service does not know it. */
export function aboutProvider(error: unknown, provider: string): unknown {
	if (!isAuthError(error) || error.detail.provider !== undefined) return error;
	const { code, message, cause, detail } = error;
	return new AuthError(code, message, { cause, detail: { ...detail, provider } });
}
