/**
 * Where a command may be looked up: the folders of PATH that no repository can put a program into. An empty or relative
 * entry means the working directory, and an entry inside a workspace folder comes with whatever was cloned there.
 */
import { realpath } from 'node:fs/promises';
import path from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Windows does not tell `Path` from `PATH`. */
export function variableOf(env: Environment, name: string, platform: NodeJS.Platform): string | undefined {
	if (platform !== 'win32') return env[name];
	const key = Object.keys(env).find((candidate) => candidate.toUpperCase() === name.toUpperCase());
	return key === undefined ? undefined : env[key];
}

/** `\tools` is absolute to Node and still depends on the current drive. */
export function isAbsolutePath(file: string, platform: NodeJS.Platform): boolean {
	return platform === 'win32' ? /^(?:[A-Za-z]:[\\/]|\\\\)/.test(file) : file.startsWith('/');
}

/**
 * The folders of PATH that count, in order.
 *
 * @param workspaceFolders a folder that the home lies in is the person's own and excludes nothing
 */
export async function searchFolders(
	env: Environment,
	platform: NodeJS.Platform,
	home: string,
	workspaceFolders: readonly string[],
): Promise<string[]> {
	const flavour = platform === 'win32' ? path.win32 : path.posix;
	const ownHome = await resolved(home);
	const excluded = (await Promise.all(workspaceFolders.map(resolved))).filter(
		(folder) => !isWithin(flavour, ownHome, folder),
	);
	const folders: string[] = [];
	for (const entry of (variableOf(env, 'PATH', platform) ?? '').split(flavour.delimiter)) {
		const folder = platform === 'win32' ? entry.replaceAll('"', '') : entry;
		if (!isAbsolutePath(folder, platform)) continue;
		const real = await resolved(folder);
		if (!excluded.some((workspace) => isWithin(flavour, real, workspace))) folders.push(folder);
	}
	return [...new Set(folders)];
}

function isWithin(flavour: path.PlatformPath, folder: string, outer: string): boolean {
	const relative = flavour.relative(outer, folder);
	return (
		relative === '' || (relative !== '..' && !relative.startsWith(`..${flavour.sep}`) && !flavour.isAbsolute(relative))
	);
}

/** A folder that is not there is compared by its name. */
async function resolved(folder: string): Promise<string> {
	return realpath(folder).catch(() => folder);
}
