/** Room on the disk that is taken before a request leaves: the answer finds it, whatever the disk has become meanwhile. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import { type Disk, nodeDisk } from '../../../src/auth/vault/disk.ts';
import { createLedger } from '../../../src/auth/vault/ledger.ts';
import { recordName } from '../../../src/auth/vault/sealing.ts';
import { createVault } from '../../../src/auth/vault/vault.ts';
import { createFaultyDisk } from '../../support/faultyDisk.ts';
import { createMemoryDisk } from '../../support/memoryDisk.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const ref = { providerId: 'demo', bucketId: 'b1' };
const name = recordName(ref);
const credential: OAuthCredential = {
	...{ kind: 'oauth', accessToken: 'a'.repeat(3_000), refreshToken: 'r'.repeat(900), scopes: [], obtainedAtMs: 1 },
	identity: { issuer: 'https://demo', subject: 's' },
};

async function world(disk: Disk, folder = '/vault') {
	const key = Buffer.alloc(32, 7);
	const found = { kind: 'ready', key, keyId: 'k' } as const;
	const vault = createVault({
		ledger: createLedger(folder, disk),
		key: { find: async () => found, findById: async () => found, ensure: async () => key, forget: () => undefined },
	});
	await vault.write(ref, 0, credential);
	return vault;
}

describe('room for a record', () => {
	it('holds what it was taken for, and is that record afterwards', async (context) => {
		const folder = await tempFolder(context);
		const vault = await world(nodeDisk, folder);
		const room = await vault.reserve(ref, 1, credential);
		const taken = (await readFile(room.path)).length;
		await vault.write(ref, 1, credential, { room, finishable: true });
		assert.deepEqual(await readdir(folder), [`${name}.2.rec`]);
		const bytes = await readFile(join(folder, `${name}.2.rec`));
		assert.ok(taken > bytes.length, `${taken} bytes for ${bytes.length}`);
		assert.equal(bytes.at(-1), '\n'.charCodeAt(0));
		assert.deepEqual(await vault.read(ref), { kind: 'credential', generation: 2, credential });
	});

	it('is no record while it waits, and is gone when it is released, once and again', async () => {
		const memory = createMemoryDisk();
		const vault = await world(memory);
		const room = await vault.reserve(ref, 1, credential);
		assert.equal(await vault.promoteLeftover(ref, 1), 'none');
		await room.release();
		await room.release();
		assert.deepEqual(await memory.readdir('/vault'), [`${name}.1.rec`]);
	});

	it('that is not to be had is `storage`, and leaves nothing', async () => {
		const memory = createMemoryDisk();
		const disk = createFaultyDisk(memory);
		const vault = await world(disk);
		for (const when of ['before', 'after'] as const) {
			disk.set({ operation: 'overwrite', code: 'ENOSPC', when, from: 1, times: 1 });
			await assert.rejects(vault.reserve(ref, 1, credential), { code: 'storage' });
			assert.deepEqual(await memory.readdir('/vault'), [`${name}.1.rec`]);
		}
	});

	for (const [how, code] of [
		['takes nothing, as on a disk that writes nothing in place', 'ENOSPC'],
		['was swept away', 'ENOENT'],
	] as const)
		it(`that ${how} is no reason to lose what it was for`, async () => {
			const memory = createMemoryDisk();
			const disk = createFaultyDisk(memory);
			const vault = await world(disk);
			const room = await vault.reserve(ref, 1, credential);
			if (code === 'ENOENT') await room.release();
			else disk.set({ operation: 'writeInto', code, when: 'before', from: 1, times: 1 });
			await vault.write(ref, 1, credential, { room, finishable: true });
			assert.deepEqual(await memory.readdir('/vault'), [`${name}.2.rec`]);
			assert.equal((await vault.read(ref)).kind, 'credential');
		});

	it('is kept for the next try while the record is refused, and what lies in it can be finished by another', async () => {
		const memory = createMemoryDisk();
		const disk = createFaultyDisk(memory);
		const vault = await world(disk);
		const room = await vault.reserve(ref, 1, credential);
		disk.set({ operation: 'link', code: 'ENOSPC', when: 'before', from: 1, times: 1 });
		await assert.rejects(vault.write(ref, 1, credential, { room, finishable: true }), { code: 'storage' });
		assert.ok(memory.files.has(room.path));
		assert.equal(await vault.promoteLeftover(ref, 1), 'finished');
		await assert.rejects(vault.write(ref, 1, credential, { room, finishable: true }), { code: 'conflict' });
		assert.deepEqual(await memory.readdir('/vault'), [`${name}.2.rec`]);
	});

	it('says what became of a file that is not there', async (context) => {
		const folder = await tempFolder(context);
		await assert.rejects(nodeDisk.writeInto(join(folder, 'absent'), Buffer.from('1')), { code: 'ENOENT' });
	});
});
