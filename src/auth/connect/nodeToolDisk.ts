/** The real file system behind {@link ToolDisk}. */
import * as fs from 'node:fs/promises';
import path from 'node:path';
import { nodeDisk } from '../vault/disk.ts';
import type { ToolDisk } from './toolFile.ts';

export const nodeToolDisk: ToolDisk = {
	readFile: (file) => fs.readFile(file),
	async stat(file) {
		const stats = await fs.lstat(file);
		return { mode: stats.mode, isLink: stats.isSymbolicLink(), isFile: stats.isFile() };
	},
	async readLink(file) {
		return path.resolve(await fs.realpath(path.dirname(file)), await fs.readlink(file));
	},
	async writeNew(file, bytes, mode) {
		const handle = await fs.open(file, 'wx', mode);
		try {
			await handle.writeFile(bytes);
			// Again, because the process's mask took bits away when the file was created.
			await handle.chmod(mode);
			await handle.sync();
		} finally {
			await handle.close();
		}
	},
	link: (existing, created) => fs.link(existing, created),
	rename: (from, to) => fs.rename(from, to),
	unlink: (file) => fs.unlink(file),
	makeFolder: (folder) => fs.mkdir(folder, { mode: 0o700 }),
	removeFolder: (folder) => fs.rmdir(folder),
	syncFolder: (folder) => nodeDisk.syncFolder(folder),
	readdir: (folder) => fs.readdir(folder),
};
