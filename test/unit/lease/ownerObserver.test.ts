import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLeases, POLL_MS } from '../../../src/auth/lease/lease.ts';
import type { LockDisk } from '../../../src/auth/lease/lockDisk.ts';
import type { Owner } from '../../../src/auth/lease/lockFolder.ts';
import {
	CLOSE_LOOK_MS,
	createOwnerObserver,
	HEARTBEAT_MS,
	UNJUDGEABLE_OBSERVATIONS,
} from '../../../src/auth/lease/ownerObserver.ts';
import type { Processes } from '../../../src/auth/lease/processes.ts';
import type { ProcessIdentity } from '../../../src/auth/lease/processIdentity.ts';
import { systemError } from '../../support/memoryDisk.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { createVirtualClock } from '../../support/virtualClock.ts';

const self: ProcessIdentity = {
	host: 'h',
	machine: 'm',
	boot: 'b',
	pidNamespace: '',
	pid: 1,
	startTime: 's',
};

function owner(changes: Partial<Owner> = {}): Owner {
	return { kind: 'owner', nonce: 'n', process: { ...self, pid: 2 }, purpose: 'test', ...changes };
}

const still = async (): Promise<string> => '0';

/** One other process, and how often it was looked at closely. */
function processes(options: { probeIsCheap: boolean }) {
	const other = { startTime: 's', exists: true, isZombie: false };
	const counts = { probes: 0, glances: 0 };
	const port: Processes = {
		self: async () => self,
		async probe() {
			counts.probes++;
			return other.exists && !other.isZombie ? { kind: 'alive', startTime: other.startTime } : { kind: 'dead' };
		},
		exists() {
			counts.glances++;
			return other.exists;
		},
		...options,
	};
	return { other, counts, port };
}

describe('a waiter’s look at an owner', () => {
	it('starts a program at first sight and then every two seconds at most, however often it looks', async () => {
		const clock = createVirtualClock();
		const { counts, port } = processes({ probeIsCheap: false });
		const observer = createOwnerObserver(port, clock);
		const seconds = 10;
		for (let atMs = 0; atMs < seconds * 1_000; atMs += POLL_MS) {
			assert.equal(await observer.look(owner(), still), 'present');
			await clock.advance(POLL_MS);
		}
		assert.equal(counts.probes, (seconds * 1_000) / CLOSE_LOOK_MS);
		assert.ok(counts.glances >= 80);
	});

	it('notices at the next look that the process has gone, and within two seconds that it is a zombie or another one', async () => {
		for (const change of ['gone', 'zombie', 'another'] as const) {
			const clock = createVirtualClock();
			const { other, port } = processes({ probeIsCheap: false });
			const observer = createOwnerObserver(port, clock);
			assert.equal(await observer.look(owner(), still), 'present');
			if (change === 'gone') other.exists = false;
			if (change === 'zombie') other.isZombie = true;
			if (change === 'another') other.startTime = 'later';
			await clock.advance(POLL_MS);
			assert.equal(await observer.look(owner(), still), change === 'gone' ? 'dead' : 'present');
			await clock.advance(CLOSE_LOOK_MS);
			assert.equal(await observer.look(owner(), still), 'dead', change);
		}
	});

	it('looks closely at once when the owner is another', async () => {
		const { other, counts, port } = processes({ probeIsCheap: false });
		const observer = createOwnerObserver(port, createVirtualClock());
		await observer.look(owner(), still);
		other.isZombie = true;
		assert.equal(await observer.look(owner({ nonce: 'another' }), still), 'dead');
		assert.equal(counts.probes, 2);
	});

	it('is always a close one where that is cheap', async () => {
		const { other, port } = processes({ probeIsCheap: true });
		const observer = createOwnerObserver(port, createVirtualClock());
		await observer.look(owner(), still);
		other.isZombie = true;
		assert.equal(await observer.look(owner(), still), 'dead');
	});

	it('takes no pid of another host for one of ours', async () => {
		const clock = createVirtualClock();
		const { other, counts, port } = processes({ probeIsCheap: false });
		other.exists = false;
		const observer = createOwnerObserver(port, clock);
		const foreign = owner({ process: { ...self, machine: 'another', pid: 2 } });
		for (let beat = 0; beat < UNJUDGEABLE_OBSERVATIONS; beat++) {
			assert.equal(await observer.look(foreign, still), 'present');
			await clock.advance(HEARTBEAT_MS);
		}
		assert.equal(await observer.look(foreign, still), 'silent');
		assert.deepEqual(counts, { probes: 0, glances: 0 });
	});

	it('counts no look that comes sooner than a heartbeat, and begins anew with each beat and each owner', async () => {
		const clock = createVirtualClock();
		const { counts, port } = processes({ probeIsCheap: true });
		const observer = createOwnerObserver(port, clock);
		const torn = owner({ process: undefined });
		let beats = 0;
		let looked = torn;
		const look = () => observer.look(looked, async () => String(beats));
		// Often, in less than the time of all observations.
		for (let atMs = 0; atMs < UNJUDGEABLE_OBSERVATIONS * HEARTBEAT_MS; atMs += HEARTBEAT_MS / 4) {
			assert.equal(await look(), 'present', String(atMs));
			await clock.advance(HEARTBEAT_MS / 4);
		}
		beats++;
		const silentAfter = async (): Promise<number> => {
			let looks = 0;
			while ((await look()) === 'present') {
				looks++;
				assert.ok(looks <= UNJUDGEABLE_OBSERVATIONS);
				await clock.advance(HEARTBEAT_MS);
			}
			return looks;
		};
		assert.equal(await silentAfter(), UNJUDGEABLE_OBSERVATIONS);
		looked = { ...torn, nonce: 'another' };
		assert.equal(await silentAfter(), UNJUDGEABLE_OBSERVATIONS);
		assert.equal(counts.probes, 0);
	});
});

