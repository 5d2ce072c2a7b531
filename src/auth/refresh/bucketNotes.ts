/**
 * What a refresh notes about a bucket for all windows: that it needs a sign-in, that the server must be left alone until a
 * given time, that it was renewed. Each note is about one generation and void for any later one. They are advice: a state
 * that cannot be written never fails a refresh.
 */
import { type Bucket, type StateFile, updateBucket } from '../buckets/state.ts';
import type { Clock } from '../clock.ts';
import { AuthError } from '../errors.ts';
import { describeError, type Logger } from '../log.ts';
import type { BucketRef } from '../vault/sealing.ts';
import { backOff } from './backOff.ts';

/** What is known of a request that failed and may be repeated some time. */
export type Failure = {
	readonly code: 'transient' | 'configuration' | 'identity' | 'protocol';
	readonly status?: number;
	readonly retryAtMs?: number;
	readonly serverError?: string;
	readonly cause?: unknown;
};

/** Throws if the notes about this generation say that asking the server is of no use (their reason), or not yet (`transient`). */
export type CheckMayAsk = (generation: number) => void;

export type BucketNotes = {
	/** Reads what was noted. Rejects with `storage`. */
	read(ref: BucketRef): Promise<CheckMayAsk>;
	/** The credential is lost: notes it, and returns the error to throw. */
	lost(
		ref: BucketRef,
		generation: number,
		reason: 'invalid_grant' | 'unknown_outcome' | 'service_changed',
		serverError?: string,
	): Promise<AuthError>;
	/** Nothing changed: notes until when all windows wait if it was passing trouble, and returns the error to throw. */
	failed(ref: BucketRef, generation: number, failure: Failure): Promise<AuthError>;
	/** `generation` was stored. May come late: what was noted about it meanwhile stays. */
	renewed(ref: BucketRef, generation: number, atMs: number): Promise<void>;
};

/**
 * @param heardOfState the newest generation of the state that the watch has heard of. Enough to read notes by: those of a
 * refresh are written under the lease, and what they supersede is gone before that is released.
 */
export function createBucketNotes(
	state: StateFile,
	clock: Clock,
	log: Logger,
	heardOfState: () => number | undefined = () => undefined,
): BucketNotes {
	async function note(ref: BucketRef, change: (bucket: Bucket) => Bucket): Promise<void> {
		try {
			await state.update((present) => updateBucket(present, ref.providerId, ref.bucketId, change));
		} catch (error) {
			log.warn(`refresh: the state could not be written (${describeError(error)})`);
		}
	}

	return {
		async read(ref) {
			const reading = await state.read(heardOfState());
			if (reading.kind !== 'state') return () => undefined;
			const bucket = reading.state.providers[ref.providerId]?.buckets.find((entry) => entry.id === ref.bucketId);
			return (generation) => {
				if (bucket?.serviceChanged?.generation === generation)
					throw new AuthError('service_changed', 'the service has moved its endpoints since the sign-in');
				if (bucket?.needsSignIn?.generation === generation)
					throw new AuthError(bucket.needsSignIn.reason, 'this credential needs a new sign-in');
				const { retryAtMs, sinceMs } =
					bucket?.failing?.generation === generation ? bucket.failing : { retryAtMs: 0, sinceMs: undefined };
				if (backOff.isPending(retryAtMs, clock.now(), sinceMs))
					throw new AuthError('transient', 'the server asked for time', { detail: { retryAtMs } });
			};
		},
		async lost(ref, generation, reason, serverError) {
			await note(ref, (bucket) =>
				reason === 'service_changed'
					? { ...bucket, serviceChanged: { generation } }
					: { ...bucket, needsSignIn: { generation, reason } },
			);
			return new AuthError(
				reason,
				'the credential needs a new sign-in',
				serverError ? { detail: { serverError } } : {},
			);
		},
		async failed(ref, generation, { code, status, retryAtMs: serverAtMs, serverError, cause }) {
			let retryAtMs: number | undefined;
			if (code === 'transient')
				await note(ref, (bucket) => {
					const attempts = bucket.failing?.generation === generation ? bucket.failing.attempts + 1 : 1;
					const sinceMs = clock.now();
					retryAtMs = backOff.next(attempts, sinceMs, serverAtMs);
					return { ...bucket, failing: { generation, retryAtMs, attempts, sinceMs } };
				});
			return new AuthError(code, 'the refresh failed and nothing changed', {
				cause,
				detail: {
					...(retryAtMs === undefined ? {} : { retryAtMs }),
					...(status === undefined ? {} : { status }),
					...(serverError === undefined ? {} : { serverError }),
				},
			});
		},
		renewed: (ref, generation, atMs) =>
			note(ref, (bucket) => {
				const isVoid = bucket.failing !== undefined && bucket.failing.generation < generation;
				return {
					...bucket,
					failing: isVoid ? undefined : bucket.failing,
					lastRefreshAtMs: atMs,
					lastRefreshPid: process.pid,
				};
			}),
	};
}
