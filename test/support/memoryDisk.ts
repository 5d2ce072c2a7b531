/** A disk in memory with the error codes of a real one: for tests on a virtual clock, which real reads would outrun. */
import { dirname } from 'node:path';
import type { Disk } from '../../src/auth/vault/disk.ts';

export type MemoryDisk = Disk & { readonly files: Map<string, Buffer>; readonly folders: Set<string> };

export function createMemoryDisk(): MemoryDisk {
	const files = new Map<string, Buffer>();
	const folders = new Set<string>();

	function found(path: string): Buffer {
		const bytes = files.get(path);
		if (!bytes) throw systemError('ENOENT');
		return bytes;
	}

	return {
		files,
		folders,
		async readdir(folder) {
			if (!folders.has(folder)) throw systemError('ENOENT');
			return [...files.keys()].filter((path) => dirname(path) === folder).map((path) => path.slice(folder.length + 1));
		},
		async readFile(path) {
			return Buffer.from(found(path));
		},
		async writeNew(path, bytes) {
			if (!folders.has(dirname(path))) throw systemError('ENOENT');
			if (files.has(path)) throw systemError('EEXIST');
			files.set(path, Buffer.from(bytes));
		},
		async overwrite(path, bytes) {
			if (!folders.has(dirname(path))) throw systemError('ENOENT');
			files.set(path, Buffer.from(bytes));
		},
		async writeInto(path, bytes) {
			found(path);
			files.set(path, Buffer.from(bytes));
		},
		async link(existing, created) {
			const bytes = found(existing);
			if (files.has(created)) throw systemError('EEXIST');
			files.set(created, bytes);
		},
		async rename(from, to) {
			const bytes = found(from);
			files.delete(from);
			files.set(to, bytes);
		},
		async unlink(path) {
			found(path);
			files.delete(path);
		},
		async makeFolder(folder) {
			for (let path = folder; path !== dirname(path); path = dirname(path)) folders.add(path);
		},
		async syncFolder() {},
	};
}

/** An error as the system's calls throw it. */
export function systemError(code: string): Error {
	return Object.assign(new Error(code), { code });
}
