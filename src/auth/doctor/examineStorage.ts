/** Tries what the extension itself needs on this machine: a folder to write, a key, a lease, news of other windows. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isAuthError } from '../errors.ts';
import { describeError } from '../log.ts';
import type { DiskShelf } from '../shelf.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Disk } from '../vault/disk.ts';
import { type Finding, finding } from './finding.ts';

/** Nobody else takes this lease but other examinations, and those are short. */
const LEASE_NAME = 'doctor';
const LEASE_PATIENCE_MS = 5_000;

export async function examineVault(shelf: DiskShelf, disk: Disk, problem: Snapshot['problem']): Promise<Finding> {
	if (problem === 'newer_schema') return finding('vault', 'newerVersion');
	const probe = join(shelf.ledger.folder, `doctor.${randomBytes(8).toString('hex')}.probe`);
	try {
		await shelf.prepare();
		await disk.writeNew(probe, randomBytes(64));
		await disk.unlink(probe);
	} catch (error) {
		return finding('vault', 'unwritable', { cause: describeError(error) });
	}
	return finding('vault', problem === 'damaged' ? 'damaged' : problem === 'storage' ? 'unknown' : 'healthy');
}

export async function examineKey(shelf: DiskShelf): Promise<Finding> {
	let found: Awaited<ReturnType<typeof shelf.key.find>>;
	try {
		found = await shelf.key.find();
	} catch (error) {
		return finding('key', 'unwritable', { cause: describeError(error) });
	}
	switch (found.kind) {
		case 'ready':
			return finding('key', 'healthy');
		case 'none':
			return finding('key', 'nothing');
		case 'missing':
			return finding('key', 'keyMissing');
		case 'unreadable':
			return finding('key', 'keySilent', { cause: describeError(found.cause) });
		case 'refused':
			return finding('key', found.reason === 'damaged' ? 'damaged' : 'newerVersion');
	}
}

export async function examineLease(shelf: DiskShelf, signal: AbortSignal): Promise<Finding> {
	try {
		await shelf.leases.run(
			LEASE_NAME,
			{ patienceMs: LEASE_PATIENCE_MS, signal, purpose: 'doctor' },
			async () => undefined,
		);
		return finding('lease', 'healthy');
	} catch (error) {
		signal.throwIfAborted();
		return finding('lease', isAuthError(error, 'locked') ? 'leaseBusy' : 'unwritable', { cause: describeError(error) });
	}
}

export function examineWatch(shelf: DiskShelf): Finding {
	const state = shelf.watch.state();
	return finding('watch', state === 'watching' ? 'healthy' : state === 'deaf' ? 'watchDeaf' : 'nothing');
}
