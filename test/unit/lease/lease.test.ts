import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { type Clock, systemClock } from '../../../src/auth/clock.ts';
import { createLeases, type LeaseRequest } from '../../../src/auth/lease/lease.ts';
import { nodeLockDisk } from '../../../src/auth/lease/lockDisk.ts';
import { readBeat, readOwner, remove } from '../../../src/auth/lease/lockFolder.ts';
import { HEARTBEAT_MS, UNJUDGEABLE_OBSERVATIONS } from '../../../src/auth/lease/ownerObserver.ts';
import { nodeProcesses } from '../../../src/auth/lease/processes.ts';
import { type ProcessIdentity, selfIdentity } from '../../../src/auth/lease/processIdentity.ts';
import { createGate } from '../../support/gate.ts';
import { publishLock } from '../../support/publishLock.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const NAME = 'a lease';
const system = { disk: nodeLockDisk, processes: nodeProcesses };
const request: LeaseRequest = { patienceMs: 5_000, purpose: 'test' };
const asRoot = process.getuid?.() === 0;

/** Nothing may throw where nobody can catch it: from a heartbeat, a timer, a release. */
const escaped: unknown[] = [];
const onEscaped = (error: unknown): void => void escaped.push(error);
before(() => void process.on('uncaughtException', onEscaped));
after(async () => {
	await wait(0);
	process.off('uncaughtException', onEscaped);
	assert.deepEqual(escaped, []);
});

/** A clock of which `speed` seconds pass in each one. */
function fastClock(speed: number): Clock {
	return {
		now: systemClock.now,
		monotonic: () => systemClock.monotonic() * speed,
		schedule: (delayMs, callback) => systemClock.schedule(delayMs / speed, callback),
	};
}

async function leasesIn(context: TestContext, clock: Clock = systemClock) {
	const folder = join(await tempFolder(context), 'lease');
	const log = createRecordingLog();
	return { folder, log, leases: createLeases({ ...system, folder, clock, log }) };
}

/** Where the lock of a lease lies: found, not computed, so that the test knows nothing of the naming. */
async function lockPathIn(folder: string, leases: ReturnType<typeof createLeases>, name = NAME): Promise<string> {
	let found: string | undefined;
	await leases.run(name, request, async () => {
		found = (await readdir(folder)).find((file) => file.endsWith('.lock'));
	});
	assert.ok(found);
	return join(folder, found);
}

async function identity(changes: Partial<ProcessIdentity>): Promise<ProcessIdentity> {
	return { ...(await selfIdentity()), ...changes };
}

/** A lock as a later version may write it: another number, and more in it than this one knows. */
async function writeNewerOwner(lockPath: string, process: ProcessIdentity): Promise<void> {
	await mkdir(lockPath, { mode: 0o700 });
	const note = { version: 2, process: { ...process, more: true }, purpose: 'refresh', more: { things: [1] } };
	await writeFile(join(lockPath, `${'e'.repeat(32)}.json`), JSON.stringify(note));
}

/** A process that does not exist: beyond the largest pid Linux gives. */
const NO_PID = 2 ** 22 + 1;

async function elapsedMs(work: Promise<unknown>): Promise<number> {
	const startMs = performance.now();
	await work;
	return performance.now() - startMs;
}

