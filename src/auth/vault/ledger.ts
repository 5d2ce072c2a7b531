/**
 * A folder of numbered files, of which for each name the highest number counts: `<name>.<generation>.rec`. A new
 * generation appears under its own name by `link`, which never replaces, so compare-and-set is done by the file system:
 * of two writers that start from the same generation one fails, whatever locks they think they hold. A reader sees the
 * old content or the new one, never a mixture, and never neither.
 */
import { join } from 'node:path';
import { AuthError, toAuthError } from '../errors.ts';
import { type Disk, errorCode } from './disk.ts';
import {
	asidePath,
	generationsIn,
	isLedgerName,
	MAX_GENERATION,
	parseFileName,
	parseTempFile,
	recordPath,
	tempPath,
} from './ledgerFiles.ts';
import { createPublication, type PublishOptions } from './publication.ts';
import { type Room, takeRoom } from './room.ts';

/** A file may be superseded and removed between listing and reading; more often than this in a row it is a fault. */
const READ_ATTEMPTS = 20;

export const SET_ASIDE_FOLDER = 'set-aside';

export type LedgerEntry = { readonly generation: number; readonly bytes: Buffer };

export type AppendOptions = PublishOptions & {
	/** Keep what this write supersedes in `set-aside/`, because it could not be opened. */
	readonly setAside?: boolean;
};

export type Leftover = { readonly path: string; readonly bytes: Buffer };

export type Ledger = {
	readonly folder: string;
	/**
	 * The highest generation of a name; undefined if there is none. Rejects with `storage`.
	 * @param hint a generation that was heard of: if it is still there it is taken, without looking for a higher one.
	 */
	read(name: string, hint?: number): Promise<LedgerEntry | undefined>;
	/** Every name with its highest generation. An absent folder is an empty one. Rejects with `storage`. */
	list(): Promise<ReadonlyMap<string, number>>;
	/**
	 * Writes generation `expected + 1`, durable before it resolves. `conflict` if somebody wrote that or a later one
	 * first; then nothing of this write remains. Rejects with `storage`.
	 */
	append(name: string, expected: number, bytes: Uint8Array, options?: AppendOptions): Promise<'written' | 'conflict'>;
	/**
	 * Takes room for generation `expected + 1`, so that it can be appended although the disk is full by then. Only for who
	 * holds the lease, as `finishable`. Rejects with `storage`.
	 */
	reserve(name: string, expected: number, bytes: number): Promise<Room>;
	/**
	 * Complete or torn temp files of generation `expected + 1` that a dead holder of the lease left; `superseded` if `expected` is not the
	 * highest generation any more.
	 */
	leftovers(name: string, expected: number): Promise<readonly Leftover[] | 'superseded'>;
	/** Puts a leftover in place as generation `expected + 1`. `conflict` also if somebody else has just done it. */
	promote(name: string, expected: number, path: string): Promise<'written' | 'conflict'>;
};

export function createLedger(folder: string, disk: Disk): Ledger {
	const { publish } = createPublication(folder, disk);

	async function files(): Promise<string[]> {
		try {
			return await disk.readdir(folder);
		} catch (error) {
			if (errorCode(error) === 'ENOENT') return [];
			throw error;
		}
	}

	async function generationsOf(name: string): Promise<number[]> {
		return generationsIn(await files(), name);
	}

	/** Undefined if it has been superseded and removed. */
	async function readIfThere(name: string, generation: number): Promise<LedgerEntry | undefined> {
		try {
			return { generation, bytes: await disk.readFile(recordPath(folder, name, generation)) };
		} catch (error) {
			if (errorCode(error) === 'ENOENT') return undefined;
			throw error;
		}
	}

	async function read(name: string, hint?: number): Promise<LedgerEntry | undefined> {
		const hinted = hint === undefined ? undefined : await readIfThere(name, hint);
		if (hinted) return hinted;
		let missed = false;
		for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
			const [generation] = await generationsOf(name);
			if (generation === undefined) {
				// A large folder is listed in steps, between which one generation can go and the next one come unseen.
				if (missed) return undefined;
				missed = true;
				continue;
			}
			const entry = await readIfThere(name, generation);
			if (entry) return entry;
		}
		throw new AuthError('storage', 'the newest record keeps disappearing while it is read');
	}

	/** Copied before anything is published, so that a failure can never end with the only copy deleted. */
	async function setAside(name: string, generation: number): Promise<void> {
		const present = await readIfThere(name, generation);
		if (!present) return; // Superseded meanwhile: this write ends as a conflict.
		const aside = join(folder, SET_ASIDE_FOLDER);
		await disk.makeFolder(aside);
		await disk.writeNew(asidePath(aside, name, generation), present.bytes);
		await disk.syncFolder(aside);
	}

	function checked<A extends unknown[], R>(what: string, work: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
		return async (...args) => {
			try {
				return await work(...args);
			} catch (error) {
				throw toAuthError(error, 'storage', `${what} failed`);
			}
		};
	}

	return {
		folder,
		read: checked('reading the vault folder', read),
		list: checked('listing the vault folder', async () => {
			const latest = new Map<string, number>();
			for (const file of await files()) {
				const entry = parseFileName(file);
				if (entry && entry.generation > (latest.get(entry.name) ?? 0)) latest.set(entry.name, entry.generation);
			}
			return latest;
		}),
		append: checked('writing to the vault folder', async (name, expected, bytes, options = {}) => {
			if (!isLedgerName(name)) throw new AuthError('storage', 'not a name for a record');
			// Written under a name that nobody can read, it would be lost.
			if (expected >= MAX_GENERATION) throw new AuthError('storage', 'there is no generation after this one');
			const present = await files();
			// Only an empty folder can be one that is not there.
			if (present.length === 0) await disk.makeFolder(folder);
			if ((generationsIn(present, name)[0] ?? 0) !== expected) return 'conflict';
			if (options.setAside === true && expected > 0) await setAside(name, expected);
			return publish(name, expected, bytes, options);
		}),
		reserve: checked('making room in the vault folder', (name, expected, bytes) =>
			takeRoom(disk, tempPath(folder, name, expected + 1, true), bytes),
		),
		leftovers: checked('looking for unfinished records', async (name, expected) => {
			const present = await files();
			if ((generationsIn(present, name)[0] ?? 0) !== expected) return 'superseded';
			const found: Leftover[] = [];
			for (const file of present) {
				const temp = parseTempFile(file);
				if (temp?.name !== name || temp.generation !== expected + 1 || !temp.finishable) continue;
				const path = join(folder, file);
				try {
					found.push({ path, bytes: await disk.readFile(path) });
				} catch (error) {
					if (errorCode(error) !== 'ENOENT') throw error; // ENOENT: its writer has just finished it.
				}
			}
			return found;
		}),
		promote: checked('finishing a record', async (name, expected, path) => {
			let bytes: Buffer;
			try {
				bytes = await disk.readFile(path);
			} catch (error) {
				if (errorCode(error) === 'ENOENT') return 'conflict';
				throw error;
			}
			// Written anew: its writer may have died before its fsync.
			return publish(name, expected, bytes, { finishable: true });
		}),
	};
}
