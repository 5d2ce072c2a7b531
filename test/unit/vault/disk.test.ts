import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { errorCode, hasCodeOf, nodeDisk } from '../../../src/auth/vault/disk.ts';
import { nodeFolderWatch } from '../../../src/auth/vault/folderWatch.ts';
import { tempFolder } from '../../support/tempFolder.ts';

describe('the disk', () => {
	it('reads files of any length whole', async (context) => {
		const folder = await tempFolder(context);
		for (const length of [0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 100_000]) {
			const bytes = randomBytes(length);
			await writeFile(join(folder, 'file'), bytes);
			assert.deepEqual(await nodeDisk.readFile(join(folder, 'file')), bytes, `${length} bytes`);
		}
	});

	it('says what is absent, what is no file, and what it could not write', async (context) => {
		const folder = await tempFolder(context);
		await assert.rejects(nodeDisk.readFile(join(folder, 'absent')), { code: 'ENOENT' });
		await assert.rejects(nodeDisk.readFile(folder), { code: 'EISDIR' });
		await assert.rejects(nodeDisk.syncFolder(join(folder, 'absent')), { code: 'ENOENT' });
		await nodeDisk.writeNew(join(folder, 'file'), Buffer.from('1'));
		await assert.rejects(nodeDisk.writeNew(join(folder, 'file'), Buffer.from('2')), { code: 'EEXIST' });
		assert.equal(String(await nodeDisk.readFile(join(folder, 'file'))), '1');
		await nodeDisk.syncFolder(folder);
	});

	it('tells an absent folder from one that cannot be looked at, and a folder from another of its name', async (context) => {
		const folder = await tempFolder(context);
		await writeFile(join(folder, 'file'), '');
		assert.equal(await nodeFolderWatch.identify(join(folder, 'absent')), undefined);
		await assert.rejects(nodeFolderWatch.identify(join(folder, 'file', 'below')), { code: 'ENOTDIR' });
		await mkdir(join(folder, 'one'));
		await mkdir(join(folder, 'two'));
		const [one, two] = [join(folder, 'one'), join(folder, 'two')];
		assert.equal(await nodeFolderWatch.identify(one), await nodeFolderWatch.identify(one));
		assert.notEqual(await nodeFolderWatch.identify(one), await nodeFolderWatch.identify(two));
	});
});

it('a code is one of a system error, and nothing else is taken for one', () => {
	const failure = (code: unknown): Error => Object.assign(new Error('failure'), { code });
	assert.equal(errorCode(failure('EIO')), 'EIO');
	for (const other of [new TypeError('a mistake'), failure(5), { code: 'EIO' }, 'EIO', undefined])
		assert.equal(errorCode(other), undefined);
	const codes = new Set(['EIO']);
	assert.equal(hasCodeOf(codes, failure('EIO')), true);
	assert.equal(hasCodeOf(codes, failure('EACCES')), false);
	assert.equal(hasCodeOf(codes, new TypeError('a mistake')), false);
});
