/**
 * The birth and the finding of the vault's key. A claim in the ledger names the key by its id, so that all windows agree
 * on one key without any of them holding a lock while it talks to SecretStorage: whoever wins the claim stores the key and
 * reads it back, everybody else waits for the key of that id. Nothing is sealed under a key that was not read back.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { abortable, type Clock, delay } from '../clock.ts';
import { AuthError } from '../errors.ts';
import { describeError, type Logger } from '../log.ts';
import { readClaim, wasNeverKept, writeClaim } from './keyClaim.ts';
import { createKeySearch } from './keySearch.ts';
import type { KeyStore } from './keyStore.ts';
import type { Ledger } from './ledger.ts';
import { KEY_BYTES, keyIdOf } from './sealing.ts';

/** SecretStorage reaches other windows after about 200 ms, without an upper bound; after this the key counts as lost. */
export const KEY_WAIT_MS = 10_000;
const KEY_POLL_MS = 250;

export type KeyState =
	| { readonly kind: 'ready'; readonly key: Buffer; readonly keyId: string }
	/** No sign-in has ever begun here. */
	| { readonly kind: 'none' }
	/** A key was claimed and no store has it (now). */
	| { readonly kind: 'missing'; readonly keyId: string }
	/** A store does not answer, so nothing can be concluded. */
	| { readonly kind: 'unreadable'; readonly keyId: string; readonly cause: unknown }
	/** The claim was written by a newer version, or cannot be read. */
	| { readonly kind: 'refused'; readonly reason: 'newerSchema' | 'damaged' };

/** What is known of one key by its id. */
export type NamedKeyState = Extract<KeyState, { kind: 'ready' | 'missing' | 'unreadable' }>;

export type BirthOptions = {
	readonly signal?: AbortSignal;
	/** Claim a new key although the claimed one is lost and sealed records exist: only the person may decide that. */
	readonly startOver?: boolean;
	/** Where to keep it; by default the first store, with copies in those that `copies` names. */
	readonly keep?: KeyStore['name'];
};

export type VaultKey = {
	/** What is known now, without asking a store again once the key is found. */
	find(): Promise<KeyState>;
	/** Any key that a store has under this id: records sealed under an earlier key open again when it returns. */
	findById(keyId: string): Promise<NamedKeyState>;
	/**
	 * The key, born if there is none. Rejects with `key_missing` (sealed records exist and their key is gone),
	 * `key_unreadable` (no store kept it), `newer_schema`, `storage` or `cancelled`.
	 */
	ensure(options?: BirthOptions): Promise<Buffer>;
	/** Forgets what was found, so that the stores are asked again. A birth that is under way goes on. */
	forget(): void;
};

/** Of a vault on the disk, where a key can be known of and be out of reach. */
export type ClaimedVaultKey = VaultKey & {
	/** Whether a key was born here, without asking any store for it. Rejects with `storage`. */
	isClaimed(): Promise<boolean>;
	/** True if the key is gone and no session but the one of its birth ever found it: the store does not keep anything. */
	isForgotten(): Promise<boolean>;
};

export type VaultKeyOptions = {
	readonly ledger: Ledger;
	/** Asked in this order; the first keeps a new key unless the person chose another. */
	readonly stores: readonly [KeyStore, ...KeyStore[]];
	/** Stores that get a copy of every key: the recovery copy of web hosts. */
	readonly copies: readonly KeyStore['name'][];
	readonly clock: Clock;
	readonly log: Logger;
	/** Whether any record is sealed under this key. */
	readonly isUsed: (keyId: string) => Promise<boolean>;
};

