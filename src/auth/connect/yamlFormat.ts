/**
 * A kubeconfig: the `exec` of a user. The library says where things are; the text around our part is left alone, because
 * rendering the whole document would lay it out anew.
 */
import { isCollection, isMap, isPair, isScalar, isSeq, type ParsedNode, parseAllDocuments, type YAMLMap } from 'yaml';
import { FileProblem, type Format, type Value } from './format.ts';
import { eolOf, indentOf, insertLines, lineEnd, lineStart, type Splice } from './splice.ts';
import { yamlLines } from './yamlLines.ts';

export type KubeSlot = {
	readonly format: 'kube';
	readonly user: string;
	/** The user was added with the value, and goes with it. */
	readonly added: boolean;
};

type Field = {
	/** Offset of the key. */
	readonly at: number;
	readonly value: ParsedNode | null;
};

const STEP = '  ';

export const kubeFormat: Format<KubeSlot> = {
	read(text, { user }) {
		const found = fieldOf(fieldsOf(itemOf(parsed(text), user)), 'exec');
		return found === undefined ? undefined : JSON.parse(JSON.stringify(found.value));
	},
	rest(text, { user, added }) {
		const { users, ...others } = plainOf(parsed(text));
		// `null` is what kubectl itself writes where there are no users.
		if (!Array.isArray(users)) return { ...others, ...(users === null || users === undefined ? {} : { users }) };
		const kept = users.flatMap((item) => {
			if (!isRecord(item) || item.name !== user) return [item];
			if (added) return [];
			const { user: fields, ...rest } = item;
			const { exec: _, ...left } = isRecord(fields) ? fields : {};
			return [Object.keys(left).length === 0 ? rest : { ...rest, user: left }];
		});
		return kept.length === 0 ? others : { ...others, users: kept };
	},
	put(text, { user, added }, value) {
		const root = parsed(text);
		const item = itemOf(root, user);
		if (item === undefined) {
			if (!added) throw new FileProblem('absent', 'no such user', { subject: user });
			return appendUser(text, root, user, value);
		}
		if (added) throw new FileProblem('changed', 'the user is there already', { subject: user });
		return putExec(text, item, value);
	},
	take(text, { user, added }) {
		const root = parsed(text);
		const item = itemOf(root, user);
		const parent = fieldOf(item, 'user');
		const fields = fieldsOf(item);
		const exec = fieldOf(fields, 'exec');
		if (item === undefined || parent === undefined || fields === undefined || exec === undefined)
			throw new FileProblem('unsupported', 'the value is not there', { subject: user });
		if (added) return takeUser(text, fieldOf(root, 'users'), item);
		if (fields.flow) throw flow();
		const [from, to] = [lineStart(text, exec.at), valueEnd(text, exec.at)];
		if (fields.items.length > 1) {
			if (text.slice(from, exec.at).trim() !== '') throw flow();
			return { at: from, removed: text.slice(from, to), inserted: '' };
		}
		const start = text.indexOf(':', parent.at) + 1;
		return { at: start, removed: text.slice(start, to), inserted: ` {}${eolOf(text)}` };
	},
};

/** The users of a kubeconfig, with the names of their fields. */
export function kubeUsers(text: string): ReadonlyMap<string, readonly string[]> {
	const { users } = plainOf(parsed(text));
	return new Map(
		(Array.isArray(users) ? users : []).flatMap((item: unknown) =>
			isRecord(item) && typeof item.name === 'string'
				? [[item.name, isRecord(item.user) ? Object.keys(item.user) : []] as const]
				: [],
		),
	);
}

function parsed(text: string): YAMLMap.Parsed {
	const [doc, ...others] = parseAllDocuments(text, { uniqueKeys: true, resolveKnownTags: false });
	if (doc === undefined) throw new FileProblem('absent', 'an empty kubeconfig');
	if (others.length > 0) throw new FileProblem('unsupported', 'several documents in one file');
	if (doc.errors.length > 0) throw new FileProblem('unparsable', 'not valid YAML', { cause: doc.errors[0] });
	if (!isMap(doc.contents)) throw new FileProblem('unsupported', 'not a kubeconfig');
	if (doc.directives.yaml.version !== '1.2')
		throw new FileProblem('unsupported', 'declared as another version of YAML');
	// They have no name in JSON, which is what a kubeconfig means.
	if (!hasPlainKeys(doc.contents)) throw new FileProblem('unsupported', 'a key that is no scalar');
	return doc.contents;
}

function hasPlainKeys(node: unknown): boolean {
	if (isPair(node)) return isScalar(node.key) && hasPlainKeys(node.value);
	return !isCollection(node) || node.items.every(hasPlainKeys);
}

