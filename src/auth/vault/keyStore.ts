/**
 * A place that keeps vault keys by their id. `secretStorage.ts` is the usual one; `keyFile.ts` is the recovery copy of
 * hosts whose SecretStorage can be wiped, and the person's choice where SecretStorage does not persist.
 */
import type { Event } from '../event.ts';

export type KeyReading =
	| { readonly kind: 'key'; readonly key: Buffer }
	| { readonly kind: 'absent' }
	/** It did not answer in time, threw, or what it holds is no key. Not the same as absent: nothing may be concluded. */
	| { readonly kind: 'unreadable'; readonly cause: unknown };

export type KeyStore = {
	readonly name: 'secretStorage' | 'keyFile';
	/** Never rejects. Bounded in time. */
	read(keyId: string): Promise<KeyReading>;
	/** Rejects if the key was not taken. Bounded in time. Never replaces another key: ids differ. */
	write(keyId: string, key: Buffer): Promise<void>;
	/**
	 * Forgets these keys, and every other key of a vault that the store can list: for the person who removes all data. Bounded
	 * in time; rejects if one of them is still there. Absent where the removed files are the keys.
	 */
	removeAll?(keyIds: readonly string[]): Promise<void>;
	/** Something in the store may have changed. May fire for nothing, and may not fire at all. */
	readonly onDidChange: Event<void>;
};
