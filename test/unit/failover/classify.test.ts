import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { classify, NO_RULE } from '../../../src/auth/failover/classify.ts';
import type { FailureReport } from '../../../src/auth/failover/report.ts';
import { DEFAULT_RULES, type Rule } from '../../../src/auth/failover/rules.ts';
import type { Verdict } from '../../../src/auth/failover/verdict.ts';
import { LONG_WAIT_MS, NOW_MS, VENDOR_ANSWERS } from './vendorAnswers.ts';

const judge = (report: FailureReport, rules: readonly Rule[] = DEFAULT_RULES): Verdict =>
	classify(report, rules, NOW_MS, { longWaitMs: LONG_WAIT_MS });

const without = (id: string): readonly Rule[] => DEFAULT_RULES.filter((rule) => rule.id !== id);

describe('the answer of a vendor', () => {
	for (const { name, report, verdict } of VENDOR_ANSWERS) {
		it(`${name} (${report.status}) is ${verdict.kind}`, () => assert.deepEqual(judge(report), verdict));
	}

	it('has a name of its own', () => {
		assert.equal(new Set(VENDOR_ANSWERS.map(({ name }) => name)).size, VENDOR_ANSWERS.length);
	});
});

describe('each default rule', () => {
	/** Without them comes the same: they give it a name for the log and the tree. */
	const NAMED_ONLY = ['success', 'bad-request', 'server-error', 'no-answer'];

	for (const { id } of DEFAULT_RULES) {
		it(`${id} changes what an answer comes to`, () => {
			const changed = VENDOR_ANSWERS.filter(({ report, verdict }) => {
				if (verdict.rule !== id) return false;
				const other = judge(report, without(id));
				assert.notEqual(other.rule, id);
				return NAMED_ONLY.includes(id) || !sameApartFromRule(other, verdict);
			});
			assert.ok(changed.length > 0, 'no vendor answer needs it');
		});
	}
});

function sameApartFromRule(one: Verdict, other: Verdict): boolean {
	return JSON.stringify({ ...one, rule: '' }) === JSON.stringify({ ...other, rule: '' });
}

/** What each code and phrase of the defaults must come to, written down a second time: none may vanish or be hidden by another. */
const MEANINGS: Readonly<Record<string, readonly [status: readonly number[], expected: string]>> = {
	'overloaded_error model_capacity_exhausted modelnotreadyexception server_overloaded engine_overloaded engine_overloaded_error':
		[[429], 'wait overloaded'],
	enforced_spend_limit_reached: [[400, 402, 403, 429], 'exhausted credit'],
	'credit_balance_exhausted organization_spend_limit_exceeded project_spend_limit_exceeded billing_hard_limit_reached billing_not_active billing_disabled insufficient_credits insufficient_balance out_of_credit out-of-credit out_of_credits no_credits credits_exhausted credit_exhausted insufficient_funds spending_limit spending-limit spend_limit spending_limit_reached spend_limit_reached spending_limit_exceeded spend_limit_exceeded team-blocked:spending-limit billing/out_of_credits':
		[[400, 402, 403, 429], 'exhausted credit'],
	'organization_usage_limit_exceeded usage_limit_reached usage_limit_exceeded quota_exceeded exceeded_current_quota_error servicequotaexceededexception insufficient_quota quota_exhausted quota_limit_exceeded quota_limit_reached quotaexceeded dailylimitexceeded daily_limit_exceeded weekly_limit_exceeded monthly_limit_exceeded monthly_request_count error.quota_exceeded':
		[[400, 402, 403, 429], 'exhausted quota'],
	openrouter_key_limit: [[402, 403], 'exhausted quota'],
	slow_down: [[429], 'wait rate_limit'],
	rate_limit_exceeded: [[403, 429], 'wait rate_limit'],
	'ratelimitexceeded userratelimitexceeded': [[403, 429], 'wait rate_limit'],
	'throttlingexception throttling toomanyrequestsexception requestlimitexceeded': [[400], 'wait rate_limit'],
	'insufficient_scope access_token_scope_insufficient missing_scope': [[403], 'denied scope'],
	'unsupported_country_region_territory security_policy_violated api_key_http_referrer_blocked api_key_ip_address_blocked api_key_service_blocked':
		[[403], 'denied policy'],
	'invalid_token expired_token token_expired token_revoked token_invalidated expiredtoken expiredtokenexception unrecognizedclientexception invalidclienttokenid access_token_expired api_key_invalid invalid_api_key':
		[[400, 403], 'refused'],
	'usage_not_included deactivated_workspace account_deactivated account_suspended consumer_suspended subscription_required subscription_expired':
		[[402, 403, 429], 'exhausted entitlement'],
};

