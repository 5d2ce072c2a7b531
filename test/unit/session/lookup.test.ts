/** Answers to VS Code in the less usual states of a provider: switched off, exhausted, tied to a bucket, or gone. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AuthError } from '../../../src/auth/errors.ts';
import { findSessions } from '../../../src/auth/session/sessionLookup.ts';
import { sessionsOf } from '../../../src/auth/session/sessions.ts';
import { sessionAfterSignIn, signInTarget } from '../../../src/auth/session/signInTarget.ts';
import { standingSessions } from '../../../src/auth/session/standingSessions.ts';
import { createUnmetRequests } from '../../../src/auth/session/unmetRequests.ts';
import type { BucketSnapshot, ProviderSnapshot, Snapshot } from '../../../src/auth/snapshot.ts';
import { bucketOf, createFakeAuthService, KEYS, snapshotOf, withoutToken } from '../../support/fakeAuthService.ts';
import { createManualClock } from '../../support/manualClock.ts';

const EXHAUSTED: ProviderSnapshot['automatic'] = { kind: 'exhausted', buckets: [] };

type Options = Parameters<typeof snapshotOf>[1];

function providerOf(buckets: readonly BucketSnapshot[], options: Options = {}): ProviderSnapshot {
	return snapshotOf(buckets, options).providers[0] ?? assert.fail();
}

function lookup(initial: Snapshot) {
	const service = createFakeAuthService(initial);
	const clock = createManualClock();
	const find = () =>
		findSessions({
			...{ service, clock, providerId: 'acme', scopes: ['openid'], account: undefined, deadlineMs: 1_000 },
		});
	return { service, find };
}

describe('a lookup', () => {
	it('asks the core why "Automatic" cannot answer, and does not offer a sign-in for that', async () => {
		const { service, find } = lookup(snapshotOf([bucketOf('a')], { automatic: EXHAUSTED }));
		service.answer = () => Promise.reject(new AuthError('exhausted', 'all used up'));
		await assert.rejects(find(), { code: 'exhausted' });
	});

	it('goes on where that has passed meanwhile', async () => {
		const { service, find } = lookup(snapshotOf([bucketOf('a')], { automatic: EXHAUSTED }));
		service.answer = async () => {
			service.set(snapshotOf([bucketOf('a')]));
			return { bucket: bucketOf('a'), token: { value: 'token-a', scopes: ['openid'] } };
		};
		assert.deepEqual(
			(await find()).map(({ id }) => id),
			['acme/automatic', 'acme/a'],
		);
	});

	it('says so if the provider leaves the settings while it runs', async () => {
		const { service, find } = lookup(snapshotOf([bucketOf('a')], { automatic: EXHAUSTED }));
		service.answer = async () => {
			service.set({ loaded: true, providers: [] });
			return { bucket: bucketOf('a'), token: { value: 'token-a', scopes: [] } };
		};
		await assert.rejects(find(), { code: 'unknown_provider' });
	});

	it('says that an account is switched off rather than that there is none', async () => {
		const { find } = lookup(snapshotOf([bucketOf('a', { disabled: true })]));
		await assert.rejects(find(), (error: AuthError) => {
			assert.equal(error.code, 'disabled');
			assert.deepEqual(error.detail, { provider: 'acme', bucketName: 'a@acme.example' });
			return true;
		});
		const half = lookup(snapshotOf([bucketOf('a', { disabled: true }), withoutToken('b', { kind: 'signedOut' })]));
		assert.deepEqual(await half.find(), []);
	});
});

describe('a sign-in that VS Code asks for', () => {
	it('goes to the bucket that the workspace is tied to and that cannot be used', () => {
		const lost = withoutToken('b', { kind: 'signedOut' });
		const automatic = { kind: 'boundUnusable', bucketName: 'b', bucketId: 'b' } as const;
		const provider = providerOf([bucketOf('a'), lost], { automatic });
		assert.equal(signInTarget(provider, ['x'], undefined).bucketId, 'b');
	});

	it('asks for no scopes of the settings where there are none', () => {
		const provider = providerOf([], { provider: KEYS });
		assert.deepEqual(signInTarget(provider, ['x'], undefined), { providerId: 'keys', scopes: ['x'] });
	});

	it('answers with the account itself if the provider has left the settings meanwhile', () => {
		const session = sessionAfterSignIn(undefined, bucketOf('a'), ['openid'], undefined);
		assert.deepEqual([session.account.label, session.accessToken], ['a@acme.example', 'token-a']);
	});

	it('is no session if it left no token', () => {
		const bucket = withoutToken('a', { kind: 'ready' });
		assert.throws(() => sessionAfterSignIn(providerOf([bucket]), bucket, [], undefined), { code: 'no_account' });
	});
});

describe('the sessions of a command that has not run', () => {
	it('are listed without a token, so that its account can be chosen', () => {
		const bucket = bucketOf('a', { kind: 'reference', token: 'none', renewable: false });
		assert.deepEqual(
			sessionsOf(providerOf([bucket], { inForce: 'a' })).map(({ id, accessToken }) => [id, accessToken]),
			[
				['acme/automatic', ''],
				['acme/a', ''],
			],
		);
	});
});

describe('the sessions that stand', () => {
	it('are right however many sets of scopes are asked for', () => {
		const provider = providerOf([bucketOf('a', { renewable: true, token: { scopes: ['openid', 's0', 's40'] } })]);
		for (let round = 0; round < 2; round++)
			for (let index = 0; index <= 40; index++) {
				const sessions = standingSessions(provider, [`s${index}`], 0);
				assert.equal(sessions?.length, index === 0 || index === 40 ? 1 : 0, `s${index}`);
			}
		assert.equal(standingSessions(provider, ['s0'], 0), standingSessions(provider, ['s0'], 0));
	});
});

describe('requests that found nothing', () => {
	const session = { id: 'acme/a', accessToken: 't', account: { id: 'a', label: 'A' }, scopes: ['openid', 'email'] };
	const added = { added: [session], removed: [], changed: [] };

	it('wait for a session that has what they asked for, and are met once', () => {
		const provider = providerOf([bucketOf('a')]);
		const unmet = createUnmetRequests();
		unmet.add(['email']);
		unmet.add(['admin']);
		assert.deepEqual(
			unmet.meet(provider, added).map(({ scopes }) => scopes),
			[['email']],
		);
		assert.deepEqual(unmet.meet(provider, added), []);
	});

	it('wait on where the provider is not there', () => {
		const unmet = createUnmetRequests();
		unmet.add(['email']);
		assert.deepEqual(unmet.meet(undefined, added), []);
		assert.equal(unmet.meet(providerOf([bucketOf('a')]), added).length, 1);
	});
});
