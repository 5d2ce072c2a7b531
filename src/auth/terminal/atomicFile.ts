/**
 * Puts a file in place whole, so that no reader ever sees half of one. Without fsync: all of it is made anew at need.
 * The global `crypto`, which Node loads when it is first used, because the terminal's program has no time for it.
 */
import path from 'node:path';
import { lstat, readFile, rename, rm, writeFile } from '../fileCalls.ts';

/** Writes beside the target under a name that no reader looks for, then renames. */
export async function replaceFile(file: string, content: string | Buffer, mode: number): Promise<void> {
	const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${crypto.randomUUID()}.tmp`);
	try {
		await writeFile(temporary, content, { mode, flag: 'wx' });
		await rename(temporary, file);
	} catch (error) {
		await rm(temporary, { force: true });
		throw error;
	}
}

/** The content, or undefined if there is no such file; anything else rejects. */
export async function readIfPresent(file: string): Promise<Buffer | undefined> {
	try {
		return await readFile(file);
	} catch (error) {
		if (hasCode(error, 'ENOENT')) return undefined;
		throw error;
	}
}

/** When it was last written or touched, in ms since the epoch. Gone counts as just now: there is nothing to clear away. */
export async function modifiedAtMs(file: string): Promise<number> {
	try {
		return (await lstat(file)).mtimeMs;
	} catch (error) {
		if (hasCode(error, 'ENOENT')) return Number.POSITIVE_INFINITY;
		throw error;
	}
}

/** True if `error` is a system error with this code. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
	return error instanceof Error && 'code' in error && codes.some((code) => code === error.code);
}
