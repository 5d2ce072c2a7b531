import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AuthError, isAuthError } from '../../../src/auth/errors.ts';
import {
	type AutomaticSignOut,
	CREATE_SESSION_LIMIT_MS,
	createSessionProvider,
	GET_SESSIONS_LIMIT_MS,
	SIGN_OUT_QUESTION_LIMIT_MS,
} from '../../../src/auth/session/sessionProvider.ts';
import type { SessionChange } from '../../../src/auth/session/sessions.ts';
import type { InteractiveSignIn } from '../../../src/auth/session/signInTarget.ts';
import type { BucketSnapshot, Snapshot } from '../../../src/auth/snapshot.ts';
import { createDeferred } from '../../support/deferred.ts';
import { bucketOf, createFakeAuthService, KEYS, snapshotOf, withoutToken } from '../../support/fakeAuthService.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';

const AUTOMATIC = { id: 'Automatic', label: 'Automatic' };

function setUp(initial: Snapshot, providerId = 'acme') {
	const clock = createManualClock();
	const log = createRecordingLog();
	const service = createFakeAuthService(initial);
	const signIns: InteractiveSignIn[] = [];
	const scripted = {
		trusted: true,
		signIn: (_request: InteractiveSignIn): Promise<BucketSnapshot> => Promise.reject(new Error('not scripted')),
		choice: (): Promise<AutomaticSignOut> => Promise.reject(new Error('not scripted')),
	};
	const provider = createSessionProvider(providerId, {
		service,
		clock,
		log,
		describe: (error) => `said: ${isAuthError(error) ? error.code : 'unknown'}`,
		signIn(request) {
			signIns.push(request);
			return scripted.signIn(request);
		},
		askSignOutAutomatic: () => scripted.choice(),
		isTrusted: () => scripted.trusted,
	});
	const changes: SessionChange[] = [];
	provider.onDidChangeSessions((change) => changes.push(change));
	return { clock, log, service, signIns, scripted, provider, changes };
}

/** Lets everything run that waits for nothing but promises. */
async function settle(): Promise<void> {
	await new Promise<void>((resolve) => setImmediate(resolve));
}

function expired(id: string, options: Parameters<typeof bucketOf>[1] = {}): BucketSnapshot {
	return bucketOf(id, { ...options, token: { expiresAtMs: 1, value: `old-${id}` } });
}

describe('getSessions without scopes', () => {
	it('answers from memory, expired tokens included, and asks the core for nothing', async () => {
		const { provider, service } = setUp(snapshotOf([expired('a')]));
		assert.deepEqual(
			(await provider.getSessions(undefined)).map(({ id }) => id),
			['acme/automatic', 'acme/a'],
		);
		assert.equal(service.tokenRequests.length, 0);
	});

	it('answers for one account by its id, else by its label', async () => {
		const { provider } = setUp(snapshotOf([bucketOf('a'), bucketOf('b')]));
		const byId = await provider.getSessions(undefined, { id: 'account-b', label: 'something else' });
		const byLabel = await provider.getSessions(undefined, { id: 'old id', label: 'a@acme.example' });
		assert.deepEqual([byId.map(({ id }) => id), byLabel.map(({ id }) => id)], [['acme/b'], ['acme/a']]);
	});

	it('waits until the vault was read rather than to say that there is no account', async () => {
		const { provider, service } = setUp({ loaded: false, providers: snapshotOf([]).providers });
		const answer = provider.getSessions(undefined);
		service.set(snapshotOf([bucketOf('a')]));
		service.finishLoading();
		assert.equal((await answer).length, 2);
	});

	it('does not wait for ever and never rejects', async () => {
		const { provider, clock } = setUp({ loaded: false, providers: snapshotOf([]).providers });
		const answer = provider.getSessions(undefined);
		clock.advance(GET_SESSIONS_LIMIT_MS);
		assert.deepEqual(await answer, []);
	});

	it('answers with nothing for a provider that has left the settings', async () => {
		const { provider } = setUp({ loaded: true, providers: [] });
		assert.deepEqual(await provider.getSessions(undefined), []);
	});
});

