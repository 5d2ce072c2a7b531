/**
 * The right to refresh one bucket, held by one process at a time.
 *
 * Rules. A dead owner is replaced at once. A live owner on this host is never robbed, asleep or not: who waits gets
 * `locked` when its patience ends. An owner that cannot be judged (another host, another pid namespace) counts as gone
 * after a number of consecutive observations without a heartbeat. No clock is compared with any other.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, cancelled, delay } from '../clock.ts';
import { AuthError, isAuthError, toAuthError } from '../errors.ts';
import { describeError, type Logger } from '../log.ts';
import { errorCode } from '../vault/disk.ts';
import { type HeldLock, tryLock } from './heldLock.ts';
import type { LockDisk } from './lockDisk.ts';
import {
	clearForeign,
	isOwnedBy,
	type LockOffer,
	type OwnerReading,
	readBeat,
	readOwner,
	remove,
	sweepPrepared,
} from './lockFolder.ts';
import { createLockReserve } from './lockReserve.ts';
import { createOwnerObserver } from './ownerObserver.ts';
import type { Processes } from './processes.ts';
import { createTurns } from './turns.ts';
import { createWithdrawals } from './withdrawals.ts';

/** How soon a waiter notices that an owner died, on average; a process that ends tells nobody. */
export const POLL_MS = 100;
/** Looks in a row that find a lock in the way and nobody who owns it, before that counts as more than a release seen midway. */
const NOBODY_LOOKS = 3;

export type Lease = {
	/** Aborts when the lease turns out to be lost. */
	readonly signal: AbortSignal;
	/** Rejects with `conflict` if the lease is not ours any more. Ask before anything that cannot be taken back. */
	assertHeld(): Promise<void>;
};

export type LeaseRequest = {
	readonly patienceMs: number;
	/** Stops the waiting, never the work. */
	readonly signal?: AbortSignal;
	/** For the owner's note and the log: `refresh`, `sign-in`. */
	readonly purpose: string;
	/** Called once if somebody else holds the lease. */
	readonly onWait?: (owner: string) => void;
};

export type Leases = {
	/**
	 * Runs `work` while holding the lease of `name`; callers of one process take turns in the order of their calls. Rejects
	 * with `locked` when patience ends, `cancelled`, `storage`, or with what `work` rejected.
	 */
	run<T>(name: string, request: LeaseRequest, work: (lease: Lease) => Promise<T>): Promise<T>;
	/** Who holds it now, for diagnostics. */
	owner(name: string): Promise<OwnerReading>;
};

export type LeasesOptions = {
	readonly folder: string;
	readonly clock: Clock;
	readonly log: Logger;
	readonly disk: LockDisk;
	readonly processes: Processes;
};

/** Leases on a disk, which others share. */
export type DiskLeases = Leases & {
	/** Makes the folder for them, so that the first one does not have to. Rejects as the file system does. */
	prepare(): Promise<void>;
	/** From now on has a lock ready for this purpose, so that a free lease is had in one step. Never rejects. */
	expect(purpose: string): Promise<void>;
	/** Removes what was made ready or could not be removed before. What is held is released by who holds it. Never rejects. */
	end(): Promise<void>;
};

