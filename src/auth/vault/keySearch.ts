/** Looking for a key by its id in every place that keeps keys, and putting back the copies that were lost. */
import { describeError, type Logger } from '../log.ts';
import type { KeyStore } from './keyStore.ts';
import type { NamedKeyState } from './vaultKey.ts';

export type KeySearch = {
	/**
	 * Asks all stores at once, so that one that hangs holds nobody up if another has the key; none of them again once it is
	 * found. Where copies are kept, one that was lost is put back, without waiting for it.
	 */
	findById(keyId: string): Promise<NamedKeyState>;
	/** A key that is known without a search. */
	remember(keyId: string, key: Buffer): void;
	/** The stores are asked again. */
	forget(): void;
};

export type KeySearchOptions = {
	readonly stores: readonly KeyStore[];
	/** Stores that get a copy of every key. */
	readonly copies: readonly KeyStore['name'][];
	readonly log: Logger;
	/** A store had it. */
	readonly onFound: (keyId: string) => void;
};

export function createKeySearch({ stores, copies, log, onFound }: KeySearchOptions): KeySearch {
	const found = new Map<string, Buffer>();
	/** One search at a time for each key: all records of a vault ask at once. */
	const asking = new Map<string, Promise<NamedKeyState>>();

	function heal(keyId: string, key: Buffer, source: KeyStore): void {
		// Without copies there is one place, and putting the key into another would be against the person's choice.
		if (copies.length === 0) return;
		for (const store of stores) {
			if (store === source) continue;
			void (async () => {
				if ((await store.read(keyId)).kind !== 'absent') return;
				await store.write(keyId, key);
				log.info(`vault key ${keyId.slice(0, 8)}: put back into ${store.name}`);
			})().catch((error: unknown) =>
				log.warn(`vault key: ${store.name} did not take a copy (${describeError(error)})`),
			);
		}
	}

	async function ask(keyId: string): Promise<NamedKeyState> {
		let unreadable: { cause: unknown } | undefined;
		const answers = stores.map(async (store) => {
			const reading = await store.read(keyId);
			if (reading.kind === 'key') return { key: reading.key, store };
			if (reading.kind === 'unreadable') {
				log.warn(`vault key ${keyId.slice(0, 8)}: ${store.name} is unreadable (${describeError(reading.cause)})`);
				unreadable = { cause: reading.cause };
			}
			return undefined;
		});
		const first = await firstFound(answers);
		if (first) {
			found.set(keyId, first.key);
			heal(keyId, first.key, first.store);
			onFound(keyId);
			return { kind: 'ready', key: first.key, keyId };
		}
		return unreadable ? { kind: 'unreadable', keyId, cause: unreadable.cause } : { kind: 'missing', keyId };
	}

	return {
		async findById(keyId) {
			const known = found.get(keyId);
			if (known) return { kind: 'ready', key: known, keyId };
			const present = asking.get(keyId);
			if (present) return present;
			const answer = ask(keyId).finally(() => {
				if (asking.get(keyId) === answer) asking.delete(keyId);
			});
			asking.set(keyId, answer);
			return answer;
		},
		remember: (keyId, key) => void found.set(keyId, key),
		forget() {
			found.clear();
			asking.clear();
		},
	};
}

/** The first result that is not undefined, as soon as it is there; undefined when all are in. */
function firstFound<T>(asked: readonly Promise<T | undefined>[]): Promise<T | undefined> {
	return new Promise((resolve, reject) => {
		for (const one of asked) {
			one.then((found) => {
				if (found !== undefined) resolve(found);
			}, reject);
		}
		Promise.all(asked).then(() => resolve(undefined), reject);
	});
}
