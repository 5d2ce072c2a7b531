/** Accounts of two people and the ways to leave one, over a real OAuth server. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isAuthError } from '../../../src/auth/errors.ts';
import { digest } from '../../../src/auth/log.ts';
import { type Server, startServer } from '../../server/server.ts';
import { createSharedKeys, demoProvider, openWindow, scriptedUi, type Window } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';

describe('accounts of two people', () => {
	let folder: string;
	let server: Server;
	let keys: ReturnType<typeof createSharedKeys>;
	const windows: Window[] = [];
	const cleanUps: (() => Promise<void>)[] = [];

	beforeEach(async () => {
		folder = await tempFolder({ after: (work) => void cleanUps.push(work) });
		server = await startServer({ accessTokenLifeS: 3600 });
		keys = createSharedKeys();
	});

	afterEach(async () => {
		for (const window of windows.splice(0)) window.service.dispose();
		await server.close();
		for (const cleanUp of cleanUps.splice(0)) await cleanUp();
	});

	function open(): Window {
		const window = openWindow(folder, keys, [demoProvider(server.issuer)]);
		windows.push(window);
		return window;
	}

	const provider = (window: Window) => window.service.snapshot().providers[0];
	const token = (window: Window, bucketId?: string) =>
		window.service.getToken({
			providerId: 'demo',
			deadlineMs: 20_000,
			purpose: 'test',
			...(bucketId === undefined ? {} : { bucketId }),
		});
	const signIn = (window: Window, person: 'ada' | 'grace') =>
		window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person }) });

	/** The server's session of this account ends, and somebody finds out. */
	async function endSession(window: Window, bucketId: string): Promise<void> {
		const { token: before } = await token(window, bucketId);
		const dead = server.fault({ on: 'refresh', oauthError: 'invalid_grant' });
		await window.service.report({
			providerId: 'demo',
			tokenDigest: digest(before.value),
			report: { status: 401, headers: {} },
			deadlineMs: 20_000,
		});
		dead.dispose();
	}

	it('leaves another person out of Automatic until somebody decides, and then moves on silently', async () => {
		const [first, second] = [open(), open()];
		const ada = await signIn(first, 'ada');
		const grace = await signIn(first, 'grace');
		assert.equal(ada.automatic, true);
		assert.equal(grace.automatic, false);
		await endSession(first, ada.id);
		assert.equal(provider(first)?.automatic.kind, 'needsSignIn');
		await assert.rejects(token(first), (error) => isAuthError(error, 'invalid_grant'));
		assert.equal((await token(first, grace.id)).bucket.account.label, 'grace@example.test');
		await first.service.describeBucket('demo', grace.id, { automatic: true });
		await until('the other window knows', () => provider(second)?.inForce === grace.id);
		for (const window of [first, second])
			assert.equal((await token(window)).bucket.account.label, 'grace@example.test');
		await assert.rejects(token(second, ada.id), (error) => isAuthError(error, 'invalid_grant'));
		// Signed in again, the first one is in force again.
		assert.equal((await signIn(second, 'ada')).id, ada.id);
		assert.equal((await token(second)).bucket.id, ada.id);
	});

	it('moves on in the same call when the refresh says that the session has ended', async () => {
		const window = open();
		const ada = await signIn(window, 'ada');
		const grace = await signIn(window, 'grace');
		await window.service.describeBucket('demo', grace.id, { automatic: true });
		const dead = server.fault({ on: 'refresh', oauthError: 'invalid_grant', times: 1 });
		const { value } = (await token(window, ada.id)).token;
		const issued = await window.service.getToken({
			providerId: 'demo',
			deadlineMs: 20_000,
			purpose: 'test',
			refusedDigest: digest(value),
		});
		dead.dispose();
		assert.equal(issued.bucket.id, grace.id);
	});

	it('does not move on for trouble that passes', async () => {
		const window = open();
		const ada = await signIn(window, 'ada');
		const grace = await signIn(window, 'grace');
		await window.service.describeBucket('demo', grace.id, { automatic: true });
		const { value } = (await token(window, ada.id)).token;
		const trouble = server.fault({ on: 'refresh', respond: { status: 503 } });
		const refused = window.service.getToken({
			providerId: 'demo',
			deadlineMs: 20_000,
			purpose: 'test',
			refusedDigest: digest(value),
		});
		await assert.rejects(refused, (error) => isAuthError(error, 'transient'));
		trouble.dispose();
		assert.equal(provider(window)?.inForce, ada.id);
	});

	it('revokes the grant first when asked to, and keeps the account if that fails', async () => {
		const [first, second] = [open(), open()];
		const ada = await signIn(first, 'ada');
		const down = server.fault({ on: 'revocation', respond: { status: 503 } });
		await assert.rejects(first.service.signOut('demo', ada.id, 'revoke'), (error) => isAuthError(error, 'transient'));
		assert.equal((await token(first)).bucket.id, ada.id);
		down.dispose();
		await first.service.signOut('demo', ada.id, 'revoke');
		assert.deepEqual(server.grantsAlive(), []);
		await until('the other window knows', () => provider(second)?.buckets.length === 0);
	});

	it('forgets an account without a word to the service when asked to', async () => {
		const window = open();
		const ada = await signIn(window, 'ada');
		await window.service.signOut('demo', ada.id, 'forget');
		await assert.rejects(token(window), (error) => isAuthError(error, 'no_account'));
		const grace = await signIn(window, 'grace');
		await window.service.signOut('demo', grace.id);
		await until('the service was told of the other', () => server.revocations().length > 0);
		assert.equal(server.grantsAlive().length, 1);
	});

	it('knows where the service signs out of everything, and puts no token into the address', async () => {
		const address = await open().service.endSessionAddress('demo');
		assert.ok(address);
		assert.equal(address.startsWith(server.issuer), true);
		assert.deepEqual([...new URL(address).searchParams.keys()], ['client_id']);
		assert.equal((await fetch(address)).status, 200);
	});

	it('revokes what another window renewed while the grant was being revoked', async () => {
		const [first, second] = [open(), open()];
		const ada = await signIn(first, 'ada');
		await until('the other window knows', () => provider(second)?.inForce === ada.id);
		const held = server.fault({ on: 'revocation', hold: 'before', times: 1 });
		const arrived = server.next('revocation', { phase: 'arrived' });
		const leaving = first.service.signOut('demo', ada.id, 'revoke');
		await arrived;
		await second.service.refresh('demo', ada.id);
		held.dispose();
		await leaving;
		await until('no grant is left', () => server.grantsAlive().length === 0);
		await assert.rejects(token(second), (error) => isAuthError(error, 'no_account'));
	});
});
