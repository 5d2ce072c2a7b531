/**
 * The file system as the core uses it: few operations, handed in as an argument, so that every write has a test in
 * which it fails, and so that what is durable is decided in one place.
 */
import { close, open as openFile, read } from 'node:fs';
import * as fs from 'node:fs/promises';

export type Disk = {
	readdir(folder: string): Promise<string[]>;
	readFile(path: string): Promise<Buffer>;
	/** Creates the file (fails if it exists), writes it whole and forces it to the disk. Mode 0600. */
	writeNew(path: string, bytes: Uint8Array): Promise<void>;
	/**
	 * Writes the file in place, for what may be torn and need not survive a power cut: who dies in the middle leaves it
	 * empty. Mode 0600.
	 */
	overwrite(path: string, bytes: Uint8Array): Promise<void>;
	/** Writes a file that exists from its beginning on, cuts it off behind that, and forces it to the disk. */
	writeInto(path: string, bytes: Uint8Array): Promise<void>;
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
		if (!hasCodeOf(SYNC_UNSUPPORTED, error)) throw error;
	}
}

const CHUNK_BYTES = 16 * 1024;

/** In the fewest steps: each one waits for a thread that other extensions use too, and whoever reads here has somebody waiting. */
function readFile(path: string): Promise<Buffer> {
	return new Promise((resolve, reject) => {
		openFile(path, 'r', (openError, fd) => {
			if (openError) return reject(openError);
			const chunks: Buffer[] = [];
			const next = (): void => {
				const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
				read(fd, chunk, 0, CHUNK_BYTES, null, (error, bytes) => {
					if (!error && bytes > 0) {
						chunks.push(chunk.subarray(0, bytes));
						return next();
					}
					close(fd, () => undefined); // Nothing was written: nothing can be lost by it.
					if (error) reject(error);
					else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
				});
			};
			next();
		});
	});
}

export const nodeDisk: Disk = {
	readdir: (folder) => fs.readdir(folder),
	readFile,
	async writeNew(path, bytes) {
		const file = await fs.open(path, 'wx', 0o600);
		try {
			await file.writeFile(bytes);
			await syncFile(file);
		} finally {
			await file.close();
		}
	},
	overwrite: (path, bytes) => fs.writeFile(path, bytes, { mode: 0o600 }),
	async writeInto(path, bytes) {
		const file = await fs.open(path, 'r+');
		try {
			await file.writeFile(bytes);
			await file.truncate(bytes.length);
			await syncFile(file);
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
			if (!hasCodeOf(FOLDER_SYNC_UNSUPPORTED, error)) throw error;
		}
	},
};

/** The `code` of a system error, e.g. `ENOENT`. */
export function errorCode(error: unknown): string | undefined {
	return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Whether it is a system error with one of these codes. */
export function hasCodeOf(codes: ReadonlySet<string>, error: unknown): boolean {
	const code = errorCode(error);
	return code !== undefined && codes.has(code);
}
