/** Puts the core together. Decides nothing that one of its parts could decide. */
import { randomUUID } from 'node:crypto';
import type { BindingSetting } from '../buckets/binding.ts';
import { updateBucket } from '../buckets/state.ts';
import { tell } from '../buckets/told.ts';
import type { Clock } from '../clock.ts';
import { AuthError } from '../errors.ts';
import { createDisposables, type Disposable } from '../event.ts';
import { lazily } from '../lazily.ts';
import { createLifetimes } from '../lifetimes.ts';
import { describeError, type Logger } from '../log.ts';
import type { OAuthDeps } from '../oauth/deps.ts';
import { withOlderOrigin } from '../origin.ts';
import type { Provider } from '../provider.ts';
import { createEarlyRefresh, EARLY_MARGIN_MS } from '../refresh/earlyRefresh.ts';
import { createJournal } from '../refresh/journal.ts';
import { createRefresher, type Refresher } from '../refresh/refresher.ts';
import type { AuthService, SignInRequest } from '../service.ts';
import { createDiskShelf, createMemoryShelf, type Shelf, type ShelfSystem } from '../shelf.ts';
import type { Disk } from '../vault/disk.ts';
import type { KeyStore } from '../vault/keyStore.ts';
import { type BucketRef, recordName } from '../vault/sealing.ts';
import type { WindowProbe } from '../windowProbe.ts';
import { createAutomaticBuckets } from './automaticBuckets.ts';
import { createChoice } from './choice.ts';
import { createIssuedTokens } from './issuedTokens.ts';
import { createKeyReturn } from './keyReturn.ts';
import { bindOlderCredentials } from './olderCredentials.ts';
import { createReferences, type ReferencesOptions } from './references.ts';
import { createShelves, type OpenShelf, type Shelves } from './shelves.ts';
import type { KeyDecision, KeyTrouble } from './signIns.ts';
import { createTokens } from './tokens.ts';

export type ServiceOptions = {
	/** The extension's global storage folder: one per machine, user and flavour of VS Code. */
	readonly storagePath: string;
	readonly secrets: KeyStore;
	/** Keep a recovery copy of the key beside the vault: on web hosts another tab can wipe SecretStorage. */
	readonly keepKeyCopy: boolean;
	readonly disk: Disk;
	/** See {@link DiskShelfOptions.system}. */
	readonly system?: ShelfSystem;
	readonly clock: Clock;
	readonly log: Logger;
	readonly oauth: OAuthDeps;
	/** The services as configured now; `reload` reads them again. */
	readonly providers: () => readonly Provider[];
	readonly signInFlow: () => NonNullable<SignInRequest['flow']>;
	/** Whether a browser that opens runs on the machine of this process, so that it reaches a loopback address. */
	readonly browserOnThisMachine: () => boolean;
	/** Tells whether the window of this extension host is still there. */
	readonly probe: WindowProbe;
	/** Early renewal stops for accounts nobody asked for in this time; 0 turns it off. */
	readonly earlyRefreshIdleMs: () => number;
	readonly askAboutKey: (trouble: KeyTrouble, signal: AbortSignal) => Promise<KeyDecision>;
	/** Which bucket the settings tie this window to. */
	readonly bindingOf: (providerId: string) => BindingSetting;
	/** Digest that stands for the workspace; '' without one. */
	readonly workspace: () => string;
	/** Where commands of the settings run, and with what. */
	readonly commands: Pick<ReferencesOptions, 'home' | 'env' | 'platform' | 'workspaceFolders'>;
};

/** How a token is renewed over the wire; loaded after the start, because no start needs it. */
async function loadRefreshGrant() {
	return await import('../oauth/refreshGrant.ts');
}

async function loadRenewal() {
	return (await import('../refresh/renewal.ts')).createRenewal;
}

