/**
 * One lock in the hands of proper-lockfile, which keeps its state and its heartbeat. Through its `fs` option the library
 * gets a lock folder that appears together with its owner and that only its owner can remove (`lockFolder.ts`), so its own
 * takeover by age, which two waiters can both win, can never remove anything.
 */
import lockfile from 'proper-lockfile';
import { AuthError } from '../errors.ts';
import { describeError, type Logger } from '../log.ts';
import { errorCode } from '../vault/disk.ts';
import type { LockDisk } from './lockDisk.ts';
import { isOwnedBy, type LockOffer, remove } from './lockFolder.ts';
import { HEARTBEAT_MS } from './ownerObserver.ts';

/** Least difference between two heartbeats, so that they differ on every file system and whatever the clock does. */
const BEAT_STEP_MS = 2_000;

export type HeldLock = {
	readonly lockPath: string;
	readonly nonce: string;
	/** Aborts when the lock turns out to be lost. */
	readonly signal: AbortSignal;
	/** Rejects if the lock was lost before, or could not be removed. */
	release(): Promise<void>;
};

export type LockRequest = {
	readonly lockPath: string;
	readonly offer: LockOffer;
	readonly disk: LockDisk;
	readonly log: Logger;
};

type Callback<T = void> = (error: unknown, value?: T) => void;

/** One try. Undefined if somebody holds the lock. */
export async function tryLock({ lockPath, offer, disk, log }: LockRequest): Promise<HeldLock | undefined> {
	const { nonce } = offer;
	let isOurs = false;
	let released = false;
	/** What the library believes it set, and what was set. */
	let beat = new Date(0);
	let written = new Date(0);
	/** Until it is ours for good the library only tries how exact the times of the file system are, which is not asked for. */
	let trying = true;
	const lost = new AbortController();
	const release = await lockfile
		.lock(lockPath, {
			lockfilePath: lockPath,
			realpath: false,
			retries: 0,
			update: HEARTBEAT_MS,
			onCompromised: (error) => {
				if (released) return;
				log.warn(`lease: lost (${describeError(error)})`);
				lost.abort(new AuthError('conflict', 'the lease was lost', { cause: error }));
			},
			fs: {
				// The owner's file is the only witness: neither age nor a changed time of the folder says anything.
				stat: (path: string, callback: Callback<{ mtime: Date }>) => {
					if (!isOurs) return callback(null, { mtime: new Date() });
					if (trying) return callback(null, { mtime: beat });
					isOwnedBy(disk, path, nonce).then(
						(owned) => (owned ? callback(null, { mtime: beat }) : callback(systemError('ENOENT'))),
						callback,
					);
				},
				utimes: (path: string, _atime: Date, mtime: Date, callback: Callback) => {
					if (trying) {
						beat = mtime;
						return callback(null);
					}
					const next = new Date(Math.max(mtime.getTime(), written.getTime() + BEAT_STEP_MS));
					disk.touch(path, next).then(() => {
						[beat, written] = [mtime, next];
						callback(null);
					}, callback);
				},
				mkdir: (path: string, callback: Callback) => {
					offer.publish(path).then((published) => {
						isOurs = published !== undefined;
						callback(isOurs ? null : systemError('EEXIST'));
					}, callback);
				},
				rmdir: (path: string, callback: Callback) => {
					// By our nonce: another's lock stays, whatever the library believes.
					remove(disk, path, nonce).then(() => callback(null), callback);
				},
			},
		})
		.catch((error: unknown) => {
			if (errorCode(error) === 'ELOCKED') return undefined;
			throw error;
		});
	trying = false;
	if (!release) return undefined;
	return {
		lockPath,
		nonce,
		signal: lost.signal,
		async release() {
			released = true;
			await release();
		},
	};
}

function systemError(code: string): Error {
	return Object.assign(new Error(code), { code });
}
