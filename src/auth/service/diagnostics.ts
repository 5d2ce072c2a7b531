/**
 * What a person needs who wants to know why: who holds which lease, which generations are known where, and the last decisions
 * per bucket. Ids, codes and fingerprints only, no names of accounts: safe to paste into an issue.
 */
import { describeOwner } from '../lease/lease.ts';
import { describeError } from '../log.ts';
import type { Journal, JournalEntry } from '../refresh/journal.ts';
import { refreshLeaseName } from '../refresh/refresher.ts';
import type { DiskShelf } from '../shelf.ts';
import type { Shelves } from './shelves.ts';

export type BucketDiagnostics = {
	readonly providerId: string;
	readonly bucketId: string;
	readonly state: string;
	readonly sessionOnly: boolean;
	/** Known in this window, and in the vault now; they differ only for a moment, or while a disk refuses to store. */
	readonly generationHere: number;
	readonly generationInVault: string;
	readonly expiresAtMs?: number;
	readonly leaseHolder: string;
	readonly events: readonly JournalEntry[];
};

export type Diagnostics = {
	readonly pid: number;
	readonly vault: string;
	readonly watch: string;
	readonly key: string;
	readonly buckets: readonly BucketDiagnostics[];
};

export async function diagnose(shelves: Shelves, disk: DiskShelf, journal: Journal): Promise<Diagnostics> {
	const snapshot = shelves.snapshot();
	const buckets = snapshot.providers.flatMap((provider) => provider.buckets);
	return {
		pid: process.pid,
		vault: snapshot.problem ?? (snapshot.loaded ? 'readable' : 'loading'),
		watch: disk.watch.state(),
		key: await orFailure(async () => {
			const state = await disk.key.find();
			return 'keyId' in state ? `${state.kind} (${state.keyId.slice(0, 8)})` : state.kind;
		}),
		buckets: await Promise.all(
			buckets.map(async (bucket) => {
				const ref = { providerId: bucket.providerId, bucketId: bucket.id };
				return {
					...ref,
					state: bucket.state.kind,
					sessionOnly: bucket.sessionOnly,
					generationHere: bucket.generation,
					generationInVault: await orFailure(async () => String((await disk.vault.read(ref)).generation)),
					...(bucket.token?.expiresAtMs === undefined ? {} : { expiresAtMs: bucket.token.expiresAtMs }),
					leaseHolder: await orFailure(async () => describeOwner(await disk.leases.owner(refreshLeaseName(ref)))),
					events: journal.entries(ref),
				};
			}),
		),
	};
}

async function orFailure(work: () => Promise<string>): Promise<string> {
	try {
		return await work();
	} catch (error) {
		return `unreadable (${describeError(error)})`;
	}
}
