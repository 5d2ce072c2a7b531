import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { diffSessions, type Session, sessionsOf } from '../../../src/auth/session/sessions.ts';
import { bucketOf, snapshotOf, withoutToken } from '../../support/fakeAuthService.ts';

function sessions(...args: Parameters<typeof snapshotOf>): readonly Session[] {
	return sessionsOf(snapshotOf(...args).providers[0]);
}

function ids(list: readonly Session[]): string[] {
	return list.map(({ id }) => id);
}

describe('sessions of a provider', () => {
	it('are one for "Automatic", with the token in force, and one per usable bucket in order', () => {
		const list = sessions([bucketOf('a'), bucketOf('b')], { inForce: 'b' });
		assert.deepEqual(ids(list), ['acme/automatic', 'acme/a', 'acme/b']);
		assert.deepEqual(list[0], {
			id: 'acme/automatic',
			accessToken: 'token-b',
			account: { id: 'Automatic', label: 'Automatic' },
			scopes: ['openid', 'email'],
		});
		assert.deepEqual(list[1]?.account, { id: 'account-a', label: 'a@acme.example' });
	});

	it('exist for a bucket whose refresh fails for now, and for none that a person has to look after', () => {
		const failing = bucketOf('f', { state: { kind: 'failing', retryAtMs: 0 } });
		const kinds = ['signedOut', 'keyMissing', 'keyUnreadable', 'damaged', 'newerSchema', 'storageFailed'] as const;
		const others = [
			...kinds.map((kind) => bucketOf(kind, { state: { kind } })),
			bucketOf('n', { state: { kind: 'needsSignIn', reason: 'invalid_grant' } }),
			withoutToken('t', { kind: 'ready' }),
		];
		assert.deepEqual(ids(sessions([...others, failing], { inForce: 'f' })), ['acme/automatic', 'acme/f']);
	});

	it('do not include "Automatic" when no bucket is in force', () => {
		const one = withoutToken('a', { kind: 'needsSignIn', reason: 'unavailable' });
		assert.deepEqual(sessions([one]), []);
	});

	it('are none for a provider that is not there', () => assert.deepEqual(sessionsOf(undefined), []));
});

describe('the difference of two lists', () => {
	it('is empty when nothing changed, whatever the order of scopes', () => {
		const before = sessions([bucketOf('a')]);
		const after = sessions([bucketOf('a', { token: { scopes: ['email', 'openid'] } })]);
		assert.deepEqual(diffSessions(before, after), { added: [], removed: [], changed: [] });
	});

	it('reports a new token as changed, with ids that stay', () => {
		const change = diffSessions(sessions([bucketOf('a')]), sessions([bucketOf('a', { token: { value: 'new' } })]));
		assert.deepEqual(ids(change.changed), ['acme/automatic', 'acme/a']);
		assert.deepEqual([...change.added, ...change.removed], []);
	});

	it('reports "Automatic" alone as changed when another bucket comes into force', () => {
		const buckets = [bucketOf('a'), bucketOf('b')];
		const change = diffSessions(sessions(buckets, { inForce: 'a' }), sessions(buckets, { inForce: 'b' }));
		assert.deepEqual(ids(change.changed), ['acme/automatic']);
	});

	it('lists the remaining sessions of an account that lost one of several', () => {
		const { account } = bucketOf('a');
		const before = sessions([bucketOf('a'), bucketOf('b', { account })]);
		const after = sessions([bucketOf('a')]);
		const change = diffSessions(before, after);
		assert.deepEqual(ids(change.removed), ['acme/b']);
		assert.deepEqual(ids(change.changed), ['acme/a']);
	});

	it('reports a renamed account as removed and added, never as changed', () => {
		const { account } = bucketOf('a');
		const before = sessions([bucketOf('a')]);
		const after = sessions([bucketOf('a', { account: { ...account, label: 'other' } })]);
		const change = diffSessions(before, after);
		assert.deepEqual([change.removed[0]?.account.label, change.added[0]?.account.label], ['a@acme.example', 'other']);
		assert.deepEqual(change.changed, []);
	});

	it('reports a bucket that another account signed in to as removed and added', () => {
		const before = sessions([bucketOf('a')], { inForce: 'none' });
		const after = sessions([bucketOf('a', { account: bucketOf('b').account })], { inForce: 'none' });
		const change = diffSessions(before, after);
		assert.deepEqual([ids(change.removed), ids(change.added)], [['acme/a'], ['acme/a']]);
	});

	it('leaves in an accounts menu that works like VS Code exactly the accounts there are', () => {
		const someSession = fc.record({
			id: fc.constantFrom('1', '2', '3', '4'),
			accessToken: fc.constantFrom('t1', 't2'),
			account: fc.constantFrom({ id: 'x', label: 'X' }, { id: 'y', label: 'Y' }, { id: 'z', label: 'Z' }),
			scopes: fc.constant([] as string[]),
		});
		const list = fc.uniqueArray(someSession, { selector: ({ id }) => id });
		fc.assert(
			fc.property(list, list, (before, after) => {
				const change = diffSessions(before, after);
				// Removed first by account id, then changed and added by label.
				const menu = new Map<string, string>(before.map(({ account }) => [account.label, account.id]));
				for (const { account } of change.removed) {
					for (const [label, id] of menu) if (id === account.id) menu.delete(label);
				}
				for (const { account } of [...change.changed, ...change.added]) menu.set(account.label, account.id);
				assert.deepEqual([...menu.keys()].sort(), [...new Set(after.map(({ account }) => account.label))].sort());
			}),
		);
	});
});
