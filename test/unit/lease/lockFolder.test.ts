import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type LockDisk, nodeLockDisk } from '../../../src/auth/lease/lockDisk.ts';
import { readOwner, sweepPrepared } from '../../../src/auth/lease/lockFolder.ts';
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
