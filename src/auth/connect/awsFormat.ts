/** The `config` file of the AWS tools: `credential_process` of a profile. Values may go on in indented lines. */
import { FileProblem, type Format } from './format.ts';
import { type Line, linesOf } from './iniLines.ts';
import { eolOf, insertLines } from './splice.ts';

export type AwsSlot = { readonly format: 'aws'; readonly profile: string };

const KEY = 'credential_process';

type Entry = { readonly key: string; readonly value: string; readonly line: Line; readonly nested: readonly string[] };
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
		const content = `${KEY} = ${String(value)}`;
		const present = entryOf(text, slot);
		if (present !== undefined) {
			if (present.nested.length > 0) throw new FileProblem('unsupported', 'the value goes on in the next line');
			const { source, start } = present.line;
			const from = start + source.indexOf('=') + 1;
			return { at: from, removed: text.slice(from, start + source.length), inserted: ` ${String(value)}` };
		}
		const section = sectionsOf(text).find(({ name }) => name === slot.profile);
		if (section !== undefined) return insertLines(text, section.end, [content]);
		const gap = text.trim() === '' ? [] : [''];
		return insertLines(text, text.length, [...gap, `[${headerText(slot.profile)}]`, content]);
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

function sectionsOf(text: string): Section[] {
	const sections: Section[] = [];
	for (const line of linesOf(text)) {
		const { source, end } = line;
		if (/^\s*([#;].*)?$/.test(source)) continue;
		const header = /^\[\s*(.*?)\s*\]\s*([#;].*)?$/.exec(source)?.[1];
		if (header !== undefined) {
			const name = profileName(header);
			if (sections.some((section) => section.name === name)) throw invalid();
			sections.push({ name, header: line, entries: [], end });
			continue;
		}
		const section = sections.pop();
		if (section === undefined) throw invalid();
		sections.push({ ...section, entries: withLine(section.entries, line), end });
	}
	return sections;
}

function withLine(entries: readonly Entry[], line: Line): Entry[] {
	const last = entries.at(-1);
	if (/^\s/.test(line.source)) {
		if (last === undefined) throw invalid();
		return [...entries.slice(0, -1), { ...last, nested: [...last.nested, line.source.trim()] }];
	}
	const pair = /^([^=]+?)\s*=\s*(.*?)\s*$/.exec(line.source);
	const [, key, value] = pair ?? [];
	if (key === undefined || value === undefined) throw invalid();
	const lower = key.toLowerCase();
	if (entries.some((entry) => entry.key === lower)) throw invalid();
	return [...entries, { key: lower, value, line, nested: [] }];
}

function invalid(): FileProblem {
	return new FileProblem('unparsable', 'not a valid AWS config file');
}
