import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { factsOf } from '../../../src/auth/failover/facts.ts';
import { parseMoment } from '../../../src/auth/failover/instant.ts';
import type { FailureReport } from '../../../src/auth/failover/report.ts';
import { RESET_CAP_MS } from '../../../src/auth/failover/resetCap.ts';
import { type ResetSource, resetTime, SOONEST_MS } from '../../../src/auth/failover/resetTime.ts';
import { NOW_MS } from './vendorAnswers.ts';

const NOW_S = NOW_MS / 1_000;
const HOUR_MS = 60 * 60_000;

type Headers = Readonly<Record<string, string>>;

/** Ms from now; undefined if no time is named. */
function waitOf(report: Partial<FailureReport>, source: ResetSource = 'refill', nowMs = NOW_MS): number | undefined {
	const whole = { status: 429, headers: {}, ...report };
	const atMs = resetTime(whole, factsOf(whole), nowMs, source);
	return atMs === undefined ? undefined : atMs - nowMs;
}

const ofHeaders = (headers: Headers, source?: ResetSource): number | undefined => waitOf({ headers }, source);
const ofBody = (body: unknown): number | undefined =>
	waitOf({ body: typeof body === 'string' ? body : JSON.stringify(body) });

describe('a moment', () => {
	const after = (ms: number) => ({ kind: 'after', ms });
	const at = (ms: number) => ({ kind: 'at', ms });
	const MOMENTS: readonly (readonly [string, ReturnType<typeof after> | undefined])[] = [
		['0', after(0)],
		['30', after(30_000)],
		['1.5', after(1_500)],
		[' 30 ', after(30_000)],
		['6m0s', after(360_000)],
		['1s', after(1_000)],
		['20ms', after(20)],
		['3.5s', after(3_500)],
		['1h2m3s', after(3_723_000)],
		['1H 30M', after(1.5 * HOUR_MS)],
		['999999999', after(999_999_999_000)],
		['1000000000', at(1e12)],
		['99999999999', at(99_999_999_999_000)],
		['100000000000', at(1e11)],
		['2d', after(48 * HOUR_MS)],
		['1 hour, 5 minutes and 2 seconds', after(3_902_000)],
		['1 week', after(7 * 24 * HOUR_MS)],
		['250 milliseconds', after(250)],
		['2 hrs 3 mins 4 secs', after(7_384_000)],
		['1795255200', at(1_795_255_200_000)],
		['1795255200123', at(1_795_255_200_123)],
		['2026-11-21T10:05:00Z', at(NOW_MS + 300_000)],
		['2026-11-21t10:05:00.5z', at(NOW_MS + 300_500)],
		['2026-11-21 12:05:00+02:00', at(NOW_MS + 300_000)],
		['2026-11-21T10:05:00.123456789Z', at(NOW_MS + 300_123)],
		['Sat, 21 Nov 2026 10:05:00 GMT', at(NOW_MS + 300_000)],
		['Saturday, 21-Nov-26 10:05:00 GMT', at(NOW_MS + 300_000)],
		['Sat Nov 21 10:05:00 2026', at(NOW_MS + 300_000)],
		['', undefined],
		['-5', undefined],
		['soon', undefined],
		['NaN', undefined],
		['Infinity', undefined],
		['0x10', undefined],
		['1e3', undefined],
		['5 apples', undefined],
		['5s later', undefined],
		['2026-13-45T99:00:00Z', undefined],
		['2026', after(2_026_000)],
		['tomorrow', undefined],
	];
	for (const [text, expected] of MOMENTS) {
		it(`${JSON.stringify(text)} is ${expected ? `${expected.kind} ${expected.ms}` : 'none'}`, () => {
			assert.deepEqual(parseMoment(text), expected);
		});
	}
});

