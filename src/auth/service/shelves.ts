/**
 * What this window knows: the state and the records of each shelf as last read, and the snapshot made of them. Reads run one
 * after the other, what is known of a bucket only moves to newer generations, and every change is announced once.
 */
import { addBucket, removeBucket } from '../buckets/accounts.ts';
import { type Choose, type Known, type Layer, providerSnapshot } from '../buckets/snapshotOf.ts';
import { type Bucket, EMPTY_STATE, type State } from '../buckets/state.ts';
import type { Clock } from '../clock.ts';
import { createEmitter, type Event } from '../event.ts';
import { describeError, type Logger } from '../log.ts';
import type { Provider } from '../provider.ts';
import type { Present } from '../refresh/demand.ts';
import type { Refresher } from '../refresh/refresher.ts';
import type { Shelf } from '../shelf.ts';
import type { BucketSnapshot, ProviderSnapshot, Snapshot } from '../snapshot.ts';
import { type BucketRef, recordName } from '../vault/sealing.ts';

export type OpenShelf = {
	readonly shelf: Shelf;
	readonly refresher: Refresher;
	/** In the memory of this window only. */
	readonly sessionOnly: boolean;
};

export type Place = { readonly open: OpenShelf; readonly bucket: Bucket };

export type Shelves = {
	snapshot(): Snapshot;
	readonly onDidChange: Event<Snapshot>;
	/** Adds a shelf behind those that are there. */
	add(open: OpenShelf): void;
	find(providerId: string, bucketId: string): Place | undefined;
	/** Every bucket that a state names, also of services that are no longer in the settings. */
	refs(): readonly BucketRef[];
	/** Their accounts, by service. */
	accounts(): readonly { readonly providerId: string; readonly label: string }[];
	bucket(providerId: string, bucketId: string): BucketSnapshot | undefined;
	provider(providerId: string): ProviderSnapshot | undefined;
	known(open: OpenShelf, bucketId: string): Known | undefined;
	/** A credential this window has just seen, possibly before the disk has it. */
	remember(open: OpenShelf, bucketId: string, known: Known): void;
	/**
	 * This generation of a credential, if it was read or written here: one never changes, so that this window's own and those
	 * it has adopted need no second reading.
	 */
	remembered(open: OpenShelf, ref: BucketRef, generation: number | undefined): Present | undefined;
	/** Reads state and all records of a shelf, and announces. Never rejects. */
	readAll(open: OpenShelf): Promise<void>;
	/** Reads the state, one record and announces. Never rejects. */
	readOne(open: OpenShelf, ref: BucketRef): Promise<void>;
	/**
	 * Reads what a change of this name in the ledger is about. Never rejects.
	 * @param generation the one that was heard of.
	 */
	readNews(open: OpenShelf, name: string, generation?: number): Promise<void>;
	/** Announces, after the readings that are under way, what was remembered. Never rejects. */
	announce(): Promise<void>;
	/** Announces without reading: a setting or a sign-in changed. */
	publish(): void;
	/** Whether some record waits for its key. */
	isKeyWanted(): boolean;
	dispose(): void;
};

export type ShelvesOptions = {
	readonly clock: Clock;
	readonly log: Logger;
	readonly providers: () => readonly Provider[];
	readonly isSigningIn: (providerId: string) => boolean;
	readonly choose: Choose;
};

type Contents = {
	state: State;
	stateGeneration: number;
	problem: Snapshot['problem'];
	readonly known: Map<string, Known>;
};

