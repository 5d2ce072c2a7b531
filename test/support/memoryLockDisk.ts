/** A disk for leases in memory, with the error codes of a real one: for tests on a virtual clock, which real reads would outrun. */
import { dirname } from 'node:path';
import type { LockDisk } from '../../src/auth/lease/lockDisk.ts';
import { systemError } from './memoryDisk.ts';

export type LockOperation = keyof LockDisk;

export type MemoryLockDisk = LockDisk & {
	/** What lies there by path: the text of a file, undefined for a folder. */
	readonly nodes: Map<string, string | undefined>;
	/** What was asked for so far. */
	readonly operations: LockOperation[];
	/** Replaces what is called before each operation; the operation fails with what that throws. */
	onOperation(listener: (operation: LockOperation, path: string) => void): void;
};

export function createMemoryLockDisk(): MemoryLockDisk {
	const nodes = new Map<string, string | undefined>();
	const operations: LockOperation[] = [];
	let told: (operation: LockOperation, path: string) => void = () => undefined;
	let changes = 0;

	const below = (folder: string): string[] => [...nodes.keys()].filter((path) => dirname(path) === folder);

	function existing(path: string): void {
		if (!nodes.has(path)) throw systemError('ENOENT');
	}

	function removeAll(path: string): void {
		for (const child of below(path)) removeAll(child);
		nodes.delete(path);
	}

	async function perform<T>(operation: LockOperation, path: string, effect: () => T): Promise<T> {
		operations.push(operation);
		told(operation, path);
		return effect();
	}

	function create(path: string, text: string | undefined): void {
		existing(dirname(path));
		if (nodes.has(path)) throw systemError('EEXIST');
		nodes.set(path, text);
	}

	return {
		nodes,
		operations,
		onOperation: (listener) => {
			told = listener;
		},
		ensurePrivateFolder: (folder) => perform('ensurePrivateFolder', folder, () => void nodes.set(folder, undefined)),
		mkdir: (folder) => perform('mkdir', folder, () => create(folder, undefined)),
		writeNew: (path, text) => perform('writeNew', path, () => create(path, text)),
		place: (folder, target) =>
			perform('place', target, () => {
				existing(folder);
				if (below(target).length > 0) return false;
				nodes.set(target, undefined);
				for (const path of below(folder)) nodes.set(path.replace(folder, target), nodes.get(path));
				removeAll(folder);
				return true;
			}),
		readdir: (folder) =>
			perform('readdir', folder, () => {
				existing(folder);
				return below(folder).map((path) => path.slice(folder.length + 1));
			}),
		readFile: (path) =>
			perform('readFile', path, () => {
				existing(path);
				return nodes.get(path) ?? '';
			}),
		changed: (folder) => perform('changed', folder, () => String(changes)),
		touch: (folder) => perform('touch', folder, () => void changes++),
		unlink: (path) =>
			perform('unlink', path, () => {
				existing(path);
				nodes.delete(path);
			}),
		rmdir: (folder) =>
			perform('rmdir', folder, () => {
				existing(folder);
				if (below(folder).length > 0) throw systemError('ENOTEMPTY');
				nodes.delete(folder);
			}),
		removeAll: (path) => perform('removeAll', path, () => removeAll(path)),
	};
}
