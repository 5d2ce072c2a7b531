/** The vault of a running VS Code as files: what a person could damage, lose or put back. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunningVscodeServer } from './vscodeServer.ts';

const EXTENSION_ID = 'agent-auth.agent-auth';
const RECORD = /^[0-9a-f]{64}\.\d+\.rec$/;

export interface VaultFolder {
	readonly folder: string;
	/** Names of all files, with those set aside; empty while there is no folder. */
	files(): Promise<string[]>;
	/** Absolute paths of the credentials' records. */
	records(): Promise<string[]>;
	/** Absolute paths of the keys that are kept as files. */
	keys(): Promise<string[]>;
	/** Contents by name, to compare before and after. */
	contents(): Promise<Readonly<Record<string, string>>>;
}

export function vaultOf(host: Pick<RunningVscodeServer, 'globalStorage'>): VaultFolder {
	const folder = path.join(host.globalStorage(EXTENSION_ID), 'vault');

	async function files(): Promise<string[]> {
		try {
			const entries = await readdir(folder, { recursive: true, withFileTypes: true });
			return entries
				.filter((entry) => entry.isFile())
				.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
				.sort();
		} catch (error) {
			if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
			throw error;
		}
	}

	const matching = async (pattern: RegExp): Promise<string[]> =>
		(await files()).filter((name) => pattern.test(name)).map((name) => path.join(folder, name));

	return {
		folder,
		files,
		records: () => matching(RECORD),
		keys: () => matching(/\.key$/),
		async contents() {
			const read = (await files()).map(async (name): Promise<readonly [string, string][]> => {
				try {
					return [[name, await readFile(path.join(folder, name), 'base64')]];
				} catch (error) {
					// A window that is open supersedes files between the listing and this reading.
					if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
					throw error;
				}
			});
			return Object.fromEntries((await Promise.all(read)).flat());
		},
	};
}
