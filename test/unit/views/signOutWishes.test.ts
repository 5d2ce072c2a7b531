import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AuthError } from '../../../src/auth/errors.ts';
import type { SignOutMode } from '../../../src/auth/service.ts';
import { createSignOutWishes } from '../../../src/views/signIn/signOutWishes.ts';
import { bucketOf, createFakeAuthService, snapshotOf } from '../../support/fakeAuthService.ts';

function setUp(fail?: Error) {
	const modes: [string, SignOutMode | undefined][] = [];
	const wishes = createSignOutWishes({
		...createFakeAuthService(snapshotOf([bucketOf('a'), bucketOf('b')])),
		async signOut(_providerId, bucketId, mode) {
			modes.push([bucketId, mode]);
			if (fail) throw fail;
		},
	});
	return { wishes, modes };
}

describe('a sign-out that VS Code carries out', () => {
	it('happens in the way the person chose, for that account and that time only', async () => {
		const { wishes, modes } = setUp();
		await wishes.during('a', 'revoke', async () => {
			await wishes.service.signOut('acme', 'a');
			await wishes.service.signOut('acme', 'b');
		});
		await wishes.service.signOut('acme', 'a');
		assert.deepEqual(modes, [
			['a', 'revoke'],
			['b', undefined],
			['a', undefined],
		]);
	});

	it('leaves no wish behind when the person says no to VS Code, or it fails', async () => {
		const { wishes, modes } = setUp();
		await wishes.during('a', 'revoke', async () => undefined);
		await assert.rejects(
			wishes.during('a', 'revoke', () => Promise.reject(new Error('VS Code'))),
			/VS Code/,
		);
		await wishes.service.signOut('acme', 'a');
		assert.deepEqual(modes, [['a', undefined]]);
	});

	it('fails with the reason, of which VS Code passes on a text only', async () => {
		const reason = new AuthError('transient', 'not revoked');
		const { wishes } = setUp(reason);
		const work = async (): Promise<void> => {
			await wishes.service.signOut('acme', 'a').catch(() => Promise.reject(new Error('a text')));
		};
		await assert.rejects(wishes.during('a', 'revoke', work), (error) => error === reason);
	});
});
