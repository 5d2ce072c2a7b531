/**
 * Where a window listens. Global storage is too deep for a unix socket, so the sockets live in a private folder of
 * the runtime or temporary folder, and the descriptor tells where.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { AuthError } from '../errors.ts';
import { ownUid, privacyProblem, requirePrivateFolder } from '../privateFolder.ts';

/** `sun_path` holds 104 bytes on macOS (108 on Linux), one of them the closing zero. */
export const MAX_SOCKET_PATH_BYTES = 103;

const STICKY = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;

export type SocketAddressOptions = {
	/** Windows of one storage folder share one socket folder; others never meet. */
	readonly storagePath: string;
	readonly platform: NodeJS.Platform;
	/** `$XDG_RUNTIME_DIR`, if it is set. */
	readonly runtimeFolder: string | undefined;
	readonly temporaryFolder: string;
};

/**
 * A fresh random address: a pipe name on Windows, else a path in a folder of mode 0700.
 * @throws AuthError `storage` if the folder in question is not private, or no place is short enough.
 */
export async function chooseSocketAddress(options: SocketAddressOptions): Promise<string> {
	if (options.platform === 'win32') return `\\\\.\\pipe\\agent-auth-${randomBytes(16).toString('hex')}`;
	const name = randomBytes(8).toString('hex');
	for (const folder of await candidateFolders(options)) {
		const address = path.join(folder, name);
		if (Buffer.byteLength(address) > MAX_SOCKET_PATH_BYTES) continue;
		await requirePrivateFolder(folder);
		return address;
	}
	throw new AuthError('storage', 'no folder for sockets with a path short enough');
}

async function candidateFolders(options: SocketAddressOptions): Promise<string[]> {
	const hash = createHash('sha256').update(path.resolve(options.storagePath)).digest('hex').slice(0, 8);
	const folders: string[] = [];
	if (options.runtimeFolder !== undefined && (await isOwn(options.runtimeFolder))) {
		folders.push(path.join(options.runtimeFolder, `agent-auth-${hash}`));
	}
	// `/tmp` as well, because a temporary folder of a test run or a sandbox may be too long for a socket.
	for (const parent of [options.temporaryFolder, '/tmp']) {
		if (await isSafeParent(parent)) folders.push(path.join(parent, `agent-auth-${ownUid()}-${hash}`));
	}
	return folders;
}

async function isOwn(folder: string): Promise<boolean> {
	if (!path.isAbsolute(folder)) return false;
	try {
		return (await privacyProblem(folder)) === undefined;
	} catch {
		return false; // A runtime folder that cannot be looked at is none: the next place is taken.
	}
}

/** True unless somebody else could rename our folder away inside it: then a private folder is of no use. */
async function isSafeParent(folder: string): Promise<boolean> {
	try {
		const stats = await lstat(path.join(folder, path.sep));
		const trusted = stats.uid === 0 || stats.uid === ownUid();
		return stats.isDirectory() && trusted && ((stats.mode & WRITABLE_BY_OTHERS) === 0 || (stats.mode & STICKY) !== 0);
	} catch {
		return false; // Absent or not to be looked at: the next place is taken.
	}
}
