/**
 * Locks of our own that lie there without any work: the work is done or never began, and the lock could not be removed.
 * For this process they are as good as a dead owner's. For the others they are a live owner's, whom nobody robs, so that
 * removing them is tried until it works or this process ends.
 */
import { type Clock, delay } from '../clock.ts';
import type { Disposable } from '../event.ts';
import { describeError, type Logger } from '../log.ts';
import type { LockDisk } from './lockDisk.ts';
import { remove } from './lockFolder.ts';

/** Waits between the first tries: what keeps a file busy is mostly a scanner that is soon done. */
const SOON_MS = [20, 100, 500] as const;
/** After them, each wait twice the last one: a folder that is read-only or out of reach for a while. */
const LATER_MS = 1_000;
/** The longest wait: how long the others are kept out at most once the disk takes the removal again. */
export const LONGEST_WAIT_MS = 5_000;

export type Withdrawals = {
	/** Whether this nonce is that of such a lock. */
	has(nonce: string): boolean;
	/**
	 * Removes the lock: by our nonce, so it is never another's. Resolves after the first tries; if they failed, it goes on.
	 * Never rejects.
	 */
	withdraw(lockPath: string, nonce: string): Promise<void>;
	/** Tries what is left once more, and no longer after that. Never rejects. */
	end(): Promise<void>;
};

export function createWithdrawals(disk: LockDisk, clock: Clock, log: Logger): Withdrawals {
	/** Lock paths by nonce. */
	const left = new Map<string, string>();
	const timers = new Map<string, Disposable>();
	let ended = false;

	/** @returns what it failed with. */
	async function attempt(lockPath: string, nonce: string): Promise<unknown> {
		try {
			await remove(disk, lockPath, nonce);
		} catch (error) {
			return error;
		}
		left.delete(nonce);
		return undefined;
	}

	function arm(lockPath: string, nonce: string, waitMs: number): void {
		if (ended) return;
		const again = async (): Promise<void> => {
			timers.delete(nonce);
			// A window that wanted the lease itself has removed it meanwhile, or this try does.
			if (await attempt(lockPath, nonce)) arm(lockPath, nonce, Math.min(waitMs * 2, LONGEST_WAIT_MS));
			else log.info('lease: a lock that could not be removed is gone now');
		};
		timers.set(
			nonce,
			clock.schedule(waitMs, () => void again(), true),
		);
	}

	return {
		has: (nonce) => left.has(nonce),
		async withdraw(lockPath, nonce) {
			left.set(nonce, lockPath);
			let failure: unknown;
			for (const waitMs of [0, ...SOON_MS]) {
				await delay(clock, waitMs);
				failure = await attempt(lockPath, nonce);
				if (failure === undefined) return;
			}
			log.warn(`lease: a lock cannot be removed, and keeps others waiting until it can (${describeError(failure)})`);
			arm(lockPath, nonce, LATER_MS);
		},
		async end() {
			ended = true;
			for (const timer of timers.values()) timer.dispose();
			timers.clear();
			await Promise.all([...left].map(([nonce, lockPath]) => attempt(lockPath, nonce)));
		},
	};
}
