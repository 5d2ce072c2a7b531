import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { consentPolicyOf, earlyRefreshIdleMsOf, signInFlowOf } from '../../src/auth/preferences.ts';

const DAY_MS = 24 * 60 * 60_000;

type Configuration = { readonly properties: Record<string, { readonly enum?: string[]; readonly default?: unknown }> };

/** What the settings editor offers. */
function offered(key: string): { readonly enum?: string[]; readonly default?: unknown } {
	const manifest = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../package.json'), 'utf8'));
	const all: Configuration[] = [manifest.contributes.configuration].flat();
	return all.map(({ properties }) => properties[key]).find((found) => found !== undefined) ?? assert.fail(key);
}

describe('preferences in the settings', () => {
	it('take each way of signing in that the settings editor offers, and are automatic for anything else', () => {
		for (const flow of offered('agentAuth.signInFlow').enum ?? []) assert.equal(signInFlowOf(flow), flow);
		for (const value of [undefined, null, '', 'Device', 7, ['device'], {}]) assert.equal(signInFlowOf(value), 'auto');
	});

	it('ask in terminals about a service that nothing is said of', () => {
		for (const value of [undefined, null, 'always', 7, {}, { other: 'always' }])
			assert.equal(consentPolicyOf(value, 'acme'), 'ask');
		assert.equal(consentPolicyOf(Object.create({ acme: 'always' }), 'acme'), 'ask');
		assert.equal(consentPolicyOf({}, 'constructor'), 'ask');
	});

	it('give a service what is said of it, and nothing where that cannot be understood', () => {
		for (const policy of ['ask', 'always', 'never']) assert.equal(consentPolicyOf({ acme: policy }, 'acme'), policy);
		for (const policy of [undefined, null, '', 'Always', true, {}, ['always']])
			assert.equal(consentPolicyOf({ acme: policy }, 'acme'), 'never');
	});

	it('stop renewing early after the days that are set, after those of the manifest for what is no number of days', () => {
		assert.equal(earlyRefreshIdleMsOf(2), 2 * DAY_MS);
		assert.equal(earlyRefreshIdleMsOf(0), 0);
		const usual = offered('agentAuth.earlyRefreshIdleDays').default;
		assert.equal(typeof usual, 'number');
		for (const value of [undefined, null, '7', -1, Number.NaN])
			assert.equal(earlyRefreshIdleMsOf(value), Number(usual) * DAY_MS);
	});
});
