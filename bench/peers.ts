/**
 * The published packages that are compared, fetched from npm into a cache folder of the bench. No install scripts run. A
 * package that cannot be fetched becomes a failed row: nothing stands in for it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { cachedFolder } from '../scripts/cacheFolder.ts';
import { mustRun } from '../scripts/progress.ts';
import type { PeerFolders } from './account.ts';

type Peer = {
	readonly name: string;
	readonly version: string;
	/**
	 * What the measured files import, where the whole is not installed: pi is an application of 200 MB, of which the bench
	 * loads the auth storage.
	 */
	readonly only?: readonly string[];
};

const PEERS: readonly Peer[] = [
	{ name: '@doist/cli-core', version: '1.8.0' },
	{ name: '@azure/msal-node-extensions', version: '5.6.0' },
	{ name: '@earendil-works/pi-coding-agent', version: '1.5.2', only: ['proper-lockfile@4.1.2', 'cross-spawn@7.0.6'] },
];

export type Peers = {
	readonly folders: PeerFolders;
	/** `name version`, as their own package.json says. */
	readonly versions: Readonly<Record<string, string>>;
	/** Why a package is not there. */
	readonly failures: Readonly<Record<string, string>>;
};

const manifestSchema = v.object({ version: v.string() });

export async function fetchPeers(): Promise<Peers> {
	const folders: Record<string, string> = {};
	const versions: Record<string, string> = {};
	const failures: Record<string, string> = {};
	for (const peer of PEERS) {
		try {
			const slug = `${peer.name.replaceAll(/[^a-z0-9]+/g, '-')}-${peer.version}`;
			const whole = await cachedFolder(`bench-peer${slug}`, (temporary) => fetchPeer(peer, temporary));
			const folder = path.join(whole, 'node_modules', ...peer.name.split('/'));
			const { version } = v.parse(manifestSchema, JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')));
			folders[peer.name] = folder;
			versions[peer.name] = version;
		} catch (error) {
			failures[peer.name] = (error instanceof Error ? error.message : String(error)).slice(0, 300);
		}
	}
	return { folders, versions, failures };
}

async function fetchPeer({ name, version, only }: Peer, folder: string): Promise<void> {
	console.log(`bench: fetching ${name} ${version}`);
	await writeFile(path.join(folder, 'package.json'), '{ "private": true }\n');
	const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund'];
	if (only === undefined) {
		await npm([...install, `${name}@${version}`], folder);
		return;
	}
	await npm([...install, ...only], folder);
	const packed = await npm(['pack', '--silent', `${name}@${version}`], folder);
	const archive = path.join(folder, packed.trim().split('\n').at(-1) ?? '');
	const target = path.join(folder, 'node_modules', ...name.split('/'));
	await mkdir(target, { recursive: true });
	await mustRun('tar', ['-xzf', archive, '-C', target, '--strip-components=1']);
	await rm(archive);
	if (!existsSync(path.join(target, 'package.json'))) throw new Error('the package holds no package.json');
}

function npm(args: readonly string[], cwd: string): Promise<string> {
	return mustRun('npm', args, { cwd, shell: process.platform === 'win32' });
}