export function createAuthService(options: ServiceOptions): AuthService {
	const { clock, log } = options;
	const disposables = createDisposables();
	const ending = new AbortController();
	const signingIn = new Set<string>();
	const journal = createJournal(clock, log);
	const lifetimes = createLifetimes(clock);
	const window = randomUUID();
	const choice = createChoice({ ...options, window, onDidEndHold: () => shelves.publish() });
	const shelves: Shelves = createShelves({
		clock,
		log,
		providers: options.providers,
		isSigningIn: (providerId) => signingIn.has(providerId),
		choose: choice.choose,
	});
	const diskShelf = createDiskShelf(options);
	const { watch, key } = diskShelf;
	const disk = open(diskShelf, false);
	let memory: OpenShelf | undefined;

	function open(shelf: Shelf, sessionOnly: boolean): OpenShelf {
		const heard = (ref: BucketRef): number | undefined => (sessionOnly ? undefined : watch.latest(recordName(ref)));
		const refresher: Refresher = createRefresher({
			...shelf,
			clock,
			log,
			journal,
			loadRenewal,
			lifetimes,
			ending: ending.signal,
			async send(ref, credential, signal, correlationId) {
				let grant: Awaited<ReturnType<typeof loadRefreshGrant>>;
				try {
					grant = await loadRefreshGrant();
				} catch (error) {
					// The files of the extension are gone: nothing was sent, and nothing is lost.
					return { kind: 'notSent', cause: error };
				}
				const bound = withOlderOrigin(credential, shelves.find(ref.providerId, ref.bucketId)?.bucket.origin);
				return grant.refresh(providerOf(ref.providerId), bound, options.oauth, signal, correlationId);
			},
			heard,
			heardOfState: () => (sessionOnly ? undefined : watch.latest('state')),
			// Without events a window may not have heard of the newest generation, which then waits on the disk.
			remembered: (ref) => (watch.state() === 'watching' ? shelves.remembered(opened, ref, heard(ref)) : undefined),
			watch(ref, listener) {
				if (sessionOnly) return { dispose() {} };
				const name = recordName(ref);
				const subscriptions = createDisposables();
				subscriptions.add(watch.urgent());
				subscriptions.add(watch.onDidChange((change) => change.name === name && listener(change.generation)));
				return subscriptions;
			},
		});
		const opened: OpenShelf = { shelf, refresher, sessionOnly };
		shelves.add(opened);
		return opened;
	}

	function providerOf(providerId: string): Provider {
		const provider = options.providers().find((entry) => entry.id === providerId);
		if (!provider)
			throw new AuthError('unknown_provider', 'no such provider is configured', { detail: { provider: providerId } });
		return provider;
	}

	const keyReturn = createKeyReturn({
		clock,
		isWanted: shelves.isKeyWanted,
		look() {
			key.forget();
			return shelves.readNews(disk, 'key');
		},
		onDidChange: options.secrets.onDidChange,
	});
	disposables.add(keyReturn);
	disposables.add(shelves.onDidChange(() => keyReturn.check()));
	disposables.add(watch);
	disposables.add(
		watch.onDidChange(({ name, generation }) => {
			if (name === 'key') key.forget();
			void shelves.readNews(disk, name, generation);
		}),
	);

	const loaded = diskShelf
		.prepare()
		.catch((error: unknown) => log.error(`service: the folders cannot be used (${describeError(error)})`))
		.then(() => {
			watch.start();
			return shelves.readAll(disk);
		});
	// Behind the start and before the first renewal, which then waits for no file of ours.
	void loaded.then(async () => {
		if (shelves.refs().length === 0 || ending.signal.aborted) return;
		await diskShelf.expectRefresh();
		await Promise.all([loadRenewal(), loadRefreshGrant()]).catch((error: unknown) =>
			log.warn(`service: ${describeError(error)}`),
		);
	});
	void loaded
		.then(() => bindOlderCredentials(shelves, options.providers()))
		.catch((error: unknown) =>
			log.warn(`service: accounts of an earlier version are not bound (${describeError(error)})`),
		);
	const references = createReferences({ ...options, ...options.commands });
	disposables.add(references);
	const issued = createIssuedTokens();
	const tokens = createTokens({
		shelves,
		clock,
		lifetimes,
		log,
		loaded,
		isOrphan: options.probe.isOrphan,
		providers: options.providers,
		automatic: createAutomaticBuckets({ shelves, choice, clock, log, window }),
		references,
		issued,
	});
	const reports = lazily(async () => {
		const { createReports } = await import('./reports.ts');
		return createReports({ shelves, tokens, issued, clock, log });
	});
	// A cooldown or a decision that ends changes what is in force without anything being written.
	let edge: Disposable | undefined;
	const followEdges = (): void => {
		edge?.dispose();
		const atMs = choice.nextEdgeMs();
		edge = atMs === undefined ? undefined : clock.schedule(atMs - clock.now(), shelves.publish);
	};
	disposables.add(shelves.onDidChange(followEdges));
	disposables.add({ dispose: () => edge?.dispose() });
	const early = createEarlyRefresh({
		clock,
		log,
		snapshot: shelves.snapshot,
		obtainedAtMs(bucket) {
			const place = shelves.find(bucket.providerId, bucket.id);
			const known = place && shelves.known(place.open, bucket.id);
			return known?.kind === 'credential' ? known.credential.obtainedAtMs : undefined;
		},
		renew: (bucket) => tokens.renewEarly(bucket.providerId, bucket.id, EARLY_MARGIN_MS),
		idleMs: options.earlyRefreshIdleMs,
		random: Math.random,
	});
	disposables.add(early);
	disposables.add(
		shelves.onDidChange(({ providers }) => {
			for (const { buckets } of providers)
				for (const { id, generation, token } of buckets) lifetimes.see(id, generation, token?.expiresAtMs);
			issued.observe(shelves.snapshot());
			early.plan();
		}),
	);
	// At each look at the vault, once a minute: is the window there, and what has become due?
	disposables.add(watch.onDidPoll(() => void options.probe.check().then((present) => present && early.plan())));
	const actions = lazily(async () => {
		const { createActions } = await import('./actions.ts');
		return createActions({
			...options,
			...{ shelves, signingIn, diskShelf, journal, providerOf, loaded },
			open: disk,
			getToken: tokens.get,
			isSeen: options.probe.check,
			memory() {
				memory ??= open(createMemoryShelf(), true);
				return memory;
			},
			ending: ending.signal,
		});
	});

	return {
		snapshot: shelves.snapshot,
		onDidChange: shelves.onDidChange,
		loaded,
		getToken: tokens.get,
		signIn: async (request) => (await actions()).signIn(request),
		addApiKey: async (request) => (await actions()).addApiKey(request),
		signOut: async (...about) => (await actions()).signOut(...about),
		endSessionAddress: async (providerId) => (await actions()).endSessionAddress(providerId),
		renameBucket: async (...about) => (await actions()).renameBucket(...about),
		moveBucket: async (...about) => (await actions()).moveBucket(...about),
		describeBucket: async (...about) => (await actions()).describeBucket(...about),
		endCooldown: async (...about) => (await actions()).endCooldown(...about),
		decideCrossing: async (crossing) => (await actions()).decideCrossing(crossing),
		confirmBinding: async (...about) => (await actions()).confirmBinding(...about),
		addReference: async (request) => (await actions()).addReference(request),
		storedData: {
			list: async () => (await actions()).storedData.list(),
			remove: async () => (await actions()).storedData.remove(),
		},
		examine: async (about) => (await actions()).examine(about),
		diagnose: async () => (await actions()).diagnose(),
		hold: choice.hold,
		refresh: tokens.renewNow,
		report: async (use) => (await reports()).report(use),
		async claimMessage(providerId, bucketId, reason) {
			const place = shelves.find(providerId, bucketId);
			const generation = shelves.bucket(providerId, bucketId)?.generation;
			// A window that nobody sees can tell nobody.
			if (!place || generation === undefined || !(await options.probe.check())) return false;
			let claimed = false;
			await place.open.shelf.state.update((state) =>
				updateBucket(state, providerId, bucketId, (bucket) => {
					const next = tell(bucket, reason, generation);
					claimed = next !== bucket;
					return next;
				}),
			);
			return claimed;
		},
		async claimReminder(providerId, bucketId, endsAtMs, sameMs) {
			const place = shelves.find(providerId, bucketId);
			if (!place) return false;
			let claimed = false;
			await place.open.shelf.state.update((state) =>
				updateBucket(state, providerId, bucketId, (bucket) => {
					claimed = Math.abs(endsAtMs - (bucket.remindedOfEndMs ?? 0)) > sameMs;
					return claimed ? { ...bucket, remindedOfEndMs: endsAtMs } : bucket;
				}),
			);
			return claimed;
		},
		async reload() {
			key.forget();
			// What other settings mean for what is known must not wait for the disk.
			shelves.publish();
			await shelves.readAll(disk);
			log.info('service: key and accounts were read again');
		},
		dispose() {
			ending.abort(new AuthError('cancelled', 'the window ends'));
			disposables.dispose();
			shelves.dispose();
			void diskShelf.end();
		},
	};
}