describe('getSessions with scopes', () => {
	it('matches what was granted as a superset and answers with the scopes that were asked for', async () => {
		const { provider } = setUp(snapshotOf([bucketOf('a', { token: { scopes: ['x', 'y', 'z'] } })]));
		const [automatic, named] = await provider.getSessions(['z', 'x']);
		assert.deepEqual([automatic?.account, automatic?.scopes, named?.scopes], [AUTOMATIC, ['z', 'x'], ['z', 'x']]);
		assert.deepEqual(await provider.getSessions(['x', 'w']), []);
	});

	it('takes [] as whatever was granted', async () => {
		const { provider } = setUp(snapshotOf([bucketOf('a', { token: { scopes: ['x', 'y'] } })]));
		assert.deepEqual((await provider.getSessions([]))[0]?.scopes, ['x', 'y']);
	});

	it('takes a refresh token as offline_access, which servers do not always repeat', async () => {
		const { provider } = setUp(snapshotOf([bucketOf('a')]));
		assert.equal((await provider.getSessions(['openid', 'offline_access'])).length, 2);
		const { provider: other } = setUp(snapshotOf([bucketOf('a', { renewable: false })]));
		assert.deepEqual(await other.getSessions(['openid', 'offline_access']), []);
	});

	it('takes an API key for every scope', async () => {
		const key = bucketOf('k', { providerId: 'keys', kind: 'apiKey', renewable: false, token: { scopes: [] } });
		const { provider } = setUp(snapshotOf([key], { provider: KEYS }), 'keys');
		assert.deepEqual((await provider.getSessions(['anything']))[0]?.scopes, ['anything']);
	});

	it('renews every stale token that matches, side by side, and leaves fresh named ones alone', async () => {
		const { provider, service } = setUp(snapshotOf([expired('a'), expired('b'), bucketOf('c')]));
		service.answer = async ({ bucketId = 'a' }) => {
			const bucket = bucketOf(bucketId);
			return { bucket, token: { value: `new-${bucketId}`, scopes: ['openid'] } };
		};
		const tokens = (await provider.getSessions(['openid'])).map(({ accessToken }) => accessToken);
		assert.deepEqual(tokens, ['new-a', 'new-a', 'new-b', 'token-c']);
		assert.deepEqual(
			service.tokenRequests.map(({ bucketId }) => bucketId),
			[undefined, 'a', 'b'],
		);
		assert.ok(service.tokenRequests.every(({ deadlineMs }) => deadlineMs <= GET_SESSIONS_LIMIT_MS));
	});

	it('renews only the account that was named', async () => {
		const { provider, service } = setUp(snapshotOf([expired('a'), expired('b')]));
		await provider.getSessions(['openid'], { id: 'account-b', label: 'b@acme.example' });
		assert.deepEqual(
			service.tokenRequests.map(({ bucketId }) => bucketId),
			['b'],
		);
	});

	it('never answers with another account than the one that was named', async () => {
		const { provider } = setUp(snapshotOf([bucketOf('a')]));
		assert.deepEqual(await provider.getSessions(['openid'], { id: 'gone', label: 'gone@acme.example' }), []);
	});

	it('leaves out an account that cannot be renewed now, as long as "Automatic" can be answered', async () => {
		const { provider, service } = setUp(snapshotOf([bucketOf('a'), expired('b')]));
		const fallback = service.answer;
		service.answer = (request) =>
			request.bucketId === 'b' ? Promise.reject(new AuthError('transient', 'down')) : fallback(request);
		assert.deepEqual(
			(await provider.getSessions(['openid'])).map(({ id }) => id),
			['acme/automatic', 'acme/a'],
		);
	});

	it('rejects with code and sentence when "Automatic" cannot be renewed now, so that nobody is asked to sign in', async () => {
		const { provider, service, log } = setUp(snapshotOf([expired('a'), bucketOf('b')]));
		const fallback = service.answer;
		const secret = new Error('refresh_token=hunter2');
		service.answer = (request) =>
			request.bucketId === 'b'
				? fallback(request)
				: Promise.reject(new AuthError('locked', 'held by pid 1', { cause: secret, detail: { holder: 'pid 1' } }));
		await assert.rejects(provider.getSessions(['openid']), (error) => {
			assert.ok(isAuthError(error, 'locked'));
			assert.deepEqual([error.message, error.cause, error.detail], ['said: locked', undefined, { holder: 'pid 1' }]);
			return true;
		});
		assert.ok(!log.lines.join('\n').includes('hunter2'));
	});

	it('answers [] when a sign-in is what helps', async () => {
		for (const code of ['invalid_grant', 'unknown_outcome', 'unavailable', 'no_account'] as const) {
			const { provider, service } = setUp(snapshotOf([expired('a')]));
			service.answer = () => Promise.reject(new AuthError(code, 'gone'));
			assert.deepEqual(await provider.getSessions(['openid']), [], code);
		}
		const needs = withoutToken('a', { kind: 'needsSignIn', reason: 'invalid_grant' });
		assert.deepEqual(await setUp(snapshotOf([needs])).provider.getSessions(['openid']), []);
		assert.deepEqual(await setUp(snapshotOf([])).provider.getSessions(['openid']), []);
	});

	it('rejects, each with its code, when sign-ins are stored and cannot be read', async () => {
		const codes = {
			keyMissing: 'key_missing',
			keyUnreadable: 'key_unreadable',
			damaged: 'damaged',
			newerSchema: 'newer_schema',
			storageFailed: 'storage',
		} as const;
		for (const kind of ['keyMissing', 'keyUnreadable', 'damaged', 'newerSchema', 'storageFailed'] as const) {
			const { provider } = setUp(snapshotOf([withoutToken('a', { kind })]));
			await assert.rejects(provider.getSessions(['openid']), { code: codes[kind] });
		}
		for (const problem of ['storage', 'newer_schema', 'damaged'] as const) {
			await assert.rejects(setUp(snapshotOf([], { problem })).provider.getSessions(['openid']), { code: problem });
		}
	});

	it('rejects when the vault was not read in time', async () => {
		const { provider, clock } = setUp({ loaded: false, providers: snapshotOf([]).providers });
		const answer = assert.rejects(provider.getSessions(['openid']), { code: 'timeout' });
		clock.advance(GET_SESSIONS_LIMIT_MS);
		await answer;
	});

	it('gives nothing in Restricted Mode', async () => {
		const { provider, scripted } = setUp(snapshotOf([bucketOf('a')]));
		scripted.trusted = false;
		await assert.rejects(provider.getSessions(['openid']), { code: 'untrusted' });
		await assert.rejects(provider.createSession(['openid']), { code: 'untrusted' });
	});

	it('leaves out a token that came back with fewer scopes', async () => {
		const { provider, service } = setUp(snapshotOf([expired('a')]));
		service.answer = async () => ({ bucket: bucketOf('a'), token: { value: 'n', scopes: ['openid'] } });
		assert.deepEqual(await provider.getSessions(['email']), []);
	});
});

