/** A lock that is a file made with O_EXCL and removed by its maker: no owner, no takeover. */
import { open, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Account } from '../account.ts';

export const LOCK_NAME = 'owner.lock';

/** False if somebody else has it. */
export async function tryOwn(account: Account): Promise<boolean> {
	try {
		const file = await open(path.join(account.folder, LOCK_NAME), 'wx');
		await file.close();
		return true;
	} catch (error) {
		if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
		throw error;
	}
}

export function disown(account: Account): Promise<void> {
	return unlink(path.join(account.folder, LOCK_NAME));
}