const PERIODS: readonly string[] = [
	...['per day', 'per-day', '/day', 'daily limit', 'daily quota', 'daily usage', 'daily token', 'daily request'],
	...['per week', 'per-week', 'weekly limit', 'weekly quota', 'weekly usage', 'week limit'],
	...['per month', 'per-month', '/month', 'monthly limit', 'monthly quota', 'monthly usage', 'month limit'],
	...['billing cycle', 'billing period'],
];
const MONEY: readonly string[] = [
	...['credit balance too low', 'insufficient funds', 'insufficient account balance', 'out of credit', 'no credits'],
	...['not enough credit', 'credits have been exhausted', 'exceeded your credit', 'spending limit'],
];

const PHRASES: readonly (readonly [phrase: string, status: readonly number[], expected: string])[] = [
	['resource exhausted, please try again later', [429], 'wait overloaded'],
	['resource exhausted. please try again later', [429], 'wait overloaded'],
	['experiencing high demand', [429], 'wait overloaded'],
	['temporary rate limit adjustment', [429], 'wait overloaded'],
	['temporarily rate-limited upstream', [429], 'wait overloaded'],
	['exceeded your current quota', [402, 403, 429], 'exhausted quota'],
	['reached your usage limit', [402, 403, 429], 'exhausted quota'],
	['usage limit reached', [402, 403, 429], 'exhausted quota'],
	['quota exceeded', [402, 403], 'exhausted quota'],
	...PERIODS.map((phrase) => [phrase, [402, 403, 429], 'exhausted quota'] as const),
	...MONEY.map((phrase) => [phrase, [400, 402, 403, 429], 'exhausted credit'] as const),
	['credit balance is too low', [400, 402, 403, 429], 'exhausted credit'],
	['insufficient credit', [400, 402, 403, 429], 'exhausted credit'],
	['insufficient balance', [400, 402, 403, 429], 'exhausted credit'],
	['spend limit reached', [400, 402, 403, 429], 'exhausted credit'],
	['reached your specified api usage limits', [400, 402, 403, 429], 'exhausted credit'],
	['secondary rate limit', [403, 429], 'wait rate_limit'],
	['abuse detection', [403, 429], 'wait rate_limit'],
	['insufficient authentication scopes', [403], 'denied scope'],
	['insufficient scope', [403], 'denied scope'],
	['missing scope', [403], 'denied scope'],
	['required scopes', [403], 'denied scope'],
	['scope requirement', [403], 'denied scope'],
	['country, region, or territory not supported', [403], 'denied policy'],
	['saml enforcement', [403], 'denied policy'],
	['ip allow list', [403], 'denied policy'],
	['ip not authorized', [403], 'denied policy'],
	['not allowed for this organization', [403], 'denied policy'],
	['requires moderation', [403], 'denied policy'],
	['token has been revoked', [400, 403], 'refused'],
	['token was revoked', [400, 403], 'refused'],
	['token is revoked', [400, 403], 'refused'],
	['token has expired', [400, 403], 'refused'],
	['token is expired', [400, 403], 'refused'],
	['token expired', [400, 403], 'refused'],
	['token included in the request is expired', [400, 403], 'refused'],
	['token included in the request is invalid', [400, 403], 'refused'],
	['api key has been revoked', [400, 403], 'refused'],
	['api key has expired', [400, 403], 'refused'],
	['api key expired', [400, 403], 'refused'],
	['api key not valid', [400, 403], 'refused'],
	['api key was reported as leaked', [400, 403], 'refused'],
	['incorrect api key provided', [400, 403], 'refused'],
	['organization has been disabled', [400, 403], 'exhausted entitlement'],
	['account has been disabled', [400, 403], 'exhausted entitlement'],
];