export function createLeases(options: LeasesOptions): DiskLeases {
	const { folder, clock, log, disk, processes } = options;
	const turns = createTurns(clock);
	const reserve = createLockReserve(folder, disk, processes);
	const withdrawals = createWithdrawals(disk, clock, log);
	let ready: Promise<void> | undefined;
	let swept = false;

	const lockPathOf = (name: string): string => join(folder, `${createHash('sha256').update(name).digest('hex')}.lock`);

	function prepare(): Promise<void> {
		ready ??= disk.ensurePrivateFolder(folder).catch((error: unknown) => {
			ready = undefined;
			throw error;
		});
		return ready;
	}

	/** Once in this window's life, and only when its work is done: windows that come together find each other's folders. */
	async function tidy(): Promise<void> {
		if (swept) return;
		swept = true;
		try {
			await sweepPrepared(disk, folder, processes);
		} catch (error) {
			log.debug(`lease: not tidied up (${describeError(error)})`);
		}
	}

	async function acquire(name: string, request: LeaseRequest, endsAt: number): Promise<HeldLock> {
		const lockPath = lockPathOf(name);
		const offer = await reserve.take(request.purpose);
		try {
			return await takeOver(lockPath, offer, request, endsAt);
		} catch (error) {
			// In the background, as what follows a lease: somebody waits for what this one was wanted for.
			if (offer.isInDoubt()) void withdrawals.withdraw(lockPath, offer.nonce);
			void reserve.giveBack(offer, request.purpose);
			throw error;
		}
	}

	async function takeOver(
		lockPath: string,
		offer: LockOffer,
		request: LeaseRequest,
		endsAt: number,
	): Promise<HeldLock> {
		const observer = createOwnerObserver(processes, clock);
		let owner: OwnerReading | undefined;
		let told = false;
		let nobody = 0;
		if (offer.isUsable() && request.signal?.aborted !== true) {
			// Made ready in advance it is tried at once, without a look at who is there.
			const held = await tryLock({ lockPath, offer, disk, log });
			if (held) return held;
		}
		for (;;) {
			if (request.signal?.aborted) throw cancelled(request.signal);
			// Looked at before one of our own is prepared: who waits looks often, and mostly finds the lock taken.
			owner = await readOwner(disk, lockPath, owner);
			if (owner.kind === 'none') {
				const held = await tryLock({ lockPath, offer, disk, log });
				if (held) return held;
				nobody++;
				if (nobody < NOBODY_LOOKS) continue;
				await clearForeign(disk, lockPath);
				await pause(owner, endsAt, request.signal);
				continue;
			}
			nobody = 0;
			const verdict = withdrawals.has(owner.nonce)
				? 'dead'
				: await observer.look(owner, () => readBeat(disk, lockPath));
			if (verdict !== 'present') {
				const won = await remove(disk, lockPath, owner.nonce);
				const how = verdict === 'dead' ? 'a dead owner' : 'an owner without heartbeat';
				if (won) log.info(`lease: replaced ${how} (${describeOwner(owner)})`);
				continue;
			}
			if (!told) {
				told = true;
				log.debug(`lease: waiting for ${describeOwner(owner)}`);
				request.onWait?.(describeOwner(owner));
			}
			await pause(owner, endsAt, request.signal);
		}
	}

	async function pause(owner: OwnerReading, endsAt: number, signal: AbortSignal | undefined): Promise<void> {
		const remainingMs = endsAt - clock.monotonic();
		if (remainingMs <= 0)
			throw new AuthError('locked', 'a live process holds the lease', { detail: { holder: describeOwner(owner) } });
		// Not all at once: windows that begin to wait together would go on looking together.
		await delay(clock, Math.min(POLL_MS * (0.5 + Math.random()), remainingMs), signal);
	}

	/** The folder may have been deleted since it was prepared: then once more. */
	async function enter(name: string, request: LeaseRequest, endsAt: number): Promise<HeldLock> {
		try {
			await prepare();
			return await acquire(name, request, endsAt);
		} catch (error) {
			if (isAuthError(error)) throw error;
			ready = undefined;
			if (errorCode(error) !== 'ENOENT') throw error;
		}
		await prepare();
		return acquire(name, request, endsAt);
	}

	/** Never rejects: the work is done, and what it came to is the caller's. */
	async function release(held: HeldLock): Promise<void> {
		try {
			return await held.release();
		} catch (error) {
			// Lost before, or not removable now.
			log.warn(`lease: release failed (${describeError(error)})`);
		}
		await withdrawals.withdraw(held.lockPath, held.nonce);
	}

	return {
		run: (name, request, work) => {
			// Waiting for one's turn in this window takes from the same patience.
			const endsAt = clock.monotonic() + request.patienceMs;
			return turns.run(name, request.patienceMs, request.signal, async () => {
				let held: HeldLock;
				try {
					held = await enter(name, request, endsAt);
				} catch (error) {
					throw toAuthError(error, 'storage', 'the lease folder cannot be used');
				}
				try {
					return await work({
						signal: held.signal,
						async assertHeld() {
							if (held.signal.aborted || !(await isOwnedBy(disk, held.lockPath, held.nonce)))
								throw new AuthError('conflict', 'the lease was lost');
						},
					});
				} finally {
					await release(held);
					void reserve.fill();
					await tidy();
				}
			});
		},
		owner: (name) => readOwner(disk, lockPathOf(name)),
		prepare,
		async expect(purpose) {
			await prepare().then(
				() => reserve.keep(purpose),
				() => undefined, // Who needs a lease hears of it.
			);
		},
		async end() {
			await Promise.all([reserve.end(), withdrawals.end()]);
		},
	};
}

/** `pid 4711 (refresh)`: who holds a lease, for logs and messages. */
export function describeOwner(owner: OwnerReading): string {
	if (owner.kind === 'none') return 'nobody';
	return `${owner.process ? `pid ${owner.process.pid}` : 'an unknown process'} (${owner.purpose})`;
}
