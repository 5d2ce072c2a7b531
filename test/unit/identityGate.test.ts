import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Identity } from '../../src/auth/credential.ts';
import { isSamePerson, mayReplace } from '../../src/auth/identityGate.ts';

const of = (subject?: string, email?: string, issuer = 'https://a.example'): Identity => ({ issuer, subject, email });

describe('identity gate', () => {
	const table: readonly [name: string, existing: Identity, incoming: Identity, same: boolean, replace: boolean][] = [
		['same subject, other email', of('1', 'a@b.c'), of('1', 'x@y.z'), true, true],
		['same subject, no email', of('1'), of('1'), true, true],
		['subjects are trimmed', of(' 1 '), of('1'), true, true],
		['case of subjects counts', of('A'), of('a'), false, false],
		['other subject, same email', of('1', 'a@b.c'), of('2', 'a@b.c'), false, false],
		['same subject of another issuer', of('1'), of('1', undefined, 'https://b.example'), false, false],
		['same email of another issuer', of(undefined, 'a@b.c'), of(undefined, 'a@b.c', 'https://b.example'), false, false],
		['no subjects, same email but for case and spaces', of(undefined, ' A@B.c '), of('', 'a@b.C'), true, true],
		['no subjects, other email', of(undefined, 'a@b.c'), of(undefined, 'b@b.c'), false, false],
		['subject only against email only', of('1'), of(undefined, 'a@b.c'), false, false],
		['email only against subject only', of(undefined, 'a@b.c'), of('1'), false, false],
		['identified, then blank', of('1', 'a@b.c'), of(), false, false],
		['identified by email, then blank', of(undefined, 'a@b.c'), of(), false, false],
		['subject lost, same email', of('1', 'a@b.c'), of(undefined, 'a@b.c'), false, false],
		['blank, then identified', of(), of('1', 'a@b.c'), false, true],
		['blank values count as none', of('  ', ' '), of('1'), false, true],
		['email only gains a subject', of(undefined, 'a@b.c'), of('1', 'A@b.c'), false, true],
		['email only gains a subject and another email', of(undefined, 'a@b.c'), of('1', 'z@b.c'), false, false],
		['both blank', of(), of(), false, true],
		['both blank, other issuer', of(), of(undefined, undefined, 'https://b.example'), false, false],
	];
	for (const [name, existing, incoming, same, replace] of table) {
		it(`${name}: ${same ? 'the same person' : 'no proof'}, ${replace ? 'may' : 'may not'} replace`, () => {
			assert.equal(isSamePerson(existing, incoming), same);
			assert.equal(mayReplace(existing, incoming), replace);
		});
	}

	const text = fc.option(fc.constantFrom('', ' ', 'a', 'A', 'b', ' a '), { nil: undefined });
	const identity = fc.record({ issuer: fc.constantFrom('https://a', 'https://b'), subject: text, email: text });

	it('proof is symmetric, and whoever is proven the same may replace', () => {
		fc.assert(
			fc.property(identity, identity, (a, b) => {
				assert.equal(isSamePerson(a, b), isSamePerson(b, a));
				if (isSamePerson(a, b)) assert.equal(mayReplace(a, b), true);
			}),
			{ numRuns: 1000 },
		);
	});

	it('differing subjects or issuers never share, and an identified record never becomes blank', () => {
		fc.assert(
			fc.property(identity, identity, (a, b) => {
				const [subjectA, subjectB] = [a.subject?.trim(), b.subject?.trim()];
				if (a.issuer !== b.issuer || (subjectA && subjectB && subjectA !== subjectB)) {
					assert.equal(mayReplace(a, b), false);
				}
				const identified = Boolean(subjectA || a.email?.trim());
				const blank = !subjectB && !b.email?.trim();
				if (identified && blank) assert.equal(mayReplace(a, b), false);
			}),
			{ numRuns: 1000 },
		);
	});

	it('what identifies itself is the same as itself', () => {
		fc.assert(
			fc.property(identity, (a) => {
				assert.equal(isSamePerson(a, { ...a }), Boolean(a.subject?.trim() || a.email?.trim()));
			}),
		);
	});
});
