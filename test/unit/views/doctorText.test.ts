import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CHECKS, type Check, type Fact, type Finding, finding } from '../../../src/auth/doctor/finding.ts';
import type { AuthErrorCode } from '../../../src/auth/errors.ts';
import type { Diagnostics } from '../../../src/auth/service/diagnostics.ts';
import { diagnosticsReport } from '../../../src/views/doctor/diagnosticsReport.ts';
import { actionText } from '../../../src/views/doctor/doctorAction.ts';
import { findingText, summaryText } from '../../../src/views/doctor/doctorText.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

/** What each part can find, as `src/auth/doctor` makes it. */
const FACTS: Readonly<Record<Check, readonly Fact[]>> = {
	vault: ['healthy', 'newerVersion', 'unwritable', 'damaged', 'unknown'],
	key: ['healthy', 'nothing', 'keyMissing', 'keySilent', 'damaged', 'newerVersion', 'unwritable'],
	lease: ['healthy', 'leaseBusy', 'unwritable'],
	watch: ['healthy', 'watchDeaf', 'nothing'],
	service: [
		...(['healthy', 'nothing', 'noName', 'noConnection', 'certificate', 'proxy'] as const),
		...(['proxyGone', 'timeout', 'serverError', 'wrongAnswer'] as const),
	],
	clock: ['healthy', 'clockSkew'],
	account: [
		'healthy',
		'notAsked',
		'needsSignIn',
		'tokenRefused',
		'serverError',
		'noConnection',
		'unknown',
		'wrongAnswer',
	],
	terminal: ['healthy', 'nothing', 'socketSilent'],
};

const NAMES = { service: () => 'Acme', account: () => 'ada@acme.example' };
const about = { providerId: 'acme', bucketId: 'b1', status: 503, skewMs: 7_200_000 };

describe('what the doctor found', () => {
	it('has one sentence of its own per fact, and one action where something is wrong', () => {
		const seen = new Set<string>();
		for (const check of CHECKS) {
			for (const fact of FACTS[check]) {
				const one = finding(check, fact, about);
				const { text, action } = findingText(one, NAMES, plainLocalizer);
				assert.ok(!seen.has(text), text);
				seen.add(text);
				assert.match(text, /^\S.*\.$/);
				if (one.verdict === 'broken') assert.ok(action !== undefined, `${check} ${fact}`);
				if (fact === 'healthy') assert.equal(action, undefined, check);
				if (action !== undefined) assert.notEqual(actionText(action, plainLocalizer), '');
			}
		}
	});

	it('blames the network for what the network did, and nothing else', () => {
		const text = (fact: Fact, code?: AuthErrorCode): string =>
			findingText(finding('account', fact, { ...about, ...(code && { code }) }), NAMES, plainLocalizer).text;
		for (const fact of ['noName', 'noConnection', 'certificate', 'proxy', 'proxyGone', 'timeout'] as const)
			assert.match(text(fact), /Check the network/);
		const codes = [
			...(['transient', 'timeout', 'locked', 'key_missing', 'storage', 'damaged', 'newer_schema'] as const),
			...(['configuration', 'protocol', 'exhausted', undefined] as const),
		];
		const texts = codes.map((code) => text('unknown', code));
		assert.equal(new Set(texts).size, codes.length - 1, 'what is not foreseen shares one sentence');
		for (const one of texts) {
			assert.doesNotMatch(one, /network/);
			assert.ok(one.includes('Acme') && one.includes('ada@acme.example'), one);
		}
	});

	it('says which way the clock is wrong', () => {
		const text = (skewMs: number): string =>
			findingText(finding('clock', 'clockSkew', { providerId: 'acme', skewMs }), NAMES, plainLocalizer).text;
		assert.match(text(7_200_000), /2 h ahead|120 min ahead/);
		assert.match(text(-600_000), /10 min behind/);
	});

	it('is well only if a service was asked', () => {
		const here: readonly Finding[] = [finding('vault', 'healthy'), finding('account', 'notAsked', about)];
		assert.match(summaryText(here, plainLocalizer), /no service was asked/);
		assert.match(
			summaryText([...here, finding('account', 'healthy', about)], plainLocalizer),
			/All is well: 1 service/,
		);
		assert.match(summaryText([...here, finding('watch', 'watchDeaf')], plainLocalizer), /1 problem/);
	});
});

describe('the diagnostics', () => {
	it('name versions, services by id and findings, and the address of no server', () => {
		const facts: Diagnostics = { pid: 1, vault: 'readable', watch: 'watching', key: 'ready', buckets: [] };
		const around = {
			...({ extension: '1.2.3', editor: 'Code 1.100.0', host: 'web', side: 'workspace' } as const),
			...{ remote: 'build.internal.example:8080', system: 'linux x64', language: 'de', isTrusted: true },
			services: [{ id: 'acme', kind: 'oidc', buckets: 2, automatic: 'inForce' }],
		};
		const findings = [finding('service', 'timeout', { providerId: 'acme', cause: 'TimeoutError' })];
		const text = diagnosticsReport(around, findings, facts, 0);
		assert.match(text, /extension 1\.2\.3/);
		assert.match(text, /acme: oidc, 2 buckets, automatic: inForce/);
		assert.match(text, /service: timeout \[broken\] of acme \(TimeoutError\)/);
		assert.doesNotMatch(text, /build\.internal/);
		assert.match(diagnosticsReport({ ...around, remote: 'ssh-remote' }, findings, facts, 0), /remote: ssh-remote/);
	});
});
