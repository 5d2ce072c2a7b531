/** "Remove All Data": everything that goes is in the question, a no changes nothing, and what could not be done is said. */
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { describe, it } from 'node:test';
import type { Removal } from '../../../src/auth/service/removal.ts';
import type { Consents } from '../../../src/auth/terminal/consents.ts';
import type { ConnectedTools } from '../../../src/views/providers/removeData.ts';
import { createFakeAuthService, snapshotOf } from '../../support/fakeAuthService.ts';
import { answerWith, asked } from '../import/scriptedVscode.ts';

registerHooks({
	resolve: (specifier, context, next) =>
		next(specifier === 'vscode' ? new URL('../import/scriptedVscode.ts', import.meta.url).href : specifier, context),
});
const { removeData } = await import('../../../src/views/providers/removeData.ts');

type Scene = { readonly done: string[]; run(): Promise<void> };

function createScene(options: { removal?: Removal; stayed?: number; accounts?: number } = {}): Scene {
	const { removal = { left: [], notRevoked: 0 }, stayed = 0, accounts = 2 } = options;
	const done: string[] = [];
	const service = {
		...createFakeAuthService(snapshotOf([])),
		storedData: {
			list: async () => ({
				accounts: Array.from({ length: accounts }, (_, index) => ({
					providerId: index === 0 ? 'acme' : 'gone',
					label: `person${index}@example.test\n](command:evil)`,
				})),
				strayRecords: 3,
			}),
			async remove() {
				done.push('removed');
				return removal;
			},
		},
	};
	const tools: ConnectedTools = {
		files: async () => ['/home/ada/.gitconfig'],
		async disconnect() {
			done.push('disconnected');
			return stayed;
		},
	};
	const consents: Consents = {
		list: async () => [
			{
				scope: 'workspace',
				id: 'c1',
				workspaceName: 'w',
				providerId: 'acme',
				side: 'terminal',
				decision: 'allow',
				decidedAtMs: 1,
			},
		],
		revoke: (id) => void done.push(`revoked ${id}`),
		onDidChange: () => ({ dispose() {} }),
	};
	return { done, run: () => removeData(service, consents, async () => tools) };
}

describe('the command to remove all data', () => {
	it('asks once, names everything that goes, and does nothing after a no', async () => {
		const { done, run } = createScene();
		answerWith(undefined);
		await run();
		assert.deepEqual(done, []);
		assert.deepEqual(
			asked.map(({ kind }) => kind),
			['warning'],
		);
		const detail = asked[0]?.detail ?? '';
		for (const part of [
			'Acme: person0@example.test',
			'gone: person1@example.test',
			'3 stored sign-ins',
			'/home/ada/.gitconfig',
		])
			assert.ok(detail.includes(part), part);
		// A label cannot begin a line of its own.
		assert.equal(
			detail
				.split('\n')
				.filter((line) => line.includes('command:evil'))
				.every((line) => line.startsWith('•')),
			true,
		);
	});

	it('shows as many accounts as a dialog can hold, and counts the others', async () => {
		const { run } = createScene({ accounts: 1_000 });
		answerWith(undefined);
		await run();
		const detail = asked[0]?.detail ?? '';
		assert.ok(detail.includes('and 985 more accounts'));
		assert.ok(detail.split('\n').length < 25);
	});

	it('takes back what is in other files first, then removes', async () => {
		const { done, run } = createScene();
		answerWith('Remove All Data');
		await run();
		assert.deepEqual(done, ['disconnected', 'revoked c1', 'removed']);
		assert.deepEqual([asked[1]?.kind, asked[1]?.text], ['info', 'All data of Agent Auth was removed.']);
	});

	it('says what is left, and whom the service may still accept', async () => {
		const { run } = createScene({ removal: { left: ['keys', 'files'], notRevoked: 2 }, stayed: 1 });
		answerWith('Remove All Data');
		await run();
		assert.equal(asked[1]?.kind, 'error');
		assert.match(
			asked[1]?.text ?? '',
			/the key, files, changes in files of 1 tools\. Run the command again\. 2 sign-ins/,
		);
	});
});