export function createShelves(options: ShelvesOptions): Shelves {
	const { clock, log } = options;
	const emitter = createEmitter<Snapshot>((error) => log.error(`service: a listener failed (${describeError(error)})`));
	const contents = new Map<OpenShelf, Contents>();
	let loaded = false;
	let current = make();
	let reading: Promise<void> = Promise.resolve();

	function make(): Snapshot {
		const layers: Layer[] = [...contents].map(([open, content]) => ({
			state: content.state,
			known: (bucketId) => content.known.get(bucketId),
			sessionOnly: open.sessionOnly,
		}));
		const problem = [...contents.values()].map((content) => content.problem).find((found) => found !== undefined);
		return {
			loaded,
			...(problem === undefined ? {} : { problem }),
			providers: options.providers().map((provider) =>
				providerSnapshot(provider, layers, {
					signingIn: options.isSigningIn(provider.id),
					choose: options.choose,
				}),
			),
		};
	}

	function publish(): void {
		current = make();
		emitter.fire(current);
	}

	/** Empty until something of the shelf was read. */
	function contentOf(open: OpenShelf): Contents {
		let content = contents.get(open);
		if (content === undefined) {
			content = { state: EMPTY_STATE, stateGeneration: 0, problem: undefined, known: new Map() };
			contents.set(open, content);
		}
		return content;
	}

	/** One reading after the other, each ending with an announcement. */
	function inOrder(work: () => Promise<void>): Promise<void> {
		reading = reading
			.then(work)
			.catch((error: unknown) => log.error(`service: reading failed (${describeError(error)})`))
			.then(publish);
		return reading;
	}

	function remember(open: OpenShelf, bucketId: string, known: Known): void {
		const { known: all } = contentOf(open);
		const before = all.get(bucketId);
		if (before && known.generation < before.generation) return;
		all.set(bucketId, known);
	}

	async function readState(open: OpenShelf, hint?: number): Promise<void> {
		const content = contentOf(open);
		try {
			let found = await open.shelf.state.read(hint);
			if (found.kind === 'damaged') {
				await recover(open);
				found = await open.shelf.state.read();
			}
			content.problem = found.kind === 'newerSchema' ? 'newer_schema' : undefined;
			// A late hint may lead to a state that was superseded; what was read without one is the newest, whatever its number.
			if (found.kind !== 'state' || (hint !== undefined && found.generation < content.stateGeneration)) return;
			content.state = found.state;
			content.stateGeneration = found.generation;
		} catch (error) {
			content.problem = 'storage';
			log.error(`service: the state cannot be read (${describeError(error)})`);
		}
	}

	/** The state is damaged: whose the records are stands in the records themselves. Order and what people said of them are lost. */
	async function recover(open: OpenShelf): Promise<void> {
		const { describe } = await import('../buckets/edits.ts');
		const found = await open.shelf.vault.listCredentials();
		log.warn(`service: the state is damaged and is made anew from ${found.length} records`);
		const providers = options.providers();
		await open.shelf.state.update((state) => {
			let next = state;
			for (const { ref, credential } of found) {
				if (next.providers[ref.providerId]?.buckets.some((bucket) => bucket.id === ref.bucketId)) continue;
				const provider = providers.find((entry) => entry.id === ref.providerId) ?? {
					id: ref.providerId,
					label: ref.providerId,
				};
				next = addBucket(next, provider, credential, { nowMs: clock.now(), bucketId: ref.bucketId }).state;
				// What was said about who pays is lost too, so only the first one answers unasked.
				const isFirst = next.providers[ref.providerId]?.buckets[0]?.id === ref.bucketId;
				if (!isFirst) next = describe(next, ref.providerId, ref.bucketId, { automatic: false });
			}
			// Writing something readable is the point, even if there was nothing to recover.
			return next === state ? { ...state } : next;
		});
	}

	/** @param hint a generation that was just listed, as `Vault.read` */
	async function readRecord(open: OpenShelf, ref: BucketRef, hint?: number): Promise<void> {
		try {
			remember(open, ref.bucketId, await open.shelf.vault.read(ref, hint));
		} catch (error) {
			log.error(`service: a record cannot be read (${describeError(error)})`);
			const before = contentOf(open).known.get(ref.bucketId);
			if (before?.kind !== 'credential')
				contentOf(open).known.set(ref.bucketId, { kind: 'storageFailed', generation: 0 });
		}
	}

	function remembered(open: OpenShelf, { bucketId }: BucketRef, generation: number | undefined): Present | undefined {
		const known = contentOf(open).known.get(bucketId);
		// What the disk refuses so far may yet turn out to be another's.
		const isIt = known?.kind === 'credential' && known.generation === generation && !('unsaved' in known);
		return isIt ? known : undefined;
	}

	function refsOf(open: OpenShelf): BucketRef[] {
		return Object.entries(contentOf(open).state.providers).flatMap(([providerId, provider]) =>
			provider.buckets.map((bucket) => ({ providerId, bucketId: bucket.id })),
		);
	}

	/** Records of buckets that this window has not heard of before; with `all` every one. */
	async function readRecords(open: OpenShelf, all: boolean): Promise<void> {
		const { known } = contentOf(open);
		const wanted = refsOf(open).filter((ref) => all || !known.has(ref.bucketId));
		// One look at the folder for all of them: each would look through the names of all others. Without it each looks itself.
		const latest = wanted.length > 1 ? await open.shelf.ledger.list().catch(() => undefined) : undefined;
		await Promise.all(wanted.map((ref) => readRecord(open, ref, latest?.get(recordName(ref)))));
	}

	/** The end of an account is final, whoever was killed before the state said so, or named the account in between. */
	async function removeEnded(open: OpenShelf): Promise<void> {
		const { known } = contentOf(open);
		const ended = refsOf(open).filter(({ bucketId }) => known.get(bucketId)?.kind === 'signedOut');
		if (ended.length === 0) return;
		await open.shelf.state.update((state) =>
			ended.reduce((rest, { providerId, bucketId }) => removeBucket(rest, providerId, bucketId), state),
		);
		await readState(open);
	}

	return {
		snapshot: () => current,
		onDidChange: emitter.event,
		add: (open) => void contentOf(open),
		find(providerId, bucketId) {
			for (const [open, { state }] of contents) {
				const bucket = state.providers[providerId]?.buckets.find((entry) => entry.id === bucketId);
				if (bucket) return { open, bucket };
			}
			return undefined;
		},
		refs: () => [...contents.keys()].flatMap(refsOf),
		accounts: () =>
			[...contents.values()].flatMap(({ state }) =>
				Object.entries(state.providers).flatMap(([providerId, { buckets }]) =>
					buckets.map(({ account }) => ({ providerId, label: account.label })),
				),
			),
		provider: (providerId) => current.providers.find((entry) => entry.provider.id === providerId),
		bucket: (providerId, bucketId) =>
			current.providers
				.find((entry) => entry.provider.id === providerId)
				?.buckets.find((bucket) => bucket.id === bucketId),
		known: (open, bucketId) => contentOf(open).known.get(bucketId),
		remember,
		remembered,
		readAll: (open) =>
			inOrder(async () => {
				await readState(open);
				await readRecords(open, true);
				loaded = true;
				await removeEnded(open);
			}),
		readOne: (open, ref) =>
			inOrder(async () => {
				await readState(open);
				await readRecord(open, ref);
				await readRecords(open, false);
			}),
		announce: () => inOrder(async () => undefined),
		readNews: (open, name, generation) =>
			inOrder(async () => {
				if (name === 'state') await readState(open, generation);
				if (name === 'key') await readRecords(open, true);
				const ref = refsOf(open).find((entry) => recordName(entry) === name);
				if (ref && !remembered(open, ref, generation)) await readRecord(open, ref, generation);
				await readRecords(open, false);
			}),
		publish,
		isKeyWanted: () =>
			[...contents.values()].some((content) =>
				[...content.known.values()].some((known) => known.kind === 'keyMissing' || known.kind === 'keyUnreadable'),
			),
		dispose: () => emitter.dispose(),
	};
}
