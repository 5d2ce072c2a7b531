/** pi's auth storage: `modify` is the refresh under its lock, as pi itself calls it. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Contender } from '../account.ts';
import { sendRefresh } from './tokenRequest.ts';

type Credential = {
	readonly type: 'oauth';
	readonly access: string;
	readonly refresh: string;
	readonly expires: number;
};
type AuthStorage = {
	read(provider: string): Promise<Credential | undefined>;
	modify(
		provider: string,
		change: (present: Credential | undefined) => Promise<Credential | undefined>,
	): Promise<Credential | undefined>;
};
type StorageModule = { readonly AuthStorage: { create(file: string): AuthStorage } };

const FILE_NAME = 'auth.json';
const PROVIDER = 'demo';
const PEER = '@earendil-works/pi-coding-agent';

export const pi: Contender = {
	name: 'pi, its auth storage',
	options: 'AuthStorage.modify, its defaults (waits 30 s, stale after 30 s), its own write (in place, no fsync)',
	peer: PEER,
	locks: [`${FILE_NAME}.lock`],
	async seed({ folder, accessToken, refreshToken }) {
		const credential = { type: 'oauth', access: accessToken, refresh: refreshToken, expires: Date.now() - 1_000 };
		await writeFile(path.join(folder, FILE_NAME), JSON.stringify({ [PROVIDER]: credential }), { mode: 0o600 });
	},
	async open(account, peers) {
		const entry = path.join(peers[PEER] ?? '', 'dist', 'core', 'auth-storage.js');
		const module: StorageModule = await import(pathToFileURL(entry).href);
		const storage = module.AuthStorage.create(path.join(account.folder, FILE_NAME));
		const isFresh = (credential: Credential): boolean => credential.expires > Date.now();
		await storage.read(PROVIDER);
		return {
			async token() {
				const known = await storage.read(PROVIDER);
				if (known !== undefined && isFresh(known)) return known.access;
				const renewed = await storage.modify(PROVIDER, async (present) => {
					if (present === undefined) throw new Error('the file holds no credential');
					if (isFresh(present)) return undefined;
					const { accessToken, refreshToken, expiresAtMs } = await sendRefresh(account, present.refresh);
					return { type: 'oauth', access: accessToken, refresh: refreshToken, expires: expiresAtMs };
				});
				if (renewed === undefined) throw new Error('the file holds no credential');
				return renewed.access;
			},
			close: () => undefined,
		};
	},
};
