/**
 * Everything that was ever kept here goes: for people who leave, and for those whose sign-ins no longer open. Each step goes
 * on where another failed, and all of it can be run again. First the accounts end, in a way that no late answer of another
 * window survives; then the keys go, so that a removal that is killed leaves nothing that opens; then the files.
 */
import { join } from 'node:path';
import { EMPTY_STATE } from '../buckets/state.ts';
import { isAuthError } from '../errors.ts';
import { describeError, type Logger } from '../log.ts';
import type { SignOutMode } from '../service.ts';
import type { DiskShelf } from '../shelf.ts';
import { type Disk, errorCode } from '../vault/disk.ts';
import type { KeyStore } from '../vault/keyStore.ts';
import { SET_ASIDE_FOLDER } from '../vault/ledger.ts';
import { generationsIn, parseFileName } from '../vault/ledgerFiles.ts';
import { isRecordName, keyIdIn, refOf } from '../vault/recordLabel.ts';
import type { BucketRef } from '../vault/sealing.ts';
import { letGo } from './custody.ts';
import type { OpenShelf, Shelves } from './shelves.ts';

/** What can be left of it. */
export type RemovalPart = 'accounts' | 'keys' | 'files';

export type Removal = {
	/** Empty if all of it is gone. */
	readonly left: readonly RemovalPart[];
	/** Sign-ins that their service was not told of: it may accept their tokens until they end. */
	readonly notRevoked: number;
};

export type StoredData = {
	/** Of all services, also of those that are no longer in the settings. */
	readonly accounts: readonly { readonly providerId: string; readonly label: string }[];
	/** Records that no account names, or that were set aside because they could not be opened. */
	readonly strayRecords: number;
};

export type StoredDataParts = {
	/** Never rejects: what cannot be read is not listed, and goes all the same. */
	list(): Promise<StoredData>;
	/** Final in every window. Never rejects. */
	remove(): Promise<Removal>;
};

/** Services are told of this many sign-outs at a time. */
const AT_ONCE = 8;

/** A window that was writing while the files went finishes within one of these rounds. */
const ROUNDS = 3;

/** The folders that hold what people decided and who got what, below the storage folder. */
const OTHER_FOLDERS = ['consents', 'terminalConsents', 'audit'];

