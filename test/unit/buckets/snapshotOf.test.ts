/** What is shown of a bucket, and handed out of it: from the state of all windows and what its record turned out to be. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accessTokenOf, type Known, type Layer, providerSnapshot } from '../../../src/auth/buckets/snapshotOf.ts';
import type { Bucket, State } from '../../../src/auth/buckets/state.ts';
import type { ApiKeyCredential, OAuthCredential } from '../../../src/auth/credential.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import type { AutomaticState, BucketSnapshot } from '../../../src/auth/snapshot.ts';

const provider: Provider = {
	...{ id: 'demo', label: 'Demo', kind: 'oidc', issuer: 'https://issuer.example' },
	client: { clientId: 'client', scopes: [] },
};
const identity = { issuer: 'https://issuer.example', subject: 's' };
const account = { id: 'a', label: 'ada@example.test', identity };

const oauth: OAuthCredential = {
	...{ kind: 'oauth', accessToken: 'access', scopes: ['openid'], obtainedAtMs: 1_000, identity },
	...{ refreshToken: 'refresh', expiresAtMs: 5_000 },
};
const key: ApiKeyCredential = { kind: 'apiKey', accessToken: 'key', scopes: [], obtainedAtMs: 1_000, identity };

function bucketOf(more: Partial<Bucket> = {}): Bucket {
	return { id: 'b1', name: 'one', kind: 'oauth', account, createdAtMs: 1, ...more };
}

const stateWith = (...buckets: readonly Bucket[]): State => ({
	providers: { demo: { buckets: [...buckets], labels: [] } },
});
const layerOf = (state: State, known?: Known, sessionOnly = false): Layer => ({
	...{ state, sessionOnly },
	known: () => known,
});
const ofCredential = (credential: OAuthCredential | ApiKeyCredential, generation = 3): Known => ({
	...{ kind: 'credential', generation, credential },
});
const none = { automatic: { kind: 'none' } } as const;

/** The one bucket of this state, as it is shown. */
function shown(more: Partial<Bucket>, known?: Known): BucketSnapshot {
	const layers = [layerOf(stateWith(bucketOf(more)), known)];
	const [bucket, ...others] = providerSnapshot(provider, layers, { signingIn: false, choose: () => none }).buckets;
	assert.ok(bucket && others.length === 0);
	return bucket;
}

describe('the snapshot of a provider', () => {
	it('has the buckets of all places in their order, and asks with them and with every state which one is in force', () => {
		const first = stateWith(bucketOf(), bucketOf({ id: 'b2', name: 'two' }));
		const second = stateWith(bucketOf({ id: 'b3', name: 'three' }));
		const absent: State = { providers: {} };
		const layers = [layerOf(first, ofCredential(oauth)), layerOf(absent), layerOf(second, undefined, true)];
		const automatic: AutomaticState = { kind: 'inForce', bucketId: 'b2' };
		const binding = { kind: 'bound', bucketName: 'two' } as const;
		const asked: unknown[] = [];
		const snapshot = providerSnapshot(provider, layers, {
			signingIn: true,
			choose(providerId, buckets, states) {
				asked.push(providerId, buckets, states);
				return { automatic, binding };
			},
		});
		assert.deepEqual(
			snapshot.buckets.map(({ id, providerId, sessionOnly }) => [id, providerId, sessionOnly]),
			[
				['b1', 'demo', false],
				['b2', 'demo', false],
				['b3', 'demo', true],
			],
		);
		assert.deepEqual(asked, ['demo', snapshot.buckets, [first, absent, second]]);
		const { buckets: _, ...rest } = snapshot;
		assert.deepEqual(rest, { provider, signingIn: true, automatic, binding, inForce: 'b2' });
	});

	it('names none in force where none is', () => {
		const snapshot = providerSnapshot(provider, [], { signingIn: false, choose: () => none });
		assert.deepEqual(snapshot, { provider, buckets: [], signingIn: false, automatic: { kind: 'none' } });
	});
});