describe('each code and phrase of the defaults', () => {
	const inWords = (verdict: Verdict): string =>
		[verdict.kind, 'reason' in verdict ? verdict.reason : ''].join(' ').trim();

	it('means what is written down here, with exactly the statuses written down here', () => {
		for (const [codes, [statuses, expected]] of Object.entries(MEANINGS)) {
			for (const code of codes.split(' ')) {
				for (const status of [400, 402, 403, 404, 429]) {
					const report = { status, headers: {}, body: JSON.stringify({ error: { code: code.toUpperCase() } }) };
					const plain = inWords(judge({ status, headers: {} }));
					assert.equal(inWords(judge(report)), statuses.includes(status) ? expected : plain, `${status} ${code}`);
				}
			}
		}
		for (const [phrase, statuses, expected] of PHRASES) {
			for (const status of [400, 402, 403, 404, 429]) {
				const report = { status, headers: {}, body: JSON.stringify({ message: `Sorry: ${phrase.toUpperCase()}!` }) };
				const plain = inWords(judge({ status, headers: {} }));
				assert.equal(inWords(judge(report)), statuses.includes(status) ? expected : plain, `${status} ${phrase}`);
			}
		}
	});

	it('is written down here', () => {
		// With conditions beside them; the vendor answers hold those.
		const together = ['resource_exhausted', 'limit: 0', 'perday', 'perminute', 'rate limit exceeded'];
		const known = new Set([
			...Object.keys(MEANINGS).flatMap((codes) => codes.split(' ')),
			...PHRASES.map(([phrase]) => phrase),
		]);
		const unknown = DEFAULT_RULES.flatMap(({ when }) => [...(when.code ?? []), ...(when.message ?? [])]).filter(
			(text) => !known.has(text) && !together.includes(text),
		);
		assert.deepEqual(unknown, []);
	});
});

describe('the table of status, headers and body', () => {
	const SOON = 20;
	const LATER = 7_200;
	const HEADERS = {
		none: {},
		soon: { 'retry-after': String(SOON) },
		later: { 'retry-after': String(LATER) },
		windowUsed: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS / 1_000 + LATER) },
		windowLeft: { 'x-ratelimit-remaining': '9', 'x-ratelimit-reset': String(NOW_MS / 1_000 + LATER) },
	};
	const BODIES = {
		none: undefined,
		html: '<html><body>Sorry</body></html>',
		quota: '{"error":{"code":"usage_limit_reached"}}',
		credit: '{"error":{"code":"credit_balance_exhausted"}}',
		revoked: '{"error":{"type":"permission_error","message":"OAuth token has been revoked."}}',
		scope: '{"error":"insufficient_scope"}',
		capacity: '{"error":{"type":"overloaded_error"}}',
		soon: `{"error":{"code":"any","resets_in_seconds":${SOON}}}`,
		later: `{"error":{"code":"any","resets_in_seconds":${LATER}}}`,
	};
	/** W wait, N exhausted (next), R refused, D denied, F fine; one letter per kind of headers, in their order. */
	const all = (row: string): Record<keyof typeof BODIES, string> => ({
		none: row,
		html: row,
		quota: row,
		credit: row,
		revoked: row,
		scope: row,
		capacity: row,
		soon: row,
		later: row,
	});
	const TABLE: Readonly<Record<number, Readonly<Record<keyof typeof BODIES, string>>>> = {
		0: all('WWWWW'),
		200: all('FFFFF'),
		204: all('FFFFF'),
		304: all('FFFFF'),
		400: { ...all('DDDDD'), quota: 'NNNNN', credit: 'NNNNN', revoked: 'RRRRR' },
		401: all('RRRRR'),
		402: { ...all('NWNNN'), quota: 'NNNNN', credit: 'NNNNN', soon: 'WWNNW', later: 'NNNNN' },
		403: { ...all('DDDDD'), quota: 'NNNNN', credit: 'NNNNN', revoked: 'RRRRR' },
		404: all('DDDDD'),
		407: all('DDDDD'),
		408: all('WWWWW'),
		413: all('DDDDD'),
		422: all('DDDDD'),
		425: all('WWWWW'),
		429: { ...all('WWNNW'), quota: 'NNNNN', credit: 'NNNNN', capacity: 'WWWWW', later: 'NNNNN' },
		451: all('DDDDD'),
		500: all('WWWWW'),
		502: all('WWWWW'),
		503: all('WWWWW'),
		504: all('WWWWW'),
		520: all('WWWWW'),
		529: all('WWWWW'),
		599: all('WWWWW'),
	};
	const LETTERS = { wait: 'W', exhausted: 'N', refused: 'R', denied: 'D', fine: 'F' } as const;

	for (const [status, rows] of Object.entries(TABLE)) {
		it(`holds for ${status}`, () => {
			for (const [name, body] of Object.entries(BODIES)) {
				const verdicts = Object.values(HEADERS).map((headers) =>
					judge({ status: Number(status), headers, ...(body === undefined ? {} : { body }) }),
				);
				const got = verdicts.map(({ kind }) => LETTERS[kind]).join('');
				assert.equal(got, rows[name as keyof typeof BODIES], `body ${name}`);
				for (const verdict of verdicts) assert.notEqual(verdict.rule, NO_RULE);
			}
		});
	}
});

