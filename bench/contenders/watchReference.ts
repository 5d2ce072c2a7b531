/**
 * The floor for one machine and Node: one owner by O_EXCL, the others do nothing but `fs.watch` the folder, with a poll of
 * 50 ms behind it. It stores with the same forced writes as ours and knows no death, no sealing and no lost answer.
 */
import { watch } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Contender } from '../account.ts';
import { disown, LOCK_NAME, tryOwn } from './exclusiveFile.ts';
import { isFresh, RECORD_NAME, readRecord, renewRecord, seedRecord } from './plainRecord.ts';

const SAFETY_POLL_MS = 50;

export const watchReference: Contender = {
	name: 'bare fs.watch reference',
	options: `O_EXCL owner, fs.watch and a ${SAFETY_POLL_MS} ms safety poll, same fsyncs as ours, no takeover`,
	locks: [LOCK_NAME],
	seed: seedRecord,
	async open(account) {
		let wake: () => void = () => undefined;
		const watcher = watch(account.folder, { persistent: false }, (_event, name) => {
			if (name === RECORD_NAME) wake();
		});
		await readRecord(account);
		let open = true;
		return {
			async token() {
				while (open) {
					const changed = new Promise<void>((resolve) => {
						wake = resolve;
					});
					const record = await readRecord(account);
					if (isFresh(record)) return record.accessToken;
					if (await tryOwn(account)) {
						try {
							return (await renewRecord(account)).accessToken;
						} finally {
							await disown(account);
						}
					}
					await Promise.race([changed, wait(SAFETY_POLL_MS)]);
				}
				throw new Error('closed');
			},
			close() {
				open = false;
				watcher.close();
			},
		};
	},
};
