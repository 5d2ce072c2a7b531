/**
 * Room on the disk that is taken before it is needed: what a server answers is all there is of it, and by then the disk may
 * be full. A temp file of the size that is expected, into which the record is then written.
 */
import { type Disk, errorCode } from './disk.ts';

/** Of what blocks of a disk are a multiple of. */
const BLOCK_BYTES = 4_096;

export type Room = {
	/** A temp file of the generation that it is for. Blank where nothing is taken. */
	readonly path: string;
	/** It is not needed. Never rejects: what stays is swept with the next record. */
	release(): Promise<void>;
};

export const NO_ROOM: Room = { path: '', release: async () => undefined };

/**
 * Rejects as the file system does, and then nothing is taken.
 * @param bytes what is expected; a block more is taken, for what is longer.
 */
export async function takeRoom(disk: Disk, path: string, bytes: number): Promise<Room> {
	const release = async (): Promise<void> => {
		await disk.unlink(path).catch(() => undefined);
	};
	try {
		// Blanks: until it is written over it is no record, and a record with blanks behind it is one.
		await disk.overwrite(path, Buffer.alloc((Math.ceil(bytes / BLOCK_BYTES) + 1) * BLOCK_BYTES, ' '));
	} catch (error) {
		await release();
		throw error;
	}
	return { path, release };
}

/** Writes a record into its room, or where that is gone or takes nothing, as on disks that never write in place, beside it. */
export async function writeRecord(disk: Disk, path: string, bytes: Uint8Array, room: Room | undefined): Promise<void> {
	if (room !== undefined) {
		try {
			return await disk.writeInto(path, bytes);
		} catch (error) {
			// What it holds may be all that is left.
			if (errorCode(error) !== 'ENOENT') await disk.unlink(path);
		}
	}
	await disk.writeNew(path, bytes);
}
