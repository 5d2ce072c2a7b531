/**
 * TOML: a table with a header of its own. The library parses and renders; where a table stands in the text is found
 * here, by the few rules that decide where a line is a header. Tables that are written in another way are not touched.
 */
import { isDeepStrictEqual } from 'node:util';
import { parse, stringify } from 'smol-toml';
import { FileProblem, type Format, type Value } from './format.ts';
import { eolOf, insertLines, lineEnd } from './splice.ts';

export type TomlSlot = { readonly format: 'toml'; readonly table: readonly string[] };

export const tomlFormat: Format<TomlSlot> = {
	read(text, { table }) {
		return plainValue(at(parsed(text), table));
	},
	rest(text, { table }) {
		return without(parsed(text), table);
	},
	put(text, { table }, value) {
		const body = stringify(value).trimEnd().split('\n');
		if (at(parsed(text), table) !== undefined) {
			const block = blockOf(text, table);
			if (block === undefined) throw new FileProblem('unsupported', 'the table has no header of its own');
			const eol = eolOf(text);
			const removed = text.slice(block.body, block.end);
			const endsLine = removed === '' || removed.endsWith('\n');
			return { at: block.body, removed, inserted: body.join(eol) + (endsLine ? eol : '') };
		}
		const parent = blockOf(text, table.slice(0, -1));
		const offset = parent?.end ?? text.length;
		const gap = text.trim() === '' ? [] : [''];
		return insertLines(text, offset, [...gap, `[${table.map(keyText).join('.')}]`, ...body]);
	},
	take(text, { table }) {
		const block = blockOf(text, table);
		if (block === undefined) throw new FileProblem('unsupported', 'the table has no header of its own');
		// The blank line that was put before it goes with it.
		const from = text.slice(0, block.header).replace(/(?<=\n)\r?\n$/, '').length;
		return { at: from, removed: text.slice(from, block.end), inserted: '' };
	},
};

/** Names of the tables directly below `table`, and the keys of one; for what the person can choose. */
export function tomlTable(text: string, table: readonly string[]): Readonly<Record<string, unknown>> {
	const found = at(parsed(text), table);
	return isTable(found) ? found : {};
}

type Table = Record<string, unknown>;

function parsed(text: string): Table {
	try {
		return plainTable(parse(text, { integersAsBigInt: 'asNeeded' }));
	} catch (cause) {
		throw new FileProblem('unparsable', 'not valid TOML', { cause });
	}
}

function isTable(value: unknown): value is Table {
	return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function at(root: Table, path: readonly string[]): unknown {
	let found: unknown = root;
	for (const name of path) found = isTable(found) && Object.hasOwn(found, name) ? found[name] : undefined;
	return found;
}

/** The parser makes some objects without prototype, which are not equal to ours. */
function plainTable(table: Table): Table {
	return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, plain(value)]));
}

function plain(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(plain);
	return isTable(value) ? plainTable(value) : value;
}

/** As it is stored. Undefined stays undefined. */
function plainValue(value: unknown): Value | undefined {
	return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

function without(root: Table, [name, ...deeper]: readonly string[]): Table {
	if (name === undefined || !Object.hasOwn(root, name)) return root;
	const { [name]: inner, ...others } = root;
	if (deeper.length === 0) return others;
	if (!isTable(inner)) return root;
	const kept = without(inner, deeper);
	return Object.keys(kept).length === 0 ? others : { ...others, [name]: kept };
}

function keyText(name: string): string {
	return /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name);
}

type Block = {
	readonly header: number;
	/** Behind the header's line. */
	readonly body: number;
	/** Behind the last line that belongs to it; comments and blanks after that belong to what follows. */
	readonly end: number;
};

function blockOf(text: string, table: readonly string[]): Block | undefined {
	return blocksOf(text).find(({ path }) => isDeepStrictEqual(path, table));
}

function blocksOf(text: string): (Block & { readonly path: readonly string[] })[] {
	const blocks: (Block & { readonly path: readonly string[] })[] = [];
	for (let offset = 0; offset < text.length; ) {
		const behind = lineEnd(text, offset);
		const content = text.slice(offset, behind).trim();
		if (content === '' || content.startsWith('#')) {
			offset = behind;
			continue;
		}
		const end = content.startsWith('[') ? behind : statementEnd(text, offset);
		const last = blocks.pop();
		if (content.startsWith('[')) {
			if (last !== undefined) blocks.push(last);
			blocks.push({ path: headerPath(content), header: offset, body: end, end });
		} else if (last !== undefined) blocks.push({ ...last, end });
		offset = end;
	}
	return blocks;
}

/** Empty for an array of tables, which no slot is. */
function headerPath(header: string): string[] {
	if (header.startsWith('[[')) return [];
	const path: string[] = [];
	for (let found: unknown = parsed(header); isTable(found); ) {
		const [name] = Object.keys(found);
		if (name === undefined) break;
		path.push(name);
		found = found[name];
	}
	return path;
}

const TOKEN =
	/"""(?:\\[\s\S]|(?!""")[\s\S])*"{3,5}|'''[\s\S]*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*|[[\]{}]|\n/g;

/** Behind the line at which the key and its value end. The text is valid, so brackets and quotes are balanced. */
function statementEnd(text: string, offset: number): number {
	let depth = 0;
	TOKEN.lastIndex = offset;
	for (let found = TOKEN.exec(text); found !== null; found = TOKEN.exec(text)) {
		const [token] = found;
		if (token === '[' || token === '{') depth++;
		else if (token === ']' || token === '}') depth--;
		else if (token === '\n' && depth === 0) return found.index + 1;
	}
	return text.length;
}