export function createRemoval(options: {
	readonly shelves: Shelves;
	readonly shelf: DiskShelf;
	readonly open: OpenShelf;
	readonly signOut: (providerId: string, bucketId: string, mode: SignOutMode) => Promise<void>;
	readonly secrets: KeyStore;
	readonly disk: Disk;
	readonly storagePath: string;
	readonly loaded: Promise<void>;
	readonly log: Logger;
}): StoredDataParts {
	const { shelves, shelf, disk, storagePath, log } = options;
	const { folder } = shelf.ledger;
	const aside = join(folder, SET_ASIDE_FOLDER);

	async function filesIn(path: string): Promise<string[]> {
		try {
			return await disk.readdir(path);
		} catch (error) {
			if (errorCode(error) === 'ENOENT') return [];
			throw error;
		}
	}

	/** Every key that a claim, a record or a file names, read as long as it can be. */
	async function namedKeys(): Promise<Set<string>> {
		const found = new Set<string>();
		for (const place of [folder, aside]) {
			for (const file of await filesIn(place)) {
				const own = /^([0-9a-f]{32})\.key$/.exec(file)?.[1];
				if (own !== undefined) found.add(own);
				if (!file.endsWith('.rec')) continue;
				const keyId = keyIdIn(await disk.readFile(join(place, file)).catch(() => Buffer.alloc(0))); // It is deleted unread.
				if (keyId !== undefined) found.add(keyId);
			}
		}
		return found;
	}

	/** The buckets of records that no state names any more. */
	async function strays(known: readonly BucketRef[]): Promise<BucketRef[]> {
		const found: BucketRef[] = [];
		for (const name of (await shelf.ledger.list()).keys()) {
			const entry = isRecordName(name) ? await shelf.ledger.read(name) : undefined;
			const ref = entry && refOf(entry.bytes);
			if (ref && !known.some(({ bucketId }) => bucketId === ref.bucketId)) found.push(ref);
		}
		return found;
	}

	/** Told to the service if that works, and ended here in any case. @returns whether the service was not told. */
	async function end({ providerId, bucketId }: BucketRef): Promise<boolean> {
		try {
			await options.signOut(providerId, bucketId, 'revoke');
			return false;
		} catch (error) {
			log.info(`removal: not revoked (${describeError(error)})`);
			await options.signOut(providerId, bucketId, 'forget');
			return isAuthError(error);
		}
	}

	async function endAccounts(): Promise<number> {
		const known = shelves.refs();
		let notRevoked = 0;
		const failures: unknown[] = [];
		for (let at = 0; at < known.length; at += AT_ONCE) {
			const ended = await Promise.allSettled(known.slice(at, at + AT_ONCE).map(end));
			for (const result of ended) {
				if (result.status === 'rejected') failures.push(result.reason);
				else if (result.value) notRevoked++;
			}
		}
		for (const ref of await strays(known)) await letGo(shelf, ref).catch((error: unknown) => failures.push(error));
		// Labels and answers of the person go with the accounts; and this is what the other windows hear of.
		await shelf.state.update((state) => (state === EMPTY_STATE ? state : { ...EMPTY_STATE }));
		if (failures.length > 0) throw failures[0];
		return notRevoked;
	}

	/**
	 * Everything but the newest state, which says that nobody is signed in, and a file by which a watch tests itself.
	 * @param keepClaim it names the key that could not be removed, for the next try
	 */
	async function doomed(keepClaim: boolean): Promise<string[]> {
		const files = await filesIn(folder);
		const [state] = generationsIn(files, 'state');
		const isEmpty = await shelf.state.read().then(
			(reading) => reading.kind === 'state' && Object.keys(reading.state.providers).length === 0,
			() => false,
		);
		return files.filter((file) => {
			if (file === SET_ASIDE_FOLDER || file.endsWith('.probe')) return false;
			if (keepClaim && parseFileName(file)?.name === 'key') return false;
			return !(isEmpty && file === `state.${state}.rec`);
		});
	}

	async function removeFiles(keepClaim: boolean): Promise<void> {
		let failure: unknown;
		const unlink = (path: string): Promise<void> =>
			disk.unlink(path).catch((error: unknown) => {
				if (errorCode(error) !== 'ENOENT') failure ??= error;
			});
		for (const place of [aside, ...OTHER_FOLDERS.map((name) => join(storagePath, name))])
			for (const file of await filesIn(place)) await unlink(join(place, file));
		for (let round = 0; round < ROUNDS; round++) {
			const files = await doomed(keepClaim);
			if (files.length === 0) break;
			for (const file of files) await unlink(join(folder, file));
		}
		await disk.syncFolder(folder).catch(() => undefined); // There may be no folder, and then there is nothing to sync.
		if (failure !== undefined) throw failure;
		if ((await doomed(keepClaim)).length > 0) throw new Error('files come back while they are removed');
	}

	return {
		async list() {
			await options.loaded;
			const known = shelves.refs();
			const records = await Promise.all([strays(known), filesIn(aside)]).catch(() => []);
			return {
				accounts: shelves.accounts(),
				strayRecords: records.reduce((sum, found) => sum + found.length, 0),
			};
		},
		async remove() {
			await options.loaded;
			const left: RemovalPart[] = [];
			const attempt = async <T>(part: RemovalPart, work: () => Promise<T>): Promise<T | undefined> => {
				try {
					return await work();
				} catch (error) {
					log.error(`removal: ${part} (${describeError(error)})`);
					left.push(part);
					return undefined;
				}
			};
			const keys = await attempt('keys', namedKeys);
			const notRevoked = await attempt('accounts', endAccounts);
			await attempt('keys', async () => options.secrets.removeAll?.([...(keys ?? [])]));
			await attempt('files', () => removeFiles(left.includes('keys')));
			shelf.key.forget();
			await shelves.readAll(options.open);
			// An end that could not be written does not matter once the record itself is gone and no account is named.
			const isOver = shelves.refs().length === 0 && !left.includes('files');
			log.info(`removal: done, ${left.length === 0 ? 'nothing' : left.join(', ')} left`);
			return {
				left: [...new Set(left)].filter((part) => part !== 'accounts' || !isOver),
				notRevoked: notRevoked ?? 0,
			};
		},
	};
}