describe('createSession', () => {
	it('answers with "Automatic" when the first account signs in, and has announced it by then', async () => {
		const { provider, service, scripted, signIns, changes } = setUp(snapshotOf([]));
		scripted.signIn = async () => {
			service.set(snapshotOf([bucketOf('a')]));
			return bucketOf('a');
		};
		const session = await provider.createSession(['email']);
		assert.deepEqual([session.account, session.scopes, session.accessToken], [AUTOMATIC, ['email'], 'token-a']);
		assert.deepEqual(
			changes.flatMap(({ added }) => added).map(({ id }) => id),
			['acme/automatic', 'acme/a'],
		);
		assert.deepEqual(signIns, [{ providerId: 'acme', scopes: ['openid', 'email'] }]);
	});

	it('signs in again to the bucket in force with the union of scopes when more are wanted', async () => {
		const { provider, service, scripted, signIns } = setUp(snapshotOf([bucketOf('a', { token: { scopes: ['api'] } })]));
		scripted.signIn = async () => {
			const bucket = bucketOf('a', { token: { scopes: ['api', 'more', 'openid', 'email'] } });
			service.set(snapshotOf([bucket]));
			return bucket;
		};
		assert.equal((await provider.createSession(['more'])).account.label, 'Automatic');
		assert.deepEqual(signIns, [{ providerId: 'acme', bucketId: 'a', scopes: ['openid', 'email', 'api', 'more'] }]);
	});

	it('signs in to a new bucket when the scopes are there already, and answers with the account that came', async () => {
		const { provider, service, scripted, signIns } = setUp(snapshotOf([bucketOf('a')]));
		scripted.signIn = async () => {
			service.set(snapshotOf([bucketOf('a'), bucketOf('b')]));
			return bucketOf('b');
		};
		assert.equal((await provider.createSession(['openid'])).account.label, 'b@acme.example');
		assert.equal(signIns[0]?.bucketId, undefined);
	});

	it('answers with the account that was named, also where that is the one in force', async () => {
		const { provider, scripted, signIns } = setUp(snapshotOf([bucketOf('a')]));
		scripted.signIn = async () => bucketOf('a');
		const session = await provider.createSession(['openid'], { id: 'account-a', label: 'a@acme.example' });
		assert.equal(session.account.label, 'a@acme.example');
		assert.equal(signIns[0]?.bucketId, 'a');
	});

	it('answers with "Automatic" when that was named', async () => {
		const { provider, scripted, signIns } = setUp(snapshotOf([bucketOf('a')]));
		scripted.signIn = async () => bucketOf('a');
		assert.equal((await provider.createSession(['openid'], AUTOMATIC)).account.label, 'Automatic');
		assert.equal(signIns[0]?.bucketId, 'a');
	});

	it('signs in again to an account that needs it rather than to a new bucket', async () => {
		const needs = withoutToken('a', { kind: 'needsSignIn', reason: 'invalid_grant' });
		const { provider, service, scripted, signIns } = setUp(snapshotOf([needs]));
		scripted.signIn = async () => {
			service.set(snapshotOf([bucketOf('a')]));
			return bucketOf('a');
		};
		await provider.createSession([]);
		assert.equal(signIns[0]?.bucketId, 'a');
	});

	it('rejects when the service grants less than was asked for', async () => {
		const { provider, scripted } = setUp(snapshotOf([]));
		scripted.signIn = async () => bucketOf('a');
		await assert.rejects(provider.createSession(['admin']), { code: 'denied' });
	});

	it('frees the queue after its limit while the sign-in goes on', async () => {
		const { provider, service, scripted, clock, changes } = setUp(snapshotOf([]));
		const person = createDeferred<BucketSnapshot>();
		scripted.signIn = () => person.promise;
		const answer = assert.rejects(provider.createSession(['openid']), { code: 'timeout' });
		await settle();
		clock.advance(CREATE_SESSION_LIMIT_MS);
		await answer;
		service.set(snapshotOf([bucketOf('a')]));
		person.resolve(bucketOf('a'));
		clock.advance(0);
		assert.equal(changes[0]?.added.length, 2);
	});

	it('keeps the code of a cancellation', async () => {
		const { provider, scripted } = setUp(snapshotOf([]));
		scripted.signIn = () => Promise.reject(new AuthError('cancelled', 'no'));
		await assert.rejects(provider.createSession([]), { code: 'cancelled' });
	});
});

