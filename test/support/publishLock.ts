/** A lock of a given owner in its place, as that owner would have put it there. Undefined if the place is taken. */
import type { LockDisk } from '../../src/auth/lease/lockDisk.ts';
import { createLockOffer } from '../../src/auth/lease/lockFolder.ts';
import type { ProcessIdentity } from '../../src/auth/lease/processIdentity.ts';

export async function publishLock(
	disk: LockDisk,
	lockPath: string,
	owner: ProcessIdentity,
	purpose: string,
): Promise<string | undefined> {
	const offer = createLockOffer(disk, lockPath.slice(0, -'.lock'.length), owner, purpose);
	try {
		return await offer.publish(lockPath);
	} finally {
		await offer.discard();
	}
}
