/**
 * The lock of `@azure/msal-node-extensions`, put around the whole refresh. MSAL itself holds it only while it reads or writes
 * its cache, so MSAL sends one refresh per process; what is measured is the lock.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Contender } from '../account.ts';
import { isFresh, readRecord, renewRecord, seedRecord } from './plainRecord.ts';

type Log = { info(): void; warning(): void; error(): void };
type Lock = { lock(): Promise<void>; unlock(): Promise<void> };
type LockModule = { readonly CrossPlatformLock: new (lockPath: string, log: Log) => Lock };

const LOCK_NAME = 'cache.lockfile';
const PEER = '@azure/msal-node-extensions';

export const msalLock: Contender = {
	name: `${PEER}, its lock`,
	options: 'CrossPlatformLock around the refresh (MSAL itself does not), its defaults: every 100 ms, 500 times',
	peer: PEER,
	locks: [LOCK_NAME],
	seed: seedRecord,
	async open(account, peers) {
		const entry = path.join(peers[PEER] ?? '', 'dist', 'lock', 'CrossPlatformLock.mjs');
		const { CrossPlatformLock }: LockModule = await import(pathToFileURL(entry).href);
		const quiet = (): void => undefined;
		await readRecord(account);
		return {
			async token() {
				const record = await readRecord(account);
				if (isFresh(record)) return record.accessToken;
				const log = { info: quiet, warning: quiet, error: quiet };
				const lock = new CrossPlatformLock(path.join(account.folder, LOCK_NAME), log);
				await lock.lock();
				try {
					return (await renewRecord(account)).accessToken;
				} finally {
					await lock.unlock();
				}
			},
			close: () => undefined,
		};
	},
};
