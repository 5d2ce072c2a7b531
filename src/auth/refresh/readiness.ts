/** What must stand before a refresh token leaves: the note of it, room on the disk for the answer, and the lease itself. */
import type { Lease } from '../lease/lease.ts';
import type { Room } from '../vault/room.ts';
import type { SendingNote } from './sendingNote.ts';

/** All at once, and everything is taken back if one of them is not to be had. Rejects with `storage` or `conflict`. */
export async function makeReady(note: SendingNote, lease: Lease, reserve: () => Promise<Room>): Promise<Room> {
	const isHeld = lease.assertHeld();
	const making = reserve();
	for (const work of [isHeld, making]) work.catch(() => undefined); // Heard below, unless the note fails first.
	try {
		// Awaited first, whatever comes of the others: a note that is still being written must not outlive the lease.
		await note.begin();
		const room = await making;
		await isHeld;
		return room;
	} catch (error) {
		await note.takeBack();
		await making.then(
			(room) => room.release(),
			() => undefined,
		);
		throw error;
	}
}
