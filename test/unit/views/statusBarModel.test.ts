import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Snapshot } from '../../../src/auth/snapshot.ts';
import { type StatusItem, statusItem } from '../../../src/views/statusBarModel.ts';
import { ACME, bucketOf, KEYS, snapshotOf, withoutToken } from '../../support/fakeAuthService.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

const NOW_MS = Date.UTC(2026, 0, 5, 12);
const item = (snapshot: Snapshot): StatusItem | undefined => statusItem(snapshot, plainLocalizer, NOW_MS);
const shown = (snapshot: Snapshot): StatusItem => item(snapshot) ?? assert.fail('nothing is shown');

describe('the item of the status bar', () => {
	it('is not there where nothing is set up, nobody signed in, or nothing was read yet', () => {
		assert.equal(item({ loaded: false, providers: [] }), undefined);
		assert.equal(item({ loaded: true, providers: [] }), undefined);
		assert.equal(item(snapshotOf([])), undefined);
	});

	it('names the account in force and leads to the list', () => {
		const { text, tooltip, needsAttention, click } = shown(
			snapshotOf([bucketOf('a'), bucketOf('b')], { inForce: 'b' }),
		);
		assert.equal(text, '$(account) b@acme.example');
		assert.equal(tooltip[0], 'Acme: b@acme.example');
		assert.equal(needsAttention, false);
		assert.deepEqual(click, { command: 'showAccounts' });
	});

	it('leads to the remedy of each trouble', () => {
		const target = { providerId: 'acme' };
		const cooling = { buckets: [], untilMs: NOW_MS + 1 };
		const cases: readonly (readonly [Parameters<typeof snapshotOf>[1], StatusItem['click']])[] = [
			[
				{ automatic: { kind: 'needsSignIn', bucketId: 'a' } },
				{ command: 'agentAuth.signIn', target: { ...target, bucketId: 'a' } },
			],
			[
				{ automatic: { kind: 'decision', fromBucketId: 'a', toBucketId: 'b', ...cooling } },
				{ command: 'agentAuth.decideCrossing', target },
			],
			[{ automatic: { kind: 'boundMissing', bucketName: 'work' } }, { command: 'agentAuth.bindWorkspace', target }],
			[
				{ automatic: { kind: 'boundUnusable', bucketName: 'work', bucketId: 'a' } },
				{ command: 'agentAuth.bindWorkspace', target },
			],
			[{ automatic: { kind: 'exhausted', ...cooling } }, { command: 'showAccounts' }],
			[{ automatic: { kind: 'bindingConflict', names: ['a', 'b'] } }, { command: 'showAccounts' }],
		];
		for (const [options, click] of cases) {
			const buckets = [withoutToken('a', { kind: 'needsSignIn', reason: 'invalid_grant' }), bucketOf('b')];
			const found = shown(snapshotOf(buckets, options));
			assert.deepEqual(found.click, click, options?.automatic?.kind);
			assert.equal(found.needsAttention, true);
			assert.match(found.text, /^\$\(warning\) Acme: \S/);
		}
	});

	it('does not offer a sign-in for what a sign-in does not mend', () => {
		const snapshot = snapshotOf([withoutToken('a', { kind: 'damaged' }), bucketOf('b', { automatic: false })], {
			automatic: { kind: 'needsSignIn', bucketId: 'a' },
		});
		assert.deepEqual(shown(snapshot).click, { command: 'showAccounts' });
	});

	it('shows the service that waits for the person before those that work, and counts the others', () => {
		const well = snapshotOf([bucketOf('k', { providerId: 'keys' })], { provider: KEYS }).providers;
		const waiting = snapshotOf([withoutToken('a', { kind: 'needsSignIn', reason: 'invalid_grant' })], {
			automatic: { kind: 'needsSignIn', bucketId: 'a' },
		}).providers;
		const found = shown({ loaded: true, providers: [...well, ...waiting] });
		assert.equal(found.text, `$(warning) ${ACME.label}: sign in again +1`);
		assert.deepEqual(found.tooltip.slice(0, 2), ['Model Keys: k@acme.example', 'Acme: sign in again']);
	});

	it('warns once when all accounts are locked away', () => {
		const found = shown(snapshotOf([withoutToken('a', { kind: 'keyMissing' })]));
		assert.equal(found.needsAttention, true);
		assert.deepEqual(found.click, { command: 'showAccounts' });
	});

	it('draws no icon and runs no command that a name brings along, and cuts long ones', () => {
		const name = '$(bug) [x](command:y)';
		const found = shown(snapshotOf([bucketOf('a', { name, account: { ...bucketOf('a').account, label: name } })]));
		assert.equal(found.text.match(/\$\(/g)?.length, 1);
		const long = shown(snapshotOf([bucketOf('a'.repeat(80))]));
		assert.ok(long.text.length < 45);
		assert.ok(long.tooltip[0]?.includes('a'.repeat(80)));
	});

	it('reads out everything that the tooltip says', () => {
		const found = shown(snapshotOf([bucketOf('a')]));
		assert.equal(found.accessibilityLabel, 'Agent Auth: Acme: a@acme.example. Click to see the accounts.');
	});
});
