import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stderrExcerpt } from '../../../src/auth/reference/stderrExcerpt.ts';

const excerpt = (stderr: string, stdout = '', secrets: readonly string[] = []): string =>
	stderrExcerpt(Buffer.from(stderr), Buffer.from(stdout), secrets);

describe('the excerpt of what a command said', () => {
	it('is one bounded line, the end of it', () => {
		assert.equal(excerpt('a\r\n\tb\u001b[31mc\u202ed\n'), 'a b [31mc d');
		assert.match(excerpt(`${'word '.repeat(1000)}the end`), /^….{300}$/);
		assert.equal(excerpt(' \n'), '');
	});

	it('lacks every word of its answer and every known token, wherever they stand', () => {
		assert.equal(excerpt('got "short1" of x', '{"token":"short1"}'), 'got "[removed]" of x');
		assert.equal(excerpt('url?t=abcdefg&x', '', ['abcdefg']), 'url?t=[removed]&x');
		assert.equal(excerpt('abcdefghij', '', ['abcdefg', 'abcdefghij']), '[removed]');
	});

	it('lacks what has the shape of a token or stands behind the name of one', () => {
		for (const secret of [
			'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
			'ghp_0123456789abcdefABCDEF',
			'QWxhZGRpbjpvcGVuIHNlc2FtZQ3==',
			'abcdefghijklmnopqrstuvwxyzabcdefghijkl',
		]) {
			assert.equal(excerpt(`sent ${secret} to it`), 'sent [removed] to it', secret);
		}
		assert.equal(
			excerpt('password=hunter2; PIN: 1234, Authorization: Bearer abc'),
			'password=[removed]; PIN: [removed], Authorization: Bearer [removed]',
		);
	});

	it('keeps the words that tell what happened', () => {
		for (const said of [
			'error: cannot connect to https://vault.example.com (exit 2)',
			'the token expired, exit code 4',
		])
			assert.equal(excerpt(said), said);
	});

	it('never shows a token of the answer, whatever is around it', () => {
		const word = fc
			.stringMatching(/^[\x21-\x7e]{6,40}$/)
			.filter((text) => !/["',{}[\]]/.test(text) && !'[removed]'.includes(text));
		fc.assert(
			fc.property(fc.string(), word, fc.string(), (before, token, after) => {
				assert.ok(!excerpt(before + token + after, token).includes(token));
			}),
		);
	});
});
