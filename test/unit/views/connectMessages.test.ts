import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FileProblem, type FileProblemCode } from '../../../src/auth/connect/format.ts';
import { fileProblemText } from '../../../src/views/connect/connectMessages.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

const CODES: Record<FileProblemCode, true> = {
	unparsable: true,
	utf16: true,
	unsupported: true,
	conflict: true,
	secret: true,
	readOnly: true,
	io: true,
	changed: true,
	path: true,
	absent: true,
};

describe('why a file was left as it is', () => {
	it('is a sentence of its own for each reason, with the file and without the words of the error', () => {
		const isCode = (code: string): code is FileProblemCode => Object.hasOwn(CODES, code);
		const texts = Object.keys(CODES)
			.filter(isCode)
			.map((code) => fileProblemText(new FileProblem(code, 'sk-canary'), '/home/ada/.gitconfig', plainLocalizer));
		assert.equal(new Set(texts).size, texts.length);
		for (const text of texts) {
			assert.match(text, /\/home\/ada\/\.gitconfig/);
			assert.doesNotMatch(text, /canary/);
		}
	});

	it('names what is in the way, and forms no link of it', () => {
		const problem = new FileProblem('conflict', '', { subject: '[x](command:evil)' });
		assert.match(fileProblemText(problem, '/f', plainLocalizer), /\[x\] \(command:evil\)/);
	});
});
