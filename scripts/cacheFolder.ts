/**
 * Where things live that are too large to fetch for every checkout: the VS Code server, a browser, desktop VS Code.
 * Each is prepared in a temporary folder and renamed into place when complete, so what exists there is whole.
 */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isAlive } from './processTree.ts';

/** `$AGENT_AUTH_CACHE`, else `agent-auth-dev` in the user's cache folder; `scripts/setup.mjs` answers the same. */
export function cacheFolder(): string {
	const chosen = process.env.AGENT_AUTH_CACHE;
	if (chosen) {
		return path.resolve(chosen);
	}
	const base =
		process.env.XDG_CACHE_HOME ||
		(process.platform === 'win32' && process.env.LOCALAPPDATA) ||
		path.join(os.homedir(), '.cache');
	return path.join(base, 'agent-auth-dev');
}

/**
 * The folder `name` in the cache, filled by `fill` if it does not exist yet. Whoever finishes second throws its own
 * work away. `fill` must write nothing that contains the temporary path, because the folder moves.
 */
export async function cachedFolder(name: string, fill: (temporary: string) => Promise<void>): Promise<string> {
	const parent = cacheFolder();
	const folder = path.join(parent, name);
	if (existsSync(folder)) {
		return folder;
	}
	await mkdir(parent, { recursive: true });
	await removeAbandoned(parent);
	const temporary = await mkdtemp(path.join(parent, `temporary-${process.pid}-`));
	try {
		await fill(temporary);
		await rename(temporary, folder);
	} catch (error) {
		await rm(temporary, { recursive: true, force: true });
		if (!existsSync(folder)) {
			throw error;
		}
	}
	return folder;
}

/** Removes what killed runs left: folders that name a process which is gone. */
async function removeAbandoned(parent: string): Promise<void> {
	for (const name of readdirSync(parent)) {
		const pid = Number(/^temporary-(\d+)-/.exec(name)?.[1]);
		if (Number.isInteger(pid) && !isAlive(pid)) {
			await rm(path.join(parent, name), { recursive: true, force: true });
		}
	}
}
