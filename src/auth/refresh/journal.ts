/**
 * The last decisions about each bucket, one line each with the correlation id of the refresh they belong to: what the log
 * channel says, kept for the diagnostics. Lines hold ids, codes and fingerprints, nothing that must not be pasted.
 */
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { BucketRef } from '../vault/sealing.ts';

export type JournalEntry = { readonly atMs: number; readonly correlationId: string; readonly text: string };

export type Journal = {
	/** Logs the line and keeps it. */
	note(ref: BucketRef, correlationId: string, text: string): void;
	/** Oldest first. */
	entries(ref: BucketRef): readonly JournalEntry[];
};

/** Enough to see what happened around the last few expiries. */
const KEPT_PER_BUCKET = 50;

export function createJournal(clock: Clock, log: Logger): Journal {
	const kept = new Map<string, JournalEntry[]>();
	return {
		note(ref, correlationId, text) {
			log.info(`refresh ${correlationId} (${ref.providerId}/${ref.bucketId}): ${text}`);
			const entries = kept.get(ref.bucketId) ?? [];
			entries.push({ atMs: clock.now(), correlationId, text });
			if (entries.length > KEPT_PER_BUCKET) entries.shift();
			kept.set(ref.bucketId, entries);
		},
		entries: (ref) => kept.get(ref.bucketId) ?? [],
	};
}
