/** Puts the core together. Decides nothing that one of its parts could decide. */
import { updateBucket } from '../buckets/state.ts';
import type { Clock } from '../clock.ts';
import type { Credential } from '../credential.ts';
import { AuthError } from '../errors.ts';
import { createDisposables } from '../event.ts';
import { createLifetimes } from '../lifetimes.ts';
import { describeError, type Logger } from '../log.ts';
import type { OAuthDeps } from '../oauth/deps.ts';
import { refresh as sendRefresh } from '../oauth/refreshGrant.ts';
import { revoke } from '../oauth/revocation.ts';
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
import { letGo } from './custody.ts';
import { diagnose } from './diagnostics.ts';
import { createKeyReturn } from './keyReturn.ts';
import { createRefusals } from './refusals.ts';
import { createShelves, type OpenShelf } from './shelves.ts';
import { createSignIns, type KeyDecision, type KeyTrouble } from './signIns.ts';
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
};

/** Telling the server of a sign-out may take no longer; a token that could not be revoked ends by itself. */
const REVOCATION_DEADLINE_MS = 15_000;

export function createAuthService(options: ServiceOptions): AuthService {
	const { clock, log } = options;
	const disposables = createDisposables();
	const ending = new AbortController();
	const signingIn = new Set<string>();
	const journal = createJournal(clock, log);
	const lifetimes = createLifetimes(clock);
	const shelves = createShelves({
		clock,
		log,
		providers: options.providers,
		isSigningIn: (providerId) => signingIn.has(providerId),
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
	const tokens = createTokens({ shelves, clock, lifetimes, log, loaded, isOrphan: options.probe.isOrphan });
	const refusals = createRefusals(shelves, tokens, log);
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
			refusals.observe();
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

	async function signOut(providerId: string, bucketId: string): Promise<void> {
		await loaded;
		const place = shelves.find(providerId, bucketId);
		if (!place) return;
		const last = await letGo(place.open.shelf, { providerId, bucketId });
		log.info(`sign-out: ${providerId}, bucket ${bucketId}`);
		await shelves.readAll(place.open);
		if (last?.kind === 'oauth') void tellServer(providerId, last);
	}

	/** The account is gone here whatever the server says. */
	async function tellServer(providerId: string, credential: Extract<Credential, { kind: 'oauth' }>): Promise<void> {
		try {
			const deadline = AbortSignal.timeout(REVOCATION_DEADLINE_MS);
			const result = await revoke(providerOf(providerId), credential, options.oauth, deadline);
			log.info(`sign-out: revocation ${result.kind}`);
		} catch (error) {
			log.warn(`sign-out: the server was not told (${describeError(error)})`);
		}
	}

	return {
		snapshot: shelves.snapshot,
		onDidChange: shelves.onDidChange,
		loaded,
		getToken: tokens.get,
		signIn: async (request) => signIns.start(providerOf(request.providerId), request),
		addApiKey: async ({ providerId, key: apiKey, name, bucketId }) =>
			signIns.addApiKey(providerOf(providerId), apiKey, name, bucketId),
		signOut,
		refresh: tokens.renewNow,
		reportRefused: refusals.report,
		async claimMessage(providerId, bucketId, reason) {
			const place = shelves.find(providerId, bucketId);
			const generation = shelves.bucket(providerId, bucketId)?.generation;
			if (!place || generation === undefined) return false;
			let claimed = false;
			await place.open.shelf.state.update((state) =>
				updateBucket(state, providerId, bucketId, (bucket) => {
					claimed = bucket.told?.generation !== generation || bucket.told.reason !== reason;
					return claimed ? { ...bucket, told: { generation, reason } } : bucket;
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
