/** One simulated window: the shipped shelf on the disk, the shipped refresher and the shipped custody, over simulated ports. */
import type { Credential } from '../../../src/auth/credential.ts';
import { createDisposables } from '../../../src/auth/event.ts';
import type { Leases } from '../../../src/auth/lease/lease.ts';
import type { Processes } from '../../../src/auth/lease/processes.ts';
import type { RefreshRequest, RefreshResult } from '../../../src/auth/refresh/refresher.ts';
import type { DiskShelf } from '../../../src/auth/shelf.ts';
import { type BucketRef, recordName } from '../../../src/auth/vault/sealing.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import type { WindowSecrets } from '../../support/secretStorageDouble.ts';
import { type Files, rootOf } from './files.ts';
import type { Modules } from './modules.ts';
import type { TokenServer } from './tokenServer.ts';
import type { Actor, World } from './world.ts';

export type Window = {
	readonly actor: Actor;
	readonly shelf: DiskShelf;
	readonly secrets: WindowSecrets;
	refresh(request: Omit<RefreshRequest, 'purpose'>): Promise<RefreshResult>;
	/** Stores what a sign-in brought; resolves to the bucket it is in. */
	signIn(credential: Credential): Promise<string>;
	signOut(ref: BucketRef): Promise<void>;
	readonly lines: readonly string[];
};

export type WindowOptions = {
	readonly world: World;
	readonly files: Files;
	readonly server: TokenServer;
	readonly modules: Modules;
	readonly actor: Actor;
	readonly secrets: WindowSecrets;
	readonly keepKeyCopy: boolean;
	readonly deaf: boolean;
	/** Called when it gets a lease; the result is called when it lets go. */
	readonly onHeld: (name: string) => () => void;
	readonly holdsLease: () => boolean;
	/** It gives a key to SecretStorage. */
	readonly onStore: (value: string) => void;
};

export const PROVIDER = {
	id: 'demo',
	label: 'Demo',
	kind: 'oauth2',
	endpoints: { issuer: 'https://demo', tokenEndpoint: 'https://demo/token' },
	client: { clientId: 'demo', scopes: [] },
} as const;

/** Who runs, as far as a process of this machine can see. */
function processesFor(world: World, actor: Actor): Processes {
	const runs = (pid: number): Actor | undefined =>
		world.actors.find(
			(other) => other.pid === pid && other.pidNamespace === actor.pidNamespace && other.life !== 'dead',
		);
	return {
		self: async () => ({
			host: 'host',
			machine: 'm',
			boot: 'boot',
			pidNamespace: actor.pidNamespace,
			pid: actor.pid,
			startTime: actor.startTime,
		}),
		probe: (pid) =>
			world.perform(actor, 'probe', () => {
				const found = runs(pid);
				return found ? { kind: 'alive', startTime: found.startTime } : { kind: 'dead' };
			}),
		exists: (pid) => runs(pid) !== undefined,
		probeIsCheap: actor.slot % 2 === 0,
	};
}

export function openWindow(options: WindowOptions): Window {
	const { world, files, server, modules, actor, secrets } = options;
	const clock = world.clockOf(actor);
	const log = createRecordingLog();
	const ask = async <T>(label: string, work: () => PromiseLike<T>): Promise<T> => {
		if (options.holdsLease()) world.violate(`w${actor.slot} called SecretStorage while it held a lease`);
		await world.perform(actor, label, () => undefined);
		return work();
	};
	const shelf = modules.shelf.createDiskShelf({
		storagePath: `${rootOf(actor)}/storage`,
		disk: files.diskOf(actor),
		clock,
		log,
		secrets: modules.secretStorage.createSecretStorageKeys(
			{
				get: (key) => ask('secrets.get', () => secrets.get(key)),
				store(key, value) {
					options.onStore(value);
					return ask('secrets.store', () => secrets.store(key, value));
				},
				delete: (key) => ask('secrets.delete', () => secrets.delete(key)),
				onDidChange: secrets.onDidChange,
			},
			clock,
		),
		keepKeyCopy: options.keepKeyCopy,
		system: {
			lockDisk: files.lockDiskOf(actor),
			processes: processesFor(world, actor),
			folderWatch: files.watchOf(actor, options.deaf),
		},
	});
	const leases: Leases = {
		owner: shelf.leases.owner,
		run: (name, request, work) =>
			shelf.leases.run(name, request, async (lease) => {
				const letGo = options.onHeld(name);
				try {
					return await work(lease);
				} finally {
					letGo();
				}
			}),
	};
	/** What it has got, as the service keeps it: the next refresh begins from there where the watch has told of nothing newer. */
	const known = new Map<string, RefreshResult>();
	const heard = (ref: BucketRef): number | undefined => shelf.watch.latest(recordName(ref));
	const refresher = modules.refresher.createRefresher({
		...shelf,
		loadRenewal: async () => modules.renewal.createRenewal,
		leases,
		clock,
		log,
		lifetimes: modules.lifetimes.createLifetimes(clock),
		journal: modules.journal.createJournal(clock, log),
		ending: new AbortController().signal,
		send: (_ref, credential, signal, correlationId) => server.send(actor, credential, signal, correlationId),
		watch(ref, listener) {
			const name = recordName(ref);
			const subscriptions = createDisposables();
			subscriptions.add(shelf.watch.urgent());
			subscriptions.add(shelf.watch.onDidChange((change) => change.name === name && listener(change.generation)));
			return subscriptions;
		},
		heard,
		heardOfState: () => shelf.watch.latest('state'),
		remembered(ref) {
			const present = known.get(ref.bucketId);
			return shelf.watch.state() === 'watching' && present?.generation === heard(ref) ? present : undefined;
		},
	});
	shelf.watch.start();
	void shelf.expectRefresh();
	return {
		actor,
		shelf,
		secrets,
		async refresh(request) {
			const result = await refresher.refresh({ ...request, purpose: 'model' });
			if (result.unsaved !== true) known.set(request.ref.bucketId, result);
			return result;
		},
		signIn: (credential) => modules.custody.takeIn(shelf, clock, { provider: PROVIDER, credential, birth: {} }),
		async signOut(ref) {
			await modules.custody.letGo(shelf, ref);
		},
		lines: log.lines,
	};
}
