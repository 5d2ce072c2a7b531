/** What holds for every report and every rule. `SEED=` repeats a run. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ClassifyOptions, classify, WAIT_CAP_MS } from '../../../src/auth/failover/classify.ts';
import { parseCutJson } from '../../../src/auth/failover/cutJson.ts';
import { factsOf } from '../../../src/auth/failover/facts.ts';
import { type FailureReport, MAX_BODY_LENGTH, parseFailureReport } from '../../../src/auth/failover/report.ts';
import { RESET_CAP_MS } from '../../../src/auth/failover/resetCap.ts';
import { resetTime, SOONEST_MS } from '../../../src/auth/failover/resetTime.ts';
import { DEFAULT_RULES, type Rule, rulesFor } from '../../../src/auth/failover/rules.ts';
import { LONG_WAIT_MS, NOW_MS, VENDOR_ANSWERS } from './vendorAnswers.ts';

const SEED = Number(process.env.SEED ?? 1);
const RUNS = Number(process.env.AGENT_AUTH_FAILOVER_RUNS ?? 1_000);
const settings = { seed: SEED, numRuns: RUNS };

const OPTIONS: ClassifyOptions = { longWaitMs: LONG_WAIT_MS };

const nowMs = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) });
const status = fc.oneof(
	fc.constantFrom(0, 200, 400, 401, 402, 403, 404, 408, 429, 500, 503, 529),
	fc.integer({ min: 100, max: 599 }),
);

/** Times right and wrong, near and far, in every form that is read. */
const timeText = fc.oneof(
	fc.integer().map(String),
	fc.double({ noNaN: false }).map(String),
	fc.bigInt({ min: 0n, max: 10n ** 28n }).map(String),
	fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(8.64e15 - 1) }).map((date) => date.toUTCString()),
	fc
		.date({ noInvalidDate: true, min: new Date(0), max: new Date(Date.UTC(9999, 0)) })
		.map((date) => date.toISOString()),
	fc.tuple(fc.nat(), fc.constantFrom('ms', 's', 'm', 'h', 'd', 'w', ' hours', '')).map((parts) => parts.join('')),
	fc.integer({ min: -1e5, max: 1e8 }).map((seconds) => String(NOW_MS / 1_000 + seconds)),
	fc.string(),
);

const headerName = fc.constantFrom(
	'retry-after',
	'retry-after-ms',
	'x-ms-retry-after-ms',
	'date',
	'anthropic-ratelimit-requests-reset',
	'anthropic-ratelimit-requests-remaining',
	'anthropic-ratelimit-unified-reset',
	'anthropic-ratelimit-unified-status',
	'anthropic-ratelimit-unified-5h-reset',
	'x-ratelimit-reset',
	'x-ratelimit-remaining',
	'x-ratelimit-reset-requests',
	'x-ratelimit-remaining-requests',
	'ratelimit-reset',
	'ratelimit',
	'x-codex-primary-reset-after-seconds',
	'www-authenticate',
	'x-error-json',
	'x-amzn-errortype',
	'x-github-sso',
	'constructor',
	'__proto__',
);
const headerValue = fc.oneof(
	timeText,
	fc.constantFrom('0', '1', 'rejected', 'allowed', 'Bearer error="invalid_token"', '"a";r=0;t=9, "b";r=1;t=99'),
	fc.tuple(fc.nat(), fc.nat()).map(([r, t]) => `"a";r=${r};t=${t}`),
);

const KNOWN_CODES = DEFAULT_RULES.flatMap(({ when }) => when.code ?? []);
const KNOWN_PHRASES = DEFAULT_RULES.flatMap(({ when }) => when.message ?? []);

const errorObject = fc.record(
	{
		code: fc.oneof(fc.constantFrom(...KNOWN_CODES), fc.jsonValue()),
		type: fc.oneof(fc.constantFrom(...KNOWN_CODES), fc.jsonValue()),
		message: fc.oneof(
			fc.constantFrom(...KNOWN_PHRASES),
			timeText.map((time) => `Please try again in ${time}`),
			fc.jsonValue(),
		),
		resets_at: fc.oneof(timeText, fc.double(), fc.jsonValue()),
		resets_in_seconds: fc.oneof(timeText, fc.double()),
		retryDelay: timeText,
		details: fc.jsonValue(),
	},
	{ requiredKeys: [] },
);

