import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { classify } from '../../../src/auth/failover/classify.ts';
import { ruleSchema } from '../../../src/auth/failover/ruleSchema.ts';
import { DEFAULT_RULES, type ParsedRules, rulesFor } from '../../../src/auth/failover/rules.ts';
import { LONG_WAIT_MS, NOW_MS } from './vendorAnswers.ts';

const OWN = { id: 'own', when: { status: 403, code: 'Quota_X', message: 'Any  Limit' }, then: { kind: 'refused' } };

const ids = ({ rules }: ParsedRules): readonly string[] => rules.map(({ id }) => id);

describe('the default rules', () => {
	it('are what the schema allows, as it writes them', () => {
		assert.deepEqual(v.parse(v.array(ruleSchema), DEFAULT_RULES), DEFAULT_RULES);
	});

	it('have ids of their own', () => {
		assert.equal(new Set(DEFAULT_RULES.map(({ id }) => id)).size, DEFAULT_RULES.length);
	});

	it('hold where a provider has none', () => {
		for (const none of [undefined, null, {}]) {
			assert.deepEqual(rulesFor(none), { rules: DEFAULT_RULES, problems: [] });
		}
	});
});

describe('the rules of a provider', () => {
	it('come before the defaults', () => {
		const parsed = rulesFor({ rules: [OWN] });
		assert.deepEqual(parsed.problems, []);
		assert.deepEqual(parsed.rules, [
			{ id: 'own', when: { status: [403], code: ['quota_x'], message: ['any limit'] }, then: { kind: 'refused' } },
			...DEFAULT_RULES,
		]);
	});

	it('change what an answer comes to', () => {
		const { rules } = rulesFor({
			rules: [
				{ id: 'databricks', when: { status: [403], header: { 'X-Reason': 'Expired' } }, then: { kind: 'refused' } },
				{ id: 'rate-limit', when: { status: 429 }, then: { kind: 'exhausted', reason: 'quota', until: 'unnamed' } },
			],
			disabled: ['unauthorized'],
		});
		const judge = (status: number, headers = {}) =>
			classify({ status, headers }, rules, NOW_MS, { longWaitMs: LONG_WAIT_MS });
		assert.deepEqual(judge(403, { 'x-reason': 'EXPIRED' }), { kind: 'refused', rule: 'databricks' });
		assert.deepEqual(judge(403), { kind: 'denied', reason: 'forbidden', rule: 'forbidden' });
		assert.deepEqual(judge(429, { 'retry-after': '5' }), { kind: 'exhausted', reason: 'quota', rule: 'rate-limit' });
		assert.deepEqual(judge(401), { kind: 'denied', reason: 'bad_request', rule: 'bad-request' });
	});

	it('may disable defaults, and take the place of one by its id', () => {
		const parsed = rulesFor({ rules: [{ ...OWN, id: 'rate-limit' }], disabled: ['no-answer', 'success'] });
		const rest = DEFAULT_RULES.map(({ id }) => id).filter((id) => !['rate-limit', 'no-answer', 'success'].includes(id));
		assert.deepEqual(parsed.problems, []);
		assert.deepEqual(ids(parsed), ['rate-limit', ...rest]);
	});

	it('are used without those that are wrong', () => {
		const parsed = rulesFor({ rules: [{ id: 'bad' }, OWN, 5, { ...OWN }], disabled: ['nobody', 7, 'success'] });
		assert.equal(parsed.rules[0]?.id, 'own');
		assert.equal(ids(parsed).filter((id) => id === 'own').length, 1);
		assert.ok(!ids(parsed).includes('success'));
		assert.deepEqual(parsed.problems, [
			'rules[0].when is required.',
			'rules[0].then is required.',
			'rules[2] must be an object with id, when and then.',
			'rules[3].id is that of an earlier rule.',
			'disabled[0] must be the id of a default rule.',
			'disabled[1] must be a string.',
		]);
	});
});

describe('a wrong rule is named in a sentence', () => {
	const rule = (change: object): object => ({ rules: [{ ...OWN, ...change }] });
	const ROWS: readonly (readonly [overrides: unknown, problem: string])[] = [
		[5, 'rules must be an object with rules and disabled.'],
		[{ rules: {} }, 'rules must be a list.'],
		[{ more: 1 }, 'more is no known field.'],
		[{ ' \n': 1 }, '[" \\n"] is no known field.'],
		[{ ['x'.repeat(100)]: 1 }, `["${'x'.repeat(40)}"] is no known field.`],
		[rule({ id: 'A b' }), 'rules[0].id must be a-z, 0-9 and "-", at most 60 characters, not "-" first.'],
		[rule({ more: 1 }), 'rules[0].more is no known field.'],
		[rule({ when: {} }), 'rules[0].when must name status, code, message or header.'],
		[rule({ when: { status: 700 } }), statusProblem('rules[0].when.status[0]')],
		[rule({ when: { status: [429, '6xx'] } }), statusProblem('rules[0].when.status[1]')],
		[rule({ when: { status: [] } }), 'rules[0].when.status must not be an empty list.'],
		[
			rule({ when: { code: 'a b' } }),
			'rules[0].when.code[0] must not contain blanks: a sentence belongs into message.',
		],
		[rule({ when: { code: '' } }), 'rules[0].when.code[0] must not be blank.'],
		[rule({ when: { code: 'x'.repeat(201) } }), 'rules[0].when.code[0] must have at most 200 characters.'],
		[rule({ when: { code: Array(51).fill('x') } }), 'rules[0].when.code must be a list of at most 50.'],
		[
			rule({ when: { message: ['a'] } }),
			'rules[0].when.message[0] must have at least 3 characters: less is in nearly every message.',
		],
		[rule({ when: { header: { 'a b': 'x' } } }), 'rules[0].when.header["a b"] must be the name of a header.'],
		[rule({ when: { header: { a: 5 } } }), 'rules[0].when.header.a must be a string.'],
		[
			rule({ then: { kind: 'rotate' } }),
			'rules[0].then.kind must be "fine", "refused", "exhausted", "wait", "denied" or "limit".',
		],
		[
			rule({ then: { kind: 'exhausted', reason: 'x' } }),
			'rules[0].then.reason must be "quota", "rate_limit", "credit" or "entitlement".',
		],
		[rule({ then: { kind: 'limit', reason: 'quota', waitMs: 5 } }), 'rules[0].then.waitMs must be at least 1000 ms.'],
		[{ rules: [OWN, OWN] }, 'rules[1].id is that of an earlier rule.'],
		[{ disabled: ['nobody'] }, 'disabled[0] must be the id of a default rule.'],
		...[0, 500, 529, '5xx'].flatMap((status) =>
			[{ kind: 'refused' }, { kind: 'exhausted', reason: 'quota' }, { kind: 'limit', reason: 'quota' }].map(
				(then): readonly [unknown, string] => [
					rule({ when: { status: [429, status] }, then }),
					'rules[0] must not move on to another bucket for 0 or 5xx: the next one would get the same answer.',
				],
			),
		),
	];
	for (const [index, [overrides, problem]] of ROWS.entries()) {
		it(`${index}: ${problem}`, () => assert.deepEqual(rulesFor(overrides).problems, [problem]));
	}

	it('and 5xx may wait or give up', () => {
		const then = { kind: 'wait', reason: 'overloaded' };
		assert.deepEqual(rulesFor(rule({ when: { status: [0, '5xx'] }, then })).problems, []);
	});
});

function statusProblem(path: string): string {
	return `${path} must be 0 (no answer), a status from 200 to 599, or "2xx", "3xx", "4xx", "5xx".`;
}
