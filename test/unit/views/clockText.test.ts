import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { clockText } from '../../../src/views/clockText.ts';
import type { Localizer } from '../../../src/views/localizer.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

const ROOT = path.join(import.meta.dirname, '..', '..', '..');
const AT = new Date(2026, 10, 21, 14, 5, 59).getTime();
const DAY_MS = 86_400_000;

const inLanguage = (language: string): Localizer => ({ ...plainLocalizer, language });
/** Languages put different blanks in front of PM. */
const blanks = (text: string): string => text.replaceAll(/\s/g, ' ');

describe('a point in time', () => {
	it('is the minute today, and has the date on other days, in the language of the display', () => {
		assert.equal(blanks(clockText(AT, AT - 60_000, inLanguage('en'))), '2:05 PM');
		assert.equal(clockText(AT, AT, inLanguage('de')), '14:05');
		assert.equal(blanks(clockText(AT, AT - DAY_MS, inLanguage('en'))), 'Nov 21, 2026, 2:05 PM');
		assert.equal(clockText(AT, AT - DAY_MS, inLanguage('de')), '21.11.2026, 14:05');
		assert.equal(clockText(AT, AT, inLanguage('zh-cn')), '14:05');
	});

	it('is readable also where the name of the language is none', () => {
		assert.match(clockText(AT, AT, inLanguage('qps ploc')), /05/);
	});

	it('is written nowhere else in what people see', () => {
		for (const file of globSync('src/views/**/*.ts', { cwd: ROOT })) {
			if (file.endsWith('clockText.ts')) continue;
			assert.doesNotMatch(
				readFileSync(path.join(ROOT, file), 'utf8'),
				/toLocale(?:Date|Time)?String|DateTimeFormat/,
				file,
			);
		}
	});
});
