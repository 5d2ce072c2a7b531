import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parsePasted } from '../../../src/auth/signIn/paste.ts';

const attempt = { url: 'https://login.example.com/authorize?state=s1', state: 's1' };
const CALLBACK = 'http://127.0.0.1:50000/callback';

describe('what a person pastes', () => {
	const good = [
		`${CALLBACK}?code=c&state=s1&iss=i`,
		`  ${CALLBACK}?code=c&state=s1&iss=i \n`,
		`"${CALLBACK}?code=c&state=s1&iss=i"`,
		`<${CALLBACK}?code=c&state=s1&iss=i>`,
		`${CALLBACK}?code=c&state=s1&iss=i#fragment`,
		`${CALLBACK}#code=c&state=s1&iss=i`,
		`${CALLBACK}?from=there#code=c&state=s1&iss=i`,
		'127.0.0.1:50000/callback?code=c&state=s1&iss=i',
		'?code=c&state=s1&iss=i',
		'code=c&state=s1&iss=i',
		'state=s1&code=c&iss=i',
	];
	for (const text of good) {
		it(`takes ${JSON.stringify(text)}`, () => {
			const pasted = parsePasted(text, attempt);
			assert.ok(pasted.kind === 'callback');
			assert.deepEqual(Object.fromEntries(pasted.parameters), { code: 'c', state: 's1', iss: 'i' });
		});
	}

	it('takes an error as well', () => {
		assert.equal(parsePasted(`${CALLBACK}?error=access_denied&state=s1`, attempt).kind, 'callback');
	});

	const bad: readonly [text: string, problem: string][] = [
		['', 'notAnAddress'],
		['   ', 'notAnAddress'],
		['hello', 'notAnAddress'],
		['two words', 'notAnAddress'],
		['a'.repeat(20_000), 'notAnAddress'],
		['https://login.example.com/authorize?state=s1', 'signInPage'],
		['https://login.example.com/login?error=x', 'signInPage'],
		[CALLBACK, 'incomplete'],
		[`${CALLBACK}?state=s1`, 'incomplete'],
		[`${CALLBACK}?code=c`, 'incomplete'],
		[`${CALLBACK}?code=c&state=s2`, 'otherAttempt'],
		[`${CALLBACK}?code=c&state=s1&state=s2`, 'otherAttempt'],
		['https://example.com/', 'incomplete'],
	];
	for (const [text, problem] of bad) {
		it(`names ${JSON.stringify(text.slice(0, 60))} as ${problem}`, () => {
			assert.deepEqual(parsePasted(text, attempt), { kind: 'problem', problem });
		});
	}

	it("never throws, and takes nothing without this attempt's state", () => {
		fc.assert(
			fc.property(fc.oneof(fc.string(), fc.webUrl({ withQueryParameters: true }), fc.webQueryParameters()), (text) => {
				const pasted = parsePasted(text, attempt);
				if (pasted.kind === 'callback') assert.equal(pasted.parameters.get('state'), 's1');
			}),
			{ numRuns: 500 },
		);
	});
});
