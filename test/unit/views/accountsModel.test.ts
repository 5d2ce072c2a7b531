import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BucketState, Snapshot } from '../../../src/auth/snapshot.ts';
import { type AccountsNode, accountsNodes, attentionCount, viewState } from '../../../src/views/accountsModel.ts';
import { ACME, bucketOf, KEYS, snapshotOf, withoutToken } from '../../support/fakeAuthService.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

function nodes(snapshot: Snapshot): readonly AccountsNode[] {
	return accountsNodes(snapshot, plainLocalizer);
}

function onlyBucket(snapshot: Snapshot): AccountsNode {
	const node = nodes(snapshot)[0]?.children[0];
	assert.ok(node);
	return node;
}

describe('the accounts view', () => {
	it('shows a welcome of its own for each state in which there is nothing to list', () => {
		const missing = withoutToken('a', { kind: 'keyMissing' });
		const cases: readonly [Snapshot, string][] = [
			[{ loaded: false, providers: [] }, 'loading'],
			[{ loaded: true, providers: [] }, 'noProvider'],
			[snapshotOf([]), 'noAccount'],
			[snapshotOf([missing, withoutToken('b', { kind: 'keyMissing' })]), 'keyMissing'],
			[snapshotOf([withoutToken('a', { kind: 'keyUnreadable' })]), 'keyUnreadable'],
			[snapshotOf([withoutToken('a', { kind: 'storageFailed' })]), 'storageFailed'],
			[snapshotOf([], { problem: 'storage' }), 'storageFailed'],
			[snapshotOf([], { problem: 'damaged' }), 'damaged'],
			[snapshotOf([], { problem: 'newer_schema' }), 'newerSchema'],
		];
		for (const [snapshot, state] of cases) {
			assert.equal(viewState(snapshot), state);
			assert.deepEqual(nodes(snapshot), [], state);
		}
		assert.equal(viewState(snapshotOf([missing, bucketOf('b')])), 'accounts');
	});

	it('lists providers with their accounts, under ids that stay the same', () => {
		const [provider] = nodes(snapshotOf([bucketOf('a'), bucketOf('b')]));
		assert.ok(provider);
		assert.deepEqual([provider.id, provider.label, provider.description], ['acme', 'Acme', 'login.acme.example']);
		assert.deepEqual(
			provider.children.map(({ id, label }) => [id, label]),
			[
				['acme/a', 'a@acme.example'],
				['acme/b', 'b@acme.example'],
			],
		);
	});

	it('tells the account in use from the others', () => {
		const [provider] = nodes(snapshotOf([bucketOf('a'), bucketOf('b')], { inForce: 'b' }));
		assert.deepEqual(
			provider?.children.map(({ description, icon }) => [description, icon]),
			[
				['', 'account'],
				['in use', 'pass-filled'],
			],
		);
	});

	it('shows the name of a bucket beside the account when it differs', () => {
		const node = onlyBucket(snapshotOf([bucketOf('a', { name: 'work' })], { inForce: 'none' }));
		assert.equal(node.description, 'work');
	});

	it('gives every state a text and an icon of its own, and a fact to tie actions to', () => {
		const states: readonly BucketState[] = [
			{ kind: 'failing' },
			{ kind: 'needsSignIn', reason: 'invalid_grant' },
			{ kind: 'needsSignIn', reason: 'unknown_outcome' },
			{ kind: 'needsSignIn', reason: 'unavailable' },
			{ kind: 'keyMissing' },
			{ kind: 'keyUnreadable' },
			{ kind: 'damaged' },
			{ kind: 'newerSchema' },
			{ kind: 'storageFailed' },
			{ kind: 'signedOut' },
		];
		const seen = new Set<string>();
		for (const state of states) {
			// With a second account, so that no welcome takes the place of the list.
			const node = onlyBucket(snapshotOf([withoutToken('a', state), bucketOf('b')]));
			assert.ok(node.description !== '' && node.accessibilityLabel.includes(node.description), state.kind);
			assert.match(node.contextValue, new RegExp(`^bucket\\b.*\\b${state.kind}\\b`));
			seen.add(node.description);
		}
		assert.equal(seen.size, states.length);
	});

	it('keeps the facts of a context value sorted, because package.json matches them in that order', () => {
		assert.equal(onlyBucket(snapshotOf([bucketOf('a')])).contextValue, 'bucket+inForce+oauth+ready+renewable');
		assert.equal(nodes(snapshotOf([bucketOf('a')], { provider: KEYS }))[0]?.contextValue, 'provider+apiKey');
	});

	it('shows that a sign-in is running', () => {
		const [provider] = nodes(snapshotOf([bucketOf('a')], { signingIn: true }));
		assert.deepEqual([provider?.description, provider?.icon], ['signing in…', 'loading~spin']);
		assert.match(provider?.contextValue ?? '', /\bsigningIn\b/);
	});

	it('says when an account lasts only as long as the window', () => {
		assert.match(
			onlyBucket(snapshotOf([bucketOf('a', { sessionOnly: true })])).tooltip.join('\n'),
			/until this window/,
		);
	});

	it('holds no token anywhere', () => {
		assert.ok(!JSON.stringify(nodes(snapshotOf([bucketOf('a')]))).includes('token-a'));
	});

	it('reads out account, service and state', () => {
		const node = onlyBucket(snapshotOf([bucketOf('a')], { inForce: 'none' }));
		assert.equal(node.accessibilityLabel, `a@acme.example, ${ACME.label}, ready`);
	});

	it('counts the accounts that wait for the person', () => {
		const waiting = withoutToken('a', { kind: 'needsSignIn', reason: 'invalid_grant' });
		assert.equal(attentionCount(snapshotOf([waiting, withoutToken('b', { kind: 'damaged' }), bucketOf('c')])), 2);
	});
});
