/**
 * Reads and replaces files that belong to somebody else's tool: whole or not at all, with the mode they have, through
 * links to where they lead, and only if they are still what was looked at.
 */
import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { isUtf16 } from '../textEncoding.ts';
import { errorCode } from '../vault/disk.ts';
import { FileProblem } from './format.ts';

/** The file system as it is used here, so that every write has a test in which it fails. */
export type ToolDisk = {
	readFile(file: string): Promise<Buffer>;
	/** Mode and whether it is a link; rejects with `ENOENT` if there is nothing. */
	stat(file: string): Promise<{ readonly mode: number; readonly isLink: boolean; readonly isFile: boolean }>;
	/** Where the link leads, as an absolute path. */
	readLink(file: string): Promise<string>;
	/** Creates the file, which must not be there, writes it, gives it the mode and forces it to the disk. */
	writeNew(file: string, bytes: Uint8Array, mode: number): Promise<void>;
	link(existing: string, created: string): Promise<void>;
	rename(from: string, to: string): Promise<void>;
	unlink(file: string): Promise<void>;
	makeFolder(folder: string): Promise<void>;
	/** Rejects with `ENOTEMPTY` (or `EEXIST`) if something is inside. */
	removeFolder(folder: string): Promise<void>;
	syncFolder(folder: string): Promise<void>;
	readdir(folder: string): Promise<string[]>;
};

export type ToolFile = {
	/** Where the content is: the end of the links. */
	readonly target: string;
	/** Undefined if there is no such file. */
	readonly content: FileContent | undefined;
};

export type FileContent = {
	/** Without byte order mark. */
	readonly text: string;
	readonly hasMark: boolean;
	readonly mode: number;
};

/** Settings of a person; who wants them open to others can change the mode afterwards. */
const NEW_FILE_MODE = 0o600;
const ANY_WRITE = 0o222;
const MAX_LINKS = 20;
const WITHOUT_LINKS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP']);
const MARK = '\uFEFF';

/** Digest of a file's bytes; `absent` for no file. */
export function digestOf(content: Pick<FileContent, 'text' | 'hasMark'> | undefined): string {
	if (content === undefined) return 'absent';
	return createHash('sha256').update(bytesOf(content)).digest('hex');
}

/** @throws FileProblem `utf16`, `unparsable` if it is not UTF-8 either, `io` if it cannot be read. */
export async function readToolFile(disk: ToolDisk, file: string): Promise<ToolFile> {
	const target = await endOfLinks(disk, file);
	try {
		const { mode, isFile } = await disk.stat(target);
		if (!isFile) throw new FileProblem('unsupported', 'not a file');
		return { target, content: { ...decoded(await disk.readFile(target)), mode: mode & 0o7777 } };
	} catch (error) {
		if (errorCode(error) === 'ENOENT') return { target, content: undefined };
		throw toFileProblem(error);
	}
}

/**
 * Replaces the content, or creates the file with its folders.
 * @returns the folders that were created, outermost first.
 * @throws FileProblem `changed` if the file is not `expected` any more, `readOnly`, `io`. Nothing was written then.
 */
