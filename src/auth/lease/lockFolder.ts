/**
 * How one lock lies on the disk, and the three things that can be done to it without ever touching another's: a folder
 * `<name>.lock` that holds one file `<nonce>.json`, its owner.
 *
 * - Publish: a prepared folder is renamed into place. `rename` replaces nothing but an empty folder, so lock and owner
 *   appear in one step or not at all.
 * - Release and takeover: the owner's file is unlinked by its nonce, then the folder is removed if it is empty. Of many who
 *   saw the same dead owner one unlinks; the others find nothing, and the folder of a successor is not empty.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import { errorCode, hasCodeOf } from '../vault/disk.ts';
import type { LockDisk } from './lockDisk.ts';
import type { Processes } from './processes.ts';
import { judge, type ProcessIdentity, processIdentitySchema } from './processIdentity.ts';

const OWNER_FILE = /^([0-9a-f]{32})\.json$/;
const PREPARED = /^[0-9a-f]{64}\.[0-9a-f]{32}\.new$/;
/** A sweep in another process can remove a folder that was just made, once in that process's life. */
const PREPARE_ATTEMPTS = 5;

/** Not empty: a successor was faster. Gone: somebody else finished the removal. */
const NOT_OURS_TO_REMOVE = new Set(['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EPERM', 'EACCES', 'EBUSY']);

const ownerSchema = v.object({ version: v.number(), process: processIdentitySchema, purpose: v.string() });

export type Owner = {
	readonly kind: 'owner';
	readonly nonce: string;
	/** Undefined if the note cannot be read; nothing may be concluded from that. */
	readonly process: ProcessIdentity | undefined;
	readonly purpose: string;
};

export type OwnerReading = { readonly kind: 'none' } | Owner;

/** A lock that is prepared once and may be tried many times, until it is in place. */
export type LockOffer = {
	/** Of its owner. */
	readonly nonce: string;
	/** Prepares it, as the first `publish` does otherwise. Rejects as the file system does. */
	prepare(): Promise<void>;
	/**
	 * Puts the lock in place with its owner, and returns the owner's nonce. Undefined if there is a lock already. Rejects as
	 * the file system does.
	 */
	publish(lockPath: string): Promise<string | undefined>;
	/** It is prepared, not in place, and no step of it has failed. */
	isUsable(): boolean;
	/** The step into its place failed: it may be there all the same, as where a network lost the answer of a file server. */
	isInDoubt(): boolean;
	/** Removes what was prepared and is not in place. Never rejects: what stays is swept when this process has ended. */
	discard(): Promise<void>;
};

/** @param base path of what is prepared, without the endings that tell one from another. */
export function createLockOffer(disk: LockDisk, base: string, owner: ProcessIdentity, purpose: string): LockOffer {
	const nonce = randomBytes(16).toString('hex');
	const path = `${base}.${nonce}.new`;
	/** What it is while a step is under way is what it stays if the step fails. */
	let state: 'none' | 'prepared' | 'placed' | 'failed' | 'inDoubt' = 'none';

	async function prepare(): Promise<void> {
		if (state !== 'none') return;
		state = 'failed';
		await make(disk, path, nonce, JSON.stringify({ version: 1, process: owner, purpose }));
		state = 'prepared';
	}

	return {
		nonce,
		prepare,
		async publish(lockPath) {
			await prepare();
			state = 'inDoubt';
			const isPlaced = await disk.place(path, lockPath);
			state = isPlaced ? 'placed' : 'prepared';
			return isPlaced ? nonce : undefined;
		},
		isUsable: () => state === 'prepared',
		isInDoubt: () => state === 'inDoubt',
		async discard() {
			if (state === 'none' || state === 'placed') return;
			await disk.removeAll(path).catch(() => undefined);
		},
	};
}

/** A folder with the owner's note. Again if another process swept the folder away while it was empty. */
async function make(disk: LockDisk, prepared: string, nonce: string, note: string): Promise<void> {
	for (let attempt = 1; ; attempt++) {
		await disk.mkdir(prepared);
		try {
			return await disk.writeNew(join(prepared, `${nonce}.json`), note);
		} catch (error) {
			if (errorCode(error) !== 'ENOENT' || attempt === PREPARE_ATTEMPTS) throw error;
		}
	}
}

