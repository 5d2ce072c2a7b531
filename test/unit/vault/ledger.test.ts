import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { createLedger, type Ledger, type Leftover, SET_ASIDE_FOLDER } from '../../../src/auth/vault/ledger.ts';
import { createFaultyDisk, type DiskOperation, diskOperations } from '../../support/faultyDisk.ts';
import { systemError } from '../../support/memoryDisk.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const old = Buffer.from('old');
const fresh = Buffer.from('new');

async function ledgerIn(context: TestContext) {
	const folder = join(await tempFolder(context), 'vault');
	const disk = createFaultyDisk(nodeDisk);
	return { folder, disk, ledger: createLedger(folder, disk), clean: createLedger(folder, nodeDisk) };
}

async function temps(folder: string): Promise<string[]> {
	return (await readdir(folder)).filter((file) => file.endsWith('.tmp'));
}

describe('ledger', () => {
	it('is empty while its folder is absent', async (context) => {
		const { ledger } = await ledgerIn(context);
		assert.equal(await ledger.read('a'), undefined);
		assert.equal((await ledger.list()).size, 0);
		assert.deepEqual(await ledger.leftovers('a', 0), []);
	});

	it('counts generations up and keeps only the newest', async (context) => {
		const { ledger, folder } = await ledgerIn(context);
		for (let generation = 0; generation < 12; generation++)
			assert.equal(await ledger.append('a', generation, Buffer.from(`${generation + 1}`)), 'written');
		assert.deepEqual(await ledger.read('a'), { generation: 12, bytes: Buffer.from('12') });
		assert.deepEqual(await readdir(folder), ['a.12.rec']);
	});

	it('keeps names apart, also where one is the beginning of another', async (context) => {
		const { ledger } = await ledgerIn(context);
		await ledger.append('key', 0, old);
		await ledger.append('key-2', 0, fresh);
		await ledger.append('key-2', 1, fresh);
		assert.equal((await ledger.read('key'))?.generation, 1);
		assert.deepEqual(
			await ledger.list(),
			new Map([
				['key', 1],
				['key-2', 2],
			]),
		);
	});

	it('refuses names that could leave the folder', async (context) => {
		const { ledger } = await ledgerIn(context);
		for (const name of ['', '../a', 'a/b', 'a.b', 'A', 'a\0', 'x'.repeat(81)])
			await assert.rejects(ledger.append(name, 0, old), { code: 'storage' });
	});

	it('gives one of many writers from the same generation the write, and leaves nothing of the others', async (context) => {
		const { clean, folder } = await ledgerIn(context);
		for (let generation = 0; generation < 20; generation++) {
			const writers = Array.from({ length: 8 }, (_, writer) =>
				createLedger(folder, nodeDisk).append('a', generation, Buffer.from(`${generation}/${writer}`)),
			);
			const outcomes = await Promise.all(writers);
			assert.equal(outcomes.filter((outcome) => outcome === 'written').length, 1, outcomes.join());
			const winner = outcomes.indexOf('written');
			assert.equal((await clean.read('a'))?.bytes.toString(), `${generation}/${winner}`);
			assert.deepEqual(await readdir(folder), [`a.${generation + 1}.rec`]);
		}
	});

	it('tells a writer whose generation was superseded and removed meanwhile that it lost', async (context) => {
		const { folder, clean } = await ledgerIn(context);
		await clean.append('a', 0, old);
		// The stale writer has looked, and sleeps before its link while others write two generations.
		let asleep: () => void = () => undefined;
		const sleeping = new Promise<void>((resolve) => {
			asleep = resolve;
		});
		let wake: () => void = () => undefined;
		const woken = new Promise<void>((resolve) => {
			wake = resolve;
		});
		const sleepy = createLedger(folder, {
			...nodeDisk,
			async link(existing, created) {
				asleep();
				await woken;
				await nodeDisk.link(existing, created);
			},
		});
		const stale = sleepy.append('a', 1, Buffer.from('stale'));
		await sleeping;
		assert.equal(await clean.append('a', 1, Buffer.from('2')), 'written');
		assert.equal(await clean.append('a', 2, Buffer.from('3')), 'written');
		wake();
		assert.equal(await stale, 'conflict');
		assert.deepEqual(await clean.read('a'), { generation: 3, bytes: Buffer.from('3') });
		assert.deepEqual(await readdir(folder), ['a.3.rec']);
	});

	it('finds a record that is superseded while the folder is listed', async (context) => {
		const { folder, clean } = await ledgerIn(context);
		await clean.append('a', 0, old);
		// A listing in several steps may miss both: the old name is gone, the new one came behind the reader's back.
		let torn = true;
		const ledger = createLedger(folder, {
			...nodeDisk,
			async readdir(path) {
				if (!torn) return nodeDisk.readdir(path);
				torn = false;
				return (await nodeDisk.readdir(path)).filter((file) => !file.startsWith('a.'));
			},
		});
		assert.equal((await ledger.read('a'))?.generation, 1);
	});

	for (const { operation, when, nth } of failingCalls()) {
		it(`loses nothing when ${operation} number ${nth} fails ${when} it happened, and the next try works`, async (context) => {
			for (const setAside of [false, true]) {
				const { ledger, disk, clean } = await ledgerIn(context);
				await clean.append('a', 0, old);
				disk.set({ operation, code: 'EIO', when, from: nth, times: 1 });
				const outcome = await ledger.append('a', 1, fresh, { setAside }).catch((error: unknown) => error);
				if (outcome !== 'written' && outcome !== 'conflict')
					assert.ok(outcome instanceof Error && 'code' in outcome && outcome.code === 'storage', String(outcome));
				const present = await clean.read('a');
				assert.ok(present, 'neither the old record nor the new one is there');
				assert.deepEqual(present.bytes, present.generation === 1 ? old : fresh);
				if (outcome === 'written') assert.equal(present.generation, 2);
				disk.set(undefined);
				assert.equal(await ledger.append('a', present.generation, Buffer.from('next')), 'written');
				assert.equal((await ledger.read('a'))?.bytes.toString(), 'next');
			}
		});
	}

	it('keeps what could not be opened, whatever fails while it is set aside', async (context) => {
		for (const { operation, when, nth } of failingCalls()) {
			const { ledger, disk, clean, folder } = await ledgerIn(context);
			await clean.append('a', 0, Buffer.from('damaged'));
			disk.set({ operation, code: 'EIO', when, from: nth, times: 1 });
			await ledger.append('a', 1, fresh, { setAside: true }).catch(() => undefined);
			disk.set(undefined);
			// The next writers know nothing of the first one's trouble: they set aside only what they cannot open themselves.
			for (let count = 0; count < 2; count++) {
				const present = await ledger.read('a');
				assert.ok(present);
				const setAside = present.bytes.toString() === 'damaged';
				assert.equal(await ledger.append('a', present.generation, fresh, { setAside }), 'written');
			}
			const kept = await Promise.all(
				(await readdir(join(folder, SET_ASIDE_FOLDER))).map((file) =>
					readFile(join(folder, SET_ASIDE_FOLDER, file), 'utf8'),
				),
			);
			assert.ok(kept.includes('damaged'), `${operation} ${nth} ${when}: the damaged record is gone`);
		}
	});

	it('leaves no temp file behind after a full disk', async (context) => {
		const { ledger, disk, folder, clean } = await ledgerIn(context);
		await clean.append('a', 0, old);
		disk.set({ operation: 'writeNew', code: 'ENOSPC', when: 'after', from: 1, times: 1 });
		await assert.rejects(ledger.append('a', 1, fresh), { code: 'storage' });
		assert.deepEqual(await temps(folder), []);
	});

	it('removes what a dead writer left once its generation has passed', async (context) => {
		const { ledger, folder } = await ledgerIn(context);
		await ledger.append('a', 0, old);
		await writeFile(join(folder, 'a.2.0123456789abcdef.tmp'), 'unfinished');
		await ledger.append('a', 1, fresh);
		await ledger.append('a', 2, fresh);
		assert.deepEqual(await temps(folder), []);
	});

	describe('where the file system knows no hard links', () => {
		for (const code of ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EISDIR']) {
			it(`writes by rename after ${code}`, async (context) => {
				const { folder, clean } = await ledgerIn(context);
				const ledger = createLedger(folder, {
					...nodeDisk,
					link: () => Promise.reject(systemError(code)),
				});
				assert.equal(await ledger.append('a', 0, old), 'written');
				assert.equal(await ledger.append('a', 1, fresh), 'written');
				assert.equal(await ledger.append('a', 1, Buffer.from('stale')), 'conflict');
				assert.deepEqual(await clean.read('a'), { generation: 2, bytes: fresh });
				assert.deepEqual(await readdir(folder), ['a.2.rec']);
			});
		}
	});

	describe('leftovers', () => {
		it('are the temp files of the next generation, torn ones included', async (context) => {
			const { ledger, folder } = await ledgerIn(context);
			await ledger.append('a', 0, old);
			await writeFile(join(folder, 'a.2.0123456789abcdef.tmp'), 'whole');
			await writeFile(join(folder, 'a.2.1123456789abcdef.tmp'), '');
			await writeFile(join(folder, 'a.3.0123456789abcdef.tmp'), 'other generation');
			await writeFile(join(folder, 'b.2.0123456789abcdef.tmp'), 'other name');
			const found = await leftoversOf(ledger);
			assert.deepEqual(found.map(({ bytes }) => bytes.toString()).sort(), ['', 'whole']);
		});

		it('are put in place by one of many, and gone afterwards', async (context) => {
			const { folder, clean } = await ledgerIn(context);
			await clean.append('a', 0, old);
			const path = join(folder, 'a.2.0123456789abcdef.tmp');
			await writeFile(path, 'whole');
			const outcomes = await Promise.all(
				Array.from({ length: 8 }, () => createLedger(folder, nodeDisk).promote('a', 1, path)),
			);
			assert.equal(outcomes.filter((outcome) => outcome === 'written').length, 1);
			assert.deepEqual(await clean.read('a'), { generation: 2, bytes: Buffer.from('whole') });
			assert.deepEqual(await readdir(folder), ['a.2.rec']);
		});

		it('lose against a generation that was written meanwhile', async (context) => {
			const { folder, clean } = await ledgerIn(context);
			await clean.append('a', 0, old);
			const path = join(folder, 'a.2.0123456789abcdef.tmp');
			await writeFile(path, 'whole');
			await clean.append('a', 1, fresh);
			assert.equal(await clean.leftovers('a', 1), 'superseded');
			assert.equal(await clean.promote('a', 1, path), 'conflict');
			assert.deepEqual(await clean.read('a'), { generation: 2, bytes: fresh });
		});

		it('are durable before they count: a dead writer may not have come to its fsync', async (context) => {
			const { ledger, disk, folder, clean } = await ledgerIn(context);
			await clean.append('a', 0, old);
			const path = join(folder, 'a.2.0123456789abcdef.tmp');
			await writeFile(path, 'whole');
			disk.set(undefined);
			assert.equal(await ledger.promote('a', 1, path), 'written');
			assert.ok((disk.calls.get('writeNew') ?? 0) >= 1, 'what was found was linked as it lay in the page cache');
		});

		it('taken from a live writer by a promoter leave that writer with an answer, not with a fault', async (context) => {
			const { folder, clean } = await ledgerIn(context);
			await clean.append('a', 0, old);
			const ledger = createLedger(folder, {
				...nodeDisk,
				async link(existing, created) {
					if (existing.endsWith('.tmp') && created.endsWith('.2.rec')) {
						for (const leftover of await leftoversOf(clean)) await clean.promote('a', 1, leftover.path);
					}
					await nodeDisk.link(existing, created);
				},
			});
			assert.match(await ledger.append('a', 1, fresh), /^(written|conflict)$/);
			assert.deepEqual(await clean.read('a'), { generation: 2, bytes: fresh });
		});

		for (const { operation, when, nth } of failingCalls()) {
			it(`lose nothing when ${operation} number ${nth} fails ${when} it happened`, async (context) => {
				const { ledger, disk, folder, clean } = await ledgerIn(context);
				await clean.append('a', 0, old);
				await writeFile(join(folder, 'a.2.0123456789abcdef.tmp'), fresh);
				disk.set({ operation, code: 'EIO', when, from: nth, times: 1 });
				try {
					for (const { path } of await leftoversOf(ledger)) await ledger.promote('a', 1, path);
				} catch (error) {
					assert.ok(error instanceof Error && 'code' in error && error.code === 'storage');
				}
				disk.set(undefined);
				for (const { path } of await leftoversOf(ledger)) await ledger.promote('a', 1, path);
				assert.deepEqual(await clean.read('a'), { generation: 2, bytes: fresh });
			});
		}
	});
});

/** Of the second generation; none once there is one. */
async function leftoversOf(ledger: Ledger): Promise<readonly Leftover[]> {
	const found = await ledger.leftovers('a', 1);
	return found === 'superseded' ? [] : found;
}

/** More calls of each kind than one write makes, so that a further one in the source is met as well. */
function failingCalls(): { operation: DiskOperation; when: 'before' | 'after'; nth: number }[] {
	return diskOperations.flatMap((operation) =>
		(['before', 'after'] as const).flatMap((when) => [1, 2, 3].map((nth) => ({ operation, when, nth }))),
	);
}
