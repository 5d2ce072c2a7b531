/** Disks that are slow, or that cannot do all that a good one can: slower, and never wrong. */
import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Disk } from '../../../src/auth/vault/disk.ts';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { startServer } from '../../server/server.ts';
import { systemError } from '../../support/memoryDisk.ts';
import { createSharedKeys, demoProvider, openWindow, scriptedUi } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';

const SLOW_MS = 40;

function slowDisk(disk: Disk): Disk {
	const slow =
		<A extends unknown[], R>(work: (...args: A) => Promise<R>): ((...args: A) => Promise<R>) =>
		async (...args) => {
			await wait(SLOW_MS);
			return work(...args);
		};
	return {
		readdir: slow(disk.readdir),
		readFile: slow(disk.readFile),
		writeNew: slow(disk.writeNew),
		overwrite: slow(disk.overwrite),
		writeInto: slow(disk.writeInto),
		link: slow(disk.link),
		rename: slow(disk.rename),
		unlink: slow(disk.unlink),
		makeFolder: slow(disk.makeFolder),
		syncFolder: slow(disk.syncFolder),
	};
}

describe('a slow disk', () => {
	it('makes a sign-in and a refresh slower, and still sends one request', async (context) => {
		const folder = await tempFolder(context);
		const server = await startServer({ accessTokenLifeS: 3600 });
		context.after(() => server.close());
		const keys = createSharedKeys();
		const disk = slowDisk(nodeDisk);
		const windows = [1, 2].map(() => openWindow(folder, keys, [demoProvider(server.issuer)], { disk }));
		for (const { service } of windows) context.after(() => service.dispose());
		const [first, second] = windows;
		assert.ok(first && second);
		const bucket = await first.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
		await until('the second window knows it', () => second.service.snapshot().providers[0]?.buckets.length === 1);
		await Promise.all(windows.map(({ service }) => service.refresh('demo', bucket.id)));
		const tokens = await until('both have the same token', async () => {
			const found = await Promise.all(
				windows.map(({ service }) => service.getToken({ providerId: 'demo', deadlineMs: 10_000, purpose: 'test' })),
			);
			return found[0]?.token.value === found[1]?.token.value ? found : undefined;
		});
		assert.equal(tokens.length, 2);
		assert.equal(server.grantsAlive().length, 1);
		assert.ok(server.refreshRequests() <= 2);
	});
});

describe('a file system without fsync', () => {
	for (const code of ['EINVAL', 'ENOTSUP', 'ENOSYS'])
		it(`that answers ${code} keeps files all the same`, async (context) => {
			const folder = await tempFolder(context);
			const probe = await open(join(folder, 'probe'), 'w');
			const prototype: { sync(): Promise<void> } = Object.getPrototypeOf(probe);
			await probe.close();
			context.mock.method(prototype, 'sync', async () => {
				throw systemError(code);
			});
			await nodeDisk.writeNew(join(folder, 'record'), Buffer.from('content'));
			await nodeDisk.syncFolder(folder);
			assert.equal((await nodeDisk.readFile(join(folder, 'record'))).toString(), 'content');
		});

	it('is told from a disk that fails: that is an error', async (context) => {
		const folder = await tempFolder(context);
		const probe = await open(join(folder, 'probe'), 'w');
		const prototype: { sync(): Promise<void> } = Object.getPrototypeOf(probe);
		await probe.close();
		for (const code of ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS']) {
			const mocked = context.mock.method(prototype, 'sync', async () => {
				throw systemError(code);
			});
			await assert.rejects(nodeDisk.writeNew(join(folder, code), Buffer.from('content')), { code });
			await assert.rejects(nodeDisk.syncFolder(folder), { code });
			mocked.mock.restore();
		}
	});
});
