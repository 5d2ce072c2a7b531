/** How the files of a ledger are named: by what they hold, its generation and, while they are being written, their writer. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

/** Names come from this code, never from a person: fixed words and digests. */
const NAME = /^[a-z0-9-]{1,80}$/;
/** Generations are written one way only: a file with leading zeros is not ours and would be looked for under another name. */
const RECORD = /^([a-z0-9-]{1,80})\.([1-9]\d{0,14})\.rec$/;
const TEMP = /^([a-z0-9-]{1,80})\.([1-9]\d{0,14})\.[0-9a-f]{16}(\.own)?\.tmp$/;

/** What the names can say. No vault comes near it; a planted file can. */
export const MAX_GENERATION = 999_999_999_999_999;

export type LedgerFile = { readonly name: string; readonly generation: number };

/** `finishable`: if it is complete, whoever holds the lease may put it in place, because its writer held the lease too. */
export type TempFile = LedgerFile & { readonly finishable: boolean };

export function isLedgerName(name: string): boolean {
	return NAME.test(name);
}

export function recordPath(folder: string, name: string, generation: number): string {
	return join(folder, `${name}.${generation}.rec`);
}

/** Another one for every writer and every try. */
export function tempPath(folder: string, name: string, generation: number, finishable: boolean): string {
	return join(folder, `${name}.${generation}.${nonce()}${finishable ? '' : '.own'}.tmp`);
}

/** For a record that is kept although it could not be opened; one name can be set aside more than once. */
export function asidePath(folder: string, name: string, generation: number): string {
	return join(folder, `${name}.${generation}.${nonce()}.rec`);
}

/** The name and generation of a record; undefined for files that are none. */
export function parseFileName(file: string): LedgerFile | undefined {
	return parse(RECORD, file);
}

/** The name and generation that a writer's temp file is for; undefined for files that are none. */
export function parseTempFile(file: string): TempFile | undefined {
	const parsed = parse(TEMP, file);
	return parsed && { ...parsed, finishable: !file.endsWith('.own.tmp') };
}

/** Generations of a name among these files, newest first. */
export function generationsIn(files: readonly string[], name: string): number[] {
	return files
		.flatMap((file) => {
			const entry = parseFileName(file);
			return entry?.name === name ? [entry.generation] : [];
		})
		.sort((a, b) => b - a);
}

function parse(pattern: RegExp, file: string): LedgerFile | undefined {
	const match = pattern.exec(file);
	return match?.[1] && match[2] ? { name: match[1], generation: Number(match[2]) } : undefined;
}

function nonce(): string {
	return randomBytes(8).toString('hex');
}