/**
 * Who holds the lock.
 * @param known who did at the last look: of the same owner nothing is read again, a note never changes.
 */
export async function readOwner(disk: LockDisk, lockPath: string, known?: OwnerReading): Promise<OwnerReading> {
	try {
		const [nonce] = (await disk.readdir(lockPath))
			.map((file) => OWNER_FILE.exec(file)?.[1])
			.filter((found) => found !== undefined);
		if (nonce === undefined) return { kind: 'none' };
		if (known?.kind === 'owner' && known.nonce === nonce && known.process !== undefined) return known;
		const note = parseOwner(await disk.readFile(join(lockPath, `${nonce}.json`)));
		return { kind: 'owner', nonce, process: note?.process, purpose: note?.purpose ?? 'unreadable' };
	} catch (error) {
		if (errorCode(error) === 'ENOENT') return { kind: 'none' };
		throw error;
	}
}

/** Changes while the owner's heart beats; compared for equality only, never with a clock. Blank if nobody holds the lock. */
export async function readBeat(disk: LockDisk, lockPath: string): Promise<string> {
	try {
		return await disk.changed(lockPath);
	} catch (error) {
		if (errorCode(error) === 'ENOENT') return '';
		throw error;
	}
}

function parseOwner(text: string): v.InferOutput<typeof ownerSchema> | undefined {
	try {
		const parsed = v.safeParse(ownerSchema, JSON.parse(text));
		return parsed.success ? parsed.output : undefined;
	} catch {
		// Torn by a power cut: an owner who cannot be judged.
		return undefined;
	}
}

/** Removes the lock if `nonce` still owns it. False if it was somebody else's, or nobody's, by then. */
export async function remove(disk: LockDisk, lockPath: string, nonce: string): Promise<boolean> {
	try {
		await disk.unlink(join(lockPath, `${nonce}.json`));
	} catch (error) {
		if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return false;
		throw error;
	}
	await removeEmpty(disk, lockPath);
	return true;
}

async function removeEmpty(disk: LockDisk, folder: string): Promise<void> {
	try {
		await disk.rmdir(folder);
	} catch (error) {
		if (!hasCodeOf(NOT_OURS_TO_REMOVE, error)) throw error;
	}
}

/**
 * Removes what is in a lock folder and is no owner, such as the files that file managers leave behind: it keeps the folder
 * from being replaced. What it removes it has seen by name, so a lock that appears meanwhile is not touched.
 */
export async function clearForeign(disk: LockDisk, lockPath: string): Promise<void> {
	let files: string[];
	try {
		files = await disk.readdir(lockPath);
	} catch (error) {
		if (errorCode(error) === 'ENOENT') return;
		throw error;
	}
	for (const file of files) if (!OWNER_FILE.test(file)) await disk.removeAll(join(lockPath, file));
	await removeEmpty(disk, lockPath);
}

/**
 * Removes prepared folders whose makers died before they could publish them. An empty one says nothing about its maker and
 * is removed all the same: that can only succeed while it is empty, and a maker that lives makes it again. One with an
 * unreadable note stays, because its maker may be writing it.
 */
export async function sweepPrepared(disk: LockDisk, folder: string, processes: Processes): Promise<void> {
	for (const file of await disk.readdir(folder)) {
		if (!PREPARED.test(file)) continue;
		const path = join(folder, file);
		await removeEmpty(disk, path);
		const owner = await readOwner(disk, path);
		if (owner.kind === 'none' || owner.process === undefined) continue;
		if ((await judge(owner.process, await processes.self(), processes.probe)) === 'dead') await disk.removeAll(path);
	}
}

/** Whether `nonce` owns the lock at this moment. */
export async function isOwnedBy(disk: LockDisk, lockPath: string, nonce: string): Promise<boolean> {
	try {
		return (await disk.readdir(lockPath)).includes(`${nonce}.json`);
	} catch (error) {
		if (errorCode(error) === 'ENOENT') return false;
		throw error;
	}
}
