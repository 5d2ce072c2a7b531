/** The note that a refresh token is about to be sent: what it counts, and what a damaged one counts as. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createIntents, MAX_DEATHS } from '../../../src/auth/refresh/intent.ts';
import { recordName } from '../../../src/auth/vault/sealing.ts';
import { createFaultyDisk, type DiskOperation } from '../../support/faultyDisk.ts';
import { createMemoryDisk, systemError } from '../../support/memoryDisk.ts';
import { leaveNote, processesOf, successor } from '../../support/senders.ts';

const ref = { providerId: 'demo', bucketId: 'b1' };
const intent = { generation: 4, refreshTokenDigest: 'digest', attempt: 2, correlationId: 'c1' };

async function world() {
	const memory = createMemoryDisk();
	await memory.makeFolder('/vault');
	const disk = createFaultyDisk(memory);
	const path = `/vault/${recordName(ref)}.intent`;
	return {
		intents: createIntents('/vault', disk, processesOf(1)),
		/** The notes as another process finds them, to which these are alive. */
		of: (pid: number, ...living: number[]) => createIntents('/vault', disk, processesOf(pid, new Set(living))),
		successor: successor('/vault', disk),
		/** From now on the disk is full: a file that is written is emptied and stays so. */
		fillUp() {
			disk.overwrite = async (file) => {
				await memory.overwrite(file, Buffer.alloc(0));
				throw systemError('ENOSPC');
			};
			disk.writeNew = async (file) => {
				await memory.writeNew(file, Buffer.alloc(0));
				throw systemError('ENOSPC');
			};
		},
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
		await leaveNote(intents, ref, intent);
		const count = await intents.read(ref);
		assert.equal(count(4, 'digest'), 2);
		assert.equal(count(5, 'digest'), 0);
		assert.equal(count(4, 'other'), 0);
		assert.equal((await intents.read({ ...ref, bucketId: 'b2' }))(4, 'digest'), 0);
	});

	it('that is torn counts nothing, because it is whole before anything is sent', async () => {
		const { intents, put } = await world();
		for (const text of ['', '{"gen', JSON.stringify(intent).slice(0, -1)]) {
			put(text);
			assert.equal((await intents.read(ref))(4, 'digest'), 0, text);
		}
	});

	it('that is whole and says what nobody wrote counts as one sending', async () => {
		const { intents, put } = await world();
		for (const text of ['{}', 'null', ...[0, 1.5, -1, '2'].map((attempt) => JSON.stringify({ ...intent, attempt }))]) {
			put(text);
			assert.equal((await intents.read(ref))(4, 'digest'), 1, text);
		}
		put(JSON.stringify({ ...intent, attempt: 1 }));
		assert.equal((await intents.read(ref))(9, 'digest'), 0);
	});

	it('that found no room on the disk counts what counted before it', async () => {
		for (const deaths of [0, 1, 2]) {
			const { intents, fillUp, successor } = await world();
			if (deaths > 0) await leaveNote(intents, ref, { ...intent, attempt: deaths });
			fillUp();
			await assert.rejects(intents.begin(ref, { ...intent, attempt: deaths + 1 }), { code: 'storage' });
			assert.equal((await successor.read(ref))(4, 'digest'), deaths);
		}
	});

	it('is a death only when its writer is dead: while it lives its sending is under way', async () => {
		const { intents, of, successor } = await world();
		for (const attempt of [1, 2]) {
			await intents.begin(ref, { ...intent, attempt });
			assert.equal((await of(2, 1).read(ref))(4, 'digest'), 'underWay');
			assert.equal((await of(2, 1).read(ref))(5, 'digest'), 0);
			assert.equal((await successor.read(ref))(4, 'digest'), attempt);
			// It could not be removed: its writer has heard what came of it.
			assert.equal((await intents.read(ref))(4, 'digest'), attempt - 1);
		}
	});

	it('of an earlier version names nobody, and counts', async () => {
		const { of, put } = await world();
		put(JSON.stringify(intent));
		assert.equal((await of(2, 1).read(ref))(4, 'digest'), 2);
	});

	it('is settled by who wrote it, and by nobody else', async () => {
		const { intents, of, isThere } = await world();
		await intents.begin(ref, intent);
		await of(2, 1).settle(ref, intent, 0);
		await intents.settle(ref, { ...intent, generation: 5 }, 0);
		await intents.settle(ref, { ...intent, refreshTokenDigest: 'other' }, 0);
		assert.equal((await of(2, 1).read(ref))(4, 'digest'), 'underWay');
		await intents.settle(ref, intent, 1);
		assert.equal((await of(2, 1).read(ref))(4, 'digest'), 1);
		await intents.begin(ref, intent);
		await intents.settle(ref, intent, 0);
		assert.equal(isThere(), false);
	});

	it('is gone when it is cleared, twice as well as once', async () => {
		const { intents, isThere } = await world();
		await intents.begin(ref, intent);
		assert.equal(isThere(), true);
		await intents.clear(ref);
		assert.equal(isThere(), false);
		await intents.clear(ref);
	});

	it('that cannot be read or written is an error, because then nothing may be sent', async () => {
		const { intents, fail } = await world();
		await intents.begin(ref, intent);
		fail('readFile', 'EIO');
		await assert.rejects(intents.read(ref), { code: 'storage' });
		fail('overwrite', 'ENOSPC');
		await assert.rejects(intents.begin(ref, { ...intent, attempt: 1 }), { code: 'storage' });
		fail('rename', 'ENOSPC');
		await assert.rejects(intents.begin(ref, intent), { code: 'storage' });
		fail('unlink', 'EACCES');
		await assert.rejects(intents.clear(ref), { code: 'EACCES' });
	});

	it('lets the first sending and one more end with their holders', () => {
		assert.equal(MAX_DEATHS, 2);
	});
});