const body = fc.oneof(
	fc.record({ error: errorObject }).map((value) => JSON.stringify(value)),
	errorObject.map((value) => JSON.stringify(value)),
	fc.tuple(errorObject, fc.nat(200)).map(([value, length]) => JSON.stringify([{ error: value }]).slice(0, length)),
	fc.json(),
	fc.string({ unit: 'binary', maxLength: 300 }),
	fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

const report: fc.Arbitrary<FailureReport> = fc
	.record(
		{ status, headers: fc.array(fc.tuple(headerName, headerValue), { maxLength: 8 }), body, atMs: nowMs },
		{ requiredKeys: ['status', 'headers'] },
	)
	.map((input) => {
		const reading = parseFailureReport(input);
		assert.ok(reading.kind === 'report');
		return reading.report;
	});

const outcome: fc.Arbitrary<Rule['then']> = fc.constantFrom<Rule['then'][]>(
	{ kind: 'fine' },
	{ kind: 'refused' },
	{ kind: 'exhausted', reason: 'quota' },
	{ kind: 'exhausted', reason: 'credit', until: 'nextMonth' },
	{ kind: 'wait', reason: 'unavailable' },
	{ kind: 'wait', reason: 'overloaded', waitMs: 3_600_000 },
	{ kind: 'denied', reason: 'policy' },
	{ kind: 'limit', reason: 'credit' },
	{ kind: 'limit', reason: 'rate_limit', waitMs: 1_000 },
);

/** Not parsed: the schema refuses some of them, and classify must hold its promises all the same. */
const rules: fc.Arbitrary<readonly Rule[]> = fc.oneof(
	{ weight: 3, arbitrary: fc.constant(DEFAULT_RULES) },
	{
		weight: 1,
		arbitrary: fc.array(
			fc.record({
				id: fc.constantFrom('a', 'b'),
				when: fc.record({ status: fc.subarray<0 | 429 | '4xx' | '5xx'>([0, 429, '4xx', '5xx']) }),
				then: outcome,
			}),
		),
	},
);

describe(`for any report (seed ${SEED}, ${RUNS} runs each)`, () => {
	it('the verdict is within its bounds and the same each time', () => {
		const kinds = new Map<string, number>();
		fc.assert(
			fc.property(report, rules, nowMs, fc.nat(WAIT_CAP_MS), (input, chosen, now, longWaitMs) => {
				const verdict = classify(input, chosen, now, { longWaitMs });
				assert.deepEqual(classify(structuredClone(input), chosen, now, { longWaitMs }), verdict);
				kinds.set(verdict.kind, (kinds.get(verdict.kind) ?? 0) + 1);
				if ('untilMs' in verdict && verdict.untilMs !== undefined) {
					assert.ok(Number.isFinite(verdict.untilMs));
					assert.ok(verdict.untilMs > now && verdict.untilMs <= now + RESET_CAP_MS, `${verdict.untilMs - now}`);
				}
				if (verdict.kind === 'wait') assert.ok(verdict.untilMs <= now + WAIT_CAP_MS);
				if (input.status === 0 || input.status >= 500) {
					assert.ok(verdict.kind !== 'exhausted' && verdict.kind !== 'refused', verdict.rule);
				}
			}),
			settings,
		);
		// Else the property was about nothing.
		assert.deepEqual([...kinds.keys()].sort(), ['denied', 'exhausted', 'fine', 'refused', 'wait']);
	});

	it('by the defaults 0 and 5xx wait, and 2xx and 3xx are fine', () => {
		fc.assert(
			fc.property(report, nowMs, (input, now) => {
				const { kind } = classify(input, DEFAULT_RULES, now, OPTIONS);
				if (input.status === 0 || input.status >= 500) assert.equal(kind, 'wait');
				if (input.status === 401) assert.equal(kind, 'refused');
				if (input.status >= 200 && input.status < 400) assert.equal(kind, 'fine');
				if (![400, 402, 403, 429].includes(input.status)) assert.notEqual(kind, 'exhausted');
			}),
			settings,
		);
	});

	it('the reset time is whole, soonest to cap, and more sources never make a service wait less', () => {
		let named = 0;
		fc.assert(
			fc.property(report, nowMs, (input, now) => {
				const facts = factsOf(input);
				const [asked, window, refill] = (['asked', 'window', 'refill'] as const).map((source) =>
					resetTime(input, facts, now, source),
				);
				for (const atMs of [asked, window, refill]) {
					if (atMs === undefined) continue;
					named++;
					assert.ok(Number.isInteger(atMs));
					assert.ok(atMs >= now + SOONEST_MS && atMs <= now + RESET_CAP_MS);
				}
				if (asked !== undefined) assert.ok(window !== undefined && window >= asked);
				if (window !== undefined) assert.equal(refill, window);
			}),
			settings,
		);
		assert.ok(named > RUNS / 2, `only ${named} named a time`);
	});

	it('the clock of this machine makes no difference to waits if the service sends its own', () => {
		fc.assert(
			fc.property(fc.nat(1e6), fc.integer({ min: -1e6, max: 1e6 }), (waitS, aheadS) => {
				const serverMs = NOW_MS + aheadS * 1_000;
				const headers = {
					date: new Date(serverMs).toUTCString(),
					'retry-after': new Date(serverMs + (waitS + 1) * 1_000).toUTCString(),
				};
				const input = { status: 429, headers };
				assert.equal(resetTime(input, factsOf(input), NOW_MS, 'asked'), NOW_MS + (waitS + 1) * 1_000);
			}),
			settings,
		);
	});
});

describe(`for anything at all (seed ${SEED}, ${RUNS} runs each)`, () => {
	it('reading a report gives a report or says what is wrong', () => {
		fc.assert(
			fc.property(
				fc.oneof(
					fc.anything(),
					fc.record({ status: fc.oneof(status, fc.anything()), headers: fc.anything(), body: fc.anything() }),
				),
				(input) => {
					const reading = parseFailureReport(input);
					if (reading.kind === 'invalid') assert.ok(reading.text.length < 100);
					else classify(reading.report, DEFAULT_RULES, NOW_MS, OPTIONS);
				},
			),
			settings,
		);
	});

	it('reading rules gives rules that can be used', () => {
		const anyRule = fc.record({
			id: fc.oneof(fc.constantFrom('a', 'success'), fc.anything()),
			when: fc.oneof(fc.record({ status: fc.oneof(status, fc.anything()) }), fc.anything()),
			then: fc.oneof(outcome, fc.anything()),
		});
		const overrides = fc.oneof(
			fc.anything(),
			fc.record({ rules: fc.array(fc.oneof(anyRule, fc.anything())), disabled: fc.array(fc.anything()) }),
		);
		fc.assert(
			fc.property(overrides, report, (input, answer) => {
				const parsed = rulesFor(input);
				for (const problem of parsed.problems) assert.match(problem, /^\S.{3,300}\.$/);
				classify(answer, parsed.rules, NOW_MS, OPTIONS);
			}),
			settings,
		);
	});

	it('JSON that is whole is read as it is, and its beginning as a part of it', () => {
		const value = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()));
		fc.assert(
			fc.property(value, fc.nat(), (whole, at) => {
				const text = JSON.stringify(whole);
				assert.deepEqual(parseCutJson(text), JSON.parse(text));
				const part = parseCutJson(text.slice(0, at % text.length));
				if (part !== undefined) assert.ok(isPartOf(part, JSON.parse(text)), JSON.stringify(part));
			}),
			settings,
		);
	});

	it('a vendor answer that is cut anywhere is never taken for a reason to move on that it is not', () => {
		for (const { name, report: whole, verdict } of VENDOR_ANSWERS) {
			const text = whole.body ?? '';
			if (!text.startsWith('{') && !text.startsWith('[')) continue;
			for (let length = 0; length < text.length; length++) {
				const cut = classify({ ...whole, body: text.slice(0, length) }, DEFAULT_RULES, NOW_MS, OPTIONS);
				if (verdict.kind === 'denied' || verdict.kind === 'fine')
					assert.equal(cut.kind, verdict.kind, `${name} ${length}`);
			}
		}
	});
});

