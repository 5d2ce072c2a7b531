/** `@doist/cli-core`: its own refresh, over a store in one file. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Contender } from '../account.ts';
import { readRecord, seedRecord, writeRecord } from './plainRecord.ts';
import { sendRefresh } from './tokenRequest.ts';

/** The part of the package that is used, as its own types say. */
type Bundle = {
	readonly accessToken: string;
	readonly refreshToken: string;
	readonly accessTokenExpiresAt: number;
};
type Person = { readonly id: string };
type CliCoreAuth = {
	refreshAccessToken(options: {
		readonly store: {
			activeBundle(): Promise<{ readonly account: Person; readonly bundle: Bundle }>;
			setBundle(person: Person, bundle: Bundle): Promise<void>;
		};
		readonly provider: {
			refreshToken(input: {
				readonly refreshToken: string;
			}): Promise<{ readonly accessToken: string; readonly refreshToken: string; readonly expiresAt: number }>;
		};
		readonly lockPath: string;
	}): Promise<{ readonly bundle: Bundle }>;
};

const LOCK_NAME = 'refresh.lock';
const PEER = '@doist/cli-core';

export const cliCore: Contender = {
	name: PEER,
	options: 'its defaults (waits 2 s, polls every 50 ms, takes over after 15 s), store in one file with our fsyncs',
	peer: PEER,
	locks: [LOCK_NAME],
	seed: seedRecord,
	async open(account, peers) {
		const entry = path.join(peers[PEER] ?? '', 'dist', 'auth', 'index.js');
		const core: CliCoreAuth = await import(pathToFileURL(entry).href);
		const person = { id: 'ada' };
		const store = {
			async activeBundle() {
				const { expiresAtMs, ...tokens } = await readRecord(account);
				return { account: person, bundle: { ...tokens, accessTokenExpiresAt: expiresAtMs } };
			},
			setBundle: (_person: Person, { accessTokenExpiresAt, accessToken, refreshToken }: Bundle) =>
				writeRecord(account, { accessToken, refreshToken, expiresAtMs: accessTokenExpiresAt }),
		};
		const provider = {
			async refreshToken({ refreshToken }: { readonly refreshToken: string }) {
				const { expiresAtMs, ...tokens } = await sendRefresh(account, refreshToken);
				return { ...tokens, expiresAt: expiresAtMs };
			},
		};
		await store.activeBundle();
		const lockPath = path.join(account.folder, LOCK_NAME);
		return {
			token: async () => (await core.refreshAccessToken({ store, provider, lockPath })).bundle.accessToken,
			close: () => undefined,
		};
	},
};
