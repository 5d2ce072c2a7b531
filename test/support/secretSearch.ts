/** Looks for secrets in everything that was said: by value in the forms in which values travel, and by shape. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { inspect } from 'node:util';

/** A secret of which this much is told is told. */
const TELLING_LENGTH = 16;

/** What looks like a secret, whether it is a known one or not. Digests in hex and ids are shorter or of fewer letters. */
const SHAPES: Readonly<Record<string, RegExp>> = {
	'a JWT': /eyJ[\w-]{8,}\.[\w-]{8,}/,
	'a bearer header': /\bBearer\s+[\w.~+/-]{8,}/i,
	'a parameter that is secret':
		/\b(?:code|code_verifier|device_code|refresh_token|access_token|client_secret)=[^\s&"]+/,
	'a member that is secret': /"(?:code_verifier|device_code|refresh_token|access_token|id_token)"\s*:\s*"[^"]/,
	'256 random bits': /(?<![\w-])(?=[\w-]*[g-zG-Z])(?=[\w-]*\d)[\w-]{43,}(?![\w-])/,
};

/** Everything that can be read off a value by printing it: message, stack, causes, hidden members. */
export function everythingOf(value: unknown): string {
	const seen = new Set<unknown>();
	const parts: string[] = [
		inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null }),
	];
	const walk = (current: unknown): void => {
		if (typeof current !== 'object' || current === null || seen.has(current)) return;
		seen.add(current);
		for (const key of Reflect.ownKeys(current)) {
			const member: unknown = Reflect.get(current, key);
			parts.push(String(key));
			if (typeof member === 'string') parts.push(member);
			walk(member);
		}
	};
	walk(value);
	return parts.join('\n');
}

/** Names and contents of all files below a folder. */
export async function filesOf(folder: string): Promise<{ names: string[]; contents: string[] }> {
	const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
	const paths = entries.map((entry) => join(entry.parentPath, entry.name));
	const contents = await Promise.all(
		// Superseded between listing and reading: then there is nothing to find in it.
		paths.map((path) =>
			readFile(path).then(
				(bytes) => bytes.toString('latin1'),
				() => '',
			),
		),
	);
	return { names: paths.map((path) => relative(folder, path)), contents };
}

export function assertNoSecret(secrets: readonly string[], texts: readonly string[], where: string): void {
	assert.ok(secrets.length > 0, 'no secret to look for');
	for (const text of texts)
		for (const secret of secrets)
			for (const form of formsOf(secret)) assert.ok(!text.includes(form), `${where}: ${excerpt(text, form)}`);
}

export function assertNoShape(texts: readonly string[], where: string): void {
	for (const text of texts)
		for (const [name, shape] of Object.entries(SHAPES)) {
			const found = shape.exec(text);
			assert.equal(found, null, `${where}: ${name} in ${text.slice(0, 300)}`);
		}
}

function formsOf(secret: string): string[] {
	const bytes = Buffer.from(secret);
	const forms = [
		secret,
		encodeURIComponent(secret),
		JSON.stringify(secret).slice(1, -1),
		bytes.toString('base64').replace(/=+$/, ''),
		bytes.toString('base64url'),
		bytes.toString('hex'),
		[...secret].reverse().join(''),
	];
	return [
		...forms,
		...forms.filter(({ length }) => length > 2 * TELLING_LENGTH).map((form) => form.slice(0, TELLING_LENGTH)),
	];
}

function excerpt(text: string, form: string): string {
	const at = text.indexOf(form);
	return text.slice(Math.max(0, at - 80), at + form.length + 20);
}