export function createVaultKey(options: VaultKeyOptions): ClaimedVaultKey {
	const { ledger, stores, clock, log } = options;
	const search = createKeySearch({ ...options, onFound: (keyId) => void noteSeen(keyId) });
	const { findById } = search;
	let birth:
		| { readonly startOver: boolean; readonly keep: KeyStore['name'] | undefined; readonly key: Promise<Buffer> }
		| undefined;

	/** One activation in one window: what only remembers within it does not keep. */
	const session = randomUUID();

	async function find(): Promise<KeyState> {
		const reading = await readClaim(ledger, log);
		if (reading.kind === 'refused') return { kind: 'refused', reason: reading.reason };
		return reading.claim.keyId === undefined ? { kind: 'none' } : findById(reading.claim.keyId);
	}

	/** The canary: this session found the key that another one left, so its store does keep it. */
	async function noteSeen(keyId: string): Promise<void> {
		try {
			const reading = await readClaim(ledger, log);
			if (reading.kind === 'refused' || reading.claim.keyId !== keyId || !wasNeverKept(reading.claim, session)) return;
			await writeClaim(ledger, reading.generation, { ...reading.claim, seenElsewhere: true });
		} catch (error) {
			log.debug(`vault key: that it was found could not be noted (${describeError(error)})`);
		}
	}

	/** Waits until the claimed key shows up: another window may have stored it a moment ago. */
	async function waitFor(keyId: string): Promise<KeyState> {
		const endsAt = clock.monotonic() + KEY_WAIT_MS;
		for (;;) {
			const state = await find();
			const superseded = state.kind !== 'ready' && 'keyId' in state && state.keyId !== keyId;
			if (state.kind === 'ready' || state.kind === 'refused' || state.kind === 'none' || superseded) return state;
			if (clock.monotonic() >= endsAt) return state;
			await delay(clock, KEY_POLL_MS);
		}
	}

	async function ensure(startOver: boolean, keep: KeyStore['name'] | undefined): Promise<Buffer> {
		for (let mayReplace = startOver; ; mayReplace = false) {
			const reading = await readClaim(ledger, log);
			if (reading.kind === 'refused' && !(mayReplace && reading.reason === 'damaged'))
				throw new AuthError(
					reading.reason === 'newerSchema' ? 'newer_schema' : 'damaged',
					'the claim of the vault key cannot be used',
				);
			const claimed = reading.kind === 'claim' ? reading.claim.keyId : undefined;
			if (claimed !== undefined && !mayReplace) {
				const state = await waitFor(claimed);
				if (state.kind === 'ready') return state.key;
				if ((state.kind !== 'missing' && state.kind !== 'unreadable') || state.keyId !== claimed) continue;
				if (await options.isUsed(claimed)) {
					throw state.kind === 'missing'
						? new AuthError('key_missing', 'the key of the sealed records is gone')
						: new AuthError('key_unreadable', 'no store answers for the vault key', { cause: state.cause });
				}
				// Its claimer died before anything was sealed, or could not keep it: nothing is lost with it.
			}
			const key = await claimNew(reading.generation, reading.kind === 'refused', keep);
			// Another window was faster: what it claimed is what counts, also for who wanted to start over.
			if (key) return key;
		}
	}

	/** Claims, stores and confirms a new key; undefined if another window claimed first, or lost patience meanwhile. */
	async function claimNew(
		generation: number,
		setAside: boolean,
		keep: KeyStore['name'] | undefined,
	): Promise<Buffer | undefined> {
		const key = randomBytes(KEY_BYTES);
		const keyId = keyIdOf(key);
		const keeper = stores.find((store) => store.name === keep) ?? stores[0];
		// A store that does not even answer is found out sooner, and without a claim, by reading than by writing.
		const answer = await keeper.read(keyId);
		if (answer.kind === 'unreadable') {
			log.warn(`vault key: no birth, ${keeper.name} is unreadable (${describeError(answer.cause)})`);
			throw new AuthError('key_unreadable', 'no store takes the vault key', { cause: answer.cause });
		}
		if ((await writeClaim(ledger, generation, { keyId, bornIn: session }, setAside)) === 'conflict') return undefined;
		try {
			await keeper.write(keyId, key);
			const reading = await keeper.read(keyId);
			if (reading.kind !== 'key') throw new AuthError('key_unreadable', `${keeper.name} did not keep the vault key`);
			for (const store of stores)
				if (store !== keeper && options.copies.includes(store.name)) await store.write(keyId, key);
		} catch (error) {
			log.warn(`vault key ${keyId.slice(0, 8)}: birth failed (${describeError(error)})`);
			await writeClaim(ledger, generation + 1, {});
			throw new AuthError('key_unreadable', 'the vault key could not be kept', { cause: error });
		}
		// Storing may have waited behind a dialog for longer than others wait: then theirs is the vault's key.
		const newest = await readClaim(ledger, log);
		if (newest.kind !== 'claim' || newest.claim.keyId !== keyId) return undefined;
		log.info(`vault key ${keyId.slice(0, 8)}: born, kept in ${keeper.name}`);
		search.remember(keyId, key);
		return key;
	}

	/** One birth at a time in this window; who asks for the same has its outcome, who asks for another waits for it. */
	async function joinBirth({ signal, startOver = false, keep }: BirthOptions): Promise<Buffer> {
		while (birth && (birth.startOver !== startOver || birth.keep !== keep))
			await abortable(
				birth.key.catch(() => undefined), // Its outcome is for those who asked for it.
				signal,
			);
		birth ??= {
			startOver,
			keep,
			key: ensure(startOver, keep).finally(() => {
				birth = undefined;
			}),
		};
		return abortable(birth.key, signal);
	}

	return {
		find,
		findById,
		ensure: (birthOptions = {}) => joinBirth(birthOptions),
		async isClaimed() {
			const reading = await readClaim(ledger, log);
			return reading.kind === 'claim' && reading.claim.keyId !== undefined;
		},
		async isForgotten() {
			const reading = await readClaim(ledger, log);
			if (reading.kind === 'refused' || reading.claim.keyId === undefined) return false;
			return wasNeverKept(reading.claim, session) && (await findById(reading.claim.keyId)).kind === 'missing';
		},
		forget: search.forget,
	};
}
