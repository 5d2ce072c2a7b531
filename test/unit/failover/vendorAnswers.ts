/**
 * Answers of vendors as their documentation and bug reports show them, with what they must come to. Each default rule has
 * at least one here that comes to something else without it.
 */
import type { FailureReport } from '../../../src/auth/failover/report.ts';
import type { Verdict } from '../../../src/auth/failover/verdict.ts';

/** Saturday, 21 November 2026, 10:00 UTC. */
export const NOW_MS = Date.UTC(2026, 10, 21, 10);
export const LONG_WAIT_MS = 60_000;

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

export type VendorAnswer = { readonly name: string; readonly report: FailureReport; readonly verdict: Verdict };

type Headers = Readonly<Record<string, string>>;

function answer(name: string, status: number, body: unknown, verdict: Verdict, headers: Headers = {}): VendorAnswer {
	const text = typeof body === 'string' ? body : JSON.stringify(body);
	return { name, report: { status, headers, ...(body === undefined ? {} : { body: text }) }, verdict };
}

const anthropic = (type: string, message: string, details?: object): object => ({
	type: 'error',
	error: { type, message, ...(details && { details }) },
	request_id: 'req_011CSHoEeqs5C35K2UUqR7Fy',
});
const openai = (type: string, code: string | null, message: string): object => ({
	error: { message, type, param: null, code },
});
const google = (code: number, status: string, message: string, details: readonly object[] = []): object => ({
	error: { code, message, status, details },
});
const quotaFailure = (quotaId: string): object => ({
	'@type': 'type.googleapis.com/google.rpc.QuotaFailure',
	violations: [{ quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests', quotaId }],
});
const retryInfo = (retryDelay: string): object => ({
	'@type': 'type.googleapis.com/google.rpc.RetryInfo',
	retryDelay,
});
const errorInfo = (reason: string): object => ({
	'@type': 'type.googleapis.com/google.rpc.ErrorInfo',
	reason,
	domain: 'googleapis.com',
	metadata: { service: 'generativelanguage.googleapis.com' },
});

const GEMINI_QUOTA =
	'You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: ';

const refused = (rule: string): Verdict => ({ kind: 'refused', rule });
const denied = (reason: Extract<Verdict, { kind: 'denied' }>['reason'], rule: string): Verdict => ({
	kind: 'denied',
	reason,
	rule,
});
const wait = (reason: Extract<Verdict, { kind: 'wait' }>['reason'], ms: number, rule: string): Verdict => ({
	kind: 'wait',
	reason,
	untilMs: NOW_MS + ms,
	rule,
});
const exhausted = (
	reason: Extract<Verdict, { kind: 'exhausted' }>['reason'],
	ms: number | undefined,
	rule: string,
): Verdict => ({ kind: 'exhausted', reason, ...(ms === undefined ? {} : { untilMs: NOW_MS + ms }), rule });

const MINUTE_WINDOWS: Headers = {
	'x-ratelimit-limit-requests': '500',
	'x-ratelimit-remaining-requests': '0',
	'x-ratelimit-reset-requests': '20ms',
	'x-ratelimit-remaining-tokens': '29998',
	'x-ratelimit-reset-tokens': '6m0s',
};

export const VENDOR_ANSWERS: readonly VendorAnswer[] = [
	answer('any: success', 200, { id: 'msg_1' }, { kind: 'fine', rule: 'success' }),
	answer('any: no answer', 0, undefined, wait('unavailable', 10 * SECOND_MS, 'no-answer')),

	answer(
		'Anthropic: expired token',
		401,
		anthropic(
			'authentication_error',
			'OAuth token has expired. Please obtain a new token or refresh your existing token.',
		),
		refused('unauthorized'),
	),
	answer(
		'Anthropic: revoked token',
		403,
		anthropic('permission_error', 'OAuth token has been revoked. Please obtain a new token.', {
			error_visibility: 'user_facing',
		}),
		refused('token-message'),
	),
	answer(
		'Anthropic: real refusal of permission',
		403,
		anthropic('permission_error', 'Your API key does not have permission to use the specified resource.'),
		denied('forbidden', 'forbidden'),
	),
	answer(
		'Anthropic: OAuth not allowed',
		403,
		anthropic('permission_error', 'OAuth authentication is currently not allowed for this organization.'),
		denied('policy', 'policy-message'),
	),
	answer(
		'Anthropic: rate limit',
		429,
		anthropic('rate_limit_error', "This request would exceed your organization's rate limit."),
		wait('rate_limit', 23 * SECOND_MS, 'rate-limit'),
		{
			'retry-after': '23',
			'anthropic-ratelimit-requests-remaining': '0',
			'anthropic-ratelimit-requests-reset': '2026-11-21T10:05:00Z',
		},
	),
	answer(
		'Anthropic: rate limit without any time',
		429,
		anthropic('rate_limit_error', 'Rate limited'),
		wait('rate_limit', 30 * SECOND_MS, 'rate-limit'),
	),
	answer(
		'Anthropic: limit of a workspace',
		429,
		anthropic('rate_limit_error', 'Workspace spend limit'),
		exhausted('rate_limit', 121_180 * SECOND_MS, 'rate-limit'),
		{ 'retry-after': '121180' },
	),
	answer(
		'Anthropic: spend limit of the month',
		429,
		anthropic('rate_limit_error', 'Spend limit', { error_code: 'enforced_spend_limit_reached' }),
		exhausted('credit', Date.UTC(2026, 11, 1) - NOW_MS, 'spend-limit-month'),
	),
	answer(
		'Anthropic: subscription used up, back soon',
		429,
		anthropic('rate_limit_error', "This request would exceed your account's rate limit. Please try again later."),
		exhausted('quota', 40 * SECOND_MS, 'subscription-window'),
		{
			'anthropic-ratelimit-unified-status': 'rejected',
			'anthropic-ratelimit-unified-representative-claim': 'five_hour',
			'anthropic-ratelimit-unified-reset': String(NOW_MS / SECOND_MS + 40),
			'anthropic-ratelimit-unified-5h-status': 'rejected',
			'anthropic-ratelimit-unified-5h-reset': String(NOW_MS / SECOND_MS + 40),
			'anthropic-ratelimit-unified-7d-status': 'allowed',
			'anthropic-ratelimit-unified-7d-reset': String(NOW_MS / SECOND_MS + 400_000),
			'anthropic-ratelimit-unified-overage-status': 'rejected',
			'anthropic-ratelimit-unified-overage-reset': String(NOW_MS / SECOND_MS + 900_000),
		},
	),
	answer(
		'Anthropic: credits used up, as a 400',
		400,
		anthropic('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'),
		exhausted('credit', undefined, 'credit-message'),
	),
	answer(
		'Anthropic: spend limit, as a 400 that names the day',
		400,
		anthropic(
			'invalid_request_error',
			'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.',
		),
		exhausted('credit', Date.UTC(2026, 11, 1) - NOW_MS, 'credit-message'),
	),
	answer(
		'Anthropic: billing',
		402,
		anthropic('billing_error', 'There is an issue with billing.'),
		exhausted('credit', undefined, 'payment-required'),
	),
	answer(
		'Anthropic: organisation disabled',
		400,
		anthropic('invalid_request_error', 'This organization has been disabled.'),
		exhausted('entitlement', undefined, 'entitlement-message'),
	),
	answer(
		'Anthropic: overloaded',
		529,
		anthropic('overloaded_error', 'Overloaded'),
		wait('overloaded', 30 * SECOND_MS, 'overloaded'),
	),
	answer(
		'Anthropic: overloaded, as a gateway passes it on',
		429,
		anthropic('overloaded_error', 'Overloaded'),
		wait('overloaded', HOUR_MS, 'capacity-code'),
		{ 'retry-after': '7200' },
	),
	answer(
		'Anthropic: wrong request',
		400,
		anthropic('invalid_request_error', 'messages: roles must alternate'),
		denied('bad_request', 'bad-request'),
	),

	...(
		[
			['credit_balance_exhausted', 'credit', 'credit-code'],
			['organization_spend_limit_exceeded', 'credit', 'credit-code'],
			['project_spend_limit_exceeded', 'credit', 'credit-code'],
			['organization_usage_limit_exceeded', 'quota', 'organization-quota'],
		] as const
	).map(([code, reason, rule]) =>
		answer(
			`OpenAI: ${code}`,
			429,
			openai('insufficient_quota', code, 'You exceeded your current quota.'),
			exhausted(reason, undefined, rule),
			{ ...MINUTE_WINDOWS, 'retry-after': '1' },
		),
	),
	answer(
		'OpenAI: limit of the organisation under another type',
		429,
		openai('requests', 'organization_usage_limit_exceeded', 'Usage limit.'),
		exhausted('quota', undefined, 'organization-quota'),
		{ 'retry-after': '1' },
	),
	answer(
		'any: quota in words',
		429,
		'You exceeded your current quota.',
		exhausted('quota', undefined, 'quota-message'),
	),
	answer(
		'OpenAI: insufficient quota',
		429,
		openai('insufficient_quota', 'insufficient_quota', 'You exceeded your current quota, please check your plan.'),
		exhausted('quota', undefined, 'insufficient-quota'),
		{ 'retry-after': '1' },
	),
	answer(
		'OpenAI: rate limit whose type says quota',
		429,
		openai('insufficient_quota', 'rate_limit_exceeded', 'Rate limit reached. Please try again in 20s.'),
		wait('rate_limit', 20 * SECOND_MS, 'temporary-code'),
		MINUTE_WINDOWS,
	),
	answer(
		'OpenAI: limit of the day in words',
		429,
		openai('requests', 'rate_limit_exceeded', 'Rate limit reached on requests per day. Please try again in 7m12s.'),
		exhausted('quota', 7.2 * MINUTE_MS, 'quota-period'),
	),
	answer(
		'OpenAI: wrong key',
		401,
		openai('invalid_request_error', 'invalid_api_key', 'Incorrect API key provided'),
		refused('unauthorized'),
	),
	answer(
		'OpenAI: country',
		403,
		openai('request_forbidden', 'unsupported_country_region_territory', 'Not supported'),
		denied('policy', 'policy-code'),
	),
	answer(
		'OpenAI: missing scopes',
		403,
		openai('invalid_request_error', null, 'You have insufficient permissions. Missing scopes: model.request.'),
		denied('scope', 'scope-message'),
	),

	answer(
		'ChatGPT: usage limit',
		429,
		{ error: { type: 'usage_limit_reached', message: 'The usage limit has been reached', resets_in_seconds: 45 } },
		exhausted('quota', 45 * SECOND_MS, 'quota-code'),
	),
	answer(
		'ChatGPT: usage limit with the time of its end',
		429,
		{ error: { type: 'usage_limit_reached', plan_type: 'pro', resets_at: NOW_MS / SECOND_MS + 7_200 } },
		exhausted('quota', 2 * HOUR_MS, 'quota-code'),
	),
	answer(
		'ChatGPT: plan without it',
		403,
		{ error: { type: 'usage_not_included', message: 'Upgrade' } },
		exhausted('entitlement', undefined, 'entitlement-code'),
	),
	answer(
		'ChatGPT: workspace',
		402,
		{ detail: { code: 'deactivated_workspace' } },
		exhausted('entitlement', undefined, 'entitlement-code'),
		{ 'retry-after': '20' },
	),
	answer('ChatGPT: revoked token in a header', 403, undefined, refused('token-code'), {
		'x-error-json': Buffer.from('{"error":{"code":"token_revoked"}}').toString('base64'),
	}),

	answer(
		'Gemini: quota of the minute',
		429,
		google(429, 'RESOURCE_EXHAUSTED', `${GEMINI_QUOTA}10`, [
			quotaFailure('GenerateRequestsPerMinutePerProjectPerModel-FreeTier'),
			retryInfo('46s'),
		]),
		wait('rate_limit', 46 * SECOND_MS, 'quota-minute'),
	),
	answer(
		'Gemini: quota of the minute without a time',
		429,
		google(429, 'RESOURCE_EXHAUSTED', `${GEMINI_QUOTA}10`, [
			quotaFailure('GenerateRequestsPerMinutePerProjectPerModel-FreeTier'),
		]),
		wait('rate_limit', MINUTE_MS, 'quota-minute'),
	),
	answer(
		'Gemini: quota of the day, back soon',
		429,
		[
			google(429, 'RESOURCE_EXHAUSTED', `${GEMINI_QUOTA}250`, [
				quotaFailure('GenerateRequestsPerDayPerProjectPerModel-FreeTier'),
				retryInfo('33.5s'),
			]),
		],
		exhausted('quota', undefined, 'quota-day'),
	),
	answer(
		'Gemini: no quota at all',
		429,
		google(429, 'RESOURCE_EXHAUSTED', `${GEMINI_QUOTA}0\nPlease retry in 10h17m.`, [
			quotaFailure('GenerateRequestsPerDayPerProjectPerModel-FreeTier'),
		]),
		exhausted('entitlement', 10 * HOUR_MS + 17 * MINUTE_MS, 'no-quota'),
	),
	answer(
		'Gemini: quota without details',
		429,
		google(429, 'RESOURCE_EXHAUSTED', `${GEMINI_QUOTA}10\nPlease retry in 12.25s.`),
		wait('rate_limit', 12_250, 'quota-message'),
	),
	answer(
		'Gemini: wrong key, as a 400',
		400,
		google(400, 'INVALID_ARGUMENT', 'Please pass another.', [errorInfo('API_KEY_INVALID')]),
		refused('token-code'),
	),
	answer(
		'Google: scope',
		403,
		google(403, 'PERMISSION_DENIED', 'Request refused.', [errorInfo('ACCESS_TOKEN_SCOPE_INSUFFICIENT')]),
		denied('scope', 'scope-code'),
	),
	answer(
		'Google: plain refusal',
		403,
		google(403, 'PERMISSION_DENIED', 'The caller does not have permission'),
		denied('forbidden', 'forbidden'),
	),
	answer(
		'Vertex: capacity of all',
		429,
		google(429, 'RESOURCE_EXHAUSTED', 'Resource exhausted. Please try again later.'),
		wait('overloaded', 30 * SECOND_MS, 'capacity-message'),
		{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '7200' },
	),

	answer(
		'Azure OpenAI: rate limit',
		429,
		{ error: { code: '429', message: 'Rate limit is exceeded. Try again in 26 seconds.' } },
		wait('rate_limit', 26 * SECOND_MS, 'rate-limit'),
		{ 'retry-after-ms': '25500', 'retry-after': '26' },
	),
	answer(
		'Azure OpenAI: high demand',
		429,
		{ error: { code: 'too_many_requests', message: 'System is experiencing high demand.' } },
		wait('overloaded', 30 * SECOND_MS, 'capacity-message'),
	),

	answer(
		'Bedrock: throttled',
		429,
		{ __type: 'com.amazonaws.bedrock#ThrottlingException', message: 'Too many tokens, please wait.' },
		wait('rate_limit', 30 * SECOND_MS, 'rate-limit'),
	),
	answer(
		'AWS: throttled, as a 400',
		400,
		{ message: 'Rate exceeded' },
		wait('rate_limit', 30 * SECOND_MS, 'throttling'),
		{ 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/' },
	),
	answer(
		'Bedrock: model not ready',
		429,
		{ __type: 'ModelNotReadyException' },
		wait('overloaded', 30 * SECOND_MS, 'capacity-code'),
	),
	answer(
		'Bedrock: quota, as a 400',
		400,
		{ __type: 'ServiceQuotaExceededException', message: 'Quota' },
		exhausted('quota', undefined, 'quota-code'),
	),
	answer('Bedrock: expired token', 403, { __type: 'ExpiredTokenException' }, refused('token-code')),
	answer(
		'Bedrock: access denied',
		403,
		{ __type: 'AccessDeniedException', message: 'You are not authorized to perform: bedrock:InvokeModel' },
		denied('forbidden', 'forbidden'),
	),

	answer(
		'Gemini: quota of the day with its end',
		429,
		google(429, 'RESOURCE_EXHAUSTED', `${GEMINI_QUOTA}250\nPlease retry in 10h17m.`, [
			quotaFailure('GenerateRequestsPerDayPerProjectPerModel-FreeTier'),
			retryInfo('33.5s'),
		]),
		exhausted('quota', 10 * HOUR_MS + 17 * MINUTE_MS, 'quota-day'),
	),
	answer(
		'OpenRouter: free models of the day, with the headers in the body',
		429,
		{
			error: {
				message: 'Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day',
				code: 429,
				metadata: {
					headers: {
						'X-RateLimit-Limit': '50',
						'X-RateLimit-Remaining': '0',
						'X-RateLimit-Reset': String(NOW_MS + 14 * HOUR_MS),
					},
					provider_name: null,
				},
			},
		},
		exhausted('quota', 14 * HOUR_MS, 'quota-period'),
	),
	answer(
		'OpenRouter: free models of the minute, with the headers in the body',
		429,
		{
			error: {
				message: 'Rate limit exceeded: free-models-per-min.',
				code: 429,
				metadata: { headers: { 'X-RateLimit-Remaining': 0, 'X-RateLimit-Reset': NOW_MS + 20 * SECOND_MS } },
			},
		},
		wait('rate_limit', 20 * SECOND_MS, 'rate-limit'),
	),
	answer(
		'Groq: tokens of the day, and a delay of seconds',
		429,
		openai(
			'tokens',
			'rate_limit_exceeded',
			'Rate limit reached for model `m` in organization `org` on tokens per day (TPD): Limit 500000, Used 499990. Please try again in 6.9s.',
		),
		exhausted('quota', undefined, 'quota-period'),
		{ 'retry-after': '7' },
	),
	answer(
		'GitHub Copilot: the month',
		402,
		{
			error: { message: 'You have exceeded your monthly quota', code: 'quota_exceeded' },
			quota_reset_date: '2026-12-01',
		},
		exhausted('quota', Date.UTC(2026, 11, 1) - NOW_MS, 'quota-code'),
	),
	answer(
		'any: the month in words, with the day in words',
		403,
		{ message: 'Monthly usage limit hit. Your quota resets on December 1, 2026.' },
		exhausted('quota', Date.UTC(2026, 11, 1) - NOW_MS, 'quota-period'),
	),
	answer(
		'any: quota in words, as a 403',
		403,
		{ message: 'Quota exceeded.' },
		exhausted('quota', undefined, 'quota-refused'),
	),
	answer(
		'xAI: spending limit',
		403,
		{ code: 'personal-team-blocked:spending-limit', error: 'You have run out of credits' },
		exhausted('credit', undefined, 'credit-code'),
	),
	answer(
		'xAI: credits in words',
		403,
		{
			code: 'some-resource-has-been-exhausted',
			error: 'Your team has either used all available credits or reached its monthly spending limit.',
		},
		exhausted('credit', undefined, 'credit-message'),
	),
	answer(
		'DeepSeek: balance',
		402,
		openai('unknown_error', 'invalid_request_error', 'Insufficient Balance'),
		exhausted('credit', undefined, 'credit-message'),
	),
	answer(
		'Google Workspace: too fast, as a 403',
		403,
		{
			error: { code: 403, message: 'Slow down', errors: [{ domain: 'usageLimits', reason: 'userRateLimitExceeded' }] },
		},
		wait('rate_limit', 30 * SECOND_MS, 'rate-limit-code'),
	),
	answer(
		'Google Workspace: the day, as a 403',
		403,
		{ error: { code: 403, message: 'Daily Limit Exceeded', errors: [{ reason: 'dailyLimitExceeded' }] } },
		exhausted('quota', undefined, 'quota-code'),
	),
	answer(
		'Qwen, in Chinese',
		429,
		{ error: { code: '1302', message: '您的请求过于频繁，请在 90 秒后重试' } },
		exhausted('rate_limit', 90 * SECOND_MS, 'rate-limit'),
	),
	answer(
		'OpenRouter: credits',
		402,
		{ error: { code: 402, message: 'Requires more', metadata: { limit_source: 'openrouter_credits' } } },
		exhausted('credit', undefined, 'payment-required'),
	),
	answer(
		'OpenRouter: limit of the key',
		402,
		{ error: { code: 402, message: 'Key limit', metadata: { limit_source: 'openrouter_key_limit' } } },
		exhausted('quota', undefined, 'key-limit'),
	),
	answer(
		'any: a 402 that is over soon',
		402,
		{ error: { message: 'Spend window' } },
		wait('rate_limit', 20 * SECOND_MS, 'payment-required'),
		{ 'retry-after': '20' },
	),

	answer(
		'GitHub: primary rate limit',
		403,
		{ message: 'API rate limit exceeded for user ID 1.', documentation_url: 'https://docs.github.com/rest' },
		exhausted('rate_limit', 30 * MINUTE_MS, 'primary-rate-limit'),
		{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS / SECOND_MS + 1_800) },
	),
	answer(
		'GitHub: secondary rate limit',
		403,
		{ message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.' },
		wait('rate_limit', MINUTE_MS, 'secondary-rate-limit'),
		{ 'x-ratelimit-remaining': '4999', 'x-ratelimit-reset': String(NOW_MS / SECOND_MS + 1_800) },
	),
	answer(
		'GitHub: not for this token',
		403,
		{ message: 'Resource not accessible by personal access token' },
		denied('forbidden', 'forbidden'),
		{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW_MS / SECOND_MS + 1_800) },
	),
	answer('GitHub: single sign-on', 403, { message: 'Resource protected.' }, denied('policy', 'policy-sso'), {
		'x-github-sso': 'required; url=https://github.com/orgs/o/sso',
	}),

	answer('RFC 6750: expired token with a 403', 403, undefined, refused('token-code'), {
		'www-authenticate': 'Bearer realm="api", error="invalid_token", error_description="The access token expired"',
	}),
	answer(
		'RFC 6750: scope',
		403,
		'Token has expired', // A gateway's page; the challenge is more exact.
		denied('scope', 'scope-code'),
		{ 'www-authenticate': 'Bearer error="insufficient_scope", scope="admin"' },
	),
	answer(
		'Databricks: expired token with a 403',
		403,
		{ error_code: '403', message: 'Token is expired' },
		refused('token-message'),
	),
	answer(
		'RFC 9457: out of credit',
		403,
		{ type: 'https://example.com/probs/out-of-credit', title: 'You do not have enough credit.' },
		exhausted('credit', undefined, 'credit-code'),
	),
	answer('any: for legal reasons', 451, undefined, denied('policy', 'policy-legal')),
	answer('any: time-out', 408, undefined, wait('unavailable', 10 * SECOND_MS, 'timeout')),
	answer('any: not found', 404, { message: 'Not Found' }, denied('bad_request', 'bad-request')),
	answer('any: down for a day', 503, '<html>Maintenance</html>', wait('unavailable', HOUR_MS, 'server-error'), {
		'retry-after': '86400',
	}),
	answer(
		'any: 503 with a code of quota',
		503,
		openai('insufficient_quota', 'insufficient_quota', 'Quota'),
		wait('unavailable', 10 * SECOND_MS, 'server-error'),
	),
];
