/** The list of accounts that all windows share, changed by a test as another window would change it. */
import path from 'node:path';
import { type Bucket, createStateFile, type State, updateBucket } from '../../src/auth/buckets/state.ts';
import { nodeDisk } from '../../src/auth/vault/disk.ts';
import { createLedger } from '../../src/auth/vault/ledger.ts';
import type { RunningVscodeServer } from './vscodeServer.ts';

const EXTENSION_ID = 'agent-auth.agent-auth';

export type SharedState = {
	read(): Promise<State>;
	update(change: (state: State) => State): Promise<void>;
	/** Changes the bucket of this account. */
	bucket(providerId: string, label: string, change: (bucket: Bucket) => Bucket): Promise<void>;
};

export function sharedStateOf(host: Pick<RunningVscodeServer, 'globalStorage'>): SharedState {
	const file = createStateFile(createLedger(path.join(host.globalStorage(EXTENSION_ID), 'vault'), nodeDisk));

	async function read(): Promise<State> {
		const reading = await file.read();
		if (reading.kind !== 'state') throw new Error(`the state is ${reading.kind}`);
		return reading.state;
	}

	return {
		read,
		async update(change) {
			await file.update(change);
		},
		async bucket(providerId, label, change) {
			await file.update((state) => {
				const found = state.providers[providerId]?.buckets.find(({ account }) => account.label === label);
				if (!found) throw new Error(`no account ${label} of ${providerId}`);
				return updateBucket(state, providerId, found.id, change);
			});
		},
	};
}
