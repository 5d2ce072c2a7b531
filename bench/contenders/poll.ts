/** One owner by O_EXCL; the others look at the record every 100 ms. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Contender } from '../account.ts';
import { disown, LOCK_NAME, tryOwn } from './exclusiveFile.ts';
import { isFresh, readRecord, renewRecord, seedRecord } from './plainRecord.ts';

const POLL_MS = 100;

export const poll: Contender = {
	name: 'poll, 100 ms',
	options: `O_EXCL lock file, waiters read the record every ${POLL_MS} ms, no takeover`,
	locks: [LOCK_NAME],
	seed: seedRecord,
	async open(account) {
		await readRecord(account);
		let open = true;
		return {
			async token() {
				while (open) {
					const record = await readRecord(account);
					if (isFresh(record)) return record.accessToken;
					if (await tryOwn(account)) {
						try {
							return (await renewRecord(account)).accessToken;
						} finally {
							await disown(account);
						}
					}
					await wait(POLL_MS);
				}
				throw new Error('closed');
			},
			close() {
				open = false;
			},
		};
	},
};
