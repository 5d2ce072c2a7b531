/**
 * The lines `NAME=value` of a `.env` file. There is no standard for these files; this reads what the usual loaders agree
 * on and names every other line. Nothing is expanded and nothing is run: a value that asks for it is marked.
 */

export type EnvVariable = {
	readonly name: string;
	readonly value: string;
	/** Where it begins, from 1. */
	readonly line: number;
	/** The value refers to another variable or to a command, so it is not what a program would see. */
	readonly refers: boolean;
};

export type EnvProblem = {
	readonly line: number;
	readonly code: /** Not `NAME=value`. */
		| 'notAnAssignment'
		/** A quote that does not end, or only where another line opens one. The lines below it are read on their own. */
		| 'openQuote'
		/** Something other than a comment behind a closing quote. */
		| 'textAfterQuote';
};

export type EnvFile = {
	/** In the order of the file. A name may come twice; loaders take the last. */
	readonly variables: readonly EnvVariable[];
	readonly problems: readonly EnvProblem[];
};

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=[^\S\n]*/;
const BLANK_OR_COMMENT = /^\s*(?:#.*)?$/;
const REFERENCE = /\$(?:[A-Za-z_{(]|\d)|`/;
/** What double quotes give a meaning to behind a backslash; anything else keeps its backslash. */
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$' };

/** Never throws. Linear in the size of the text. */
export function parseEnvFile(text: string): EnvFile {
	const lines = text
		.replace(/^\uFEFF/, '')
		.replaceAll(/\r\n?/g, '\n')
		.split('\n');
	const variables: EnvVariable[] = [];
	const problems: EnvProblem[] = [];
	const lastLineWith = lastLines(lines);
	/** The lines before it belong to a value of several lines. */
	let next = 0;
	for (const [index, content] of lines.entries()) {
		const line = index + 1;
		if (index < next || BLANK_OR_COMMENT.test(content)) continue;
		const [head, name] = ASSIGNMENT.exec(content) ?? [];
		if (head === undefined || name === undefined) {
			problems.push({ line, code: 'notAnAssignment' });
			continue;
		}
		const rest = content.slice(head.length);
		const quote = rest[0];
		if (quote !== '"' && quote !== "'" && quote !== '`') {
			const value = rest.replace(/(?:^|\s)#.*$/, '').trim();
			variables.push({ name, value, line, refers: REFERENCE.test(value) });
			continue;
		}
		const read = readQuoted(lines, index, head.length, quote, lastLineWith[quote]);
		if (read === undefined) {
			problems.push({ line, code: 'openQuote' });
			continue;
		}
		const isClosed = BLANK_OR_COMMENT.test(read.after);
		if (isClosed) variables.push({ name, value: read.value, line, refers: read.refers });
		else problems.push({ line, code: read.index === index ? 'textAfterQuote' : 'openQuote' });
		// A quote that ended in the middle of another line was that line's own.
		if (isClosed) next = read.index + 1;
	}
	return { variables, problems };
}

type Quote = '"' | "'" | '`';

type Quoted = {
	readonly value: string;
	readonly refers: boolean;
	/** The line that it ends in, from 0. */
	readonly index: number;
	/** What stands behind the closing quote. */
	readonly after: string;
};

/** Values of several lines are usual for keys in PEM form. */
function readQuoted(
	lines: readonly string[],
	first: number,
	offset: number,
	quote: Quote,
	last: number,
): Quoted | undefined {
	let value = '';
	let plainText = '';
	for (let index = first; ; index++) {
		const content = lines[index];
		if (content === undefined || index > last) return undefined;
		for (let at = index === first ? offset + 1 : 0; at < content.length; at++) {
			const character = content.charAt(at);
			if (character === quote) {
				// Single quotes and backquotes keep everything as it stands.
				const refers = quote === '"' && REFERENCE.test(plainText);
				return { value, refers, index, after: content.slice(at + 1) };
			}
			const escaped = quote === '"' && character === '\\' ? ESCAPES[content.charAt(at + 1)] : undefined;
			value += escaped ?? character;
			// An escaped dollar refers to nothing.
			plainText += escaped === undefined ? character : ' ';
			if (escaped !== undefined) at++;
		}
		value += '\n';
		plainText += '\n';
	}
}

/** Where each quote occurs last, so that one that does not end is not looked for again and again to the end of the file. */
function lastLines(lines: readonly string[]): Record<Quote, number> {
	const last = { '"': -1, "'": -1, '`': -1 };
	for (const [index, content] of lines.entries()) {
		if (content.includes('"')) last['"'] = index;
		if (content.includes("'")) last["'"] = index;
		if (content.includes('`')) last['`'] = index;
	}
	return last;
}
