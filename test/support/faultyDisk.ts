/** Makes any operation of a disk fail: before it happened, or after it happened and nobody was told. */
import type { Disk } from '../../src/auth/vault/disk.ts';
import { systemError } from './memoryDisk.ts';

export type DiskOperation = keyof Disk;

export const diskOperations: readonly DiskOperation[] = [
	'readdir',
	'readFile',
	'writeNew',
	'overwrite',
	'writeInto',
	'link',
	'rename',
	'unlink',
	'makeFolder',
	'syncFolder',
];

export type DiskFault = {
	readonly operation: DiskOperation;
	readonly code: string;
	/** `after`: the operation took effect, only its success was lost. */
	readonly when: 'before' | 'after';
	/** The first call that fails, counted from 1, of those whose path matches. */
	readonly from: number;
	readonly times: number;
	readonly path?: RegExp;
};

export type FaultyDisk = Disk & {
	/** Replaces the fault in force. */
	set(fault: DiskFault | undefined): void;
	/** How often each operation was called since the last `set`. */
	readonly calls: ReadonlyMap<DiskOperation, number>;
	/** How often the fault struck since the last `set`. */
	hits(): number;
};

export function createFaultyDisk(disk: Disk): FaultyDisk {
	const calls = new Map<DiskOperation, number>();
	let fault: DiskFault | undefined;
	let matching = 0;
	let hits = 0;

	async function perform<T>(operation: DiskOperation, path: string, work: () => Promise<T>): Promise<T> {
		calls.set(operation, (calls.get(operation) ?? 0) + 1);
		const present = fault;
		if (present?.operation !== operation || (present.path && !present.path.test(path))) return work();
		matching++;
		if (matching < present.from || matching >= present.from + present.times) return work();
		hits++;
		if (present.when === 'after') await work();
		throw systemError(present.code);
	}

	return {
		calls,
		hits: () => hits,
		set(next) {
			fault = next;
			matching = 0;
			hits = 0;
			calls.clear();
		},
		readdir: (folder) => perform('readdir', folder, () => disk.readdir(folder)),
		readFile: (path) => perform('readFile', path, () => disk.readFile(path)),
		writeNew: (path, bytes) => perform('writeNew', path, () => disk.writeNew(path, bytes)),
		overwrite: (path, bytes) => perform('overwrite', path, () => disk.overwrite(path, bytes)),
		writeInto: (path, bytes) => perform('writeInto', path, () => disk.writeInto(path, bytes)),
		link: (existing, created) => perform('link', created, () => disk.link(existing, created)),
		rename: (from, to) => perform('rename', to, () => disk.rename(from, to)),
		unlink: (path) => perform('unlink', path, () => disk.unlink(path)),
		makeFolder: (folder) => perform('makeFolder', folder, () => disk.makeFolder(folder)),
		syncFolder: (folder) => perform('syncFolder', folder, () => disk.syncFolder(folder)),
	};
}