export async function replaceToolFile(disk: ToolDisk, expected: ToolFile, text: string): Promise<string[]> {
	const { target, content } = expected;
	const folder = path.dirname(target);
	if (content !== undefined && (content.mode & ANY_WRITE) === 0) throw new FileProblem('readOnly', 'read-only file');
	let created: readonly string[] = [];
	const temporary = path.join(folder, `.${path.basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
	try {
		created = await makeFolders(disk, folder);
		const bytes = bytesOf({ text, hasMark: content?.hasMark ?? false });
		await disk.writeNew(temporary, bytes, content?.mode ?? NEW_FILE_MODE);
		await requireUnchanged(disk, expected);
		if (content === undefined) await publishNew(disk, temporary, target);
		else await disk.rename(temporary, target);
	} catch (error) {
		await discard(disk, temporary);
		await removeFolders(disk, created);
		throw toFileProblem(error);
	}
	// The content is there; that its name may not survive a power cut is no reason to say that nothing happened.
	await disk.syncFolder(folder).catch(() => undefined);
	return [...created];
}

/** Removes a file that was made by us, and its folders if nobody put anything else into them. */
export async function removeToolFile(disk: ToolDisk, expected: ToolFile, folders: readonly string[]): Promise<void> {
	try {
		await requireUnchanged(disk, expected);
		if (expected.content !== undefined) await disk.unlink(expected.target);
	} catch (error) {
		throw toFileProblem(error);
	}
	await removeFolders(disk, folders);
}

async function requireUnchanged(disk: ToolDisk, { target, content }: ToolFile): Promise<void> {
	const now = await readToolFile(disk, target);
	if (now.target !== target || digestOf(now.content) !== digestOf(content)) {
		throw new FileProblem('changed', 'the file changed meanwhile');
	}
}

/** A second name instead of a rename, because it fails where a file has appeared meanwhile. */
async function publishNew(disk: ToolDisk, temporary: string, target: string): Promise<void> {
	try {
		await disk.link(temporary, target);
	} catch (error) {
		if (errorCode(error) === 'EEXIST') throw new FileProblem('changed', 'the file has appeared meanwhile');
		// File systems without hard links: the file was absent a moment ago, and that is all there is to know.
		if (!WITHOUT_LINKS.has(errorCode(error))) throw error;
		await disk.rename(temporary, target);
		return;
	}
	await disk.unlink(temporary).catch(() => undefined); // A left-over name beside the file harms nobody.
}

/** The file was not used; that it stays because the disk fails twice is not what the person must hear of. */
async function discard(disk: ToolDisk, temporary: string): Promise<void> {
	await disk.unlink(temporary).catch(() => undefined);
}

/** The folders that must be made before there can be a file in `folder`, outermost first. */
export async function missingFolders(disk: ToolDisk, folder: string): Promise<string[]> {
	const missing: string[] = [];
	try {
		for (let parent = folder; !(await exists(disk, parent)); parent = path.dirname(parent)) missing.unshift(parent);
	} catch (error) {
		throw toFileProblem(error);
	}
	return missing;
}

async function makeFolders(disk: ToolDisk, folder: string): Promise<string[]> {
	const made: string[] = [];
	try {
		for (const one of await missingFolders(disk, folder)) {
			await disk.makeFolder(one);
			made.push(one);
		}
	} catch (error) {
		await removeFolders(disk, made);
		throw error;
	}
	return made;
}

/** Innermost first, and no further than one that is in use. */
async function removeFolders(disk: ToolDisk, folders: readonly string[]): Promise<void> {
	for (const folder of folders.toReversed()) {
		try {
			await disk.removeFolder(folder);
		} catch {
			return; // Somebody uses it, or may not remove it: it stays.
		}
	}
}

async function exists(disk: ToolDisk, file: string): Promise<boolean> {
	try {
		await disk.stat(file);
		return true;
	} catch (error) {
		if (errorCode(error) === 'ENOENT') return false;
		throw error;
	}
}

/** A link that leads nowhere names the file that is to be made. */
async function endOfLinks(disk: ToolDisk, file: string): Promise<string> {
	let target = path.resolve(file);
	for (let links = 0; links < MAX_LINKS; links++) {
		try {
			if (!(await disk.stat(target)).isLink) return target;
			target = await disk.readLink(target);
		} catch (error) {
			if (errorCode(error) === 'ENOENT') return target;
			throw toFileProblem(error);
		}
	}
	throw new FileProblem('io', 'too many links');
}

function decoded(bytes: Buffer): Pick<FileContent, 'text' | 'hasMark'> {
	if (isUtf16(bytes)) throw new FileProblem('utf16', 'UTF-16');
	try {
		const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
		const hasMark = text.startsWith(MARK);
		return { text: hasMark ? text.slice(MARK.length) : text, hasMark };
	} catch (cause) {
		throw new FileProblem('unparsable', 'not UTF-8', { cause });
	}
}

function bytesOf({ text, hasMark }: Pick<FileContent, 'text' | 'hasMark'>): Buffer {
	return Buffer.from((hasMark ? MARK : '') + text, 'utf8');
}

function toFileProblem(error: unknown): FileProblem {
	if (error instanceof FileProblem) return error;
	const code = errorCode(error);
	if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
		return new FileProblem('readOnly', 'the file or its folder is not writable', { cause: error });
	}
	return new FileProblem('io', 'reading or writing failed', { cause: error });
}
