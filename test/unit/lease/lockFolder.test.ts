import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type LockDisk, nodeLockDisk } from '../../../src/auth/lease/lockDisk.ts';
import {
	clearForeign,
	createLockOffer,
	isOwnedBy,
	readBeat,
	readOwner,
	remove,
	sweepPrepared,
} from '../../../src/auth/lease/lockFolder.ts';
import { nodeProcesses } from '../../../src/auth/lease/processes.ts';
import { selfIdentity } from '../../../src/auth/lease/processIdentity.ts';
import { publishLock } from '../../support/publishLock.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const NAME = 'a'.repeat(64);
/** A process that does not exist: beyond the largest pid Linux gives. */
const NO_PID = 2 ** 22 + 1;

async function preparedIn(folder: string, nonce: string, note?: string): Promise<string> {
	const path = join(folder, `${NAME}.${nonce.repeat(32)}.new`);
	await mkdir(path);
	if (note !== undefined) await writeFile(join(path, `${nonce.repeat(32)}.json`), note);
	return path;
}

const noteOf = async (pid?: number): Promise<string> =>
	JSON.stringify({
		version: 1,
		process: { ...(await selfIdentity()), ...(pid === undefined ? {} : { pid }) },
		purpose: 'test',
	});

/** A sweep of another process strikes whenever a folder was made, as often as told. */
function sweptDisk(times: number): LockDisk {
	let left = times;
	return {
		...nodeLockDisk,
		async mkdir(folder) {
			await nodeLockDisk.mkdir(folder);
			if (left-- > 0) await sweepPrepared(nodeLockDisk, dirname(folder), nodeProcesses);
		},
	};
}

async function lockPathIn(context: TestContext): Promise<string> {
	return join(await tempFolder(context), `${NAME}.lock`);
}

describe('prepared lock folders', () => {
	it('are swept where their makers died, also empty ones, and stay where somebody may be making them', async (context) => {
		const folder = await tempFolder(context);
		await preparedIn(folder, '0');
		await preparedIn(folder, '1', await noteOf(NO_PID));
		const alive = await preparedIn(folder, '2', await noteOf());
		const torn = await preparedIn(folder, '3', '{"vers');
		await mkdir(join(folder, 'foreign.new'));
		await sweepPrepared(nodeLockDisk, folder, nodeProcesses);
		assert.deepEqual(
			(await readdir(folder)).map((file) => join(folder, file)).sort(),
			[alive, torn, join(folder, 'foreign.new')].sort(),
		);
	});

	it('are made again by a maker that lives, so that a sweep never costs anybody a lease', async (context) => {
		const lockPath = await lockPathIn(context);
		const nonce = await publishLock(sweptDisk(3), lockPath, await selfIdentity(), 'test');
		const owner = await readOwner(nodeLockDisk, lockPath);
		assert.ok(owner.kind === 'owner' && owner.nonce === nonce);
		assert.deepEqual(await readdir(dirname(lockPath)), [`${NAME}.lock`]);
	});

	it('leave nothing behind when the lock is taken or the folder is gone', async (context) => {
		const lockPath = await lockPathIn(context);
		const self = await selfIdentity();
		assert.ok(await publishLock(nodeLockDisk, lockPath, self, 'test'));
		assert.equal(await publishLock(nodeLockDisk, lockPath, self, 'test'), undefined);
		assert.deepEqual(await readdir(dirname(lockPath)), [`${NAME}.lock`]);
		await rm(dirname(lockPath), { recursive: true });
		await assert.rejects(publishLock(nodeLockDisk, lockPath, self, 'test'), { code: 'ENOENT' });
	});
});

