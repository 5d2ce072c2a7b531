/** Writers and readers of one ledger that meet midway: somebody else is faster between two steps of a slow one. */
import assert from 'node:assert/strict';
import { mkdir, readdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type Disk, nodeDisk } from '../../../src/auth/vault/disk.ts';
import { createLedger, SET_ASIDE_FOLDER } from '../../../src/auth/vault/ledger.ts';
import { systemError } from '../../support/memoryDisk.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

/** A ledger with generation 1 of `a`, and a slow one over the same folder: `meanwhile` happens once, before its next step of this kind. */
async function ledgersIn(context: TestContext, operation: keyof Disk, refusal?: string) {
	const folder = join(await tempFolder(context), 'vault');
	const fast = createLedger(folder, nodeDisk);
	await fast.append('a', 0, bytes('1'));
	const steps: (() => Promise<unknown>)[] = [];
	const slow = createLedger(
		folder,
		new Proxy(nodeDisk, {
			get: (disk, name: keyof Disk) =>
				name !== operation
					? disk[name]
					: async (...args: unknown[]) => {
							await steps.shift()?.();
							if (refusal !== undefined) throw systemError(refusal);
							return Reflect.apply(disk[name], disk, args);
						},
		}),
	);
	const files = async (): Promise<string[]> => (await readdir(folder)).sort();
	return { folder, fast, slow, files, meanwhile: (work: () => Promise<unknown>) => void steps.push(work) };
}

describe('a writer of a ledger', () => {
	it('that takes a name which is free only because a later generation superseded it has lost, and leaves nothing', async (context) => {
		const { fast, slow, files, meanwhile } = await ledgersIn(context, 'writeNew');
		meanwhile(async () => {
			await fast.append('a', 1, bytes('2'));
			await fast.append('a', 2, bytes('3'));
		});
		assert.equal(await slow.append('a', 1, bytes('late')), 'conflict');
		assert.deepEqual(await fast.read('a'), { generation: 3, bytes: bytes('3') });
		assert.deepEqual(await files(), ['a.3.rec']);
	});

	it('does not replace what came meanwhile, also where there are no hard links', async (context) => {
		const { fast, slow, files, meanwhile } = await ledgersIn(context, 'link', 'EPERM');
		meanwhile(() => fast.append('a', 1, bytes('2')));
		assert.equal(await slow.append('a', 1, bytes('late')), 'conflict');
		assert.deepEqual(await fast.read('a'), { generation: 2, bytes: bytes('2') });
		assert.deepEqual(await files(), ['a.2.rec']);
	});

	it('sets nothing aside that was superseded before it could be copied', async (context) => {
		const { folder, fast, slow, files, meanwhile } = await ledgersIn(context, 'readFile');
		meanwhile(() => fast.append('a', 1, bytes('2')));
		assert.equal(await slow.append('a', 1, bytes('late'), { setAside: true }), 'conflict');
		assert.deepEqual(await files(), ['a.2.rec']);
		await assert.rejects(readdir(join(folder, SET_ASIDE_FOLDER)), { code: 'ENOENT' });
	});

	it('has written, although what it superseded cannot be removed', async (context) => {
		const { slow, fast } = await ledgersIn(context, 'unlink', 'EACCES');
		assert.equal(await slow.append('a', 1, bytes('2')), 'written');
		assert.deepEqual(await fast.read('a'), { generation: 2, bytes: bytes('2') });
	});
});

describe('a reader of a ledger', () => {
	it('leaves out what is unfinished until its writer has finished it', async (context) => {
		const { folder, slow, meanwhile } = await ledgersIn(context, 'readFile');
		const path = join(folder, 'a.2.0123456789abcdef.tmp');
		await writeFile(path, 'whole');
		assert.equal((await slow.leftovers('a', 1)).length, 1);
		meanwhile(() => unlink(path));
		assert.deepEqual(await slow.leftovers('a', 1), []);
	});

	it('does not go on for ever where the newest record is listed and never there', async (context) => {
		const { slow } = await ledgersIn(context, 'readFile', 'ENOENT');
		await assert.rejects(slow.read('a'), { code: 'storage' });
	});

	it('takes a folder in the place of a record, or a record that the disk refuses, for no absence', async (context) => {
		const { folder, fast } = await ledgersIn(context, 'readFile');
		await mkdir(join(folder, 'b.1.rec'));
		await assert.rejects(fast.read('b'), { code: 'storage' });
		await mkdir(join(folder, 'a.2.0123456789abcdef.tmp'));
		await assert.rejects(fast.leftovers('a', 1), { code: 'storage' });
	});
});
