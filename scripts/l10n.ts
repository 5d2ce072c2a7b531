/**
 * Writes l10n/bundle.l10n.json, the list of all texts that translators start from: `node scripts/l10n.ts`. A test fails
 * when it is out of date.
 */
import { globSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from './build.ts';

export const BUNDLE_PATH = path.join(ROOT, 'l10n', 'bundle.l10n.json');

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
	const entries = collectMessages().map((message) => [message, message]);
	return `${JSON.stringify(Object.fromEntries(entries), undefined, '\t')}\n`;
}

if (import.meta.main) {
	await mkdir(path.dirname(BUNDLE_PATH), { recursive: true });
	await writeFile(BUNDLE_PATH, bundleText());
}
