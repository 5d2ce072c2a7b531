import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { createKeyFile } from '../../../src/auth/vault/keyFile.ts';
import { KEY_BYTES, keyIdOf } from '../../../src/auth/vault/sealing.ts';
import { createFaultyDisk, diskOperations } from '../../support/faultyDisk.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const key = randomBytes(KEY_BYTES);
const keyId = keyIdOf(key);

describe('key file', () => {
	it('keeps a key in a file that nobody else may read, in a folder that nobody else may enter', async (context) => {
		const folder = join(await tempFolder(context), 'vault');
		const umask = process.umask(0);
		context.after(() => void process.umask(umask));
		await createKeyFile(folder, nodeDisk).write(keyId, key);
		assert.equal((await stat(join(folder, `${keyId}.key`))).mode & 0o777, 0o600);
		assert.equal((await stat(folder)).mode & 0o777, 0o700);
		assert.deepEqual(await createKeyFile(folder, nodeDisk).read(keyId), { kind: 'key', key });
	});

	it('says absent where there is no file, and unreadable for everything that is not the key of that name', async (context) => {
		const folder = await tempFolder(context);
		const store = createKeyFile(folder, nodeDisk);
		assert.deepEqual(await store.read(keyId), { kind: 'absent' });
		for (const content of ['', 'no base64 !', randomBytes(KEY_BYTES).toString('base64'), key.toString('hex')]) {
			await writeFile(join(folder, `${keyId}.key`), content);
			assert.equal((await store.read(keyId)).kind, 'unreadable', content);
		}
	});

	it('is unreadable, not absent, when the disk fails', async (context) => {
		const folder = await tempFolder(context);
		const disk = createFaultyDisk(nodeDisk);
		const store = createKeyFile(folder, disk);
		await store.write(keyId, key);
		for (const code of ['EACCES', 'EIO', 'EMFILE']) {
			disk.set({ operation: 'readFile', code, when: 'before', from: 1, times: 1 });
			assert.equal((await store.read(keyId)).kind, 'unreadable');
		}
	});

	it('is written whole or not at all, whatever fails, and the next try works', async (context) => {
		for (const operation of diskOperations) {
			for (const when of ['before', 'after'] as const) {
				const folder = await tempFolder(context);
				const disk = createFaultyDisk(nodeDisk);
				const store = createKeyFile(folder, disk);
				disk.set({ operation, code: 'EIO', when, from: 1, times: 1 });
				await store.write(keyId, key).catch(() => undefined);
				disk.set(undefined);
				assert.notEqual((await store.read(keyId)).kind, 'unreadable');
				await store.write(keyId, key);
				assert.deepEqual(await store.read(keyId), { kind: 'key', key });
				assert.deepEqual(await readdir(folder), [`${keyId}.key`], `${operation} ${when} left something behind`);
			}
		}
	});

	it('is never seen half written by readers while many write it at once', async (context) => {
		const folder = await tempFolder(context);
		const store = createKeyFile(folder, nodeDisk);
		await store.write(keyId, key);
		const writes = Promise.all(Array.from({ length: 16 }, () => store.write(keyId, key)));
		for (let count = 0; count < 50; count++) assert.equal((await store.read(keyId)).kind, 'key');
		await writes;
		assert.deepEqual(await readdir(folder), [`${keyId}.key`]);
	});
});
