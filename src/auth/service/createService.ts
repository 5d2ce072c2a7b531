/** Puts the core together. Decides nothing that one of its parts could decide. */
import { randomUUID } from 'node:crypto';
import type { BindingSetting } from '../buckets/binding.ts';
import { updateBucket } from '../buckets/state.ts';
import { tell } from '../buckets/told.ts';
import type { Clock } from '../clock.ts';
import { createExamine } from '../doctor/examine.ts';
import { AuthError } from '../errors.ts';
import { createDisposables, type Disposable } from '../event.ts';
import { createLifetimes } from '../lifetimes.ts';
import { describeError, type Logger } from '../log.ts';
import type { OAuthDeps } from '../oauth/deps.ts';
import { refresh as sendRefresh } from '../oauth/refreshGrant.ts';
import type { Provider } from '../provider.ts';
import { createEarlyRefresh, EARLY_MARGIN_MS } from '../refresh/earlyRefresh.ts';
import { createJournal } from '../refresh/journal.ts';
import { createRefresher } from '../refresh/refresher.ts';
import type { AuthService, SignInRequest } from '../service.ts';
import { createDiskShelf, createMemoryShelf, type Shelf, type ShelfSystem } from '../shelf.ts';
import type { Disk } from '../vault/disk.ts';
import type { KeyStore } from '../vault/keyStore.ts';
import { recordName } from '../vault/sealing.ts';
import type { WindowProbe } from '../windowProbe.ts';
import { createAutomaticBuckets } from './automaticBuckets.ts';
import { createBucketEdits } from './bucketEdits.ts';
import { createChoice } from './choice.ts';
import { diagnose } from './diagnostics.ts';
import { createIssuedTokens } from './issuedTokens.ts';
import { createKeyReturn } from './keyReturn.ts';
import { createReferences, type ReferencesOptions } from './references.ts';
import { createRemoval } from './removal.ts';
import { createReports } from './reports.ts';
import { createShelves, type OpenShelf, type Shelves } from './shelves.ts';
import { createSignIns, type KeyDecision, type KeyTrouble } from './signIns.ts';
import { createSignOuts } from './signOuts.ts';
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
		const refresher = createRefresher({
			...shelf,
			clock,
			log,
			journal,
			lifetimes,
			ending: ending.signal,
			send: (ref, credential, signal, correlationId) =>
				sendRefresh(providerOf(ref.providerId), credential, options.oauth, signal, correlationId),
			watch(ref, listener) {
				if (sessionOnly) return { dispose() {} };
				const name = recordName(ref);
				const subscriptions = createDisposables();
				subscriptions.add(watch.urgent());
				subscriptions.add(watch.onDidChange((change) => change.name === name && listener(change.generation)));
				return subscriptions;
			},
		});
		const opened = { shelf, refresher, sessionOnly };
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
		watch.onDidChange(({ name }) => {
			if (name === 'key') key.forget();
			void shelves.readNews(disk, name);
		}),
	);

	const loaded = diskShelf
		.prepare()
		.catch((error: unknown) => log.error(`service: the folders cannot be used (${describeError(error)})`))
		.then(() => {
			watch.start();
			return shelves.readAll(disk);
		});
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
		automatic: createAutomaticBuckets({ shelves, choice, clock, log, window }),
		references,
		issued,
	});
	const reports = createReports({ shelves, tokens, references, issued, clock, log });
	const edits = createBucketEdits({ ...options, shelves, disk, prepareFolders: diskShelf.prepare, providerOf });
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
	const signIns = createSignIns({
		...options,
		shelves,
		signingIn,
		disk,
		memory() {
			memory ??= open(createMemoryShelf(), true);
			return memory;
		},
		prepareFolders: diskShelf.prepare,
		ensureKey(birth) {
			key.forget();
			return diskShelf.vault.ensureKey(birth);
		},
		isKeyClaimed: key.isClaimed,
		isKeyForgotten: key.isForgotten,
		loaded,
		ending: ending.signal,
	});

	const examine = createExamine({
		service: { snapshot: shelves.snapshot, getToken: tokens.get },
		shelf: diskShelf,
		disk: options.disk,
		oauth: options.oauth,
	});

	const signOuts = createSignOuts({ ...options, shelves, providerOf, loaded });

	return {
		examine,
		storedData: createRemoval({
			...{ ...options, shelves, loaded, signOut: signOuts.signOut },
			...{ shelf: diskShelf, open: disk },
		}),
		snapshot: shelves.snapshot,
		onDidChange: shelves.onDidChange,
		loaded,
		getToken: tokens.get,
		signIn: async (request) => signIns.start(providerOf(request.providerId), request),
		addApiKey: async ({ providerId, key: apiKey, name, bucketId }) =>
			signIns.addApiKey(providerOf(providerId), apiKey, name, bucketId),
		...signOuts,
		...edits,
		hold: choice.hold,
		refresh: tokens.renewNow,
		report: reports.report,
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
		diagnose: () => diagnose(shelves, diskShelf, journal),
		async reload() {
			key.forget();
			await shelves.readAll(disk);
		},
		dispose() {
			ending.abort(new AuthError('cancelled', 'the window ends'));
			disposables.dispose();
			shelves.dispose();
		},
	};
}
