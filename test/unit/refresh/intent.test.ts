/** The note that a refresh token is about to be sent: what it counts, and what a damaged one counts as. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createIntents, MAX_DEATHS } from '../../../src/auth/refresh/intent.ts';
import { recordName } from '../../../src/auth/vault/sealing.ts';
import { createFaultyDisk, type DiskOperation } from '../../support/faultyDisk.ts';
import { createMemoryDisk } from '../../support/memoryDisk.ts';

const ref = { providerId: 'demo', bucketId: 'b1' };
const intent = { generation: 4, refreshTokenDigest: 'digest', attempt: 2, correlationId: 'c1' };

async function world() {
	const memory = createMemoryDisk();
	await memory.makeFolder('/vault');
	const disk = createFaultyDisk(memory);
	const path = `/vault/${recordName(ref)}.intent`;
	return {
		intents: createIntents('/vault', disk),
		memory,
		put: (text: string) => void memory.files.set(path, Buffer.from(text)),
		isThere: () => memory.files.has(path),
		fail: (operation: DiskOperation, code: string) =>
			disk.set({ operation, code, when: 'before', from: 1, times: Number.POSITIVE_INFINITY }),
	};
}

describe('an intent', () => {
	it('counts for the token and the generation that it names, and for no other', async () => {
		const { intents } = await world();
		assert.equal((await intents.read(ref))(4, 'digest'), 0);
		await intents.write(ref, intent);
		const count = await intents.read(ref);
		assert.equal(count(4, 'digest'), 2);
		assert.equal(count(5, 'digest'), 0);
		assert.equal(count(4, 'other'), 0);
		assert.equal((await intents.read({ ...ref, bucketId: 'b2' }))(4, 'digest'), 0);
	});

	it('counts as one sending if it is torn or says what nobody wrote', async () => {
		const { intents, put } = await world();
		for (const text of [
			'',
			'{"gen',
			'{}',
			'null',
			...[0, 1.5, -1, '2'].map((attempt) => JSON.stringify({ ...intent, attempt })),
		]) {
			put(text);
			assert.equal((await intents.read(ref))(4, 'digest'), 1, text);
		}
		put(JSON.stringify({ ...intent, attempt: 1 }));
		assert.equal((await intents.read(ref))(9, 'digest'), 0);
	});

	it('is gone when it is cleared, twice as well as once', async () => {
		const { intents, isThere } = await world();
		await intents.write(ref, intent);
		assert.equal(isThere(), true);
		await intents.clear(ref);
		assert.equal(isThere(), false);
		await intents.clear(ref);
	});

	it('that cannot be read or written is an error, because then nothing may be sent', async () => {
		const { intents, fail } = await world();
		await intents.write(ref, intent);
		fail('readFile', 'EIO');
		await assert.rejects(intents.read(ref), { code: 'storage' });
		fail('overwrite', 'ENOSPC');
		await assert.rejects(intents.write(ref, intent), { code: 'storage' });
		fail('unlink', 'EACCES');
		await assert.rejects(intents.clear(ref), { code: 'EACCES' });
	});

	it('lets the first sending and one more end with their holders', () => {
		assert.equal(MAX_DEATHS, 2);
	});
});
