/** A disk whose process is killed: after a number of operations nothing it is asked to do happens any more. */
import type { Disk } from '../../src/auth/vault/disk.ts';
import { systemError } from './memoryDisk.ts';

export type InterruptedDisk = Disk & {
	/** Counts anew; this many operations still happen. */
	endAfter(operations: number): void;
	/** Whether one did not happen since. */
	hasEnded(): boolean;
};

export function createInterruptedDisk(disk: Disk): InterruptedDisk {
	let remaining = Number.POSITIVE_INFINITY;
	let ended = false;

	async function perform<T>(work: () => Promise<T>): Promise<T> {
		if (remaining <= 0) {
			ended = true;
			throw systemError('EIO');
		}
		remaining--;
		return work();
	}

	return {
		endAfter(operations) {
			remaining = operations;
			ended = false;
		},
		hasEnded: () => ended,
		readdir: (folder) => perform(() => disk.readdir(folder)),
		readFile: (path) => perform(() => disk.readFile(path)),
		writeNew: (path, bytes) => perform(() => disk.writeNew(path, bytes)),
		overwrite: (path, bytes) => perform(() => disk.overwrite(path, bytes)),
		writeInto: (path, bytes) => perform(() => disk.writeInto(path, bytes)),
		link: (existing, created) => perform(() => disk.link(existing, created)),
		rename: (from, to) => perform(() => disk.rename(from, to)),
		unlink: (path) => perform(() => disk.unlink(path)),
		makeFolder: (folder) => perform(() => disk.makeFolder(folder)),
		syncFolder: (folder) => perform(() => disk.syncFolder(folder)),
	};
}
