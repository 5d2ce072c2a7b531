/**
 * Writes l10n/bundle.l10n.json, the list of all texts that translators start from, and brings each translation into its
 * order, without what is gone: `node scripts/l10n.ts`. A test fails when one is out of date or lacks a text.
 */
import { globSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from './build.ts';

export const BUNDLE_PATH = path.join(ROOT, 'l10n', 'bundle.l10n.json');

/** Languages that are complete, besides English. */
export const LANGUAGES = ['de'] as const;

/** What goes by its English name everywhere: VS Code ties consent and preference to this label. */
export const UNTRANSLATED = 'Automatic';

const CALL = /\bl10n\s*\.t\(\s*('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")?/g;

/** Every text of the views, sorted. Throws at a call whose first argument is no plain literal. */
export function collectMessages(): string[] {
	const messages = new Set<string>();
	for (const file of globSync('src/views/**/*.ts', { cwd: ROOT })) {
		for (const [call, literal] of readFileSync(path.join(ROOT, file), 'utf8').matchAll(CALL)) {
			if (literal === undefined) throw new Error(`${file}: the text of ${call} must be one plain literal`);
			messages.add(literal.slice(1, -1).replaceAll(/\\(['"\\])/g, '$1'));
		}
	}
	return [...messages].sort();
}

export function bundleText(): string {
	return jsonText(collectMessages().map((message) => [message, message]));
}

/** The texts of the code, and those of package.json. */
export function translationPaths(language: string): { readonly code: string; readonly manifest: string } {
	return {
		code: path.join(ROOT, 'l10n', `bundle.l10n.${language}.json`),
		manifest: path.join(ROOT, `package.nls.${language}.json`),
	};
}

export type Translation = {
	/** What the file should hold: the texts that are translated, in the order of the originals. */
	readonly text: string;
	readonly missing: readonly string[];
};

export function translationOf(keys: readonly string[], file: string): Translation {
	const present: Record<string, string> = JSON.parse(readFileSync(file, 'utf8'));
	return {
		text: jsonText(keys.flatMap((key) => (present[key] === undefined ? [] : [[key, present[key]]]))),
		missing: keys.filter((key) => present[key] === undefined),
	};
}

export function manifestKeys(): string[] {
	return Object.keys(JSON.parse(readFileSync(path.join(ROOT, 'package.nls.json'), 'utf8')));
}

function jsonText(entries: readonly (readonly string[])[]): string {
	return `${JSON.stringify(Object.fromEntries(entries), undefined, '\t')}\n`;
}

if (import.meta.main) {
	await mkdir(path.dirname(BUNDLE_PATH), { recursive: true });
	await writeFile(BUNDLE_PATH, bundleText());
	for (const language of LANGUAGES) {
		const { code, manifest } = translationPaths(language);
		for (const [keys, file] of [
			[collectMessages(), code],
			[manifestKeys(), manifest],
		] as const) {
			const { text, missing } = translationOf(keys, file);
			await writeFile(file, text);
			for (const key of missing) console.log(`${path.relative(ROOT, file)} lacks: ${key}`);
		}
	}
}