function plainOf(map: YAMLMap.Parsed): Readonly<Record<string, unknown>> {
	return map.toJSON();
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldOf(map: YAMLMap.Parsed | undefined, name: string): Field | undefined {
	const pair = map?.items.find(({ key }) => isScalar(key) && key.value === name);
	return pair && { at: pair.key.range[0], value: pair.value };
}

function itemOf(root: YAMLMap.Parsed, user: string): YAMLMap.Parsed | undefined {
	const users = fieldOf(root, 'users')?.value;
	if (!isSeq(users)) return undefined;
	return users.items.filter((item) => isMap(item)).find((item) => plainOf(item).name === user);
}

/** What the user's entry says of it besides its name. */
function fieldsOf(item: YAMLMap.Parsed | undefined): YAMLMap.Parsed | undefined {
	const fields = fieldOf(item, 'user')?.value;
	return isMap(fields) ? fields : undefined;
}

function columnOf(text: string, offset: number): number {
	return offset - lineStart(text, offset);
}

function indentIn(line: string): number {
	return line.search(/[^ ]/);
}

/** Behind the last line that belongs to an item of a list, whose dash has this column. */
function itemEnd(text: string, item: number, column: number): number {
	return blockEnd(text, item, (line) => indentIn(line) > column);
}

/** Behind the last line of what the key stands for. A list may be indented no deeper than its key. */
function valueEnd(text: string, key: number): number {
	const column = columnOf(text, key);
	const isItem = (line: string): boolean => indentIn(line) === column && /^ *-\s/.test(line);
	return blockEnd(text, key, (line) => indentIn(line) > column || isItem(line));
}

/** Behind the last line with content that is inside, from the line of `offset` on. */
function blockEnd(text: string, offset: number, isInside: (line: string) => boolean): number {
	let end = lineEnd(text, offset);
	for (let line = end; line < text.length; ) {
		const next = lineEnd(text, line);
		const source = text.slice(line, next);
		if (source.trim() !== '') {
			if (!isInside(source)) break;
			end = next;
		}
		line = next;
	}
	return end;
}

function rendered(value: Value, indent: string): string[] {
	return yamlLines(value).map((line) => indent + line);
}

function putExec(text: string, item: YAMLMap.Parsed, value: Value): Splice {
	const parent = fieldOf(item, 'user');
	if (item.flow || parent === undefined) throw flow();
	const fields = fieldsOf(item);
	const first = fields?.items[0];
	if (fields === undefined || first === undefined)
		return fillIn(text, parent, rendered({ exec: value }, ' '.repeat(columnOf(text, parent.at)) + STEP));
	if (fields.flow) throw flow();
	const indent = ' '.repeat(columnOf(text, first.key.range[0]));
	const present = fieldOf(fields, 'exec');
	if (present !== undefined) {
		const removed = text.slice(present.at, valueEnd(text, present.at));
		const eol = eolOf(text);
		const lines = rendered({ exec: value }, indent).join(eol).trimStart();
		return { at: present.at, removed, inserted: lines + (removed.endsWith('\n') ? eol : '') };
	}
	const last = fields.items.reduce((latest, { key }) => Math.max(latest, key.range[0]), 0);
	return insertLines(text, valueEnd(text, last), rendered({ exec: value }, indent));
}

/** Behind a key without a value, or instead of an empty one. A comment at the end of its line stays there. */
function fillIn(text: string, { at }: Field, lines: readonly string[]): Splice {
	const from = text.indexOf(':', at) + 1;
	const behind = text.slice(from).replace(/^[ \t]*(?:\{\s*\}|\[\s*\]|null|~)/, '');
	const comment = behind.slice(0, behind.search(/\r?\n|$/));
	const removed = text.slice(from, text.length - behind.length + comment.length);
	const eol = eolOf(text);
	return { at: from, removed, inserted: comment + eol + lines.join(eol) };
}

function appendUser(text: string, root: YAMLMap.Parsed, user: string, value: Value): Splice {
	if (root.flow) throw flow();
	const entry = { name: user, user: { exec: value } };
	const users = fieldOf(root, 'users');
	if (users === undefined) return insertLines(text, text.length, rendered({ users: [entry] }, ''));
	if (!isSeq(users.value) || users.value.items.length === 0) return fillIn(text, users, rendered([entry], ''));
	const [dash] = users.value.range;
	const last = users.value.items.at(-1);
	if (!isMap(last) || text[dash] !== '-') throw flow();
	const indent = indentOf(text, dash);
	return insertLines(text, itemEnd(text, last.range[0], indent.length), rendered([entry], indent));
}

function takeUser(text: string, users: Field | undefined, item: YAMLMap.Parsed): Splice {
	if (item.flow) throw flow();
	const [name] = item.range;
	const from = lineStart(text, name);
	const to = itemEnd(text, name, indentOf(text, name).length);
	const isOnly = users !== undefined && isSeq(users.value) && users.value.items.length === 1;
	const start = isOnly && lineEnd(text, users.at) === from ? lineStart(text, users.at) : from;
	return { at: start, removed: text.slice(start, to), inserted: '' };
}

function flow(): FileProblem {
	return new FileProblem('unsupported', 'written in one line, as JSON is');
}
