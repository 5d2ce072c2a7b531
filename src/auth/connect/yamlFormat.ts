/**
 * A kubeconfig: the `exec` of a user. The library says where things are; the text around our part is left alone, because
 * rendering the whole document would lay it out anew.
 */
import {
	type Document,
	isCollection,
	isMap,
	isPair,
	isScalar,
	isSeq,
	type Pair,
	parseAllDocuments,
	type YAMLMap,
} from 'yaml';
import { FileProblem, type Format, type Value } from './format.ts';
import { eolOf, indentOf, insertLines, lineEnd, lineStart, type Splice } from './splice.ts';
import { yamlLines } from './yamlLines.ts';

export type KubeSlot = {
	readonly format: 'kube';
	readonly user: string;
	/** The user was added with the value, and goes with it. */
	readonly added: boolean;
};

const STEP = '  ';

export const kubeFormat: Format<KubeSlot> = {
	read(text, { user }) {
		const found = fieldOf(userMap(itemOf(parsed(text), user)), 'exec');
		return found === undefined ? undefined : JSON.parse(JSON.stringify(toPlain(found)));
	},
	rest(text, { user, added }) {
		const config = toPlain(parsed(text).contents);
		if (!isRecord(config)) return {};
		const { users, ...others } = config;
		if (!Array.isArray(users)) return config;
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
		const doc = parsed(text);
		const item = itemOf(doc, user);
		if (item === undefined) {
			if (!added) throw new FileProblem('absent', 'no such user', { subject: user });
			return appendUser(text, doc, user, value);
		}
		if (added) throw new FileProblem('changed', 'the user is there already', { subject: user });
		return putExec(text, item, value);
	},
	take(text, { user, added }) {
		const doc = parsed(text);
		const item = itemOf(doc, user);
		if (item === undefined) throw new FileProblem('unsupported', 'no such user', { subject: user });
		if (added) return takeUser(text, doc, item);
		const fields = userMap(item);
		const pair = pairOf(fields, 'exec');
		const key = startOf(pair?.key);
		if (fields === undefined || fields.flow || key === undefined) throw flow();
		const [from, to] = [lineStart(text, key), blockEnd(text, key, columnOf(text, key))];
		if (fields.items.length > 1) {
			if (text.slice(from, key).trim() !== '') throw flow();
			return { at: from, removed: text.slice(from, to), inserted: '' };
		}
		const parent = startOf(pairOf(item, 'user')?.key);
		if (parent === undefined) throw flow();
		const start = text.indexOf(':', parent) + 1;
		return { at: start, removed: text.slice(start, to), inserted: ` {}${eolOf(text)}` };
	},
};

/** The users of a kubeconfig, with the names of their fields. */
export function kubeUsers(text: string): ReadonlyMap<string, readonly string[]> {
	const config = toPlain(parsed(text).contents);
	const users = isRecord(config) && Array.isArray(config.users) ? config.users : [];
	return new Map(
		users.flatMap((item: unknown) =>
			isRecord(item) && typeof item.name === 'string'
				? [[item.name, isRecord(item.user) ? Object.keys(item.user) : []] as const]
				: [],
		),
	);
}

function parsed(text: string): Document.Parsed {
	const documents = parseAllDocuments(text, { uniqueKeys: true, resolveKnownTags: false });
	const [doc, ...others] = 'empty' in documents ? [] : documents;
	if (doc === undefined) throw new FileProblem('absent', 'an empty kubeconfig');
	if (others.length > 0) throw new FileProblem('unsupported', 'several documents in one file');
	if (doc.errors.length > 0) throw new FileProblem('unparsable', 'not valid YAML', { cause: doc.errors[0] });
	if (!isMap(doc.contents)) throw new FileProblem('unsupported', 'not a kubeconfig');
	if (doc.directives.yaml.version !== '1.2')
		throw new FileProblem('unsupported', 'declared as another version of YAML');
	// They have no name in JSON, which is what a kubeconfig means.
	if (!hasPlainKeys(doc.contents)) throw new FileProblem('unsupported', 'a key that is no scalar');
	return doc;
}

function hasPlainKeys(node: unknown): boolean {
	if (isPair(node)) return (node.key === null || isScalar(node.key)) && hasPlainKeys(node.value);
	return !isCollection(node) || node.items.every(hasPlainKeys);
}

