/** `proper-lockfile` as most programs use it: one lock around read, refresh and write. */
import lockfile from 'proper-lockfile';
import type { Contender } from '../account.ts';
import { isFresh, RECORD_NAME, readRecord, recordPath, renewRecord, seedRecord } from './plainRecord.ts';

/** Copied from programs again and again; see the options of the package `retry`. */
const RETRIES = { retries: 10, factor: 2, minTimeout: 100, maxTimeout: 10_000, randomize: true };
const STALE_MS = 30_000;

export const plainLockfile: Contender = {
	name: 'proper-lockfile',
	options: `version 4.1.2, stale ${STALE_MS} ms, retries ${JSON.stringify(RETRIES)}`,
	locks: [`${RECORD_NAME}.lock`],
	seed: seedRecord,
	async open(account) {
		await readRecord(account);
		return {
			async token() {
				const record = await readRecord(account);
				if (isFresh(record)) return record.accessToken;
				const release = await lockfile.lock(recordPath(account), {
					stale: STALE_MS,
					retries: RETRIES,
					// The default throws from a timer, which would end the process; the row is about tokens.
					onCompromised: () => undefined,
				});
				try {
					return (await renewRecord(account)).accessToken;
				} finally {
					await release().catch(() => undefined); // Lost meanwhile: the token is there all the same.
				}
			},
			close: () => undefined,
		};
	},
};
