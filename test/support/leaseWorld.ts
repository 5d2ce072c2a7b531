/** A process with leases on a disk in memory, another process that may hold them, and a clock that the test moves. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createLeases, type Lease, type LeaseRequest } from '../../src/auth/lease/lease.ts';
import type { Processes } from '../../src/auth/lease/processes.ts';
import type { ProcessIdentity } from '../../src/auth/lease/processIdentity.ts';
import { createMemoryLockDisk, type LockOperation } from './memoryLockDisk.ts';
import { publishLock } from './publishLock.ts';
import { createRecordingLog } from './recordingLog.ts';
import { createVirtualClock } from './virtualClock.ts';

const self: ProcessIdentity = {
	...{ host: 'h', machine: 'm', boot: 'b', pidNamespace: '', pid: 1, startTime: 's' },
};
export const other: ProcessIdentity = { ...self, pid: 2 };
export const NAME = 'a lease';
export const FOLDER = '/lease';
export const LOCK = `${FOLDER}/${createHash('sha256').update(NAME).digest('hex')}.lock`;
export const request: LeaseRequest = { patienceMs: 1_000, purpose: 'refresh' };
export const nothing = async (): Promise<void> => undefined;

export function leaseWorld() {
	const clock = createVirtualClock();
	const disk = createMemoryLockDisk();
	const log = createRecordingLog();
	const living = new Set([1, 2]);
	const processes: Processes = {
		self: async () => self,
		probe: async (pid) => (living.has(pid) ? { kind: 'alive', startTime: 's' } : { kind: 'dead' }),
		exists: (pid) => living.has(pid),
		probeIsCheap: true,
	};
	const leases = createLeases({ folder: FOLDER, clock, log, disk, processes });
	const startMs = clock.monotonic();
	const count = (operation: LockOperation): number => disk.operations.filter((one) => one === operation).length;
	return {
		...{ clock, disk, log, leases, count },
		kill: (pid: number): void => void living.delete(pid),
		run: <T>(work: (lease: Lease) => Promise<T>, more: Partial<LeaseRequest> = {}) =>
			clock.settle(leases.run(NAME, { ...request, ...more }, work)),
		passedMs: (): number => clock.monotonic() - startMs,
		/** The lock of another process. */
		async lock(owner = other): Promise<void> {
			await leases.prepare();
			assert.ok(await publishLock(disk, LOCK, owner, 'refresh'));
		},
		foreign: `${LOCK}/.DS_Store`,
	};
}