describe('the reset time of headers', () => {
	const ROWS: readonly (readonly [name: string, headers: Headers, waitMs: number | undefined, source?: ResetSource])[] =
		[
			['none', {}, undefined],
			['Retry-After in seconds', { 'retry-after': '30' }, 30_000],
			['Retry-After as a date', { 'retry-after': 'Sat, 21 Nov 2026 10:05:00 GMT' }, 300_000],
			['Retry-After of nothing', { 'retry-after': 'soon' }, undefined],
			['Retry-After of zero', { 'retry-after': '0' }, SOONEST_MS],
			['Retry-After in the past', { 'retry-after': 'Sat, 21 Nov 2026 09:05:00 GMT' }, undefined],
			['retry-after-ms before Retry-After', { 'retry-after-ms': '25500', 'retry-after': '26' }, 25_500],
			['retry-after-ms of nothing', { 'retry-after-ms': 'x', 'retry-after': '26' }, 26_000],
			['x-ms-retry-after-ms', { 'x-ms-retry-after-ms': '2500' }, 2_500],
			['a cap of a month', { 'retry-after': '99999999' }, RESET_CAP_MS],
			['a cap whatever the number', { 'retry-after': '9'.repeat(30) }, RESET_CAP_MS],
			[
				'Anthropic: only limits that are used up',
				{
					'anthropic-ratelimit-requests-remaining': '12',
					'anthropic-ratelimit-requests-reset': '2026-11-21T10:30:00Z',
					'anthropic-ratelimit-input-tokens-remaining': '0',
					'anthropic-ratelimit-input-tokens-reset': '2026-11-21T10:01:00Z',
				},
				60_000,
			],
			[
				'Anthropic: the latest of several that are used up',
				{
					'anthropic-ratelimit-requests-remaining': '0',
					'anthropic-ratelimit-requests-reset': '2026-11-21T10:02:00Z',
					'anthropic-ratelimit-tokens-remaining': '0',
					'anthropic-ratelimit-tokens-reset': '2026-11-21T10:01:00Z',
				},
				120_000,
			],
			[
				'Anthropic: the earliest where nothing says which is used up',
				{
					'anthropic-ratelimit-requests-reset': '2026-11-21T10:02:00Z',
					'anthropic-ratelimit-tokens-reset': '2026-11-21T10:01:00Z',
				},
				60_000,
			],
			[
				'Anthropic: Retry-After before the time of being full',
				{
					'retry-after': '5',
					'anthropic-ratelimit-tokens-remaining': '0',
					'anthropic-ratelimit-tokens-reset': '2026-11-21T10:01:00Z',
				},
				5_000,
			],
			[
				'Anthropic: a window of a subscription that is used up',
				{
					'anthropic-ratelimit-unified-status': 'rejected',
					'anthropic-ratelimit-unified-reset': String(NOW_S + 100),
					'anthropic-ratelimit-unified-5h-status': 'allowed_warning',
					'anthropic-ratelimit-unified-5h-reset': String(NOW_S + 900),
					'anthropic-ratelimit-unified-7d-status': 'rejected',
					'anthropic-ratelimit-unified-7d-reset': String(NOW_S + 200),
					'anthropic-ratelimit-unified-overage-status': 'rejected',
					'anthropic-ratelimit-unified-overage-reset': String(NOW_S + 5_000),
				},
				200_000,
				'window',
			],
			[
				'Anthropic: a subscription that has something left',
				{ 'anthropic-ratelimit-unified-status': 'allowed', 'anthropic-ratelimit-unified-reset': String(NOW_S + 100) },
				undefined,
			],
			[
				'OpenAI',
				{
					'x-ratelimit-remaining-requests': '0',
					'x-ratelimit-reset-requests': '6m0s',
					'x-ratelimit-remaining-tokens': '100',
					'x-ratelimit-reset-tokens': '20h',
				},
				360_000,
			],
			[
				'OpenAI: of the limit per minute, not of a quota',
				{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s' },
				undefined,
				'window',
			],
			['OpenAI: a moment', { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '20ms' }, SOONEST_MS],
			['GitHub', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_S + 600) }, 600_000, 'window'],
			['GitHub: not used up', { 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': String(NOW_S + 600) }, undefined],
			[
				'GitHub: the later of window and Retry-After',
				{ 'retry-after': '60', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_S + 600) },
				600_000,
			],
			['epoch in ms', { 'x-ratelimit-reset': String(NOW_MS + 5_000) }, 5_000],
			['seconds to wait', { 'x-ratelimit-reset': '12' }, 12_000],
			['ratelimit-reset', { 'ratelimit-remaining': '0', 'ratelimit-reset': '12' }, 12_000, 'window'],
			['x-rate-limit-reset', { 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': '12' }, 12_000, 'window'],
			['a window is not what a service that is down says', { 'x-ratelimit-reset': '12' }, undefined, 'asked'],
			['RateLimit of the IETF', { ratelimit: '"burst";r=9;t=5, "daily";r=0;t=3600' }, HOUR_MS, 'window'],
			['RateLimit with what is used up first', { ratelimit: '"daily";r=0;t=3600, "burst";r=9;t=5' }, HOUR_MS, 'window'],
			['RateLimit in capitals, with blanks', { ratelimit: '"a"; R = 0 ; T = 7' }, 7_000, 'window'],
			[
				'a remainder that cannot be read',
				{ 'x-ratelimit-remaining': 'few', 'x-ratelimit-reset': '12' },
				undefined,
				'window',
			],
			['Retry-After of this moment', { 'retry-after': 'Sat, 21 Nov 2026 10:00:00 GMT' }, undefined],
			['RateLimit with nothing used up', { ratelimit: '"burst";r=9;t=5' }, undefined],
			['RateLimit of an early draft', { ratelimit: 'limit=100, remaining=0, reset=50' }, 50_000, 'window'],
			['RateLimit of nothing', { ratelimit: ';;;,,,=,t=' }, undefined],
			[
				'Codex',
				{
					'x-codex-primary-used-percent': '100',
					'x-codex-primary-reset-after-seconds': '700',
					'x-codex-secondary-used-percent': '12.5',
					'x-codex-secondary-reset-after-seconds': '90000',
				},
				700_000,
				'window',
			],
			[
				'Codex: nothing says what is used up',
				{ 'x-codex-primary-reset-after-seconds': '700', 'x-codex-secondary-reset-after-seconds': '90000' },
				700_000,
			],
			[
				'Anthropic: a subscription of which only the end is told',
				{ 'anthropic-ratelimit-unified-reset': String(NOW_S + 100) },
				100_000,
			],
			['names that no header of a service has', { constructor: '1', 'x-ratelimit-reset': 'toString' }, undefined],
		];
	for (const [name, headers, waitMs, source] of ROWS) {
		it(name, () => assert.equal(ofHeaders(headers, source), waitMs));
	}
});

describe('the reset time of bodies', () => {
	const ROWS: readonly (readonly [name: string, body: unknown, waitMs: number | undefined])[] = [
		['Codex in seconds', { error: { type: 'usage_limit_reached', resets_in_seconds: 3_600 } }, HOUR_MS],
		['Codex as an epoch', { error: { type: 'usage_limit_reached', resets_at: NOW_S + 7_200 } }, 2 * HOUR_MS],
		['Codex in its stream', { type: 'response.failed', response: { error: { resets_in_seconds: 60 } } }, 60_000],
		['Google RetryInfo', { error: { details: [{ '@type': 'RetryInfo', retryDelay: '3.5s' }] } }, 3_500],
		['Google Code Assist', { error: { details: [{ metadata: { quotaResetDelay: '2h3m' } }] } }, 123 * 60_000],
		[
			'Google Code Assist as an instant',
			{ error: { details: [{ metadata: { quotaResetTimeStamp: '2026-11-21T11:00:00Z' } }] } },
			HOUR_MS,
		],
		['retry_after', { retry_after: 1.25 }, 1_250],
		['retry_after_ms as text', { retry_after_ms: ' 1250 ' }, 1_250],
		['retry_after_ms that is no number', { retry_after_ms: '5 ms', retryAfterMs: 'soon' }, undefined],
		['a field that is no number', { resets_in_seconds: [5], retry_after: true, retryAfter: {} }, undefined],
		['words far from the end', { message: `${'x '.repeat(900)}try again in 5s ${'y'.repeat(900)}` }, 5_000],
		['words that are cut short', { message: `try again in ${' '.repeat(3)}${'1'.repeat(70)}s` }, undefined],
		['retry_after_ms', { error: { retry_after_ms: 1_250 } }, 1_250],
		['resets_at in RFC 3339', { resets_at: '2026-11-21T11:00:00Z' }, HOUR_MS],
		['resets_at of a small number', { resets_at: 12 }, undefined],
		['words', { error: { message: 'Please try again in 1h2m.' } }, 62 * 60_000],
		[
			'words before the last of a long duration',
			{ message: 'Available again in 1 hour, 5 minutes and 2 seconds' },
			3_902_000,
		],
		['an instant in words that is none', { message: 'Please try again at the end of the month' }, undefined],
		['a duration that no words introduce', { message: `${'x'.repeat(12)}5s` }, undefined],
		['words with a fraction', { error: { message: 'Please retry in 46.1s' } }, 46_100],
		['words in full', { message: 'Retry after 3 minutes and 5 seconds, please' }, 185_000],
		['an instant in words', { message: 'Your limit resets at 2026-11-21T11:00:00Z.' }, HOUR_MS],
		['a day in words', { message: 'Access again on 2026-11-22 at 00:00 UTC.' }, 14 * HOUR_MS],
		['a day without an hour', { message: 'Your quota resets on 2026-11-22.' }, 14 * HOUR_MS],
		['a time without seconds', { message: 'It resets at 2026-11-21 11:00 UTC' }, HOUR_MS],
		['a time without a zone, which is nobody’s', { message: 'It resets at 2026-11-21 11:00:00.' }, undefined],
		['a day in English words', { message: 'Try again after Nov 22, 2026, please' }, 14 * HOUR_MS],
		['a date of HTTP in words', { message: 'Retry after Sat, 21 Nov 2026 11:00:00 GMT' }, HOUR_MS],
		['a day as a field', { quota_reset_date: '2026-11-22' }, 14 * HOUR_MS],
		['German', { message: 'Bitte versuchen Sie es erneut in 2 Stunden und 5 Minuten.' }, 125 * 60_000],
		['French', { message: 'Veuillez réessayer dans 20 secondes' }, 20_000],
		['Spanish', { message: 'Inténtalo de nuevo en 3 minutos' }, 180_000],
		['Russian', { message: 'Повторите через 15 минут' }, 15 * 60_000],
		['Chinese', { message: '请在30秒后重试' }, 30_000],
		['Chinese without a word before', { message: '请求过多，5分钟后再试' }, 300_000],
		['Japanese', { message: '30秒後にもう一度お試しください' }, 30_000],
		['Korean', { message: '1시간 후 다시 시도하세요' }, HOUR_MS],
		['the length of a window, which is no wait', { message: '已达到 5 小时的使用上限' }, undefined],
		['headers in the body', { error: { metadata: { headers: { 'Retry-After': 12 } } } }, 12_000],
		['plain text', 'Slow down, try again in 30 seconds', 30_000],
		['a number without unit', { message: 'try again in 5' }, undefined],
		['words without a number', { message: 'try again in a moment' }, undefined],
		['the latest of several', { retry_after: 5, message: 'try again in 10s' }, 10_000],
		['no time', { error: { message: 'no' } }, undefined],
		['nonsense', { resets_at: 'x', resets_in_seconds: -1, retryDelay: { seconds: 5 }, retry_after: null }, undefined],
		['what a person wrote', { input: { retry_after: 500 } }, undefined],
	];
	for (const [name, body, waitMs] of ROWS) it(name, () => assert.equal(ofBody(body), waitMs));
});

describe('the clocks', () => {
	const headers = (date: string, more: Headers): Headers => ({ date, ...more });

	it('differ: instants of the service count from its own Date', () => {
		for (const aheadMs of [-4 * HOUR_MS, 0, 26 * HOUR_MS]) {
			const serverMs = NOW_MS + aheadMs;
			const date = new Date(serverMs).toUTCString();
			const until = new Date(serverMs + 90_000).toUTCString();
			assert.equal(ofHeaders(headers(date, { 'retry-after': until })), 90_000);
			assert.equal(ofHeaders(headers(date, { 'x-ratelimit-reset': String((serverMs + 90_000) / 1_000) })), 90_000);
			assert.equal(ofHeaders(headers(date, { 'retry-after': '90' })), 90_000);
		}
	});

	it('are taken as equal if the Date cannot be read', () => {
		assert.equal(ofHeaders(headers('yesterday', { 'retry-after': 'Sat, 21 Nov 2026 10:05:00 GMT' })), 300_000);
	});

	it('count from when the answer came', () => {
		assert.equal(waitOf({ headers: { 'retry-after': '60' }, atMs: NOW_MS - 20_000 }), 40_000);
		const date = new Date(NOW_MS - 20_000).toUTCString();
		const until = new Date(NOW_MS + 40_000).toUTCString();
		assert.equal(waitOf({ headers: { date, 'retry-after': until }, atMs: NOW_MS - 20_000 }), 40_000);
	});

	it('give the soonest time where the wait is over by now', () => {
		assert.equal(waitOf({ headers: { 'retry-after': '60' }, atMs: NOW_MS - 80_000 }), SOONEST_MS);
	});

	it('count from an answer that is an hour old', () => {
		assert.equal(waitOf({ headers: { 'retry-after': '7200' }, atMs: NOW_MS - HOUR_MS }), HOUR_MS);
	});

	it('do not believe an answer that is from the future or hours old', () => {
		for (const atMs of [NOW_MS + 1, NOW_MS - HOUR_MS - 1, 0]) {
			assert.equal(waitOf({ headers: { 'retry-after': '60' }, atMs }), 60_000);
		}
	});
});
