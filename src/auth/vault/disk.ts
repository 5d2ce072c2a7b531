/**
 * The file system as the core uses it: few operations, handed in as an argument, so that every write has a test in
 * which it fails, and so that what is durable is decided in one place.
 */
import * as fs from 'node:fs/promises';

export type WriteOptions = { readonly durable?: boolean };

export type Disk = {
	readdir(folder: string): Promise<string[]>;
	readFile(path: string): Promise<Buffer>;
	/**
	 * Creates the file (fails if it exists), writes it whole and forces it to the disk, unless it need not survive a power
	 * cut. Mode 0600.
	 */
	writeNew(path: string, bytes: Uint8Array, options?: WriteOptions): Promise<void>;
	/** A second name for a file; fails with EEXIST instead of replacing: the compare of our compare-and-set. */
	link(existing: string, created: string): Promise<void>;
	rename(from: string, to: string): Promise<void>;
	unlink(path: string): Promise<void>;
	/** Creates the folder and its parents, mode 0700. */
	makeFolder(folder: string): Promise<void>;
	/** Forces names in the folder to the disk. */
	syncFolder(folder: string): Promise<void>;
};

/** Systems and file systems on which a folder cannot be opened or synced; the rename itself is all there is then. */
const FOLDER_SYNC_UNSUPPORTED = new Set(['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'ENOSYS']);

/** File systems without fsync, some of those mounted over a network: what was written is all there is. A failed sync is an error. */
const SYNC_UNSUPPORTED = new Set(['EINVAL', 'ENOTSUP', 'ENOSYS']);

async function syncFile(file: fs.FileHandle): Promise<void> {
	try {
		await file.sync();
	} catch (error) {
		if (!SYNC_UNSUPPORTED.has(errorCode(error) ?? '')) throw error;
	}
}

export const nodeDisk: Disk = {
	readdir: (folder) => fs.readdir(folder),
	readFile: (path) => fs.readFile(path),
	async writeNew(path, bytes, { durable = true } = {}) {
		const file = await fs.open(path, 'wx', 0o600);
		try {
			await file.writeFile(bytes);
			if (durable) await syncFile(file);
		} finally {
			await file.close();
		}
	},
	link: (existing, created) => fs.link(existing, created),
	rename: (from, to) => fs.rename(from, to),
	unlink: (path) => fs.unlink(path),
	async makeFolder(folder) {
		await fs.mkdir(folder, { recursive: true, mode: 0o700 });
	},
	async syncFolder(folder) {
		try {
			const handle = await fs.open(folder, 'r');
			try {
				await handle.sync();
			} finally {
				await handle.close();
			}
		} catch (error) {
			if (!FOLDER_SYNC_UNSUPPORTED.has(errorCode(error) ?? '')) throw error;
		}
	},
};

/** The `code` of a system error, e.g. `ENOENT`. */
export function errorCode(error: unknown): string | undefined {
	return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