/** Whether everything in the part is in the whole, at the same place. */
function isPartOf(part: unknown, whole: unknown): boolean {
	if (typeof part !== 'object' || part === null) return Object.is(part, whole);
	if (typeof whole !== 'object' || whole === null || Array.isArray(part) !== Array.isArray(whole)) return false;
	const own = new Map(Object.entries(whole));
	return Object.entries(part).every(([name, value]) => own.has(name) && isPartOf(value, own.get(name)));
}

describe('bodies of the greatest length', () => {
	const fill = (part: string): string =>
		part.repeat(Math.ceil(MAX_BODY_LENGTH / part.length)).slice(0, MAX_BODY_LENGTH);
	const parts = [
		' ',
		'\t\n',
		'{',
		'[',
		'[[],',
		'{"error":',
		'{"a":',
		'"',
		'\\',
		'\\"',
		'{"error":"\\',
		',',
		'0',
		'1h',
		'1h ',
		'and ',
		'try again in ',
		'try again in 1',
		'error=',
		'error="',
		' error',
		'\u2019',
		'\u0000',
		'\ud800',
		'limit: 0',
		'-',
		'T',
		'{"errors":[{"code":"a"},',
		'2026-11-21T10:05:00',
		'{"message":"try again in 1h 1h"},',
		'=',
		';r=0;t=',
		'a#',
		'a/',
		':',
	];
	const LIMIT_MS = 250;

	it(`are judged within ${LIMIT_MS} ms each, in the body and in every header that is read`, () => {
		let slowestMs = 0;
		for (const part of parts) {
			for (const prefix of ['', '{"error":{"message":"', '[{"error":{"code":"']) {
				const body = (prefix + fill(part)).slice(0, MAX_BODY_LENGTH);
				const value = body.slice(0, 8 * 1024);
				const headers = Object.fromEntries(
					[
						'retry-after',
						'date',
						'ratelimit',
						'www-authenticate',
						'x-error-json',
						'x-ratelimit-reset',
						'x-amzn-errortype',
						'anthropic-ratelimit-unified-reset',
						'x-ratelimit-reset-requests',
						'retry-after-ms',
					].map((name) => [name, value]),
				);
				const startMs = performance.now();
				classify({ status: 429, headers, body }, DEFAULT_RULES, NOW_MS, OPTIONS);
				const tookMs = performance.now() - startMs;
				slowestMs = Math.max(slowestMs, tookMs);
				assert.ok(tookMs < LIMIT_MS, `${JSON.stringify(prefix + part)} took ${tookMs} ms`);
			}
		}
		console.log(`  failover: the slowest of ${3 * parts.length} reports of 16 KB took ${slowestMs.toFixed(1)} ms`);
	});
});
