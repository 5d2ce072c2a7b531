/**
 * Storing what the server answered, for as long as it takes: the token that was sent is spent, so this answer is all there
 * is. While the disk refuses it the window is served from memory, and the lease is held.
 */
import { type Clock, delay } from '../clock.ts';
import type { OAuthCredential } from '../credential.ts';
import { isAuthError } from '../errors.ts';
import { describeError, fingerprint, type Logger } from '../log.ts';
import type { Room } from '../vault/room.ts';
import { type BucketRef, recordName } from '../vault/sealing.ts';
import type { Vault } from '../vault/vault.ts';
import type { Journal } from './journal.ts';
import type { RefreshResult } from './refresher.ts';

/** First wait between tries to store a token that the disk refused; doubles up to the cap. */
const RETRY_MS = 250;
const RETRY_CAP_MS = 5_000;

export type Storing = {
	/**
	 * The new generation, once it is durable and what it supersedes is gone. `land` is called as soon as callers may have
	 * it: when it is durable, or when the disk has refused it. Undefined if somebody else wrote a newer generation while
	 * the request was out (a sign-in, a sign-out): theirs holds. Rejects with `cancelled` when the window ends.
	 * @param room taken for it before the request left.
	 */
	store(
		ref: BucketRef,
		expected: number,
		credential: OAuthCredential,
		room: Room,
		correlationId: string,
		land: (result: RefreshResult) => void,
	): Promise<RefreshResult | undefined>;
	/** What the disk refuses so far. */
	unsaved(ref: BucketRef): RefreshResult | undefined;
};

export type StoringOptions = {
	readonly vault: Vault;
	readonly clock: Clock;
	readonly log: Logger;
	readonly journal: Journal;
	readonly ending: AbortSignal;
};

export function createStoring({ vault, clock, log, journal, ending }: StoringOptions): Storing {
	const unsaved = new Map<string, RefreshResult>();

	async function tryToStore(
		ref: BucketRef,
		expected: number,
		credential: OAuthCredential,
		room: Room,
		correlationId: string,
		land: (result: RefreshResult) => void,
	): Promise<'stored' | 'superseded' | 'refused'> {
		try {
			const generation = expected + 1;
			await vault.write(ref, expected, credential, {
				finishable: true,
				room,
				onDurable() {
					journal.note(ref, correlationId, `stored generation ${generation} (${fingerprint(credential.accessToken)})`);
					land({ generation, credential });
				},
			});
			return 'stored';
		} catch (error) {
			// A newer version that rewrote the record was somebody else who wrote first.
			if (isAuthError(error, 'conflict') || isAuthError(error, 'newer_schema')) return 'superseded';
			log.error(`refresh ${correlationId}: the new token could not be stored, trying again (${describeError(error)})`);
			return 'refused';
		}
	}

	return {
		async store(ref, expected, credential, room, correlationId, land) {
			const key = recordName(ref);
			try {
				for (let waitMs = RETRY_MS; ; waitMs = Math.min(waitMs * 2, RETRY_CAP_MS)) {
					const outcome = await tryToStore(ref, expected, credential, room, correlationId, land);
					if (outcome === 'stored') return { generation: expected + 1, credential };
					if (outcome === 'superseded') return undefined;
					const result: RefreshResult = { generation: expected + 1, credential, unsaved: true };
					unsaved.set(key, result);
					land(result);
					await delay(clock, waitMs, ending);
				}
			} finally {
				unsaved.delete(key);
			}
		},
		unsaved: (ref) => unsaved.get(recordName(ref)),
	};
}
