/**
 * Default rules for limits, quotas and money: which of them are of this credential, and which are everybody's. Codes come
 * before messages, and what is exact before what is general.
 */
import type { Rule } from './rules.ts';

/** Services report these with 429 and, some of them, with statuses that mean something else. */
const ANY_LIMIT_STATUS: number[] = [400, 402, 403, 429];

export const LIMIT_RULES: readonly Rule[] = [
	// Anthropic, Google Code Assist, Bedrock: what all users share. No bucket gets more of it.
	{
		id: 'capacity-code',
		when: {
			status: [429],
			code: [
				'overloaded_error',
				'model_capacity_exhausted',
				'modelnotreadyexception',
				'server_overloaded',
				'engine_overloaded',
				'engine_overloaded_error',
			],
		},
		then: { kind: 'wait', reason: 'overloaded' },
	},
	// Google: a model that this account may not use at all. Waiting for the time it names helps nobody.
	{
		id: 'no-quota',
		when: { status: [429], code: ['resource_exhausted'], message: ['limit: 0'] },
		then: { kind: 'exhausted', reason: 'entitlement' },
	},
	{
		id: 'quota-day',
		when: { status: [429], code: ['resource_exhausted'], message: ['perday'] },
		then: { kind: 'exhausted', reason: 'quota', until: 'distant' },
	},
	// Its message is the same as that of the day, and it is over within the minute.
	{
		id: 'quota-minute',
		when: { status: [429], code: ['resource_exhausted'], message: ['perminute'] },
		then: { kind: 'limit', reason: 'rate_limit', waitMs: 60_000 },
	},
	// Anthropic: the limit of a calendar month, and no Retry-After.
	{
		id: 'spend-limit-month',
		when: { status: ANY_LIMIT_STATUS, code: ['enforced_spend_limit_reached'] },
		then: { kind: 'exhausted', reason: 'credit', until: 'nextMonth' },
	},
	// OpenAI and those like it. The times in these answers are of the limit per minute.
	{
		id: 'credit-code',
		when: {
			status: ANY_LIMIT_STATUS,
			code: [
				'credit_balance_exhausted',
				'organization_spend_limit_exceeded',
				'project_spend_limit_exceeded',
				'billing_hard_limit_reached',
				'billing_not_active',
				'billing_disabled',
				'insufficient_credits',
				'insufficient_balance',
				'out_of_credit',
				'out_of_credits',
				'no_credits',
				'credits_exhausted',
				'credit_exhausted',
				'insufficient_funds',
				// xAI: personal-team-blocked:spending-limit.
				'spending_limit',
				'spend_limit',
				'spending_limit_reached',
				'spend_limit_reached',
				'spending_limit_exceeded',
				'spend_limit_exceeded',
			],
		},
		then: { kind: 'exhausted', reason: 'credit', until: 'unnamed' },
	},
	{
		id: 'organization-quota',
		when: { status: ANY_LIMIT_STATUS, code: ['organization_usage_limit_exceeded'] },
		then: { kind: 'exhausted', reason: 'quota', until: 'unnamed' },
	},
	// Codex (its body names the end), Gemini, Moonshot, Bedrock (a 400).
	{
		id: 'quota-code',
		when: {
			status: ANY_LIMIT_STATUS,
			code: [
				'usage_limit_reached',
				'usage_limit_exceeded',
				'quota_exceeded',
				'quota_exhausted',
				'quota_limit_exceeded',
				'quota_limit_reached',
				'quotaexceeded',
				'dailylimitexceeded',
				'daily_limit_exceeded',
				'weekly_limit_exceeded',
				'monthly_limit_exceeded',
				'monthly_request_count',
				'exceeded_current_quota_error',
				'servicequotaexceededexception',
			],
		},
		then: { kind: 'exhausted', reason: 'quota' },
	},
	// OpenRouter: the limit of this key; the account may have credits.
	{
		id: 'key-limit',
		when: { status: [402, 403], code: ['openrouter_key_limit'] },
		then: { kind: 'exhausted', reason: 'quota' },
	},
	// Anthropic subscriptions: the window of 5 hours or 7 days.
	{
		id: 'subscription-window',
		when: { status: [429], header: { 'anthropic-ratelimit-unified-status': 'rejected' } },
		then: { kind: 'exhausted', reason: 'quota' },
	},
	// Vertex, Azure OpenAI, OpenRouter.
	{
		id: 'capacity-message',
		when: {
			status: [429],
			message: [
				'resource exhausted, please try again later',
				'resource exhausted. please try again later',
				'experiencing high demand',
				'temporary rate limit adjustment',
				'temporarily rate-limited upstream',
			],
		},
		then: { kind: 'wait', reason: 'overloaded' },
	},
	// OpenRouter (free-models-per-day), Groq (tokens per day (TPD)), Cohere (a month), GitHub Copilot and Models, Cloudflare.
	// Before the codes of rate limits, which some send beside it.
	{
		id: 'quota-period',
		when: {
			status: [402, 403, 429],
			message: [
				...['per day', 'per-day', '/day', 'daily limit', 'daily quota', 'daily usage', 'daily token', 'daily request'],
				...['per week', 'per-week', 'weekly limit', 'weekly quota', 'weekly usage', 'week limit'],
				...['per month', 'per-month', '/month', 'monthly limit', 'monthly quota', 'monthly usage', 'month limit'],
				...['billing cycle', 'billing period'],
			],
		},
		then: { kind: 'exhausted', reason: 'quota', until: 'distant' },
	},
	// OpenAI: the code counts, not the type, which may say insufficient_quota beside it.
	{
		id: 'temporary-code',
		when: { status: [429], code: ['rate_limit_exceeded', 'slow_down'] },
		then: { kind: 'limit', reason: 'rate_limit', waitMs: 30_000 },
	},
	{
		id: 'insufficient-quota',
		when: { status: ANY_LIMIT_STATUS, code: ['insufficient_quota'] },
		then: { kind: 'exhausted', reason: 'quota', until: 'unnamed' },
	},
	// The same where no request of this second is meant.
	{
		id: 'quota-refused',
		when: {
			status: [402, 403],
			message: ['exceeded your current quota', 'reached your usage limit', 'usage limit reached', 'quota exceeded'],
		},
		then: { kind: 'exhausted', reason: 'quota', until: 'distant' },
	},
	// Gemini says it of the minute too: a time that is near counts more than the sentence.
	{
		id: 'quota-message',
		when: {
			status: [429],
			message: ['exceeded your current quota', 'reached your usage limit', 'usage limit reached'],
		},
		then: { kind: 'limit', reason: 'quota' },
	},
	// Anthropic says it with a 400, and when access comes back.
	{
		id: 'credit-message',
		when: {
			status: ANY_LIMIT_STATUS,
			message: [
				'credit balance is too low',
				'credit balance too low',
				'insufficient credit',
				'insufficient balance',
				'insufficient funds',
				'insufficient account balance',
				'out of credit',
				'no credits',
				'not enough credit',
				'credits have been exhausted',
				'exceeded your credit',
				'spend limit reached',
				'spending limit',
				'reached your specified api usage limits',
			],
		},
		then: { kind: 'exhausted', reason: 'credit' },
	},
	// GitHub: with a 403 as well. Without a time at least a minute; who goes on may be blocked.
	{
		id: 'secondary-rate-limit',
		when: { status: [403, 429], message: ['secondary rate limit', 'abuse detection'] },
		then: { kind: 'limit', reason: 'rate_limit', waitMs: 60_000 },
	},
	// GitHub: each answer has the header, so that alone says nothing about why this one is a 403.
	{
		id: 'primary-rate-limit',
		when: { status: [403], message: ['rate limit exceeded'], header: { 'x-ratelimit-remaining': '0' } },
		then: { kind: 'limit', reason: 'rate_limit', waitMs: 60_000 },
	},
	// Google Workspace: with a 403.
	{
		id: 'rate-limit-code',
		when: { status: [403], code: ['ratelimitexceeded', 'userratelimitexceeded', 'rate_limit_exceeded'] },
		then: { kind: 'limit', reason: 'rate_limit', waitMs: 30_000 },
	},
	// AWS: some of its services throttle with a 400.
	{
		id: 'throttling',
		when: {
			status: [400],
			code: ['throttlingexception', 'throttling', 'toomanyrequestsexception', 'requestlimitexceeded'],
		},
		then: { kind: 'limit', reason: 'rate_limit', waitMs: 30_000 },
	},
];
