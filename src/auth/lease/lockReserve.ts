/**
 * Locks that are prepared before anybody waits for one, so that taking a free lease is one step on the disk. What is
 * prepared names its maker: if this process dies, others sweep it away.
 */
import { join } from 'node:path';
import type { LockDisk } from './lockDisk.ts';
import { createLockOffer, type LockOffer } from './lockFolder.ts';
import type { Processes } from './processes.ts';

/** In the place of a lease's digest: it is for whichever is wanted first. */
const ANY = '0'.repeat(64);

export type LockReserve = {
	/** Keeps one lock ready for this purpose from now on. Never rejects: without it one is prepared when it is wanted. */
	keep(purpose: string): Promise<void>;
	/** The one that is ready, or one that is prepared at its first use. Belongs to the caller. */
	take(purpose: string): Promise<LockOffer>;
	/** What was taken and did not come into its place: kept for the next, or removed. Never rejects. */
	giveBack(offer: LockOffer, purpose: string): Promise<void>;
	/** Prepares a new one where one was taken. Never rejects. */
	fill(): Promise<void>;
	/** Removes what is ready, and keeps nothing any more. Never rejects. */
	end(): Promise<void>;
};

export function createLockReserve(folder: string, disk: LockDisk, processes: Processes): LockReserve {
	let kept: string | undefined;
	let ready: LockOffer | undefined;
	let ended = false;

	async function make(purpose: string): Promise<LockOffer> {
		return createLockOffer(disk, join(folder, ANY), await processes.self(), purpose);
	}

	async function giveBack(offer: LockOffer, purpose: string): Promise<void> {
		if (offer.isUsable() && kept === purpose && ready === undefined) ready = offer;
		else await offer.discard();
	}

	async function fill(): Promise<void> {
		if (kept === undefined || ready !== undefined) return;
		const purpose = kept;
		const offer = await make(purpose);
		await offer.prepare().catch(() => undefined); // Who wants a lease hears of it.
		await giveBack(offer, purpose);
	}

	return {
		async keep(purpose) {
			if (ended) return;
			kept = purpose;
			await fill();
		},
		async take(purpose) {
			const offer = kept === purpose ? ready : undefined;
			if (offer === undefined) return make(purpose);
			ready = undefined;
			return offer;
		},
		giveBack,
		fill,
		async end() {
			ended = true;
			kept = undefined;
			const offer = ready;
			ready = undefined;
			await offer?.discard();
		},
	};
}
