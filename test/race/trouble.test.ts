/** A refresh among processes while the disk or the clock is in trouble: the next state is right, and nobody is signed out. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { digest } from '../../src/auth/log.ts';
import { errorCode } from '../../src/auth/vault/disk.ts';
import { recordName } from '../../src/auth/vault/sealing.ts';
import { type StrictTokenServer, startStrictTokenServer } from '../server/strictTokenServer.ts';
import { until } from '../support/until.ts';
import { createTestVault, type TestVault } from './vaults.ts';
import { type Answer, killAll, startWorkers, type Worker } from './workers.ts';

/** Waits of the processes pass this much faster, where one waits for a heartbeat that never comes. */
const SPEED = 20;
const NOBODY_UID = 65_534;
const HOUR_MS = 60 * 60_000;

describe('a refresh in trouble', () => {
	let pool: Worker[] = [];
	before(async () => {
		pool = await startWorkers(4);
	});
	after(() => killAll(pool));

	async function world(
		context: TestContext,
		workers: readonly Worker[] = pool,
	): Promise<{ server: StrictTokenServer; vault: TestVault; folder: string; open: () => Promise<void> }> {
		const server = await startStrictTokenServer({ accessTokenLifeS: 3_600 });
		context.after(() => server.close());
		const vault = await createTestVault(context, server, { speed: SPEED });
		const open = async (): Promise<void> => {
			await Promise.all(workers.map((worker) => worker.ask({ kind: 'open', setup: vault.setup })));
		};
		return { server, vault, folder: join(vault.setup.storagePath, 'vault'), open };
	}

	function askAll(vault: TestVault, workers: readonly Worker[] = pool): Promise<Answer[]> {
		return Promise.all(workers.map((worker) => worker.ask({ kind: 'token', request: { ref: vault.ref }, callers: 3 })));
	}

	/** All have one token, and it is not the one before. */
	function oneTokenOf(answers: readonly Answer[], before: string): string {
		const digests = new Set(
			answers.flatMap((answer) => {
				assert.ok(answer.kind === 'token', JSON.stringify(answer));
				return answer.digests;
			}),
		);
		assert.equal(digests.size, 1);
		const [only = ''] = digests;
		assert.notEqual(only, before);
		return only;
	}

	function assertAllFailed(answers: readonly Answer[], code: string): void {
		for (const answer of answers) assert.ok(answer.kind === 'failed' && answer.code === code, JSON.stringify(answer));
	}

	const asRoot = process.getuid?.() === 0 ? {} : { skip: 'only root can become another user' };

	it(
		'sends nothing while a folder is read-only, signs nobody out, and goes on when it is not',
		asRoot,
		async (context) => {
			const workers = await startWorkers(3);
			context.after(() => killAll(workers));
			const { server, vault, folder, open } = await world(context, workers);
			const { storagePath } = vault.setup;
			const lease = join(storagePath, 'lease');
			await mkdir(lease, { recursive: true, mode: 0o700 });
			await chmod(dirname(storagePath), 0o755);
			const inside = (await readdir(folder)).map((file) => join(folder, file));
			for (const file of [storagePath, folder, lease, ...inside]) await chown(file, NOBODY_UID, NOBODY_UID);
			await Promise.all(workers.map((worker) => worker.ask({ kind: 'become', uid: NOBODY_UID })));
			await open();
			for (const readOnly of [folder, lease]) {
				await chmod(readOnly, 0o500);
				assertAllFailed(await askAll(vault, workers), 'storage');
				await chmod(readOnly, 0o700);
			}
			assert.equal(server.refreshRequests(), 0);
			assert.equal((await vault.bucket())?.needsSignIn, undefined);
			oneTokenOf(await askAll(vault, workers), digest(vault.credential.accessToken));
			assert.deepEqual([server.refreshRequests(), server.reuses()], [1, 0]);
		},
	);

	it(
		'stores on a full disk what it made room for, and sends nothing while there is no room',
		asRoot,
		async (context) => {
			const { server, vault, folder, open } = await world(context);
			const names = await readdir(folder);
			const files = await Promise.all(names.map(async (name) => ({ name, bytes: await readFile(join(folder, name)) })));
			// A disk of its own, small enough to be filled.
			const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=0700', 'tmpfs', folder]);
			if (status !== 0) return context.skip(`this system allows no mount: ${stderr}`);
			try {
				for (const { name, bytes } of files) await writeFile(join(folder, name), bytes, { mode: 0o600 });
				await open();
				// Nothing of ours is left that could still be removed, and make room: no probe of a watch, no temp file.
				await until('the folder is quiet', async () => isDeepStrictEqual((await readdir(folder)).sort(), names.sort()));
				await fillAndFree(server, vault, folder);
			} finally {
				// Before the folder is removed, which a mounted one cannot be.
				spawnSync('umount', ['--lazy', folder]);
			}
		},
	);

	async function fillAndFree(server: StrictTokenServer, vault: TestVault, folder: string): Promise<void> {
		const ballast = join(folder, 'ballast');
		const fill = (): Promise<void> =>
			assert.rejects(writeFile(ballast, Buffer.alloc(1024 * 1024)), (error) => errorCode(error) === 'ENOSPC');
		await fill();
		assertAllFailed(await askAll(vault), 'storage');
		assert.equal(server.refreshRequests(), 0);
		await rm(ballast);
		const [holder, ...others] = pool;
		assert.ok(holder);
		const held = server.fault({ on: 'refresh', hold: 'after', times: 1 });
		const arrived = server.next('refresh', { phase: 'arrived' });
		const asked = askAll(vault, [holder]);
		await arrived;
		await fill();
		held.dispose();
		const served = oneTokenOf(await asked, digest(vault.credential.accessToken));
		assert.equal((await vault.shelf.vault.read(vault.ref)).generation, 2);
		assert.equal(oneTokenOf(await askAll(vault, others), digest(vault.credential.accessToken)), served);
		await rm(ballast);
		assert.deepEqual([server.refreshRequests(), server.reuses()], [1, 0]);
	}

	it('ends as nobody signed in when the folder is deleted under it, and brings nothing back', async (context) => {
		const { server, vault, folder, open } = await world(context);
		await open();
		const [holder, ...others] = pool;
		assert.ok(holder);
		const held = server.fault({ on: 'refresh', hold: 'after', times: 1 });
		const arrived = server.next('refresh', { phase: 'arrived' });
		const asked = askAll(vault, [holder]);
		await arrived;
		await rm(folder, { recursive: true });
		const waiting = askAll(vault, others);
		held.dispose();
		assertAllFailed([...(await asked), ...(await waiting)], 'no_account');
		assert.equal((await vault.shelf.vault.read(vault.ref)).kind, 'absent');
		assert.equal(server.reuses(), 0);
	});

	/** A holder has sent, and then the folder of the leases is deleted. */
	async function withoutLease(context: TestContext, killable: Worker) {
		const { server, vault, open } = await world(context, [...pool, killable]);
		await open();
		const held = server.fault({ on: 'refresh', hold: 'after', times: 1 });
		const arrived = server.next('refresh', { phase: 'arrived' });
		const asked = askAll(vault, [killable]);
		asked.catch(() => undefined); // It may be killed.
		await arrived;
		await rm(join(vault.setup.storagePath, 'lease'), { recursive: true });
		const waiting = askAll(vault);
		const isWaiting = async (): Promise<boolean> => {
			const told = await Promise.all(pool.map((worker) => worker.ask({ kind: 'lines' })));
			return told.some(
				({ kind, ...more }) => kind === 'lines' && JSON.stringify(more).includes('waiting for what comes of it'),
			);
		};
		await until('another window has the lease and waits', isWaiting);
		return { server, vault, held, asked, waiting };
	}

	it('sends nothing beside a holder that lives when the lease folder is deleted under it, and adopts', async (context) => {
		const [holder] = await startWorkers(1);
		assert.ok(holder);
		context.after(() => killAll([holder]));
		const { server, vault, held, asked, waiting } = await withoutLease(context, holder);
		assert.equal(server.refreshRequests(), 1);
		held.dispose();
		oneTokenOf([...(await asked), ...(await waiting)], digest(vault.credential.accessToken));
		assert.deepEqual([server.refreshRequests(), server.reuses()], [1, 0]);
	});

	it('sends once more when a holder dies whose lease folder was deleted', async (context) => {
		const [holder] = await startWorkers(1);
		assert.ok(holder);
		context.after(() => killAll([holder]));
		const { server, held, waiting } = await withoutLease(context, holder);
		await holder.kill();
		held.dispose();
		await waiting;
		// The strict server sees a reuse: the answer went with its window.
		assert.equal(server.refreshRequests(), 2);
	});

	const rubbish = 'rubbish \u0000 {"schema":';
	const damages: Readonly<Record<string, (folder: string, name: string) => Promise<unknown>>> = {
		'the state': (folder) => writeFile(join(folder, 'state.1.rec'), rubbish),
		'the claim of the key': (folder) => writeFile(join(folder, 'key.2.rec'), rubbish),
		'the note of an earlier sending': (folder, name) => writeFile(join(folder, `${name}.intent`), rubbish),
		'an unfinished record': (folder, name) => writeFile(join(folder, `${name}.2.0123456789abcdef.tmp`), rubbish),
		'the note of the owner of the lease': async (folder, name) => {
			// Whose lock it is depends on the name of the lease; so every lock there could be is damaged.
			const { createHash } = await import('node:crypto');
			const lease = createHash('sha256').update('refresh\0demo\0b1').digest('hex');
			const lock = join(dirname(folder), 'lease', `${lease}.lock`);
			await mkdir(lock, { recursive: true, mode: 0o700 });
			await chmod(join(dirname(folder), 'lease'), 0o700);
			await writeFile(join(lock, `${'ab'.repeat(16)}.json`), rubbish);
			return name;
		},
	};
	for (const [what, damage] of Object.entries(damages))
		it(`serves everybody with one refresh although ${what} is damaged`, async (context) => {
			const { server, vault, folder, open } = await world(context);
			await damage(folder, recordName(vault.ref));
			await open();
			// On a busy machine a sped-up patience can end before an owner that nobody can judge has been silent for long enough.
			const answers = await until('nobody finds the lease taken', async () => {
				const asked = await askAll(vault);
				return asked.some((answer) => answer.kind === 'failed' && answer.code === 'locked') ? undefined : asked;
			});
			oneTokenOf(answers, digest(vault.credential.accessToken));
			assert.deepEqual([server.refreshRequests(), server.reuses()], [1, 0]);
		});

	it('says that the record is damaged, sends nothing and keeps the file', async (context) => {
		const { server, vault, folder, open } = await world(context);
		const file = join(folder, `${recordName(vault.ref)}.1.rec`);
		const bytes = Buffer.concat([(await readFile(file)).subarray(0, -20), Buffer.from(rubbish)]);
		await writeFile(file, bytes);
		await open();
		assertAllFailed(await askAll(vault), 'damaged');
		assert.equal(server.refreshRequests(), 0);
		assert.deepEqual(await readFile(file), bytes);
	});

	it('costs one refresh for each jump of the clock that takes the life of the token away, and no sign-in', async (context) => {
		const { server, vault, open } = await world(context);
		await open();
		context.after(async () => {
			await Promise.all(pool.map((worker) => worker.ask({ kind: 'clock', offsetMs: 0 })));
		});
		let token = oneTokenOf(await askAll(vault), digest(vault.credential.accessToken));
		for (const offsetMs of [-4 * HOUR_MS, -2 * HOUR_MS]) {
			// Back behind the issue of the token, and then forward past its end.
			await Promise.all(pool.map((worker) => worker.ask({ kind: 'clock', offsetMs })));
			const requests = server.refreshRequests();
			token = oneTokenOf(await askAll(vault), token);
			assert.equal(server.refreshRequests(), requests + 1);
			oneTokenOf(await askAll(vault), '');
			assert.equal(server.refreshRequests(), requests + 1);
		}
		assert.equal(server.reuses(), 0);
		assert.equal((await vault.bucket())?.needsSignIn, undefined);
	});
});
