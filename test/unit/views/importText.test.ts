import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RefusedVariable } from '../../../src/auth/import/importCandidates.ts';
import type { KeyFile } from '../../../src/auth/import/keySource.ts';
import {
	asksForSignIn,
	candidateDetail,
	fileProblem,
	keyName,
	refusedLine,
	refusedLines,
	storedText,
} from '../../../src/views/providers/importText.ts';
import { plainLocalizer as l10n } from '../../support/plainLocalizer.ts';

const REASONS: Record<RefusedVariable['reason'], true> = {
	...{ empty: true, placeholder: true, reference: true, malformed: true },
	...{ refreshToken: true, session: true, notForKeys: true },
};
const refused = (variable: string, reason: RefusedVariable['reason']): RefusedVariable => ({
	variable,
	reason,
	providerIds: [],
});
const isReason = (reason: string): reason is RefusedVariable['reason'] => Object.hasOwn(REASONS, reason);

describe('what people read while they import keys', () => {
	it('has a sentence of its own for every reason', () => {
		const lines = Object.keys(REASONS)
			.filter(isReason)
			.map((reason) => refusedLine(refused('A_KEY', reason), l10n));
		assert.equal(new Set(lines).size, Object.keys(REASONS).length);
		for (const line of lines) assert.match(line, /^A_KEY: \w/);
	});

	it('has a sentence of its own for every kind of file, with its name', () => {
		const files: Exclude<KeyFile, { kind: 'read' }>[] = [
			...([
				{ kind: 'absent' },
				{ kind: 'link' },
				{ kind: 'notAFile' },
				{ kind: 'tooBig' },
				{ kind: 'invalid' },
				{ kind: 'utf16' },
			] as const),
			{ kind: 'unreadable', cause: new Error('secret path') },
			{ kind: 'foreign', store: {} },
			{ kind: 'foreign', store: { tool: 'Codex' } },
		];
		const texts = files.map((file) => fileProblem(file, '.env', l10n));
		assert.equal(new Set(texts).size, files.length);
		for (const text of texts) assert.ok(text.startsWith('.env ') && !text.includes('secret path'), text);
		assert.match(texts.at(-1) ?? '', /sign-in of Codex\. .*Sign in here instead/);
	});

	it('shows length and fingerprint of a key', () => {
		const candidate = { variables: ['A'], providerIds: [], length: 51, fingerprint: '0123abcd', digest: 'x' } as const;
		assert.equal(candidateDetail(candidate, l10n), '51 characters, fingerprint 0123abcd');
	});

	it('lists what is not imported, up to a bound', () => {
		assert.equal(refusedLines([], l10n), '');
		const many = Array.from({ length: 15 }, (_, index) => refused(`KEY_${index}`, 'empty'));
		const lines = refusedLines(many, l10n).split('\n');
		assert.equal(lines.length, 14);
		assert.deepEqual([lines[0], lines[1], lines.at(-1)], ['Not imported:', 'KEY_0: empty', 'and 3 more']);
	});

	it('offers a sign-in where one helps', () => {
		assert.deepEqual(
			Object.keys(REASONS)
				.filter(isReason)
				.filter((reason) => asksForSignIn([refused('A', reason)]))
				.sort(),
			['notForKeys', 'refreshToken', 'session'],
		);
	});

	it('says that the variable still counts where it is', () => {
		assert.match(storedText(['A', 'B'], '.env', l10n), /^Stored: A, B\. It is still in \.env,/);
		assert.match(storedText(['A'], undefined, l10n), /^Stored: A\. The environment of VS Code still has it,/);
		assert.ok(!storedText(['[x](command:y)'], '[x](command:y)', l10n).includes(']('));
	});

	it('gives a key a name that no other has', () => {
		assert.equal(keyName('A_KEY', undefined, []), 'A_KEY');
		assert.equal(keyName('A_KEY', 'shop', ['A_KEY']), 'A_KEY (shop)');
		assert.equal(keyName('A_KEY', undefined, ['a_key', 'A_KEY 2']), 'A_KEY 3');
	});
});