describe('a lock whose removal fails', () => {
	/** A disk with one lock, which can refuse to remove it. */
	function diskWith(refusals: { left: number }): LockDisk & { readonly names: Set<string> } {
		const names = new Set<string>();
		const owners = (folder: string): string[] =>
			[...names].filter((name) => name.startsWith(`${folder}/`)).map((name) => name.slice(folder.length + 1));
		return {
			names,
			ensurePrivateFolder: async () => undefined,
			mkdir: async () => undefined,
			writeNew: async (path) => void names.add(path),
			async place(folder, target) {
				if (owners(target).length > 0) return false;
				for (const name of owners(folder)) {
					names.delete(`${folder}/${name}`);
					names.add(`${target}/${name}`);
				}
				return true;
			},
			readdir: async (folder) => owners(folder),
			readFile: async () => JSON.stringify({ version: 1, process: self, purpose: 'test' }),
			changed: async () => '0',
			touch: async () => undefined,
			async unlink(path) {
				if (refusals.left-- > 0) throw systemError('EBUSY');
				if (!names.delete(path)) throw systemError('ENOENT');
			},
			rmdir: async () => undefined,
			async removeAll(path) {
				for (const name of owners(path)) names.delete(`${path}/${name}`);
			},
		};
	}

	const request = { patienceMs: 300, purpose: 'test' };
	const alive: Processes = {
		self: async () => self,
		probe: async () => ({ kind: 'alive', startTime: 's' }),
		exists: () => true,
		probeIsCheap: true,
	};

	it('is removed a moment later, and what the work came to is the caller’s', async () => {
		const clock = createVirtualClock();
		const disk = diskWith({ left: 3 });
		const leases = createLeases({ folder: '/lease', clock, log: createRecordingLog(), disk, processes: alive });
		assert.equal(await clock.settle(leases.run('a', request, async () => 'done')), 'done');
		assert.deepEqual([...disk.names], []);
	});

	it('keeps others waiting in the end, but never this process itself', async () => {
		const clock = createVirtualClock();
		const refusals = { left: 50 };
		const disk = diskWith(refusals);
		const log = createRecordingLog();
		const leases = createLeases({ folder: '/lease', clock, log, disk, processes: alive });
		const other = createLeases({ folder: '/lease', clock, log, disk, processes: alive });
		assert.equal(await clock.settle(leases.run('a', request, async () => 'done')), 'done');
		await assert.rejects(clock.settle(other.run('a', request, async () => undefined)), { code: 'locked' });
		refusals.left = 0;
		assert.equal(await clock.settle(leases.run('a', request, async () => 'again')), 'again');
		assert.deepEqual([...disk.names], []);
	});
});