describe('a lock on the disk', () => {
	const failing = (operation: keyof LockDisk, code: string): LockDisk => ({
		...nodeLockDisk,
		[operation]: async () => {
			throw Object.assign(new Error(code), { code });
		},
	});
	const owned = async (context: TestContext) => {
		const lockPath = await lockPathIn(context);
		const nonce = await publishLock(nodeLockDisk, lockPath, await selfIdentity(), 'test');
		assert.ok(nonce);
		return { lockPath, nonce };
	};

	it('is given up after five sweeps in a row', async (context) => {
		const lockPath = await lockPathIn(context);
		const self = await selfIdentity();
		assert.ok(await publishLock(sweptDisk(4), lockPath, self, 'test'));
		await rm(lockPath, { recursive: true });
		await assert.rejects(publishLock(sweptDisk(5), lockPath, self, 'test'), { code: 'ENOENT' });
	});

	it('has an owner, none, or one that nothing may be concluded of; a disk that does not tell is an error', async (context) => {
		const { lockPath, nonce } = await owned(context);
		const owner = await readOwner(nodeLockDisk, lockPath);
		assert.ok(owner.kind === 'owner' && owner.nonce === nonce && owner.purpose === 'test');
		assert.deepEqual(owner.process, await selfIdentity());
		assert.deepEqual(await readOwner(nodeLockDisk, join(lockPath, 'absent')), { kind: 'none' });
		await assert.rejects(readOwner(failing('readdir', 'EACCES'), lockPath), { code: 'EACCES' });
		// Of the same owner nothing is read again, unless the note could not be read.
		assert.equal(await readOwner(failing('readFile', 'EIO'), lockPath, owner), owner);
		await assert.rejects(readOwner(failing('readFile', 'EIO'), lockPath, { ...owner, nonce: 'b'.repeat(32) }), {
			code: 'EIO',
		});
		for (const torn of ['{"vers', '[]', 'null', '{"version":1,"process":{},"purpose":"x"}']) {
			await writeFile(join(lockPath, `${nonce}.json`), torn);
			const unknown = { kind: 'owner', nonce, process: undefined, purpose: 'unreadable' };
			assert.deepEqual(await readOwner(nodeLockDisk, lockPath, unknown as typeof owner), unknown, torn);
		}
	});

	it('has a beat as long as it is there; a disk that does not tell is an error', async (context) => {
		const { lockPath } = await owned(context);
		const before = await readBeat(nodeLockDisk, lockPath);
		assert.match(before, /^\d+$/);
		await nodeLockDisk.touch(lockPath, new Date(1_000));
		assert.equal(await readBeat(nodeLockDisk, lockPath), '1000000000');
		assert.equal(await readBeat(nodeLockDisk, join(lockPath, 'absent')), '');
		await assert.rejects(readBeat(failing('changed', 'EIO'), lockPath), { code: 'EIO' });
	});

	it('is removed by its own nonce alone, and its folder only while that is empty', async (context) => {
		const { lockPath, nonce } = await owned(context);
		assert.equal(await remove(nodeLockDisk, lockPath, 'b'.repeat(32)), false);
		assert.equal(await isOwnedBy(nodeLockDisk, lockPath, nonce), true);
		assert.equal(await isOwnedBy(nodeLockDisk, lockPath, 'b'.repeat(32)), false);
		await assert.rejects(remove(failing('unlink', 'EACCES'), lockPath, nonce), { code: 'EACCES' });
		await writeFile(join(lockPath, `${'c'.repeat(32)}.json`), await noteOf());
		assert.equal(await remove(nodeLockDisk, lockPath, nonce), true);
		assert.deepEqual(await readdir(lockPath), [`${'c'.repeat(32)}.json`]);
		await assert.rejects(remove(failing('rmdir', 'EIO'), lockPath, 'c'.repeat(32)), { code: 'EIO' });
		assert.deepEqual(await readdir(lockPath), []);
		await rm(lockPath, { recursive: true });
		assert.equal(await isOwnedBy(nodeLockDisk, lockPath, nonce), false);
		await assert.rejects(isOwnedBy(failing('readdir', 'EIO'), lockPath, nonce), { code: 'EIO' });
		// Somebody put a file in its place.
		await writeFile(lockPath, '');
		assert.equal(await remove(nodeLockDisk, lockPath, nonce), false);
	});

	it('is freed of what is no owner, and of nothing else', async (context) => {
		const { lockPath, nonce } = await owned(context);
		await writeFile(join(lockPath, '.DS_Store'), '');
		await mkdir(join(lockPath, 'folder', 'in it'), { recursive: true });
		await clearForeign(nodeLockDisk, lockPath);
		assert.deepEqual(await readdir(lockPath), [`${nonce}.json`]);
		await rm(join(lockPath, `${nonce}.json`));
		await writeFile(join(lockPath, 'left behind'), '');
		await clearForeign(nodeLockDisk, lockPath);
		assert.deepEqual(await readdir(dirname(lockPath)), []);
		await clearForeign(nodeLockDisk, lockPath);
		await assert.rejects(clearForeign(failing('readdir', 'EIO'), lockPath), { code: 'EIO' });
	});
});

describe('an offer of a lock', () => {
	it('is usable while it is prepared, and not after it came into its place or a step of it failed', async (context) => {
		const lockPath = await lockPathIn(context);
		const self = await selfIdentity();
		const base = join(dirname(lockPath), NAME);
		const offer = createLockOffer(nodeLockDisk, base, self, 'test');
		assert.equal(offer.isUsable(), false);
		await offer.discard();
		await offer.prepare();
		await offer.prepare();
		assert.equal(offer.isUsable(), true);
		const second = createLockOffer(nodeLockDisk, base, self, 'test');
		assert.ok(await second.publish(lockPath));
		assert.equal(second.isUsable(), false);
		await second.discard();
		assert.equal(await offer.publish(lockPath), undefined);
		assert.equal(offer.isUsable(), true);
		await offer.discard();
		assert.deepEqual(await readdir(dirname(lockPath)), [`${NAME}.lock`]);
		let broken = true;
		const disk: LockDisk = {
			...nodeLockDisk,
			async place(from, to) {
				if (broken) throw Object.assign(new Error('EIO'), { code: 'EIO' });
				return nodeLockDisk.place(from, to);
			},
		};
		const third = createLockOffer(disk, base, self, 'test');
		await assert.rejects(third.publish(lockPath), { code: 'EIO' });
		broken = false;
		assert.equal(third.isUsable(), false);
		await third.discard();
		assert.deepEqual(await readdir(dirname(lockPath)), [`${NAME}.lock`]);
	});
});