describe('removeSession', () => {
	it('signs out of the bucket, and does nothing for what it does not know', async () => {
		const { provider, service } = setUp(snapshotOf([bucketOf('a')]));
		await provider.removeSession('acme/a');
		for (const id of ['acme/gone', 'other/a', 'a', '']) await provider.removeSession(id);
		assert.deepEqual(service.signedOut, ['a']);
	});

	it('asks nothing about a provider that has left the settings', async () => {
		const { provider, service } = setUp({ loaded: true, providers: [] });
		await provider.removeSession('acme/automatic');
		assert.deepEqual(service.signedOut, []);
	});

	it('is `transient` to the consumer if it failed for a reason without a code', async () => {
		const { provider, service, log } = setUp(snapshotOf([bucketOf('a')]));
		service.signOut = () => Promise.reject(new TypeError('hunter2'));
		await assert.rejects(provider.removeSession('acme/a'), { code: 'transient', message: 'said: unknown' });
		assert.ok(!log.lines.join('\n').includes('hunter2'));
	});

	it('asks what signing out of "Automatic" shall mean', async () => {
		const { provider, service, scripted } = setUp(snapshotOf([bucketOf('a'), bucketOf('b')]));
		scripted.choice = async () => 'revokeExtensionsOnly';
		await provider.removeSession('acme/automatic');
		assert.deepEqual(service.signedOut, []);
		scripted.choice = async () => 'cancel';
		await assert.rejects(provider.removeSession('acme/automatic'), { code: 'cancelled' });
		assert.deepEqual(service.signedOut, []);
		scripted.choice = async () => 'accounts';
		await provider.removeSession('acme/automatic');
		assert.deepEqual(service.signedOut, ['a', 'b']);
	});

	it('does not hold up the queue with that question, and honours a late answer', async () => {
		const { provider, service, scripted, clock } = setUp(snapshotOf([bucketOf('a')]));
		const person = createDeferred<AutomaticSignOut>();
		scripted.choice = () => person.promise;
		const answer = assert.rejects(provider.removeSession('acme/automatic'), { code: 'timeout' });
		clock.advance(SIGN_OUT_QUESTION_LIMIT_MS);
		await answer;
		person.resolve('accounts');
		await settle();
		assert.deepEqual(service.signedOut, ['a']);
	});
});

