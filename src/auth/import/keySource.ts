/** Reads the file that a person chose to take API keys from. It is only ever read, never changed. */
import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { isUtf16 } from '../textEncoding.ts';
import { errorCode } from '../vault/disk.ts';
import { type ForeignStore, foreignContent, foreignFile } from './foreignStore.ts';

/** A `.env` file has a few kilobytes. */
export const MAX_KEY_FILE_BYTES = 256 * 1024;

export type KeyFile =
	| { readonly kind: 'read'; readonly text: string }
	| { readonly kind: 'absent' }
	/** A link can be pointed elsewhere between the choice and the reading: the person chooses the file itself. */
	| { readonly kind: 'link' }
	/** A folder, a pipe or a device. */
	| { readonly kind: 'notAFile' }
	| { readonly kind: 'unreadable'; readonly cause: unknown }
	| { readonly kind: 'tooBig' }
	/** Not text in UTF-8. */
	| { readonly kind: 'invalid' }
	/** Text, but not in UTF-8. */
	| { readonly kind: 'utf16' }
	/** The credentials of another tool; see {@link ForeignStore}. If it is known by its name, it is not even opened. */
	| { readonly kind: 'foreign'; readonly store: ForeignStore };

export async function readKeyFile(file: string): Promise<KeyFile> {
	const known = foreignFile(file);
	if (known !== undefined) return { kind: 'foreign', store: known };
	let content: Buffer;
	try {
		const seen = await lstat(file);
		if (seen.isSymbolicLink()) return { kind: 'link' };
		if (!seen.isFile()) return { kind: 'notAFile' };
		// Not following and not waiting, should it have become a link or a pipe meanwhile. Windows knows neither flag.
		const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
		try {
			if (!(await handle.stat()).isFile()) return { kind: 'notAFile' };
			const buffer = Buffer.alloc(MAX_KEY_FILE_BYTES + 1);
			let length = 0;
			for (;;) {
				const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
				length += bytesRead;
				if (bytesRead === 0 || length === buffer.length) break;
			}
			if (length > MAX_KEY_FILE_BYTES) return { kind: 'tooBig' };
			content = buffer.subarray(0, length);
		} finally {
			await handle.close();
		}
	} catch (cause) {
		const code = errorCode(cause);
		if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent' };
		return code === 'ELOOP' ? { kind: 'link' } : { kind: 'unreadable', cause };
	}
	if (isUtf16(content)) return { kind: 'utf16' };
	let text: string;
	try {
		text = new TextDecoder('utf-8', { fatal: true }).decode(content);
	} catch {
		return { kind: 'invalid' }; // The kind says all that the decoder knows.
	}
	if (text.includes('\0')) return { kind: 'invalid' };
	const store = foreignContent(text);
	return store === undefined ? { kind: 'read', text } : { kind: 'foreign', store };
}
