import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
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

it('puts a copy back where the key was lost, and touches no store that has it or does not answer', async () => {
	const key = Buffer.alloc(32, 2);
	const written: string[] = [];
	const store = (name: KeyStore['name'], reading: Awaited<ReturnType<KeyStore['read']>>): KeyStore => ({
		name,
		read: async () => reading,
		write: async () => void written.push(`${name} after ${reading.kind}`),
		onDidChange: () => ({ dispose() {} }),
	});
	const absent = { kind: 'absent' } as const;
	const unreadable = { kind: 'unreadable', cause: undefined } as const;
	for (const reading of [absent, { kind: 'key', key } as const, unreadable]) {
		const log = createRecordingLog();
		const stores = [store('secretStorage', { kind: 'key', key }), store('keyFile', reading)] as const;
		const search = createKeySearch({ stores, copies: ['keyFile'], log, onFound: () => undefined });
		assert.equal((await search.findById('id')).kind, 'ready');
		await settled();
	}
	assert.deepEqual(written, ['keyFile after absent']);
});
