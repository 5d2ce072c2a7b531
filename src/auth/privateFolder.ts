/**
 * Folders that only this user may look into. Whoever could plant a link or a file there could read or redirect tokens.
 * Windows keeps profiles private by inherited access lists; there only links are refused.
 */
import type { Stats } from 'node:fs';
import { AuthError } from './errors.ts';
import { chmod, lstat, mkdir } from './fileCalls.ts';

const GROUP_AND_OTHERS = 0o077;

/** The user's id; undefined on Windows. */
export function ownUid(): number | undefined {
	return process.getuid?.();
}

/**
 * Creates the folder (mode 0700, parents as well) if it is absent, and takes back what others may do in it, as far as the
 * file system knows modes: for the storage that VS Code made for us. Rejects with `storage` if it is a link, no folder, or
 * somebody else's.
 */
export async function ensurePrivateFolder(folder: string): Promise<void> {
	await withStorageError(folder, async () => {
		const problem = await make(folder);
		if (problem === OPEN) await chmod(folder, 0o700);
		return problem === OPEN ? undefined : problem;
	});
}

/**
 * The same for places that others can reach, such as a folder for temporary files: one that is open to others is refused
 * and never repaired, because whoever made it so may already have something inside.
 */
export async function requirePrivateFolder(folder: string): Promise<void> {
	await withStorageError(folder, () => make(folder));
}

/** Why the folder is not private, or undefined if it is. Rejects like `lstat` if there is no such folder. */
export async function privacyProblem(folder: string): Promise<string | undefined> {
	return privacyProblemOf(await lstat(folder));
}

/** The same of what `lstat` says. */
export function privacyProblemOf(stats: Stats): string | undefined {
	if (stats.isSymbolicLink()) return 'is a link';
	if (!stats.isDirectory()) return 'is not a folder';
	const uid = ownUid();
	if (uid === undefined) return undefined;
	if (stats.uid !== uid) return 'belongs to another user';
	return (stats.mode & GROUP_AND_OTHERS) === 0 ? undefined : OPEN;
}

const OPEN = 'is open to other users';

async function make(folder: string): Promise<string | undefined> {
	await mkdir(folder, { recursive: true, mode: 0o700 });
	return privacyProblem(folder);
}

async function withStorageError(folder: string, check: () => Promise<string | undefined>): Promise<void> {
	let problem: string | undefined;
	try {
		problem = await check();
	} catch (error) {
		// A dangling link or a file in the way, or a parent that belongs to somebody else.
		throw new AuthError('storage', `folder ${folder} cannot be used`, { cause: error });
	}
	if (problem !== undefined) throw new AuthError('storage', `folder ${folder} ${problem}`);
}
