/**
 * JSON with comments: a property at a path. The library parses; the text is changed here, because its editing functions
 * lay out the neighbours anew and drop comments.
 */
import { createScanner, getNodeValue, type Node, type ParseError, parseTree } from 'jsonc-parser';
import { FileProblem, type Format, type Value } from './format.ts';
import { eolOf, indentOf, lineEnd, lineStart, type Splice } from './splice.ts';

type JsonPath = readonly [string, ...string[]];

export type JsonSlot = { readonly format: 'json'; readonly path: JsonPath };

export const jsonFormat: Format<JsonSlot> = {
	read(text, { path }) {
		const node = propertyAt(rootOf(text), path)?.children?.[1];
		return node === undefined ? undefined : valueOfNode(node);
	},
	rest(text, { path }) {
		const root = rootOf(text);
		return root === undefined ? {} : without(valueOfNode(root), path);
	},
	put(text, { path }, value) {
		const root = rootOf(text);
		if (root === undefined) {
			const eol = eolOf(text);
			return { at: text.length, removed: '', inserted: `${render(nest(path, value), '', '  ', eol)}${eol}` };
		}
		const present = propertyAt(root, path)?.children?.[1];
		if (present === undefined) return insertion(text, root, path, value);
		const inserted = render(value, indentOf(text, present.offset), unitOf(text), eolOf(text));
		return { at: present.offset, removed: sourceOf(text, present), inserted };
	},
	take(text, { path }) {
		const root = rootOf(text);
		const property = propertyAt(root, path);
		if (property?.parent === undefined) throw new FileProblem('unsupported', 'the property is not there');
		const parent = property.parent;
		const [name, ...deeper] = path.slice(0, -1);
		const between = sourceOf(text, parent).replace(sourceOf(text, property), '');
		// A folder of one that was made for our value goes with it, unless somebody left a comment inside.
		if (name !== undefined && /^\{\s*,?\s*\}$/.test(between))
			return this.take(text, { format: 'json', path: [name, ...deeper] });
		return removal(text, property, parent);
	},
};

/** The library makes objects without prototype, which are not equal to ours. */
function valueOfNode(node: Node): Value {
	return JSON.parse(JSON.stringify(getNodeValue(node)));
}

/** Undefined for a file without content. */
function rootOf(text: string): Node | undefined {
	if (text.trim() === '') return undefined;
	const errors: ParseError[] = [];
	const root = parseTree(text, errors, { allowTrailingComma: true, disallowComments: false });
	if (root === undefined || errors.length > 0) throw new FileProblem('unparsable', 'not valid JSON');
	if (root.type !== 'object') throw new FileProblem('unsupported', 'not a JSON object');
	return root;
}

/** The last of that name, as every reader of JSON takes it. */
function propertyOf(object: Node | undefined, name: string): Node | undefined {
	if (object?.type !== 'object') return undefined;
	return object.children?.findLast((property) => property.children?.[0]?.value === name);
}

function propertyAt(root: Node | undefined, path: readonly string[]): Node | undefined {
	let object = root;
	let property: Node | undefined;
	for (const name of path) {
		property = propertyOf(object, name);
		object = property?.children?.[1];
	}
	return property;
}

/** A copy without the property at the path, and without objects that are empty then. */
function without(value: unknown, [name, ...deeper]: readonly string[]): unknown {
	if (name === undefined || !isObject(value)) return value;
	const { [name]: inner, ...others } = value;
	if (inner === undefined || deeper.length === 0) return others;
	const kept = without(inner, deeper);
	return isObject(kept) && Object.keys(kept).length === 0 ? others : { ...others, [name]: kept };
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nest(path: readonly string[], value: Value): Value {
	return path.reduceRight<Value>((inner, name) => ({ [name]: inner }), value);
}

function insertion(text: string, object: Node, [name, ...deeper]: JsonPath, value: Value): Splice {
	const inner = propertyOf(object, name)?.children?.[1];
	const [next, ...others] = deeper;
	if (inner !== undefined && next !== undefined) {
		if (inner.type !== 'object') throw new FileProblem('unsupported', `"${name}" is not an object`);
		return insertion(text, inner, [next, ...others], value);
	}
	const content = nest(deeper, value);
	const [eol, unit] = [eolOf(text), unitOf(text)];
	const property = (indent: string): string => `${JSON.stringify(name)}: ${render(content, indent, unit, eol)}`;
	const last = object.children?.at(-1);
	if (last === undefined) {
		const outer = indentOf(text, object.offset);
		const closes = text.slice(object.offset, object.offset + object.length).includes('\n') ? '' : eol + outer;
		return { at: object.offset + 1, removed: '', inserted: `${eol}${outer}${unit}${property(outer + unit)}${closes}` };
	}
	const at = last.offset + last.length;
	const onOneLine = !text.slice(object.offset, last.offset).includes('\n');
	if (onOneLine) return { at, removed: '', inserted: `, ${JSON.stringify(name)}: ${JSON.stringify(content)}` };
	const indent = indentOf(text, last.offset);
	// A comment at the end of the line is about the property before it, and stays there.
	const comment = /^,?[ \t]*\/\/[^\r\n]*/.exec(text.slice(at))?.[0] ?? '';
	const comma = comment.startsWith(',') ? '' : ',';
	return { at, removed: comment, inserted: `${comma}${comment}${eol}${indent}${property(indent)}` };
}

/** Takes the property and one comma; comments around it stay. */
function removal(text: string, property: Node, parent: Node): Splice {
	const [start, end] = [property.offset, property.offset + property.length];
	const after = commaAt(text, end);
	const previous = parent.children?.findLast(({ offset }) => offset < start);
	if (after !== undefined || previous === undefined) {
		const stop = after === undefined ? end : after + 1;
		const [from, to] = wholeLines(text, start, stop);
		// A comment between the property and its comma is somebody's: then only what is ours goes.
		const kept = after === undefined ? '' : text.slice(end, after).trim();
		return { at: from, removed: text.slice(from, to), inserted: kept };
	}
	const comma = tokenAt(text, previous.offset + previous.length);
	const kept = text.slice(comma + 1, start).trimEnd();
	return { at: comma, removed: text.slice(comma, end), inserted: kept };
}

/** Extends the range to its lines, if nothing else is on them. */
function wholeLines(text: string, start: number, stop: number): readonly [number, number] {
	const [from, to] = [lineStart(text, start), lineEnd(text, stop)];
	const isAlone = text.slice(from, start).trim() === '' && text.slice(stop, to).trim() === '';
	return isAlone && from > 0 ? [from, to] : [start, stop];
}

function commaAt(text: string, offset: number): number | undefined {
	const found = tokenAt(text, offset);
	return text[found] === ',' ? found : undefined;
}

/** Offset of the first token from there on that is neither blank nor comment. */
function tokenAt(text: string, offset: number): number {
	const scanner = createScanner(text, true);
	scanner.setPosition(offset);
	scanner.scan();
	return scanner.getTokenOffset();
}

function sourceOf(text: string, node: Node): string {
	return text.slice(node.offset, node.offset + node.length);
}

function unitOf(text: string): string {
	return /\n([ \t]+)["/]/.exec(text)?.[1] ?? '  ';
}

function render(value: Value, indent: string, unit: string, eol: string): string {
	return JSON.stringify(value, undefined, unit).replaceAll('\n', eol + indent);
}
