/** Handing out access tokens: from memory while they are good, else through the refresher, within the caller's time. */
import { randomUUID } from 'node:crypto';
import { accessTokenOf, type Known } from '../buckets/snapshotOf.ts';
import { updateBucket } from '../buckets/state.ts';
import { type Clock, withDeadline } from '../clock.ts';
import type { Credential } from '../credential.ts';
import { AuthError, type AuthErrorCode, aboutProvider, isAuthError } from '../errors.ts';
import type { Lifetimes } from '../lifetimes.ts';
import { describeError, digest, type Logger } from '../log.ts';
import { assertOfService } from '../origin.ts';
import type { Provider } from '../provider.ts';
import { unreadable } from '../refresh/refresher.ts';
import type { IssuedToken, TokenRequest } from '../service.ts';
import type { AccessToken } from '../snapshot.ts';
import type { BucketRef } from '../vault/sealing.ts';
import type { AutomaticBuckets } from './automaticBuckets.ts';
import type { IssuedTokens } from './issuedTokens.ts';
import type { References } from './references.ts';
import type { OpenShelf, Place, Shelves } from './shelves.ts';

export type Tokens = {
	/** See {@link AuthService.getToken}. */
	get(request: TokenRequest): Promise<IssuedToken>;
	/** Renews if at most `minTtlMs` of life is left; for early refresh. */
	renewEarly(providerId: string, bucketId: string, minTtlMs: number): Promise<void>;
	/** Renews now, whatever life is left. */
	renewNow(providerId: string, bucketId: string): Promise<void>;
};

export type TokensOptions = {
	readonly shelves: Shelves;
	readonly clock: Clock;
	readonly lifetimes: Lifetimes;
	readonly log: Logger;
	readonly loaded: Promise<void>;
	readonly automatic: AutomaticBuckets;
	readonly references: References;
	/** As configured now. */
	readonly providers: () => readonly Provider[];
	readonly issued: IssuedTokens;
	/** The window is gone: what is in memory may be handed out, nothing is renewed. */
	readonly isOrphan: () => boolean;
};

/** Finer than this nobody needs to know when a token was last asked for, and each note is a write. */
const USE_RESOLUTION_MS = 60 * 60_000;

/** The credential of this bucket is lost, so Automatic moves on if it may. */
const LOST: ReadonlySet<AuthErrorCode> = new Set([
	'no_account',
	'invalid_grant',
	'unknown_outcome',
	'unavailable',
	'service_changed',
]);

