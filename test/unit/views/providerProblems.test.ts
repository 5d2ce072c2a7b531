/** What is wrong with the configured services is said once per state of the settings, their rules included. */
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { describe, it } from 'node:test';
import { createEmitter } from '../../../src/auth/event.ts';
import type { ManagedProviders } from '../../../src/auth/managedProviders.ts';
import { type ParsedProviders, parseProviders } from '../../../src/auth/settings.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { until } from '../../support/until.ts';
import { answerWith, asked } from '../import/scriptedVscode.ts';

registerHooks({
	resolve: (specifier, context, next) =>
		next(specifier === 'vscode' ? new URL('../import/scriptedVscode.ts', import.meta.url).href : specifier, context),
});
const { followProviderProblems } = await import('../../../src/views/providers/providerProblems.ts');

const rule = (id: string): unknown =>
	JSON.parse(`{ "id": "${id}", "when": { "status": [418] }, "then": { "kind": "fine" } }`);

function start(
	value: unknown,
	managed: ManagedProviders['kind'] = 'absent',
): { set(value: unknown): void; readonly lines: () => string } {
	answerWith();
	let parsed: ParsedProviders = parseProviders(value);
	const emitter = createEmitter<void>((error) => assert.fail(String(error)));
	const log = createRecordingLog();
	followProviderProblems(
		{
			providers: () => parsed.providers,
			problems: () => parsed.problems.map((problem) => ({ ...problem, source: 'settings' })),
			managed: () => managed,
			isManaged: (id) => id === 'theirs',
			onDidChange: emitter.event,
		},
		log,
	);
	return {
		set(next) {
			parsed = parseProviders(next);
			emitter.fire();
		},
		lines: () => log.lines.join('\n'),
	};
}

describe('problems of the configured services', () => {
	it('names a rule that cannot be used and keeps the service', async () => {
		const value = { acme: { type: 'apiKey', rules: { rules: [rule('teapot'), { id: 'bad' }], disabled: ['nobody'] } } };
		const { lines } = start(value);
		await until('it is said', () => asked.length === 1);
		assert.match(asked[0]?.text ?? '', /^acme\.rules in the setting agentAuth\.providers: one of them cannot be used/);
		assert.match(lines(), /acme\.rules\[1\]/);
		assert.doesNotMatch(lines(), /acme\.rules\[0\]/);
		assert.match(lines(), /acme\.disabled\[0\] must be the id of a default rule/);
		assert.equal(parseProviders(value).providers.length, 1);
	});

	it('says whose they are', async () => {
		start({ theirs: { type: 'apiKey', rules: { rules: [5] } } });
		await until('it is said', () => asked.length === 1);
		assert.match(asked[0]?.text ?? '', /your organisation's providers/);
	});

	it('says that the file of an organisation is ignored because others could have written it', async () => {
		start({}, 'foreign');
		await until('it is said', () => asked.length === 1);
		assert.match(asked[0]?.text ?? '', /written by others than administrators and is ignored/);
	});

	it('speaks of the settings as they are now, and once', async () => {
		const bad = { acme: { type: 'apiKey', rules: { rules: [5] } } };
		const { set } = start(bad);
		set({ acme: { type: 'apiKey', rules: { rules: [rule('teapot')] } } });
		set({ ...bad, BAD: {} });
		set({ ...bad, BAD: {} });
		await until('it is said', () => asked.length === 1);
		assert.match(asked[0]?.text ?? '', /BAD/);
	});
});
