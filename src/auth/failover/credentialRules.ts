/**
 * Default rules for what an answer says of the credential: which 403 (and which 400) are about the token or what its
 * account may use. Scope and policy come before them: where a body says both, giving up does no harm.
 */
import type { Rule } from './rules.ts';

export const PERMISSION_RULES: readonly Rule[] = [
	// RFC 6750 section 3.1; Google.
	{
		id: 'scope-code',
		when: { status: [403], code: ['insufficient_scope', 'access_token_scope_insufficient', 'missing_scope'] },
		then: { kind: 'denied', reason: 'scope' },
	},
	{
		id: 'scope-message',
		when: {
			status: [403],
			message: [
				'insufficient authentication scopes',
				'insufficient scope',
				'missing scope',
				'required scopes',
				'scope requirement',
			],
		},
		then: { kind: 'denied', reason: 'scope' },
	},
	{
		id: 'policy-code',
		when: {
			status: [403],
			code: [
				'unsupported_country_region_territory',
				'security_policy_violated',
				'api_key_http_referrer_blocked',
				'api_key_ip_address_blocked',
				'api_key_service_blocked',
			],
		},
		then: { kind: 'denied', reason: 'policy' },
	},
	{
		id: 'policy-message',
		when: {
			status: [403],
			message: [
				'country, region, or territory not supported',
				'saml enforcement',
				'ip allow list',
				'ip not authorized',
				'not allowed for this organization',
				'requires moderation',
			],
		},
		then: { kind: 'denied', reason: 'policy' },
	},
	// GitHub: the token waits for a sign-in at the organisation's own service.
	{
		id: 'policy-sso',
		when: { status: [403], header: { 'x-github-sso': '*' } },
		then: { kind: 'denied', reason: 'policy' },
	},
	// RFC 7725.
	{ id: 'policy-legal', when: { status: [451] }, then: { kind: 'denied', reason: 'policy' } },
];

export const TOKEN_RULES: readonly Rule[] = [
	// RFC 6750 section 3.1, ChatGPT, AWS, Google (a 400 for API keys).
	{
		id: 'token-code',
		when: {
			status: [400, 403],
			code: [
				'invalid_token',
				'expired_token',
				'token_expired',
				'token_revoked',
				'token_invalidated',
				'expiredtoken',
				'expiredtokenexception',
				'unrecognizedclientexception',
				'invalidclienttokenid',
				'access_token_expired',
				'api_key_invalid',
				'invalid_api_key',
			],
		},
		then: { kind: 'refused' },
	},
	// Anthropic: a 403 permission_error whose message alone differs from a real one. Databricks, AWS, Google, xAI.
	{
		id: 'token-message',
		when: {
			status: [400, 403],
			message: [
				'token has been revoked',
				'token was revoked',
				'token is revoked',
				'token has expired',
				'token is expired',
				'token expired',
				'token included in the request is expired',
				'token included in the request is invalid',
				'api key has been revoked',
				'api key has expired',
				'api key expired',
				'api key not valid',
				'api key was reported as leaked',
				'incorrect api key provided',
			],
		},
		then: { kind: 'refused' },
	},
	{
		id: 'entitlement-code',
		when: {
			status: [402, 403, 429],
			code: [
				'usage_not_included',
				'deactivated_workspace',
				'account_deactivated',
				'account_suspended',
				'consumer_suspended',
				'subscription_required',
				'subscription_expired',
			],
		},
		then: { kind: 'exhausted', reason: 'entitlement', until: 'unnamed' },
	},
	{
		id: 'entitlement-message',
		when: { status: [400, 403], message: ['organization has been disabled', 'account has been disabled'] },
		then: { kind: 'exhausted', reason: 'entitlement', until: 'unnamed' },
	},
];