export function createTokens(options: TokensOptions): Tokens {
	const { shelves, clock, lifetimes, log, loaded } = options;
	const noted = new Map<string, number>();

	async function get(request: TokenRequest): Promise<IssuedToken> {
		const startedAtMs = clock.monotonic();
		if (!shelves.snapshot().loaded) await withDeadline(clock, loaded, request.deadlineMs, request.signal);
		if (request.bucketId !== undefined) return getFrom(request, request.bucketId);
		const tried = new Set<string>();
		for (;;) {
			const bucketId = await options.automatic.take(request.providerId, request.sessionKey);
			const deadlineMs = Math.max(0, request.deadlineMs - (clock.monotonic() - startedAtMs));
			try {
				return await getFrom({ ...request, deadlineMs }, bucketId);
			} catch (error) {
				// Only what a sign-in mends moves on: the others pass, and say nothing about the credential.
				if (!isAuthError(error) || !LOST.has(error.code)) throw error;
				tried.add(bucketId);
				const next = shelves.provider(request.providerId)?.automatic;
				if (next?.kind !== 'inForce' || tried.has(next.bucketId)) throw error;
				log.info(`automatic: bucket ${bucketId} of ${request.providerId} needs a sign-in, another one answers`);
			}
		}
	}

	async function getFrom(request: TokenRequest, bucketId: string): Promise<IssuedToken> {
		const place = shelves.find(request.providerId, bucketId);
		if (!place) throw noAccount(request, 'nobody is signed in');
		if (place.bucket.disabled)
			throw new AuthError('disabled', 'the bucket is switched off', {
				detail: { provider: request.providerId, bucketName: place.bucket.name },
			});
		if (place.bucket.kind === 'reference') return getFromCommand(request, place);
		const known = shelves.known(place.open, bucketId);
		const refusedDigest = refusedDigestFor(request, place, known);
		if (
			known?.kind === 'credential' &&
			refusedDigest === undefined &&
			lifetimes.isFresh(bucketId, known.generation, known.credential, request.minTtlMs)
		)
			return issue(request, place, known.credential);
		if (options.isOrphan()) throw new AuthError('transient', 'the window of this extension host is gone');
		const refusal = refusedDigest === undefined ? {} : { refusedDigest };
		const renewing = renew(place.open, { ...request, ...refusal }, bucketId);
		return issue(request, place, await withDeadline(clock, renewing, request.deadlineMs, request.signal));
	}

	async function getFromCommand(request: TokenRequest, place: Place): Promise<IssuedToken> {
		const running = options.references.token(request.providerId, place.bucket.command ?? '', request);
		const token = await withDeadline(clock, running, request.deadlineMs, request.signal);
		options.issued.note(token.value, { providerId: request.providerId, bucketId: place.bucket.id });
		return handOut(request, place, token);
	}

	async function renew(
		open: OpenShelf,
		request: Pick<TokenRequest, 'providerId' | 'minTtlMs' | 'refusedDigest' | 'purpose'> & { readonly force?: boolean },
		bucketId: string,
	): Promise<Credential> {
		const ref = { providerId: request.providerId, bucketId };
		const known = shelves.known(open, bucketId);
		if (known?.kind === 'credential') refuseForeign(ref, known.credential);
		try {
			const result = await open.refresher.refresh({ ...request, ref, correlationId: randomUUID().slice(0, 8) });
			shelves.remember(open, bucketId, { kind: 'credential', ...result });
			// Now and not when it is announced: its first report may come before that.
			options.issued.note(accessTokenOf(result.credential).value, ref);
			// The caller has what it wants. What was noted about it meanwhile the watch tells, where there is one.
			void (open.sessionOnly ? shelves.readOne(open, ref) : shelves.announce());
			return result.credential;
		} catch (error) {
			// Who handles the error looks at the snapshot for what to do about it.
			await shelves.readOne(open, ref);
			throw error;
		}
	}

	/** The digest of the present token if this caller, or a report of any window, says that it was refused. */
	function refusedDigestFor(request: TokenRequest, { bucket }: Place, known: Known | undefined): string | undefined {
		if (known?.kind !== 'credential' || known.credential.kind !== 'oauth') return undefined;
		if (request.refusedDigest === undefined && bucket.refused?.generation !== known.generation) return undefined;
		const present = digest(known.credential.accessToken);
		if (bucket.refused?.generation === known.generation || request.refusedDigest === present) return present;
		return undefined;
	}

	/** The settings may name another service by now, also while a refresh was under way. */
	function refuseForeign({ providerId, bucketId }: BucketRef, credential: Credential): void {
		const provider = options.providers().find(({ id }) => id === providerId);
		if (provider) assertOfService(provider, credential, shelves.find(providerId, bucketId)?.bucket.origin);
	}

	function issue(request: TokenRequest, place: Place, credential: Credential): IssuedToken {
		refuseForeign({ providerId: request.providerId, bucketId: place.bucket.id }, credential);
		const missing = (request.scopes ?? []).filter((scope) => !credential.scopes.includes(scope));
		// API keys carry no scopes, and a server that names none has granted what was asked for (RFC 6749 section 5.1).
		if (credential.scopes.length > 0 && missing.length > 0)
			throw noAccount(request, 'the account was not granted these scopes');
		return handOut(request, place, accessTokenOf(credential));
	}

	function handOut(request: TokenRequest, place: Place, token: AccessToken): IssuedToken {
		const bucket = shelves.bucket(request.providerId, place.bucket.id);
		if (!bucket) throw noAccount(request, 'the account is gone');
		noteUse(place, request.providerId);
		return { token, bucket: { ...bucket, token } };
	}

	/** Roughly when somebody last asked, for all windows: whether to renew early hangs on it. */
	function noteUse({ open, bucket }: Place, providerId: string): void {
		const nowMs = clock.now();
		const { lastUsedAtMs = 0 } = bucket;
		const lastMs = Math.max(lastUsedAtMs, noted.get(bucket.id) ?? 0);
		if (nowMs - lastMs < USE_RESOLUTION_MS && lastMs <= nowMs) return;
		noted.set(bucket.id, nowMs);
		open.shelf.state
			.update((state) => updateBucket(state, providerId, bucket.id, (present) => ({ ...present, lastUsedAtMs: nowMs })))
			.catch((error: unknown) => log.debug(`tokens: the time of use was not noted (${describeError(error)})`));
	}

	function noAccount(request: Pick<TokenRequest, 'providerId'>, message: string): AuthError {
		return new AuthError('no_account', message, { detail: { provider: request.providerId } });
	}

	/** Whoever is told of a failure is told of which service, and its button leads there. */
	function named<T>(providerId: string, work: Promise<T>): Promise<T> {
		return work.catch((error: unknown) => {
			throw aboutProvider(error, providerId);
		});
	}

	async function renewNow(providerId: string, bucketId: string): Promise<void> {
		await loaded;
		const place = shelves.find(providerId, bucketId);
		if (!place) throw noAccount({ providerId }, 'nobody is signed in');
		const known = shelves.known(place.open, bucketId);
		if (known && known.kind !== 'credential' && known.kind !== 'storageFailed') throw unreadable(known);
		await renew(place.open, { providerId, purpose: 'refresh now', force: true }, bucketId);
	}

	return {
		get: (request) => named(request.providerId, get(request)),
		async renewEarly(providerId, bucketId, minTtlMs) {
			const place = shelves.find(providerId, bucketId);
			if (place && !options.isOrphan()) await renew(place.open, { providerId, purpose: 'early', minTtlMs }, bucketId);
		},
		renewNow: (providerId, bucketId) => named(providerId, renewNow(providerId, bucketId)),
	};
}
