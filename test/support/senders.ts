/** Who leaves notes of sendings and who finds them, as processes of their own that live or are dead. */

import type { Processes } from '../../src/auth/lease/processes.ts';
import type { ProcessIdentity } from '../../src/auth/lease/processIdentity.ts';
import { createIntents, type Intent, type Intents } from '../../src/auth/refresh/intent.ts';
import type { Disk } from '../../src/auth/vault/disk.ts';
import type { BucketRef } from '../../src/auth/vault/sealing.ts';

const host = { host: 'h', machine: 'm', boot: 'b', pidNamespace: '' };

export function processOf(pid: number): ProcessIdentity {
	return { ...host, pid, startTime: `s${pid}` };
}

/** Process `pid` as it sees the others, of which these are alive. */
export function processesOf(pid: number, living: ReadonlySet<number> = new Set()): Pick<Processes, 'self' | 'probe'> {
	return {
		self: async () => processOf(pid),
		probe: async (other) => (living.has(other) ? { kind: 'alive', startTime: `s${other}` } : { kind: 'dead' }),
	};
}

/** The notes as a process finds them that comes when all others are dead. */
export function successor(folder: string, disk: Disk): Intents {
	return createIntents(folder, disk, processesOf(4_711));
}

/** A note of which nobody will tell the outcome. */
export async function leaveNote(intents: Intents, ref: BucketRef, intent: Intent): Promise<void> {
	await intents.begin(ref, intent);
	await intents.settle(ref, intent, intent.attempt);
}
