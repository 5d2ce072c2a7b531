import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BucketSnapshot, BucketState, Snapshot } from '../../../src/auth/snapshot.ts';
import {
	type AccountsNode,
	accountsNodes,
	attentionCount,
	viewState,
} from '../../../src/views/accounts/accountsModel.ts';
import { clockText } from '../../../src/views/clockText.ts';
import { ACME, bucketOf, KEYS, snapshotOf, withoutToken } from '../../support/fakeAuthService.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

const NOW = new Date(2026, 4, 5, 12, 0).getTime();

function nodes(snapshot: Snapshot): readonly AccountsNode[] {
	return accountsNodes(snapshot, plainLocalizer, NOW);
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

	it('shows the name of a bucket, its account where it differs, and who pays how', () => {
		const bucket = bucketOf('a', { name: 'work', owner: 'work', billing: 'subscription' });
		const node = onlyBucket(snapshotOf([bucket], { inForce: 'none' }));
		assert.deepEqual([node.label, node.description], ['work', 'a@acme.example · work, subscription']);
	});

	it('tells every way to stand from the others, by words, and says until when', () => {
		const cooldown = { reason: 'quota', rule: 'r', sinceMs: NOW - 1 } as const;
		const described = (bucket: BucketSnapshot, options: Parameters<typeof snapshotOf>[1] = {}): string | undefined =>
			nodes(snapshotOf([bucketOf('a'), bucket], options))[0]?.children[1]?.description;
		const untilMs = NOW + 60_000;
		const texts = [
			described(bucketOf('b')),
			described(bucketOf('b'), { inForce: 'b' }),
			described(bucketOf('b', { cooldown: { ...cooldown, untilMs } })),
			described(bucketOf('b', { cooldown: { ...cooldown, reason: 'credit' } })),
			described(bucketOf('b', { disabled: true })),
			described(bucketOf('b', { automatic: false })),
			described(bucketOf('b'), {
				automatic: { kind: 'decision', fromBucketId: 'a', toBucketId: 'b', buckets: [] },
			}),
			described(bucketOf('b', { name: 'b' }), { binding: { kind: 'bound', bucketName: 'b' } }),
		];
		assert.deepEqual(texts, [
			'',
			'in use',
			`back ${clockText(untilMs, NOW, plainLocalizer)}: quota used up`,
			'parked: credit used up',
			'switched off',
			'not in Automatic',
			'decision needed',
			'tied to this workspace · b@acme.example',
		]);
	});

	it('says on the service why no account answers, to screen readers too', () => {
		const [provider] = nodes(
			snapshotOf([bucketOf('a')], { automatic: { kind: 'exhausted', untilMs: NOW + 60_000, buckets: [] } }),
		);
		const text = `back ${clockText(NOW + 60_000, NOW, plainLocalizer)}: all exhausted`;
		assert.equal(provider?.description, text);
		assert.ok(provider?.accessibilityLabel.includes(text));
		assert.ok(provider?.tooltip.includes(text));
	});

	it('gives every state a text and an icon of its own, and a fact to tie actions to', () => {
		const states: readonly BucketState[] = [
			{ kind: 'failing', retryAtMs: 0 },
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
		assert.equal(
			onlyBucket(snapshotOf([bucketOf('a')])).contextValue,
			'bucket+first+inForce+last+oauth+ready+renewable',
		);
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

	it('says that it lives in memory only while the disk refuses it', () => {
		const row = onlyBucket(snapshotOf([bucketOf('a', { unsaved: true })]));
		assert.match(row.description, /^in memory only/);
		assert.match(row.tooltip.join('\n'), /lost if this window closes/);
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
		const automatic = { kind: 'decision', fromBucketId: 'a', toBucketId: 'b', buckets: [] } as const;
		assert.equal(attentionCount(snapshotOf([bucketOf('a'), bucketOf('b')], { automatic })), 1);
		const off = withoutToken('a', { kind: 'damaged' });
		assert.equal(attentionCount(snapshotOf([{ ...off, disabled: true }, bucketOf('b')])), 0);
	});
});
