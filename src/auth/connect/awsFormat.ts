/**
 * The `config` file of the AWS tools: `credential_process` of a profile. Read as botocore reads it, by Python's
 * `configparser`: `=` or `:`, keys indented as they like, values that go on in lines that are indented more, text behind a
 * header ignored. What is put is written in the style of its neighbours.
 */
import { FileProblem, type Format, type Value } from './format.ts';
import { type Line, linesOf } from './iniLines.ts';
import { eolOf, insertLines } from './splice.ts';

export type AwsSlot = { readonly format: 'aws'; readonly profile: string };

const KEY = 'credential_process';

type Entry = {
	readonly key: string;
	readonly value: string;
	readonly line: Line;
	/** The lines in which the value goes on. */
	readonly nested: readonly string[];
	/** How the key stands in its line: what is before it, and what is between it and its value. */
	readonly indent: string;
	readonly delimiter: string;
};
type Section = {
	readonly name: string;
	readonly header: Line;
	readonly entries: readonly Entry[];
	readonly end: number;
};

export const awsFormat: Format<AwsSlot> = {
	read(text, slot) {
		return entryOf(text, slot)?.value;
	},
	rest(text, { profile }) {
		const kept = sectionsOf(text).map(({ name, entries }) => ({
			name,
			entries: entries
				.filter(({ key }) => name !== profile || key !== KEY)
				.map(({ key, value, nested }) => [key, value, ...nested]),
		}));
		return kept.filter(({ name, entries }) => name !== profile || entries.length > 0);
	},
	put(text, slot, value) {
		const present = entryOf(text, slot);
		if (present !== undefined) {
			if (present.nested.length > 0) throw new FileProblem('unsupported', 'the value goes on in the next line');
			const { source, start } = present.line;
			const from = start + present.indent.length + KEY.length + present.delimiter.length;
			// A key without a value may have no blank behind its delimiter.
			const gap = present.value === '' && !/\s$/.test(present.delimiter) ? ' ' : '';
			return { at: from, removed: text.slice(from, start + source.length), inserted: `${gap}${String(value)}` };
		}
		const section = sectionsOf(text).find(({ name }) => name === slot.profile);
		if (section !== undefined)
			return insertLines(text, section.end, [
				lineOf(
					value,
					section.entries.findLast((entry) => entry.value !== ''),
				),
			]);
		const gap = text.trim() === '' ? [] : [''];
		return insertLines(text, text.length, [...gap, `[${headerText(slot.profile)}]`, lineOf(value)]);
	},
	take(text, slot) {
		const present = entryOf(text, slot);
		if (present === undefined) throw new FileProblem('unsupported', 'the key is not there');
		const { start, end } = present.line;
		const section = sectionsOf(text).find(({ name }) => name === slot.profile);
		// A section that would stay without any content was made for our line.
		if (section?.entries.length === 1 && section.header.end === start && section.end === end) {
			const gap = text.slice(0, section.header.start).endsWith(eolOf(text).repeat(2)) ? eolOf(text).length : 0;
			const from = section.header.start - gap;
			return { at: from, removed: text.slice(from, end), inserted: '' };
		}
		return { at: start, removed: text.slice(start, end), inserted: '' };
	},
};

/** Indented as its neighbour is, or it would be a part of that one's value. */
function lineOf(value: Value, neighbour?: Pick<Entry, 'indent' | 'delimiter'>): string {
	const { indent, delimiter } = neighbour ?? { indent: '', delimiter: ' = ' };
	return `${indent}${KEY}${delimiter}${String(value)}`;
}

/** Profiles of the file, and which keys each has. */
export function awsProfiles(text: string): ReadonlyMap<string, readonly string[]> {
	return new Map(
		sectionsOf(text)
			.filter(({ name }) => !name.includes('\0'))
			.map(({ name, entries }) => [name, entries.map(({ key }) => key)]),
	);
}

function entryOf(text: string, { profile }: AwsSlot): Entry | undefined {
	return sectionsOf(text)
		.find(({ name }) => name === profile)
		?.entries.find(({ key }) => key === KEY);
}

function headerText(profile: string): string {
	if (profile === 'default') return profile;
	return /^[\w.@/+-]+$/.test(profile) ? `profile ${profile}` : `profile "${profile}"`;
}

/** Sections of other kinds (`sso-session x`) get a name that no profile has. */
function profileName(header: string): string {
	if (header === 'default') return header;
	const name = header.replace(/^profile\s+/, '');
	return name === header ? `\0${header}` : name.replace(/^(["'])((?:(?!\1).)*)\1$/, '$2');
}

const BLANK_OR_COMMENT = /^\s*(?:[#;].*)?$/;
/** Up to the last bracket; what is behind it is ignored. */
const HEADER = /^\s*\[(.+)\]/;
const PAIR = /^(\s*)(.*?)(\s*[=:]\s*)(.*?)\s*$/;

/** Python's `configparser.RawConfigParser`, without interpolation and strict, as botocore sets it up. */
function sectionsOf(text: string): Section[] {
	const sections: Section[] = [];
	/** How far the last key is indented. */
	let depth = 0;
	for (const line of linesOf(text)) {
		const { source, end } = line;
		if (BLANK_OR_COMMENT.test(source)) continue;
		const indent = source.search(/\S/);
		const section = sections.at(-1);
		const last = section?.entries.at(-1);
		if (section !== undefined && last !== undefined && indent > depth) {
			const longer = { ...last, nested: [...last.nested, source.trim()] };
			sections.splice(-1, 1, { ...section, entries: [...section.entries.slice(0, -1), longer], end });
			continue;
		}
		depth = indent;
		const header = HEADER.exec(source)?.[1]?.trim();
		if (header !== undefined) {
			const name = profileName(header);
			if (sections.some((other) => other.name === name)) throw invalid();
			sections.push({ name, header: line, entries: [], end });
			continue;
		}
		if (section === undefined) throw invalid();
		sections.splice(-1, 1, { ...section, entries: [...section.entries, entryIn(section.entries, line)], end });
	}
	return sections;
}

function entryIn(entries: readonly Entry[], line: Line): Entry {
	const [, indent, key, delimiter, value] = PAIR.exec(line.source) ?? [];
	if (indent === undefined || !key || delimiter === undefined || value === undefined) throw invalid();
	const lower = key.toLowerCase();
	if (entries.some((entry) => entry.key === lower)) throw invalid();
	return { key: lower, value, line, nested: [], indent, delimiter };
}

function invalid(): FileProblem {
	return new FileProblem('unparsable', 'not a valid AWS config file');
}
