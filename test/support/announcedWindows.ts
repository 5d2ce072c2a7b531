/** The windows of a VS Code server that can be found from terminals, by the files in which they announce themselves. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { until } from './until.ts';
import type { RunningVscodeServer } from './vscodeServer.ts';

const EXTENSION_ID = 'agent-auth.agent-auth';

/** Names that no window had before; none while the extension has not been started. */
export async function announcedWindows(
	host: Pick<RunningVscodeServer, 'globalStorage'>,
	extensionId = EXTENSION_ID,
): Promise<string[]> {
	const names = await readdir(path.join(host.globalStorage(extensionId), 'run')).catch((error) => {
		if (error.code === 'ENOENT') return [];
		throw error;
	});
	return names.filter((name: string) => name.endsWith('.json'));
}

/** Waits until one is there: by then new terminals have the command on PATH as well. */
export async function windowAnnounced(
	host: Pick<RunningVscodeServer, 'globalStorage'>,
	extensionId = EXTENSION_ID,
): Promise<void> {
	await until('a window has announced itself', async () => (await announcedWindows(host, extensionId)).length > 0);
}
