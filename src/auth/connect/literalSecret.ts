/**
 * Whether a command of somebody else holds a secret itself, instead of asking for one. To take a change back its text must be
 * kept, and a secret is not kept. It goes by names and marks, so that it can be wrong in both ways: what it does not know is
 * kept, readable only by the person, and what it takes for a secret the person moves by hand.
 */
import type { Value } from './format.ts';

/** What services put at the front of theirs, and a private key. */
const MARKS =
	/\b(?:sk-[\w-]{6}|(?:sk|rk|pk)_(?:live|test)_|gh[oprsu]_\w{8}|github_pat_\w{8}|glpat-\w{8}|xox[abeoprs]-\w{6}|(?:AKIA|ASIA)[0-9A-Z]{12}|AIza[\w-]{20}|ya29\.|eyJ[\w-]{8,}\.[\w-]+|hf_\w{8}|npm_\w{8}|pypi-\w{8}|SG\.[\w-]{8}|dop_v1_\w{8})|-----BEGIN [A-Z ]*PRIVATE KEY/;

/** The end of a name: a `--token-file` names no token. */
const SECRET_NAME =
	'[\\w.-]*(?:token|secret|passwo?r?d|passphrase|pwd|credential|api[-_]?key|access[-_]?key|private[-_]?key)';

/** A value that stands there: no variable, no command, no other option, no path, no address of a store. */
const LITERAL = '["\']?(?![-$`"\'<({%/~.]|\\w+:\\/\\/)[^\\s"\',;]{6,}';

const NAMED = new RegExp(
	`(?:^|[\\s"'{,(;])(?:--?${SECRET_NAME}(?:=|["']?[\\s,]+)|${SECRET_NAME}["']?\\s*[=:]\\s*)${LITERAL}`,
	'i',
);

/** In a header or behind `-u`, as curl takes them. */
const PRESENTED = new RegExp(`\\b(?:Bearer|Basic)\\s+${LITERAL}|(?:^|\\s)-u\\s*["']?[^\\s:"'$]+:${LITERAL}`, 'i');

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** No part of a path: those of package stores are random as well. */
const WORD = /(?<![\w+=/-])[\w+=-]{24,}(?!\/)/g;

/** Letters of both cases and digits without any order to them: nobody calls a program or an account so. */
function isRandom(word: string): boolean {
	if (UUID.test(word)) return false;
	const changes = [...word].filter(
		(character, at) => at > 0 && kindOf(character) !== kindOf(word[at - 1] ?? ''),
	).length;
	return /[a-z]/i.test(word) && /\d/.test(word) && changes >= word.length / 4;
}

function kindOf(character: string): 'upper' | 'lower' | 'digit' | 'other' {
	if (/[A-Z]/.test(character)) return 'upper';
	if (/[a-z]/.test(character)) return 'lower';
	return /\d/.test(character) ? 'digit' : 'other';
}

/** @param text as it stands in the file, comments included */
export function holdsSecret(text: string, value: Value | undefined): boolean {
	return [text, ...linesOf(value)].some(
		(line) => MARKS.test(line) || NAMED.test(line) || PRESENTED.test(line) || (line.match(WORD) ?? []).some(isRandom),
	);
}

/** The strings in it, lists as one command, and a variable of a list of them as it would be set in a shell. */
function linesOf(value: Value | undefined): string[] {
	if (typeof value === 'string') return [value];
	if (typeof value !== 'object' || value === null) return [];
	if (isList(value)) {
		const words = value.filter((item) => typeof item === 'string');
		return [...(words.length > 0 ? [words.join(' ')] : []), ...value.flatMap(linesOf)];
	}
	const { name, value: assigned } = value;
	const variable = typeof name === 'string' && typeof assigned === 'string' ? [`${name}=${assigned}`] : [];
	const fields = Object.entries(value).flatMap(([key, item]) => (typeof item === 'string' ? [`${key}=${item}`] : []));
	return [...variable, ...fields, ...Object.values(value).flatMap(linesOf)];
}

function isList(value: object): value is readonly Value[] {
	return Array.isArray(value);
}
