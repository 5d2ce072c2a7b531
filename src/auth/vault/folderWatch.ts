/** The file system's events for one folder, handed in as an argument: which names in it were touched. */
import { watch } from 'node:fs';
import { rm, stat, writeFile } from 'node:fs/promises';
import type { Disposable } from '../event.ts';
import { errorCode } from './disk.ts';

export type FolderWatch = {
	/**
	 * Calls back with the name of a file in the folder that was touched, with the folder's own name when it was moved or
	 * deleted, or with null where the system does not tell. Throws if the folder cannot be watched. Keeps no process alive.
	 */
	open(folder: string, onEvent: (name: string | null) => void, onError: (error: unknown) => void): Disposable;
	/** Tells one folder from another of the same name; undefined if there is none. */
	identify(folder: string): Promise<string | undefined>;
	/** Makes an empty file, so that there is an event. */
	touch(path: string): Promise<void>;
	/** Removes it; nothing happens if it is gone. */
	remove(path: string): Promise<void>;
};

export const nodeFolderWatch: FolderWatch = {
	open(folder, onEvent, onError) {
		const watcher = watch(folder, { persistent: false }, (_event, name) => onEvent(name));
		watcher.on('error', onError);
		return { dispose: () => watcher.close() };
	},
	async identify(folder) {
		try {
			return String((await stat(folder, { bigint: true })).ino);
		} catch (error) {
			if (errorCode(error) === 'ENOENT') return undefined;
			throw error;
		}
	},
	touch: (path) => writeFile(path, '', { mode: 0o600 }),
	remove: (path) => rm(path, { force: true }),
};
