/** Finds the file that a command names, so that what runs is known before it is started. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';
import { isAbsolutePath } from './searchPath.ts';

export type Program =
	| { readonly kind: 'found'; readonly file: string }
	| { readonly kind: 'absent' }
	/** Neither an absolute path nor a bare name: what it means would depend on the working directory. */
	| { readonly kind: 'relative' }
	/** A batch file of Windows: only its shell can run it, and that shell takes arguments apart again. */
	| { readonly kind: 'batch' };

/** In the order in which Windows looks; scripts of other hosts are not programs. */
const WINDOWS_EXTENSIONS = ['.com', '.exe', '.bat', '.cmd'];
const BATCH = /\.(?:bat|cmd)$/i;

/**
 * @param folders those of {@link searchFolders}
 * @param isProgram whether this file can be started
 */
export async function findProgram(
	command: string,
	folders: readonly string[],
	platform: NodeJS.Platform,
	isProgram: (file: string) => Promise<boolean> = isExecutable,
): Promise<Program> {
	const isWindows = platform === 'win32';
	const flavour = isWindows ? path.win32 : path.posix;
	const absolute = isAbsolutePath(command, platform);
	if (!absolute && (command.includes('/') || (isWindows && /[\\:]/.test(command)))) return { kind: 'relative' };
	if (command === '.' || command === '..') return { kind: 'relative' };
	const places = absolute ? [command] : folders.map((folder) => flavour.join(folder, command));
	const hasExtension = WINDOWS_EXTENSIONS.includes(flavour.extname(command).toLowerCase());
	for (const place of places) {
		const files = isWindows && !hasExtension ? WINDOWS_EXTENSIONS.map((extension) => place + extension) : [place];
		for (const file of files) {
			if (!(await isProgram(file))) continue;
			// Also when a program of this name comes later: a shell would have run the batch file.
			return isWindows && BATCH.test(file) ? { kind: 'batch' } : { kind: 'found', file };
		}
	}
	return { kind: 'absent' };
}

async function isExecutable(file: string): Promise<boolean> {
	try {
		await access(file, constants.X_OK);
		return (await stat(file)).isFile();
	} catch {
		return false; // Absent or not ours to run: either way the search goes on, as that of a shell does.
	}
}