describe('onDidChangeSessions', () => {
	it('fires once for many changes in a row, with whole sessions', () => {
		const { service, clock, changes } = setUp(snapshotOf([]));
		service.set(snapshotOf([bucketOf('a')]));
		service.set(snapshotOf([bucketOf('a', { token: { value: 'second' } })]));
		assert.equal(changes.length, 0);
		clock.advance(0);
		assert.deepEqual(
			changes.map(({ added }) => added.map(({ accessToken }) => accessToken)),
			[['second', 'second']],
		);
	});

	it('does not fire when no session changed', () => {
		const { service, clock, changes } = setUp(snapshotOf([bucketOf('a')]));
		service.set(snapshotOf([bucketOf('a', { lastUsedAtMs: 1 })]));
		clock.advance(0);
		assert.deepEqual(changes, []);
	});

	it('adds a session with the very scopes of a request that had found nothing, once', async () => {
		const { provider, service, clock, changes } = setUp(snapshotOf([]));
		await provider.getSessions(['email']);
		await provider.getSessions(['email']);
		service.set(snapshotOf([bucketOf('a')]));
		clock.advance(0);
		service.set(snapshotOf([bucketOf('a', { token: { value: 'next' } })]));
		clock.advance(0);
		assert.deepEqual(
			changes[0]?.added.map(({ scopes }) => scopes),
			[['openid', 'email'], ['openid', 'email'], ['email']],
		);
		assert.deepEqual(changes[1]?.added, []);
	});

	it('stops with dispose', () => {
		const { provider, service, clock, changes } = setUp(snapshotOf([]));
		service.set(snapshotOf([bucketOf('a')]));
		provider.dispose();
		service.set(snapshotOf([bucketOf('b')]));
		clock.advance(0);
		assert.deepEqual(changes, []);
	});
});