function toPlain(node: { toJSON?: unknown } | null | undefined): unknown {
	return node !== null && node !== undefined && typeof node.toJSON === 'function' ? node.toJSON() : node;
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function pairOf(map: YAMLMap | undefined, name: string): Pair | undefined {
	return map?.items.find(({ key }) => (isScalar(key) ? key.value : key) === name);
}

function fieldOf(map: YAMLMap | undefined, name: string): { toJSON?: unknown } | undefined {
	const value = pairOf(map, name)?.value;
	return typeof value === 'object' && value !== null ? value : undefined;
}

function itemOf(doc: Document.Parsed, user: string): YAMLMap | undefined {
	const users = isMap(doc.contents) ? fieldOf(doc.contents, 'users') : undefined;
	if (!isSeq(users)) return undefined;
	return users.items.filter((item) => isMap(item)).find((item) => item.get('name') === user);
}

function userMap(item: YAMLMap | undefined): YAMLMap | undefined {
	const fields = fieldOf(item, 'user');
	return isMap(fields) ? fields : undefined;
}

function startOf(node: unknown): number | undefined {
	return isScalar(node) ? node.range?.[0] : undefined;
}

function columnOf(text: string, offset: number): number {
	return offset - lineStart(text, offset);
}

/** Behind the last line with content that is indented deeper than the column, from the line of `offset` on. */
function blockEnd(text: string, offset: number, column: number): number {
	let end = lineEnd(text, offset);
	for (let line = end; line < text.length; ) {
		const next = lineEnd(text, line);
		const source = text.slice(line, next);
		if (source.trim() !== '') {
			if ((/^ */.exec(source)?.[0].length ?? 0) <= column) break;
			end = next;
		}
		line = next;
	}
	return end;
}

function rendered(value: Value, indent: string): string[] {
	return yamlLines(value).map((line) => indent + line);
}

function putExec(text: string, item: YAMLMap, value: Value): Splice {
	const userPair = pairOf(item, 'user');
	const parent = startOf(userPair?.key);
	if (item.flow || parent === undefined) throw flow();
	const fields = userMap(item);
	const [first] = fields?.items ?? [];
	if (fields === undefined || first === undefined) {
		// `user: {}`, or nothing behind the colon.
		const indent = ' '.repeat(columnOf(text, parent)) + STEP;
		const from = text.indexOf(':', parent) + 1;
		const line = /^[ \t]*(?:\{\s*\}|null|~)?/.exec(text.slice(from))?.[0] ?? '';
		const eol = eolOf(text);
		return { at: from, removed: line, inserted: eol + rendered({ exec: value }, indent).join(eol) };
	}
	const firstKey = startOf(first.key);
	if (fields.flow || firstKey === undefined) throw flow();
	const indent = ' '.repeat(columnOf(text, firstKey));
	const present = startOf(pairOf(fields, 'exec')?.key);
	if (present !== undefined) {
		const end = blockEnd(text, present, indent.length);
		const removed = text.slice(present, end);
		const eol = eolOf(text);
		const lines = rendered({ exec: value }, indent).join(eol).trimStart();
		return { at: present, removed, inserted: lines + (removed.endsWith('\n') ? eol : '') };
	}
	const lastKey = startOf(fields.items.at(-1)?.key) ?? firstKey;
	return insertLines(text, blockEnd(text, lastKey, indent.length), rendered({ exec: value }, indent));
}

function appendUser(text: string, doc: Document.Parsed, user: string, value: Value): Splice {
	const root = isMap(doc.contents) ? doc.contents : undefined;
	if (root === undefined || root.flow) throw flow();
	const entry = { name: user, user: { exec: value } };
	const key = startOf(pairOf(root, 'users')?.key);
	if (key === undefined) return insertLines(text, text.length, rendered({ users: [entry] }, ''));
	const users = fieldOf(root, 'users');
	if (!isSeq(users) || users.flow || users.items.length === 0) throw flow();
	const dash = users.range?.[0] ?? key;
	const last = users.items.at(-1);
	const lastStart = isMap(last) ? last.range?.[0] : undefined;
	if (lastStart === undefined || text[dash] !== '-') throw flow();
	const indent = indentOf(text, dash);
	return insertLines(text, blockEnd(text, lastStart, indent.length), rendered([entry], indent));
}

function takeUser(text: string, doc: Document.Parsed, item: YAMLMap): Splice {
	const name = item.range?.[0];
	const users = isMap(doc.contents) ? fieldOf(doc.contents, 'users') : undefined;
	if (name === undefined || item.flow || !isSeq(users)) throw flow();
	const key = startOf(pairOf(isMap(doc.contents) ? doc.contents : undefined, 'users')?.key);
	const from = lineStart(text, name);
	const to = blockEnd(text, name, indentOf(text, name).length);
	const isOnly = users.items.length === 1 && key !== undefined && lineEnd(text, key) === from;
	const start = isOnly && key !== undefined ? lineStart(text, key) : from;
	return { at: start, removed: text.slice(start, to), inserted: '' };
}

function flow(): FileProblem {
	return new FileProblem('unsupported', 'written in one line, as JSON is');
}
