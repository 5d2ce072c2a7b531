/** Every language that is offered is whole, and says what the original says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { ROOT } from '../../scripts/build.ts';
import {
	collectMessages,
	LANGUAGES,
	manifestKeys,
	translationOf,
	translationPaths,
	UNTRANSLATED,
} from '../../scripts/l10n.ts';

const texts = v.record(v.string(), v.string());
const read = (file: string): Record<string, string> => v.parse(texts, JSON.parse(readFileSync(file, 'utf8')));
const english: Readonly<Record<string, string>> = {
	...Object.fromEntries(collectMessages().map((message) => [message, message])),
	...read(path.join(ROOT, 'package.nls.json')),
};

function found(text: string, pattern: RegExp): string[] {
	return [...new Set(text.match(pattern) ?? [])].sort();
}

for (const language of LANGUAGES) {
	const files = translationPaths(language);
	const translated = { ...read(files.code), ...read(files.manifest) };
	const pairs = Object.entries(translated).map(([key, text]) => ({ key, original: english[key] ?? '', text }));

	describe(`the language ${language}`, () => {
		it('has every text and no other, in order (node scripts/l10n.ts says which are missing)', () => {
			for (const [keys, file] of [
				[collectMessages(), files.code],
				[manifestKeys(), files.manifest],
			] as const) {
				const { text, missing } = translationOf(keys, file);
				assert.deepEqual(missing, []);
				assert.equal(readFileSync(file, 'utf8'), text);
			}
		});

		it('has the places for names, the links and the code of the original', () => {
			for (const { key, original, text } of pairs) {
				assert.notEqual(text.trim(), '', key);
				for (const pattern of [/\{\d\}/g, /\]\(command:[^)]*\)/g, /`[^`]+`/g])
					assert.deepEqual(found(text, pattern), found(original, pattern), key);
			}
		});

		it(`does not translate "${UNTRANSLATED}"`, () => {
			const named = pairs.filter(({ original }) => original.includes(UNTRANSLATED));
			assert.ok(named.length > 3);
			for (const { key, text } of named) assert.ok(text.includes(UNTRANSLATED), key);
		});
	});
}

/** What "du" is told to do ("Prüfe …"), which "Sie" is not ("Prüfen Sie …"). */
const FAMILIAR = [
	'aktualisiere|beende|beginne|behebe|entferne|entsperre|erlaube|fahre|führe|füge|gib|installiere|klicke?|kopiere|lade',
	'lass|mache?|melde|nenne|nimm|öffne|prüfe|repariere|richte|rufe|schließe|schreibe|setze|sieh|speichere|starte',
	'vertraue|versuche|verwende|wähle|warte',
].join('|');
const FAMILIAR_IMPERATIVE = new RegExp(`(?<!\\p{L})(${FAMILIAR})(?!\\p{L})`, 'iu');

describe('the German texts', () => {
	const { code, manifest } = translationPaths('de');
	const german = Object.entries({ ...read(code), ...read(manifest) });

	it('say Sie, never du, as the language pack of VS Code does', () => {
		for (const [key, text] of german) {
			assert.doesNotMatch(text, /(?<!\p{L})(du|dich|dir|dein\p{L}*)(?!\p{L})/iu, key);
			assert.doesNotMatch(text, FAMILIAR_IMPERATIVE, key);
		}
	});

	it('have German quotation marks outside of code', () => {
		for (const [key, text] of german) assert.doesNotMatch(text.replaceAll(/`[^`]*`/g, ''), /"/, key);
	});
});
