/** What people read while they import keys. Names of variables and services, lengths and fingerprints; never a part of a key. */
import type { ImportCandidate, RefusedVariable } from '../../auth/import/importCandidates.ts';
import type { KeyFile } from '../../auth/import/keySource.ts';
import { type Localizer, plain } from '../localizer.ts';

/** A modal dialog grows with its text. */
const MAX_LINES = 12;

export function candidateDetail({ length, fingerprint }: ImportCandidate, l10n: Localizer): string {
	return l10n.t('{0} characters, fingerprint {1}', length, fingerprint);
}

/** Why a file cannot be used, and what to do. */
export function fileProblem(file: Exclude<KeyFile, { kind: 'read' }>, name: string, l10n: Localizer): string {
	const shown = plain(name);
	switch (file.kind) {
		case 'absent':
			return l10n.t('{0} is not there any more.', shown);
		case 'link':
			return l10n.t('{0} is a link. Choose the file that it points to.', shown);
		case 'notAFile':
			return l10n.t('{0} is not a file.', shown);
		case 'unreadable':
			return l10n.t('{0} cannot be read. Check its permissions.', shown);
		case 'tooBig':
			return l10n.t('{0} is too big for a file of keys.', shown);
		case 'invalid':
			return l10n.t('{0} is not a text file in UTF-8.', shown);
		case 'utf16':
			return l10n.t('{0} is written in UTF-16. Save it as UTF-8 and try again.', shown);
		case 'foreign':
			return file.store.tool === undefined
				? l10n.t(
						'{0} holds the sign-in of another program. A copy of it would end that session or this one. Sign in here instead: you get a session of your own.',
						shown,
					)
				: l10n.t(
						'{0} holds the sign-in of {1}. A copy of it would end that session or this one. Sign in here instead: you get a session of your own.',
						shown,
						file.store.tool,
					);
		default:
			return file satisfies never;
	}
}

/** One line for a variable that stays where it is. */
export function refusedLine({ variable, reason }: RefusedVariable, l10n: Localizer): string {
	const name = plain(variable);
	switch (reason) {
		case 'empty':
			return l10n.t('{0}: empty', name);
		case 'placeholder':
			return l10n.t('{0}: a placeholder, not a key', name);
		case 'reference':
			return l10n.t('{0}: refers to something else. Write the key itself, or set up a command that prints it.', name);
		case 'malformed':
			return l10n.t('{0}: not a key, it has characters that keys cannot have', name);
		case 'refreshToken':
			return l10n.t('{0}: a refresh token works for one program only. Sign in here instead.', name);
		case 'session':
			return l10n.t('{0}: belongs to the sign-in of another program and ends soon. Sign in here instead.', name);
		case 'notForKeys':
			return l10n.t('{0}: its service takes no keys. Sign in to it instead.', name);
		default:
			return reason satisfies never;
	}
}

/** The lines under a heading, as many as fit; empty if there are none. */
export function refusedLines(refused: readonly RefusedVariable[], l10n: Localizer): string {
	if (refused.length === 0) return '';
	const shown = refused.slice(0, MAX_LINES).map((variable) => refusedLine(variable, l10n));
	const more = refused.length - shown.length;
	return [l10n.t('Not imported:'), ...shown, ...(more > 0 ? [l10n.t('and {0} more', more)] : [])].join('\n');
}

/** True if a sign-in would give the person what one of these variables cannot. */
export function asksForSignIn(refused: readonly RefusedVariable[]): boolean {
	return refused.some(({ reason }) => reason === 'refreshToken' || reason === 'session' || reason === 'notForKeys');
}

/** @param file name of the file; undefined if it was the environment */
export function storedText(variables: readonly string[], file: string | undefined, l10n: Localizer): string {
	const names = variables.map((name) => plain(name)).join(', ');
	return file === undefined
		? l10n.t(
				'Stored: {0}. The environment of VS Code still has it, and programs that look there use that copy. Remove it where it is set.',
				names,
			)
		: l10n.t(
				'Stored: {0}. It is still in {1}, and programs that read that file use that copy. Remove it there.',
				names,
				plain(file),
			);
}

/**
 * A name for a new key that no other of its provider has.
 *
 * @param taken names that are in use
 */
export function keyName(variable: string, place: string | undefined, taken: readonly string[]): string {
	const base = place === undefined ? plain(variable) : `${plain(variable)} (${plain(place)})`;
	const used = new Set(taken.map((name) => name.toLowerCase()));
	let name = base;
	for (let number = 2; used.has(name.toLowerCase()); number++) name = `${base} ${number}`;
	return name;
}
