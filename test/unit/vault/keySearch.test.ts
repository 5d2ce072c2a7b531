import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createKeySearch } from '../../../src/auth/vault/keySearch.ts';
import type { KeyStore } from '../../../src/auth/vault/keyStore.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';

it('asks a store once for all who want the same key at the same time, and again for who comes after it was forgotten', async () => {
	const key = Buffer.alloc(32, 1);
	let reads = 0;
	let found = 0;
	const store: KeyStore = {
		name: 'secretStorage',
		async read() {
			reads++;
			return { kind: 'key', key };
		},
		write: async () => undefined,
		onDidChange: () => ({ dispose() {} }),
	};
	const search = createKeySearch({
		stores: [store],
		copies: [],
		log: createRecordingLog(),
		onFound: () => found++,
	});
	const all = await Promise.all(Array.from({ length: 200 }, () => search.findById('id')));
	assert.ok(all.every((state) => state.kind === 'ready' && state.key === key));
	assert.deepEqual([reads, found], [1, 1]);

	search.forget();
	const before = search.findById('id');
	search.forget();
	await Promise.all([before, search.findById('id')]);
	assert.equal(reads, 3);
});
