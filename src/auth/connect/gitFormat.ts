/**
 * The configuration of git: a credential helper for one URL. It goes into a section of its own at the end, after an empty
 * `helper`, which git takes as "forget the helpers so far": what stands before stays in the file as it is.
 */
import { FileProblem, type Format } from './format.ts';
import { eolOf, insertLines, lineEnd } from './splice.ts';

export type GitSlot = { readonly format: 'git'; readonly url: string; readonly helper: string };

type Entry = {
	readonly section: string;
	readonly key: string;
	/** Undefined for a key without `=`, which means true. */
	readonly value: string | undefined;
	readonly start: number;
	/** Behind the line break. */
	readonly end: number;
};

type Parsed = {
	readonly entries: readonly Entry[];
	readonly headers: readonly { readonly section: string; readonly start: number; readonly end: number }[];
};

export const gitFormat: Format<GitSlot> = {
	read(text, slot) {
		return ours(parsed(text).entries, slot)?.last.value;
	},
	rest(text, slot) {
		const { entries } = parsed(text);
		const found = ours(entries, slot);
		return entries
			.filter((entry) => entry !== found?.reset && entry !== found?.last)
			.map(({ section, key, value }) => [section, key, value]);
	},
	put(text, { url, helper }) {
		parsed(text);
		const lines = [`[credential ${quoted(url)}]`, '\thelper =', `\thelper = ${quoted(helper)}`];
		return insertLines(text, text.length, lines);
	},
	take(text, slot) {
		const { entries, headers } = parsed(text);
		const found = ours(entries, slot);
		if (found === undefined) throw new FileProblem('unsupported', 'the helper is not there');
		const { reset, last } = found;
		const header = headers.findLast(({ start }) => start < reset.start);
		const next = entries.find(({ start }) => start > last.start);
		const isAlone = header?.end === reset.start && (next === undefined || headers.some(between(last.end, next.start)));
		const from = isAlone ? header.start : reset.start;
		return { at: from, removed: text.slice(from, last.end), inserted: '' };
	},
};

/** The helpers that the file names for this URL alone, in order and without ours. */
export function gitHelpers(text: string, slot: GitSlot): string[] {
	const { entries } = parsed(text);
	const found = ours(entries, slot);
	const section = sectionOf(slot.url);
	return entries.flatMap((entry) =>
		entry.section === section && entry.key === 'helper' && entry !== found?.last && entry.value ? [entry.value] : [],
	);
}

const between =
	(from: number, to: number) =>
	({ start }: { readonly start: number }): boolean =>
		start >= from && start < to;

/** Our helper, and the reset that is the entry before it. */
function ours(
	entries: readonly Entry[],
	{ url, helper }: GitSlot,
): { readonly reset: Entry; readonly last: Entry } | undefined {
	const section = sectionOf(url);
	const place = entries.findLastIndex((entry, index) => {
		const before = entries[index - 1];
		const isHelper = entry.section === section && entry.key === 'helper' && entry.value === helper;
		return isHelper && before?.section === section && before.key === 'helper' && before.value === '';
	});
	const [reset, last] = [entries[place - 1], entries[place]];
	return reset && last && { reset, last };
}

function sectionOf(url: string): string {
	return `credential\0${url}`;
}

function quoted(text: string): string {
	return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

const HEADER = /\[([A-Za-z0-9.-]+)(?:[ \t]+"((?:[^"\\\n]|\\.)*)")?\][ \t]*/y;
const KEY = /([A-Za-z][A-Za-z0-9-]*)[ \t]*(=)?[ \t]*/y;

/** Follows the syntax of git-config(1). */
function parsed(text: string): Parsed {
	const entries: Entry[] = [];
	const headers: { section: string; start: number; end: number }[] = [];
	let section: string | undefined;
	for (let offset = 0; offset < text.length; ) {
		const content = text.slice(offset).replace(/^(?:[ \t\r\n]|[#;][^\n]*)+/, '');
		offset = text.length - content.length;
		if (content === '') break;
		const before = offset;
		HEADER.lastIndex = offset;
		const header = HEADER.exec(text);
		if (header !== null) {
			const [source, name = '', sub] = header;
			section = sub === undefined ? name.toLowerCase() : `${name.toLowerCase()}\0${sub.replaceAll(/\\(.)/g, '$1')}`;
			offset += source.length;
			headers.push({ section, start: startOf(text, before), end: endOf(text, offset) });
		} else {
			const entry = entryAt(text, offset, section);
			entries.push(entry);
			offset = entry.end;
		}
	}
	return { entries, headers };
}

function entryAt(text: string, offset: number, section: string | undefined): Entry {
	KEY.lastIndex = offset;
	const found = KEY.exec(text);
	const [source, key, equals] = found ?? [];
	if (source === undefined || key === undefined || section === undefined) throw invalid();
	const start = startOf(text, offset);
	const place = offset + source.length;
	if (equals === undefined) {
		if (!/^(?:[#;]|\r?\n|$)/.test(text.slice(place))) throw invalid();
		return { section, key: key.toLowerCase(), value: undefined, start, end: lineEnd(text, place) };
	}
	const { value, end } = valueAt(text, place);
	return { section, key: key.toLowerCase(), value, start, end };
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', n: '\n', t: '\t', b: '\b' };

function valueAt(text: string, offset: number): { readonly value: string; readonly end: number } {
	let value = '';
	/** Blanks count only if something follows them. */
	let blanks = '';
	let isQuoted = false;
	let place = offset;
	for (; place < text.length; place++) {
		const character = text.charAt(place);
		if (character === '\n' || (character === '\r' && text[place + 1] === '\n')) {
			if (isQuoted) throw invalid();
			break;
		}
		if (character === '\\') {
			const next = text.startsWith('\r\n', place + 1) ? '\r\n' : text.charAt(place + 1);
			place += next.length;
			if (next === '\n' || next === '\r\n') continue;
			const escaped = ESCAPES[next];
			if (escaped === undefined) throw invalid();
			value += blanks + escaped;
			blanks = '';
		} else if (character === '"') isQuoted = !isQuoted;
		else if (!isQuoted && (character === '#' || character === ';')) break;
		else if (!isQuoted && (character === ' ' || character === '\t')) {
			if (value !== '') blanks += character;
		} else {
			value += blanks + character;
			blanks = '';
		}
	}
	if (isQuoted) throw invalid();
	return { value, end: lineEnd(text, place) };
}

/** The start of the line, if only blanks are before the place; else the place. */
function startOf(text: string, offset: number): number {
	const start = text.slice(0, offset).replace(/[ \t]*$/, '').length;
	return start === 0 || text[start - 1] === '\n' ? start : offset;
}

function endOf(text: string, offset: number): number {
	const eol = eolOf(text);
	return text.startsWith(eol, offset) ? offset + eol.length : offset;
}

function invalid(): FileProblem {
	return new FileProblem('unparsable', 'not a valid git configuration');
}