describe('classify', () => {
	it('waits for exactly as long as the caller calls long, and not longer', () => {
		const report = { status: 429, headers: { 'retry-after': '60' } };
		const at = (longWaitMs: number): string => classify(report, DEFAULT_RULES, NOW_MS, { longWaitMs }).kind;
		assert.equal(at(60_000), 'wait');
		assert.equal(at(59_999), 'exhausted');
	});

	it('lets the first rule that fits decide', () => {
		const first: Rule = { id: 'first', when: { status: [429] }, then: { kind: 'denied', reason: 'policy' } };
		const second: Rule = { id: 'second', when: {}, then: { kind: 'refused' } };
		assert.equal(judge({ status: 429, headers: {} }, [first, second]).rule, 'first');
		assert.equal(judge({ status: 430, headers: {} }, [first, second]).rule, 'second');
		// A rule without status is about 4xx.
		assert.equal(judge({ status: 200, headers: {} }, [first, second]).rule, NO_RULE);
	});

	it('needs all conditions of a rule', () => {
		const rule: Rule = {
			id: 'own',
			when: { status: ['4xx'], code: ['a', 'b'], message: ['one', 'two'], header: { 'x-a': '1', 'x-b': '*' } },
			then: { kind: 'refused' },
		};
		const body = '{"code":"B","message":"Word two"}';
		const decides = (report: FailureReport): boolean => judge(report, [rule]).rule === 'own';
		assert.ok(decides({ status: 499, headers: { 'x-a': '1', 'x-b': 'any' }, body }));
		assert.ok(!decides({ status: 399, headers: { 'x-a': '1', 'x-b': 'any' }, body }));
		assert.ok(!decides({ status: 499, headers: { 'x-a': '10', 'x-b': 'any' }, body }));
		assert.ok(!decides({ status: 499, headers: { 'x-a': '1' }, body }));
		assert.ok(!decides({ status: 499, headers: { 'x-a': '1', 'x-b': 'any' }, body: '{"code":"bb","message":"two"}' }));
		assert.ok(!decides({ status: 499, headers: { 'x-a': '1', 'x-b': 'any' }, body: '{"code":"b","message":"three"}' }));
	});

	it('moves on for no answer and 5xx under no rule', () => {
		for (const status of [0, 500, 503, 529]) {
			for (const kind of ['refused', 'exhausted', 'limit'] as const) {
				const then: Rule['then'] = kind === 'refused' ? { kind } : { kind, reason: 'quota' };
				const rule: Rule = { id: 'own', when: { status: [0, '5xx'] }, then };
				assert.equal(judge({ status, headers: {} }, [rule]).kind, 'wait');
			}
		}
	});

	it('takes no bucket out of use if all rules are disabled', () => {
		const kinds = [0, 204, 302, 400, 401, 402, 403, 429, 500].map((status) => judge({ status, headers: {} }, []));
		assert.deepEqual(
			kinds.map(({ kind }) => kind),
			['wait', 'fine', 'fine', 'denied', 'denied', 'denied', 'denied', 'denied', 'wait'],
		);
		for (const { rule } of kinds) assert.equal(rule, NO_RULE);
		const reasons = kinds.map((verdict) => ('reason' in verdict ? verdict.reason : ''));
		assert.deepEqual(reasons[6], 'forbidden');
		assert.deepEqual(reasons[7], 'bad_request');
		const untils = [kinds[0], kinds[8]].map((verdict) => (verdict?.kind === 'wait' ? verdict.untilMs : undefined));
		assert.deepEqual(untils, [NOW_MS + 10_000, NOW_MS + 10_000]);
	});

	it('waits for as long as a reason of its own takes, where neither the answer nor the rule names a time', () => {
		for (const [reason, waitMs] of [
			['rate_limit', 30_000],
			['overloaded', 30_000],
			['unavailable', 10_000],
		] as const) {
			const rule: Rule = { id: 'own', when: { status: [429] }, then: { kind: 'wait', reason } };
			const verdict = judge({ status: 429, headers: {} }, [rule]);
			assert.equal(verdict.kind === 'wait' && verdict.untilMs, NOW_MS + waitMs);
		}
	});

	it('takes the end of a month at the end of a year', () => {
		const nowMs = Date.UTC(2026, 11, 1);
		const body = '{"error":{"code":"enforced_spend_limit_reached"}}';
		const verdict = classify({ status: 429, headers: {}, body }, DEFAULT_RULES, nowMs, { longWaitMs: LONG_WAIT_MS });
		assert.equal(verdict.kind === 'exhausted' && verdict.untilMs, Date.UTC(2027, 0, 1));
	});
});
