/**
 * The file system as the lease uses it: few operations, handed in as an argument, so that the shipped lease also runs over
 * a simulated disk on which a test decides who comes first, and who dies between two operations.
 */
import * as fs from 'node:fs/promises';
import { ensurePrivateFolder } from '../privateFolder.ts';
import { errorCode } from '../vault/disk.ts';

export type LockDisk = {
	/** See {@link ensurePrivateFolder}. */
	ensurePrivateFolder(folder: string): Promise<void>;
	/** Mode 0700. Its parent must be there. */
	mkdir(folder: string): Promise<void>;
	/** Creates the file (fails if it exists) and writes it. Mode 0600. Nothing is forced to the disk: no lock outlives a boot. */
	writeNew(path: string, text: string): Promise<void>;
	/** Puts a folder in the place of nothing or of an empty folder, in one step; `false` if the place is taken. */
	place(folder: string, target: string): Promise<boolean>;
	readdir(folder: string): Promise<string[]>;
	readFile(path: string): Promise<string>;
	/** Time of the last change of a folder: an opaque text, compared for equality only. */
	changed(folder: string): Promise<string>;
	/** Sets that time. */
	touch(folder: string, at: Date): Promise<void>;
	unlink(path: string): Promise<void>;
	/** Fails if the folder is not empty. */
	rmdir(folder: string): Promise<void>;
	/** A file or a folder with all that is in it; nothing happens if it is not there. */
	removeAll(path: string): Promise<void>;
};

export const nodeLockDisk: LockDisk = {
	ensurePrivateFolder,
	async mkdir(folder) {
		await fs.mkdir(folder, { mode: 0o700 });
	},
	writeNew: (path, text) => fs.writeFile(path, text, { mode: 0o600, flag: 'wx' }),
	place: process.platform === 'win32' ? placeOnWindows : place,
	readdir: (folder) => fs.readdir(folder),
	readFile: (path) => fs.readFile(path, 'utf8'),
	changed: async (folder) => String((await fs.lstat(folder, { bigint: true })).mtimeNs),
	touch: (folder, at) => fs.utimes(folder, at, at),
	unlink: (path) => fs.unlink(path),
	rmdir: (folder) => fs.rmdir(folder),
	removeAll: (path) => fs.rm(path, { recursive: true, force: true }),
};

async function place(folder: string, target: string): Promise<boolean> {
	try {
		await fs.rename(folder, target);
		return true;
	} catch (error) {
		if (errorCode(error) === 'ENOTEMPTY' || errorCode(error) === 'EEXIST') return false;
		throw error;
	}
}

/** Windows replaces no folder, not even an empty one, and says EPERM or EACCES of one that is there or being deleted. */
async function placeOnWindows(folder: string, target: string): Promise<boolean> {
	await fs.rmdir(target).catch(() => undefined); // Not there, or not empty: the rename says what matters.
	try {
		return await place(folder, target);
	} catch (error) {
		if (errorCode(error) === 'EPERM' || errorCode(error) === 'EACCES') return false;
		throw error;
	}
}