describe('the snapshot of a bucket', () => {
	it('says what is known of it, and of what is not known nothing', () => {
		assert.deepEqual(shown({}), {
			...{ id: 'b1', providerId: 'demo', name: 'one', account, kind: 'oauth' },
			...{ state: { kind: 'signedOut' }, generation: 0, renewable: false, sessionOnly: false },
			...{ disabled: false, automatic: true },
		});
		const told: Partial<Bucket> = {
			...{ disabled: true, automatic: false, owner: 'work', billing: 'subscription', command: 'printer' },
			...{ lastRefreshPid: 0, lastRefreshAtMs: 0, lastUsedAtMs: 0 },
		};
		const { createdAtMs: _, ...plain } = bucketOf(told);
		assert.deepEqual(shown(told, ofCredential(oauth)), {
			...plain,
			...{ providerId: 'demo', state: { kind: 'ready' }, generation: 3, renewable: true, sessionOnly: false },
			token: { value: 'access', scopes: ['openid'], expiresAtMs: 5_000 },
		});
	});

	it('can be renewed only with a refresh token', () => {
		const { refreshToken: _, ...short } = oauth;
		assert.equal(shown({}, ofCredential(oauth)).renewable, true);
		assert.equal(shown({}, ofCredential(short)).renewable, false);
		assert.equal(shown({ kind: 'apiKey' }, ofCredential(key)).renewable, false);
	});

	it('shows a cooldown without what windows agree on among themselves', () => {
		const parked = { reason: 'credit', rule: 'r', sinceMs: 7 } as const;
		const probe = { window: 'w', untilMs: 9 };
		assert.deepEqual(shown({ cooldown: { ...parked, times: 2, probe } }).cooldown, parked);
		assert.deepEqual(shown({ cooldown: { ...parked, untilMs: 8, times: 2 } }).cooldown, { ...parked, untilMs: 8 });
	});

	it('is in the state of its record, whatever was noted about it', () => {
		const noted = { needsSignIn: { generation: 0, reason: 'invalid_grant' as const } };
		const states = [undefined, ...(['absent', 'signedOut', 'damaged', 'keyMissing', 'storageFailed'] as const)].map(
			(kind) => shown(noted, kind && ({ kind, generation: 0 } as Known)).state,
		);
		assert.deepEqual(
			states.map(({ kind }) => kind),
			['signedOut', 'signedOut', 'signedOut', 'damaged', 'keyMissing', 'storageFailed'],
		);
	});

	it('is troubled as noted, by notes about this very credential, the lasting trouble first', () => {
		const state = (more: Partial<Bucket>) => shown(more, ofCredential(oauth, 3)).state;
		const failing = (generation: number) => ({ failing: { generation, retryAtMs: 11, attempts: 1 } });
		const lost = (generation: number) => ({ needsSignIn: { generation, reason: 'unknown_outcome' as const } });
		assert.deepEqual(state(failing(3)), { kind: 'failing', retryAtMs: 11 });
		const since = { failing: { ...failing(3).failing, sinceMs: 9 } };
		assert.deepEqual(state(since), { kind: 'failing', retryAtMs: 11, sinceMs: 9 });
		assert.deepEqual(state({ ...failing(3), ...lost(3) }), { kind: 'needsSignIn', reason: 'unknown_outcome' });
		assert.deepEqual(state({ ...failing(2), ...lost(2) }), { kind: 'ready' });
	});

	it('is ready if a command gives its token, for which there is no record', () => {
		assert.deepEqual(shown({ kind: 'reference' }).state, { kind: 'ready' });
	});
});

describe('the end of a sign-in', () => {
	const endOf = (credential: OAuthCredential | ApiKeyCredential) => shown({}, ofCredential(credential)).signInEnd;
	const { refreshToken: _, ...short } = oauth;

	it('is that of the refresh token if there is one, as long as the server has named it', () => {
		assert.equal(endOf(oauth), undefined);
		assert.deepEqual(endOf({ ...oauth, refreshExpiresAtMs: 90_000 }), { atMs: 90_000, sinceMs: 1_000 });
		const since = { ...oauth, refreshExpiresAtMs: 90_000, refreshEndSinceMs: 500 };
		assert.deepEqual(endOf(since), { atMs: 90_000, sinceMs: 500 });
	});

	it('is that of the token where nothing renews it', () => {
		assert.deepEqual(endOf({ ...short, refreshExpiresAtMs: 90_000 }), { atMs: 5_000, sinceMs: 1_000 });
	});

	it('is unknown of a key', () => {
		assert.equal('signInEnd' in shown({ kind: 'apiKey' }, ofCredential(key)), false);
	});
});

describe('the part of a credential that may be handed out', () => {
	it('is the token with its scopes, and its end if that is known', () => {
		const { expiresAtMs: _, ...endless } = oauth;
		assert.deepEqual(accessTokenOf(oauth), { value: 'access', scopes: ['openid'], expiresAtMs: 5_000 });
		assert.deepEqual(accessTokenOf(endless), { value: 'access', scopes: ['openid'] });
		assert.deepEqual(accessTokenOf(key), { value: 'key', scopes: [] });
	});
});
