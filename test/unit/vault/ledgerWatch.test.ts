import assert from 'node:assert/strict';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type Clock, systemClock } from '../../../src/auth/clock.ts';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { type FolderWatch, nodeFolderWatch } from '../../../src/auth/vault/folderWatch.ts';
import { createLedger } from '../../../src/auth/vault/ledger.ts';
import { createLedgerWatch, IDLE_POLL_MS, URGENT_POLL_MS } from '../../../src/auth/vault/ledgerWatch.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';

/** So slow that no poll falls into a test: what is heard is heard from the file system. */
const slowClock: Clock = {
	...systemClock,
	schedule: (delayMs, callback) => systemClock.schedule(delayMs * 1_000, callback),
};
/** A minute passes in six tenths of a second. */
const fastClock: Clock = {
	...systemClock,
	schedule: (delayMs, callback) => systemClock.schedule(delayMs / 100, callback),
};

async function watchIn(context: TestContext, clock: Clock, folders: FolderWatch = nodeFolderWatch) {
	const folder = join(await tempFolder(context), 'vault');
	const ledger = createLedger(folder, nodeDisk);
	const watch = createLedgerWatch(ledger, clock, createRecordingLog(), folders);
	context.after(async () => watch.dispose());
	const heard: string[] = [];
	watch.onDidChange(({ name, generation }) => heard.push(`${name}.${generation}`));
	return { folder, ledger, watch, heard, other: createLedger(folder, nodeDisk) };
}

describe('ledger watch', () => {
	it('proves at the start that it hears, leaves nothing of the proof, and tells of every generation once', async (context) => {
		const { folder, ledger, watch, heard, other } = await watchIn(context, slowClock);
		await other.append('a', 0, Buffer.from('1'));
		watch.start();
		await until('the watch works', () => watch.state() === 'watching');
		await until('what was there is told', () => heard.length === 1);
		for (let generation = 1; generation < 5; generation++) {
			await other.append('a', generation, Buffer.from('x'));
			await until('it is heard', () => heard.includes(`a.${generation + 1}`));
		}
		await ledger.append('b', 0, Buffer.from('own'));
		await until('own writes are told as well', () => heard.includes('b.1'));
		assert.deepEqual(heard, ['a.1', 'a.2', 'a.3', 'a.4', 'a.5', 'b.1']);
		assert.deepEqual((await readdir(folder)).sort(), ['a.5.rec', 'b.1.rec']);
	});

	it('begins to hear when the folder comes later than it', async (context) => {
		const { folder, watch, heard, other } = await watchIn(context, fastClock);
		watch.start();
		await until('it knows that there is nothing', () => watch.state() === 'absent');
		await mkdir(folder);
		await other.append('a', 0, Buffer.from('1'));
		await until('it is told', () => heard.includes('a.1'));
		await until('the watch works', () => watch.state() === 'watching');
	});

	it('hears again after the folder was deleted and made anew, where generations begin again', async (context) => {
		const { folder, watch, heard, other } = await watchIn(context, fastClock);
		await other.append('a', 0, Buffer.from('1'));
		await other.append('a', 1, Buffer.from('2'));
		watch.start();
		await until('the watch works', () => watch.state() === 'watching' && heard.includes('a.2'));
		heard.length = 0;
		await rm(folder, { recursive: true });
		await until('the loss is noticed', () => watch.state() === 'absent', 3_000);
		await other.append('a', 0, Buffer.from('again'));
		await until('it is told', () => heard.includes('a.1'), 3_000);
	});

	it('is opened again after the system closed it, and the end of one that was replaced means nothing', async (context) => {
		const errors: ((error: unknown) => void)[] = [];
		const { watch, heard, other } = await watchIn(context, fastClock, {
			...nodeFolderWatch,
			open(folder, onEvent, onError) {
				errors.push(onError);
				return nodeFolderWatch.open(folder, onEvent, onError);
			},
		});
		await other.append('a', 0, Buffer.from('1'));
		watch.start();
		watch.start();
		await until('the watch works', () => watch.state() === 'watching');
		assert.equal(errors.length, 1);
		errors[0]?.(new Error('too many watches'));
		assert.equal(watch.state(), 'absent');
		await until('it was opened again', () => watch.state() === 'watching');
		assert.equal(errors.length, 2);
		errors[0]?.(new Error('late'));
		assert.equal(watch.state(), 'watching');
		await other.append('a', 1, Buffer.from('2'));
		await until('it hears', () => heard.includes('a.2'));
	});

	it('looks more often as long as anybody waits', async (context) => {
		const waits: number[] = [];
		const clock: Clock = {
			...slowClock,
			schedule(delayMs, callback) {
				waits.push(delayMs);
				return slowClock.schedule(delayMs, callback);
			},
		};
		const { watch, other } = await watchIn(context, clock);
		await other.append('a', 0, Buffer.from('1'));
		watch.start();
		await until('the watch works', () => watch.state() === 'watching');
		assert.equal(waits.at(-1), IDLE_POLL_MS);
		const [first, second] = [watch.urgent(), watch.urgent()];
		assert.equal(waits.at(-1), URGENT_POLL_MS);
		first.dispose();
		first.dispose();
		assert.equal(waits.at(-1), URGENT_POLL_MS, 'one of two still waits');
		second.dispose();
		assert.equal(waits.at(-1), IDLE_POLL_MS);
	});

	it('arms nothing more once it is disposed, in whatever state', async (context) => {
		for (const when of ['before it was started', 'in its self-test', 'working'] as const) {
			const { watch, heard, other } = await watchIn(context, slowClock);
			await other.append('a', 0, Buffer.from('1'));
			if (when !== 'before it was started') watch.start();
			if (when === 'working') await until('the watch works', () => watch.state() === 'watching');
			watch.dispose();
			const before = heard.length;
			await other.append('a', 1, Buffer.from('2'));
			watch.start();
			await watch.poll();
			assert.equal(heard.length, before, when);
			assert.equal(watch.state(), 'closed');
		}
	});
});
