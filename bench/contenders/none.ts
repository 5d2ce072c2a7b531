/** No coordination: who sees an expired token refreshes it. */
import type { Contender } from '../account.ts';
import { readRecord, renewRecord, seedRecord } from './plainRecord.ts';

export const none: Contender = {
	name: 'no coordination',
	options: 'read, refresh, write',
	seed: seedRecord,
	async open(account) {
		await readRecord(account);
		return {
			token: async () => (await renewRecord(account)).accessToken,
			close: () => undefined,
		};
	},
};
