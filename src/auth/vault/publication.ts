/**
 * Putting one generation in place: a temp file, forced to the disk, appears under its name by `link`, which never replaces.
 * Of two writers that start from the same generation one fails, whatever locks they think they hold.
 */
import { join } from 'node:path';
import { type Disk, errorCode, hasCodeOf } from './disk.ts';
import { generationsIn, parseFileName, parseTempFile, recordPath, tempPath } from './ledgerFiles.ts';
import { type Room, writeRecord } from './room.ts';

/**
 * File systems without hard links: there the rename replaces, and the lease alone keeps writers apart. EISDIR is what
 * libuv makes of Windows' ERROR_INVALID_FUNCTION, the answer of FAT and exFAT.
 */
const LINK_UNSUPPORTED = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EISDIR']);

export type PublishOptions = {
	/**
	 * If its writer dies, the next holder of the lease may put the temp file in place. Only for who holds the lease: of
	 * another writer nobody can say that it is dead, and one that lives would take the generation that was finished for it
	 * for somebody else's, and write the same content again over what came after it.
	 */
	readonly finishable?: boolean;
	/** Taken for this generation before. It stays while the disk refuses, for the next try. */
	readonly room?: Room;
	/** Called once the generation is there to stay, before what it supersedes is removed. */
	readonly onDurable?: () => void;
};

export type Publication = {
	/**
	 * Writes generation `expected + 1`, or finds that somebody was first. The temp file is gone afterwards.
	 */
	publish(name: string, expected: number, bytes: Uint8Array, options: PublishOptions): Promise<'written' | 'conflict'>;
};

export function createPublication(folder: string, disk: Disk): Publication {
	async function publish(
		name: string,
		expected: number,
		bytes: Uint8Array,
		{ finishable = false, room, onDurable }: PublishOptions,
	): Promise<'written' | 'conflict'> {
		const generation = expected + 1;
		const temp = room?.path || tempPath(folder, name, generation, finishable);
		const target = recordPath(folder, name, generation);
		let won: boolean;
		try {
			await writeRecord(disk, temp, bytes, room);
			won = await linkExclusively(temp, target, () => isPassed(name, generation));
		} catch (error) {
			if (room === undefined) await removeIfThere(temp).catch(() => undefined); // The failed write is what the caller must hear of.
			throw error;
		}
		if (!won) {
			await tolerant(removeIfThere(temp));
			return 'conflict';
		}
		const [files] = await Promise.all([disk.readdir(folder), disk.syncFolder(folder)]);
		const [latest = 0] = generationsIn(files, name);
		if (latest > generation) {
			// The name was free only because a later generation had already superseded it.
			await tolerant(removeIfThere(target));
			await tolerant(removeIfThere(temp));
			return 'conflict';
		}
		onDurable?.();
		await tolerant(sweep(files, name, generation));
		return 'written';
	}

	/** @param isTaken whether this generation or a later one is there. */
	async function linkExclusively(temp: string, target: string, isTaken: () => Promise<boolean>): Promise<boolean> {
		try {
			await disk.link(temp, target);
			return true;
		} catch (error) {
			const code = errorCode(error);
			if (code === 'EEXIST') return false;
			// Whoever wrote this generation or a later one has swept the temp file away.
			if (code === 'ENOENT' && (await isTaken())) return false;
			if (!hasCodeOf(LINK_UNSUPPORTED, error)) throw error;
		}
		if (await isTaken()) return false;
		await disk.rename(temp, target);
		return true;
	}

	async function isPassed(name: string, generation: number): Promise<boolean> {
		const [latest = 0] = generationsIn(await disk.readdir(folder), name);
		return latest >= generation;
	}

	/** Removes what a generation supersedes: older ones, and the temp files of writers that died or lost. */
	async function sweep(files: readonly string[], name: string, latest: number): Promise<void> {
		for (const file of files) {
			const record = parseFileName(file);
			const temp = parseTempFile(file);
			const isOlder = record?.name === name && record.generation < latest;
			const isDone = temp?.name === name && temp.generation <= latest;
			if (isOlder || isDone) await removeIfThere(join(folder, file));
		}
	}

	/** It is decided whose record is in place; failing to tidy up changes nothing about that, and the next write tries again. */
	async function tolerant(work: Promise<void>): Promise<void> {
		await work.catch(() => undefined);
	}

	async function removeIfThere(path: string): Promise<void> {
		try {
			await disk.unlink(path);
		} catch (error) {
			if (errorCode(error) !== 'ENOENT') throw error;
		}
	}

	return { publish };
}