describe('lease', () => {
	it('is held by one at a time and given in the order of asking within a process', async (context) => {
		const { leases, folder, log } = await leasesIn(context);
		const second = createLeases({ ...system, folder, clock: systemClock, log });
		const order: number[] = [];
		let inside = 0;
		await Promise.all(
			Array.from({ length: 12 }, (_, index) =>
				leases.run(NAME, request, async () => {
					assert.equal(++inside, 1);
					await wait(1);
					order.push(index);
					inside--;
				}),
			),
		);
		assert.deepEqual(order, [...order.keys()]);
		// Two users of one folder in one process exclude each other as well.
		await Promise.all(
			[leases, second, leases, second].map((user) =>
				user.run(NAME, request, async () => {
					assert.equal(++inside, 1);
					await wait(1);
					inside--;
				}),
			),
		);
		assert.deepEqual(await readdir(folder), []);
	});

	it('is one per name', async (context) => {
		const { leases } = await leasesIn(context);
		await leases.run('one', request, () => leases.run('two', request, async () => undefined));
	});

	it('is released when the work rejects, and the rejection is the caller’s', async (context) => {
		const { leases, folder } = await leasesIn(context);
		await assert.rejects(
			leases.run(NAME, request, async () => {
				throw new RangeError('of the work');
			}),
			RangeError,
		);
		assert.deepEqual(await readdir(folder), []);
		await leases.run(NAME, request, async () => undefined);
	});

	it('ends waiting with `locked` in the caller’s own time, also behind callers of the same process', async (context) => {
		const { leases } = await leasesIn(context);
		await leases.run(NAME, request, async () => {
			const waiters = [100, 200, 300].map((patienceMs) =>
				assert.rejects(
					leases.run(NAME, { ...request, patienceMs }, async () => undefined),
					{ code: 'locked' },
				),
			);
			const tookMs = await elapsedMs(Promise.all(waiters));
			assert.ok(tookMs < 900, `waited ${tookMs} ms`);
		});
		await leases.run(NAME, request, async () => undefined);
	});

	it('ends waiting with `cancelled` when the signal aborts, and the next in turn is served', async (context) => {
		const { leases } = await leasesIn(context);
		const giving = new AbortController();
		const end = createGate();
		const holding = leases.run(NAME, request, () => end.passed);
		const cancelled = leases.run(NAME, { ...request, signal: giving.signal }, async () => undefined);
		const next = leases.run(NAME, request, async () => 'served');
		giving.abort();
		await assert.rejects(cancelled, { code: 'cancelled' });
		end.open();
		await holding;
		assert.equal(await next, 'served');
		await assert.rejects(
			leases.run(NAME, { ...request, signal: giving.signal }, async () => undefined),
			{ code: 'cancelled' },
		);
	});

	it('never stops the work when the signal aborts', async (context) => {
		const { leases } = await leasesIn(context);
		const giving = new AbortController();
		const outcome = await leases.run(NAME, { ...request, signal: giving.signal }, async (lease) => {
			giving.abort();
			await lease.assertHeld();
			return 'finished';
		});
		assert.equal(outcome, 'finished');
	});

	describe('of an owner who is gone', () => {
		const states: Record<string, (lockPath: string) => Promise<void>> = {
			'killed before it published: a prepared folder': async (lockPath) => {
				const prepared = lockPath.replace(/lock$/, `${randomBytes(16).toString('hex')}.new`);
				await mkdir(prepared, { recursive: true });
			},
			'killed with a prepared folder and its note': async (lockPath) => {
				await publishLock(nodeLockDisk, lockPath, await identity({ pid: NO_PID }), 'test');
				await mkdir(lockPath.replace(/lock$/, `${'0'.repeat(32)}.new`));
			},
			'killed while it held the lock': async (lockPath) => {
				await publishLock(nodeLockDisk, lockPath, await identity({ pid: NO_PID }), 'test');
			},
			'whose pid was given to another process': async (lockPath) => {
				await publishLock(nodeLockDisk, lockPath, await identity({ startTime: '1' }), 'test');
			},
			'of an earlier boot of this host': async (lockPath) => {
				await publishLock(nodeLockDisk, lockPath, await identity({ boot: 'earlier', pid: 1 }), 'test');
			},
			'killed in the middle of its release: an empty lock': async (lockPath) => {
				await mkdir(lockPath);
			},
			'killed, in a lock folder where something foreign lies as well': async (lockPath) => {
				await publishLock(nodeLockDisk, lockPath, await identity({ pid: NO_PID }), 'test');
				await writeFile(join(lockPath, '.DS_Store'), 'x');
			},
			'and only something foreign is in the lock folder': async (lockPath) => {
				await mkdir(join(lockPath, 'sub'), { recursive: true });
				await writeFile(join(lockPath, '.DS_Store'), 'x');
				await writeFile(join(lockPath, 'sub', 'file'), 'x');
			},
			'killed in a takeover: two notes of dead owners': async (lockPath) => {
				await publishLock(nodeLockDisk, lockPath, await identity({ pid: NO_PID }), 'test');
				const [note] = await readdir(lockPath);
				assert.ok(note);
				await writeFile(
					join(lockPath, `${'f'.repeat(32)}.json`),
					JSON.stringify({ version: 1, process: await identity({ pid: NO_PID }), purpose: 'test' }),
				);
			},
			'of a newer version of the extension that died': async (lockPath) => {
				await writeNewerOwner(lockPath, await identity({ pid: NO_PID }));
			},
		};
		for (const [name, prepare] of Object.entries(states)) {
			it(`is had at once: ${name}`, async (context) => {
				const { leases, folder, log } = await leasesIn(context);
				const lockPath = await lockPathIn(folder, leases);
				await prepare(lockPath);
				const next = createLeases({ ...system, folder, clock: systemClock, log });
				const tookMs = await elapsedMs(next.run(NAME, request, (lease) => lease.assertHeld()));
				assert.ok(tookMs < 400, `took ${tookMs} ms`);
				assert.ok(!(await readdir(folder)).some((file) => file.endsWith('.lock')));
			});
		}
	});

	it('is left to a newer version of the extension that lives', async (context) => {
		const { leases, folder } = await leasesIn(context);
		const lockPath = await lockPathIn(folder, leases);
		await writeNewerOwner(lockPath, await selfIdentity());
		await assert.rejects(
			leases.run(NAME, { ...request, patienceMs: 300 }, async () => undefined),
			{ code: 'locked' },
		);
		assert.equal((await readdir(lockPath)).length, 1);
	});

	describe('of an owner who cannot be judged', () => {
		const owners: Record<string, Partial<ProcessIdentity>> = {
			'on another host': { host: 'another', machine: 'another' },
			'in another pid namespace': { pidNamespace: 'pid:[1]' },
			'of an earlier boot, where the host is not certain': { boot: 'earlier', machine: '' },
		};
		const speed = 100;
		const fullMs = UNJUDGEABLE_OBSERVATIONS * HEARTBEAT_MS;
		for (const [name, changes] of Object.entries(owners)) {
			it(`is had after the counted observations and not before: ${name}`, async (context) => {
				const { leases, folder, log } = await leasesIn(context, fastClock(speed));
				const lockPath = await lockPathIn(folder, leases);
				await publishLock(nodeLockDisk, lockPath, await identity(changes), 'test');
				await assert.rejects(
					leases.run(NAME, { ...request, patienceMs: fullMs * 0.9 }, async () => undefined),
					{ code: 'locked' },
				);
				const tookMs = await elapsedMs(
					leases.run(NAME, { ...request, patienceMs: fullMs * 20 }, async () => undefined),
				);
				assert.ok(tookMs * speed >= fullMs, `after ${tookMs * speed} ms`);
				assert.ok(log.lines.some((line) => line.includes('without heartbeat')));
			});
		}

		it('is had after the counted observations where the owner’s note is torn', async (context) => {
			const { leases, folder } = await leasesIn(context, fastClock(speed));
			const lockPath = await lockPathIn(folder, leases);
			for (const note of ['', '{"version":1,"proc', 'null', '{}']) {
				await mkdir(lockPath);
				await writeFile(join(lockPath, `${randomBytes(16).toString('hex')}.json`), note);
				await assert.rejects(
					leases.run(NAME, { ...request, patienceMs: fullMs / 2 }, async () => undefined),
					{ code: 'locked' },
				);
				await leases.run(NAME, { ...request, patienceMs: fullMs * 20 }, async () => undefined);
			}
		});

		it('is never had while its heart beats, however often it is looked at', async (context) => {
			const { leases, folder } = await leasesIn(context, fastClock(speed));
			const lockPath = await lockPathIn(folder, leases);
			const nonce = await publishLock(
				nodeLockDisk,
				lockPath,
				await identity({ host: 'another', machine: 'another' }),
				'test',
			);
			assert.ok(nonce);
			let beats = 0;
			const heart = setInterval(
				() => {
					beats++;
					// Times of another host's clock, which may stand anywhere and go backwards.
					const at = new Date(Date.UTC(2001, 0, 1) - beats * 5_000);
					utimes(lockPath, at, at).catch(() => undefined);
				},
				(HEARTBEAT_MS * 5) / speed,
			);
			context.after(() => clearInterval(heart));
			await assert.rejects(
				leases.run(NAME, { ...request, patienceMs: fullMs * 5 }, async () => undefined),
				{ code: 'locked' },
			);
			const owner = await readOwner(nodeLockDisk, lockPath);
			assert.ok(owner.kind === 'owner' && owner.nonce === nonce);
		});
	});

	describe('of a live owner', () => {
		it('is never robbed, whatever the clock or the lock’s own time says', async (context) => {
			const { leases, folder, log } = await leasesIn(context);
			const other = createLeases({ ...system, folder, clock: systemClock, log });
			const now = Date.now;
			context.after(() => {
				Date.now = now;
			});
			await leases.run(NAME, request, async (lease) => {
				const [lock] = await readdir(folder);
				assert.ok(lock);
				for (const offsetMs of [-4 * 3_600_000, 3_600_000, 90 * 86_400_000, -20 * 365 * 86_400_000]) {
					Date.now = () => now() + offsetMs;
					for (const at of [new Date(0), new Date(now() + 90 * 86_400_000), new Date(now() - 90 * 86_400_000)]) {
						await utimes(join(folder, lock), at, at);
						await assert.rejects(
							other.run(NAME, { ...request, patienceMs: 30 }, async () => undefined),
							{ code: 'locked' },
						);
					}
				}
				Date.now = now;
				await lease.assertHeld();
			});
		});

		it('survives a lock folder whose time somebody changed, heart and all, and is released', async (context) => {
			const { leases, folder, log } = await leasesIn(context);
			await leases.run(NAME, request, async (lease) => {
				const [lock] = await readdir(folder);
				assert.ok(lock);
				const lockPath = join(folder, lock);
				const future = new Date(Date.now() + 86_400_000);
				await utimes(lockPath, future, future);
				await writeFile(join(lockPath, '.DS_Store'), 'x');
				const first = await readBeat(nodeLockDisk, lockPath);
				await wait(HEARTBEAT_MS * 1.6);
				assert.notEqual(await readBeat(nodeLockDisk, lockPath), first, 'the heart stopped');
				assert.equal((await readOwner(nodeLockDisk, lockPath)).kind, 'owner');
				assert.equal(lease.signal.aborted, false);
				await lease.assertHeld();
			});
			assert.deepEqual(
				log.lines.filter((line) => line.startsWith('warn')),
				[],
			);
			const next = createLeases({ ...system, folder, clock: systemClock, log });
			await next.run(NAME, { ...request, patienceMs: 500 }, async () => undefined);
		});

		it('beats at another time each time, though the clock stands still', async (context) => {
			const { leases, folder } = await leasesIn(context);
			const frozen = Date.now();
			context.mock.method(Date, 'now', () => frozen);
			await leases.run(NAME, request, async () => {
				const [lock] = await readdir(folder);
				assert.ok(lock);
				const first = await readBeat(nodeLockDisk, join(folder, lock));
				await wait(HEARTBEAT_MS * 1.6);
				assert.notEqual(await readBeat(nodeLockDisk, join(folder, lock)), first);
			});
		});
	});

	describe('that was lost', () => {
		it('is noticed by `assertHeld` at once and by the signal within two heartbeats, and is released without a throw', async (context) => {
			const { leases, folder, log } = await leasesIn(context);
			const successor = createLeases({ ...system, folder, clock: systemClock, log });
			const [begun, end] = [createGate(), createGate()];
			let lockPath = '';
			let next: Promise<void> | undefined;
			await leases.run(NAME, request, async (lease) => {
				const [lock] = await readdir(folder);
				assert.ok(lock);
				const owner = await readOwner(nodeLockDisk, join(folder, lock));
				assert.ok(owner.kind === 'owner');
				await remove(nodeLockDisk, join(folder, lock), owner.nonce);
				lockPath = join(folder, lock);
				await assert.rejects(lease.assertHeld(), { code: 'conflict' });
				next = successor.run(NAME, request, () => {
					begun.open();
					return end.passed;
				});
				await begun.passed;
				await wait(HEARTBEAT_MS * 1.6);
				assert.equal(lease.signal.aborted, true);
			});
			// The loser's release has not touched the successor's lock.
			assert.equal((await readOwner(nodeLockDisk, lockPath)).kind, 'owner');
			end.open();
			await next;
		});

		it('with its whole folder is a conflict for its holder, and the next run works', async (context) => {
			const { leases, folder } = await leasesIn(context);
			await leases.run(NAME, request, async (lease) => {
				await rm(folder, { recursive: true });
				await assert.rejects(lease.assertHeld(), { code: 'conflict' });
			});
			await leases.run(NAME, request, (lease) => lease.assertHeld());
			await rm(folder, { recursive: true });
			await leases.run(NAME, request, (lease) => lease.assertHeld());
		});
	});

	describe('folder', () => {
		it('is refused with `storage` when it is a link or a file', async (context) => {
			const root = await tempFolder(context);
			await mkdir(join(root, 'target'));
			await symlink(join(root, 'target'), join(root, 'link'));
			await writeFile(join(root, 'file'), '');
			for (const name of ['link', 'file', 'file/below']) {
				const leases = createLeases({
					...system,
					folder: join(root, name),
					clock: systemClock,
					log: createRecordingLog(),
				});
				await assert.rejects(
					leases.run(NAME, request, async () => undefined),
					{ code: 'storage' },
					name,
				);
			}
			assert.deepEqual(await readdir(join(root, 'target')), []);
		});

		it('is refused with `storage` when it is somebody else’s, and used once it is ours', {
			skip: !asRoot && 'needs root',
		}, async (context) => {
			const root = await tempFolder(context);
			const folder = join(root, 'planted');
			await mkdir(folder);
			await chmod(folder, 0o777);
			await chown(folder, 65_534, 65_534);
			const leases = createLeases({ ...system, folder, clock: systemClock, log: createRecordingLog() });
			await assert.rejects(
				leases.run(NAME, request, async () => undefined),
				{ code: 'storage' },
			);
			await chown(folder, 0, 0);
			await leases.run(NAME, request, async () => undefined);
		});

		it('is never left by a name, however hostile', async (context) => {
			const root = await tempFolder(context);
			const folder = join(root, 'lease');
			const leases = createLeases({ ...system, folder, clock: systemClock, log: createRecordingLog() });
			await fc.assert(
				fc.asyncProperty(
					fc.oneof(
						fc.string({ unit: 'binary', maxLength: 300 }),
						fc.constantFrom('', '.', '..', '../../x', '/etc/x', 'a/b', 'CON', 'a\0b', '\\\\host\\share', '~'),
					),
					async (name) => {
						await leases.run(name, request, async () => {
							assert.deepEqual(await readdir(root), ['lease']);
							const files = await readdir(folder);
							assert.equal(files.length, 1);
							assert.match(files[0] ?? '', /^[0-9a-f]{64}\.lock$/);
						});
					},
				),
				{ numRuns: 50 },
			);
		});
	});
});
