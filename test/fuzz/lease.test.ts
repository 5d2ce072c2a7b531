/** Notes of owners and what else lies in the folder of leases: a live owner is never robbed, and nobody waits for ever. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/auth/clock.ts';
import { isAuthError } from '../../src/auth/errors.ts';
import { createLeases } from '../../src/auth/lease/lease.ts';
import { nodeLockDisk } from '../../src/auth/lease/lockDisk.ts';
import { readOwner, sweepPrepared } from '../../src/auth/lease/lockFolder.ts';
import { nodeProcesses } from '../../src/auth/lease/processes.ts';
import { judge, type ProcessIdentity, selfIdentity } from '../../src/auth/lease/processIdentity.ts';
import { damage, damaged, fuzz } from '../support/fuzz.ts';
import { createRecordingLog } from '../support/recordingLog.ts';
import { tempFolder } from '../support/tempFolder.ts';

const NONCE = 'a'.repeat(32);
const PATIENCE_MS = 30;

test('any identity of a process is judged, and our own is alive', async () => {
	const self = await selfIdentity();
	const text = fc.oneof(
		fc.constantFrom('', self.host, self.machine, self.boot, self.pidNamespace, self.startTime),
		fc.string(),
	);
	const identity: fc.Arbitrary<ProcessIdentity> = fc.record({
		host: text,
		machine: text,
		boot: text,
		pidNamespace: text,
		pid: fc.oneof(
			fc.constant(process.pid),
			fc.integer({ min: 1, max: 2 ** 31 - 1 }),
			fc.maxSafeNat().map((n) => n + 1),
		),
		startTime: text,
	});
	await fuzz('process identities', identity, { cases: 300 }, async (owner, tally) => {
		tally.fault();
		const verdict = await judge(owner, self);
		assert.ok(['alive', 'dead', 'unknown'].includes(verdict));
		const isSameMachine = owner.machine === self.machine && owner.boot === self.boot;
		if (owner.host !== self.host && !isSameMachine) assert.equal(verdict, 'unknown');
	});
	assert.equal(await judge(self, self), 'alive');
});

test('a damaged note of a live owner does not cost it the lease', async (t) => {
	const folder = join(await tempFolder(t), 'lease');
	mkdirSync(folder, { mode: 0o700 });
	const self = await selfIdentity();
	const note = { version: 1, process: self, purpose: 'refresh' };
	const leases = createLeases({
		folder,
		clock: systemClock,
		log: createRecordingLog(),
		disk: nodeLockDisk,
		processes: nodeProcesses,
	});
	let name = 0;
	await fuzz('notes of owners', damage, { cases: 60 }, async (what, tally) => {
		if (what.kind !== 'none') tally.fault();
		const lease = `fuzz ${name++}`;
		await leases.run(lease, { patienceMs: 1000, purpose: 'first' }, async () => {
			const lock = readdirSync(folder).find((file) => file.endsWith('.lock')) ?? assert.fail();
			const [file = ''] = readdirSync(join(folder, lock));
			const bytes = damaged(note, what);
			writeFileSync(join(folder, lock, file), bytes);
			const owner = await readOwner(nodeLockDisk, join(folder, lock));
			assert.equal(owner.kind, 'owner');
			const other = createLeases({
				folder,
				clock: systemClock,
				log: createRecordingLog(),
				disk: nodeLockDisk,
				processes: nodeProcesses,
			});
			let robbed = true;
			const outcome = await other
				.run(lease, { patienceMs: PATIENCE_MS, purpose: 'second' }, async () => 'won')
				.catch((error: unknown) => error);
			if (isAuthError(outcome, 'locked')) robbed = false;
			// A note that says in good form that the owner is another, dead process is believed; no other is.
			const said = owner.kind === 'owner' ? owner.process : undefined;
			const saysDead = said !== undefined && (await judge(said, self)) === 'dead';
			assert.equal(robbed, saysDead, JSON.stringify(said));
		});
	});
});

test('whatever lies where a lock should be: typed, in time, and nothing outside is touched', async (t) => {
	const root = await tempFolder(t);
	const elsewhere = join(root, 'elsewhere');
	mkdirSync(elsewhere);
	writeFileSync(join(elsewhere, 'mine'), 'mine');
	const kind = fc.constantFrom(
		'file',
		'link to a folder',
		'dangling link',
		'empty folder',
		'folder with files',
		'note is a folder',
	);
	let round = 0;
	await fuzz(
		'things in place of a lock',
		fc.tuple(kind, fc.uint8Array({ maxLength: 50 })),
		{ cases: 40 },
		async ([what, bytes], tally) => {
			tally.fault();
			const folder = join(root, `lease-${round++}`);
			const leases = createLeases({
				folder,
				clock: systemClock,
				log: createRecordingLog(),
				disk: nodeLockDisk,
				processes: nodeProcesses,
			});
			let lock = '';
			await leases.run('x', { patienceMs: 1000, purpose: 'p' }, async () => {
				lock = join(folder, readdirSync(folder).find((file) => file.endsWith('.lock')) ?? assert.fail());
			});
			if (what === 'file') writeFileSync(lock, bytes);
			else if (what === 'link to a folder') symlinkSync(elsewhere, lock);
			else if (what === 'dangling link') symlinkSync(join(root, 'nowhere'), lock);
			else {
				mkdirSync(lock);
				if (what === 'folder with files') writeFileSync(join(lock, '.DS_Store'), bytes);
				if (what === 'note is a folder') mkdirSync(join(lock, `${NONCE}.json`));
			}
			const outcome = await leases
				.run('x', { patienceMs: PATIENCE_MS * 10, purpose: 'p' }, async () => 'held')
				.catch((error: unknown) => error);
			assert.ok(
				outcome === 'held' || isAuthError(outcome, 'storage') || isAuthError(outcome, 'locked'),
				String(outcome),
			);
			assert.equal(readFileSync(join(elsewhere, 'mine'), 'utf8'), 'mine');
			assert.ok(!existsSync(join(root, 'nowhere')));
			rmSync(folder, { recursive: true });
		},
	);
});

test('sweeping looks at what others prepared and removes only what is proved dead', async (t) => {
	const folder = await tempFolder(t);
	const self = await selfIdentity();
	const dead = { version: 1, process: { ...self, startTime: 'another' }, purpose: 'x' };
	await fuzz('prepared locks', damage, { cases: 80 }, async (what, tally) => {
		if (what.kind !== 'none') tally.fault();
		const prepared = join(folder, `${'b'.repeat(64)}.${NONCE}.new`);
		mkdirSync(prepared);
		writeFileSync(join(prepared, `${NONCE}.json`), damaged(dead, what));
		const owner = await readOwner(nodeLockDisk, prepared);
		await sweepPrepared(nodeLockDisk, folder, nodeProcesses);
		const said = owner.kind === 'owner' ? owner.process : undefined;
		const isDead = said !== undefined && (await judge(said, self)) === 'dead';
		assert.equal(existsSync(prepared), !isDead);
		rmSync(prepared, { recursive: true, force: true });
	});
});
