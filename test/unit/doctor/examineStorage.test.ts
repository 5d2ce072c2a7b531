/** What the extension needs on this machine, over real files: each trouble has its own fact. */
import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import { examineKey, examineLease, examineVault, examineWatch } from '../../../src/auth/doctor/examineStorage.ts';
import { networkFact } from '../../../src/auth/doctor/networkFact.ts';
import { AuthError } from '../../../src/auth/errors.ts';
import { nodeLockDisk } from '../../../src/auth/lease/lockDisk.ts';
import { nodeProcesses } from '../../../src/auth/lease/processes.ts';
import { createDiskShelf, type DiskShelf, type DiskShelfOptions } from '../../../src/auth/shelf.ts';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { nodeFolderWatch } from '../../../src/auth/vault/folderWatch.ts';
import { createDeferred } from '../../support/deferred.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { createSharedKeys } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';

const never = new AbortController().signal;

type Context = Parameters<typeof tempFolder>[0];

/** Shelves over one folder, as windows have them. */
async function openFolder(context: Context) {
	const storagePath = await tempFolder(context);
	const keys = createSharedKeys();
	const open = async (changes: Partial<DiskShelfOptions> = {}): Promise<DiskShelf> => {
		const shelf = createDiskShelf({
			...{ storagePath, disk: nodeDisk, clock: systemClock, log: createRecordingLog() },
			...{ secrets: keys, keepKeyCopy: false, ...changes },
		});
		context.after(async () => shelf.watch.dispose());
		await shelf.prepare();
		return shelf;
	};
	return { storagePath, keys, open };
}

describe('the vault under examination', () => {
	it('has what the window knows of it, if it can be written', async (context) => {
		const { open } = await openFolder(context);
		const shelf = await open();
		const fact = async (problem: Parameters<typeof examineVault>[2]): Promise<string> =>
			(await examineVault(shelf, nodeDisk, problem)).fact;
		assert.equal(await fact(undefined), 'healthy');
		assert.equal(await fact('damaged'), 'damaged');
		assert.equal(await fact('storage'), 'unknown');
		assert.equal(await fact('newer_schema'), 'newerVersion');
		assert.deepEqual(
			(await readdir(shelf.ledger.folder)).filter((name) => name.endsWith('.probe')),
			[],
			'no probe stays',
		);
	});
});

describe('the key under examination', () => {
	it('is silent if its store is', async (context) => {
		const { open, keys } = await openFolder(context);
		const shelf = await open();
		await shelf.key.ensure();
		assert.equal((await examineKey(shelf)).fact, 'healthy');
		const silent = await open({
			secrets: { ...keys, read: async () => ({ kind: 'unreadable', cause: new AuthError('timeout', 'no answer') }) },
		});
		assert.equal((await examineKey(silent)).fact, 'keySilent');
	});

	it('is told from one whose claim is damaged, and from one of a newer version', async (context) => {
		const { open } = await openFolder(context);
		const shelf = await open();
		await shelf.key.ensure();
		const claims = (await readdir(shelf.ledger.folder)).filter((name) => name.startsWith('key'));
		assert.ok(claims.length > 0, 'there is a claim');
		for (const [content, fact] of [
			['{ half', 'damaged'],
			['{ "schema": 99 }', 'newerVersion'],
		] as const) {
			for (const name of claims) await writeFile(path.join(shelf.ledger.folder, name), content);
			assert.equal((await examineKey(await open())).fact, fact);
		}
	});

	it('cannot be looked for in a folder that cannot be read', async (context) => {
		const { open } = await openFolder(context);
		const shelf = await open();
		await rm(shelf.ledger.folder, { recursive: true });
		await writeFile(shelf.ledger.folder, 'a file');
		assert.equal((await examineKey(shelf)).fact, 'unwritable');
	});
});

describe('the lease under examination', () => {
	it('is busy if another examination has it for too long', async (context) => {
		const { open } = await openFolder(context);
		const clock = createManualClock();
		const holder = await open();
		const asking = await open({ clock });
		const done = createDeferred<void>();
		const held = createDeferred<void>();
		const holding = holder.leases.run('doctor', { patienceMs: 1_000, purpose: 'doctor' }, () => {
			held.resolve();
			return done.promise;
		});
		await held.promise;
		let found: Awaited<ReturnType<typeof examineLease>> | undefined;
		const asked = examineLease(asking, never).then((finding) => {
			found = finding;
		});
		await until('its patience is over', () => {
			clock.advance(1_000);
			return found !== undefined;
		});
		await asked;
		assert.equal(found?.fact, 'leaseBusy');
		done.resolve();
		await holding;
		assert.equal((await examineLease(await open(), never)).fact, 'healthy');
	});

	it('is given up with the examination', async (context) => {
		const { open } = await openFolder(context);
		const ended = AbortSignal.abort(new AuthError('cancelled', 'x'));
		await assert.rejects(examineLease(await open(), ended), { code: 'cancelled' });
	});
});

describe('the watch under examination', () => {
	it('is deaf where the file system tells nothing, and nothing before it began', async (context) => {
		const { open } = await openFolder(context);
		const deaf = { ...nodeFolderWatch, open: () => ({ dispose: () => undefined }) };
		const system = { lockDisk: nodeLockDisk, processes: nodeProcesses, folderWatch: deaf };
		const shelf = await open({ system });
		assert.equal(examineWatch(shelf).fact, 'nothing');
		shelf.watch.start();
		await until('the test of the watch has failed', () => shelf.watch.state() === 'deaf');
		assert.equal(examineWatch(shelf).fact, 'watchDeaf');
	});
});

describe('the reason of several failures at once', () => {
	it('is that of the addresses of one name', () => {
		const one = (code: string): Error => Object.assign(new Error('x'), { code });
		const all = new AggregateError([one('ECONNREFUSED'), one('ETIMEDOUT')], '');
		assert.equal(networkFact(Object.assign(new TypeError('fetch failed'), { cause: all }), false), 'timeout');
	});
});
