/** The provider of a live credential names another service: what the first one gave is nobody else's. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import { isAuthError } from '../../../src/auth/errors.ts';
import { digest } from '../../../src/auth/log.ts';
import { createOAuthDeps } from '../../../src/auth/oauth/deps.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import { createDiskShelf } from '../../../src/auth/shelf.ts';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { CLIENT_ID, SCOPES } from '../../server/client.ts';
import { type Server, startServer } from '../../server/server.ts';
import { type StrictTokenServer, startStrictTokenServer } from '../../server/strictTokenServer.ts';
import {
	createSharedKeys,
	createTestLog,
	demoProvider,
	openWindow,
	scriptedUi,
	type Window,
} from '../../support/serviceWindow.ts';
import { until } from '../../support/until.ts';

const CHANGED = { code: 'service_changed' };

describe('a provider that names another service', () => {
	let folder: string;
	let first: Server;
	let other: StrictTokenServer;
	let keys: ReturnType<typeof createSharedKeys>;
	let seen: number;
	const windows: Window[] = [];

	before(async () => {
		first = await startServer({ accessTokenLifeS: 3600 });
		other = await startStrictTokenServer();
	});
	after(async () => {
		await first.close();
		await other.close();
	});
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'agent-auth-changed-'));
		keys = createSharedKeys();
		seen = other.requests.length;
		first.setAccessTokenLife(3600);
	});
	afterEach(async () => {
		for (const window of windows.splice(0)) window.service.dispose();
		await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
	});

	function open(providers: Provider[], overrides: Parameters<typeof openWindow>[3] = {}): Window {
		const window = openWindow(folder, keys, providers, overrides);
		windows.push(window);
		return window;
	}

	const token = (window: Window, bucketId?: string, refusedDigest?: string) =>
		window.service.getToken({
			...{ providerId: 'demo', deadlineMs: 20_000, purpose: 'test' },
			...(bucketId === undefined ? {} : { bucketId }),
			...(refusedDigest === undefined ? {} : { refusedDigest }),
		});
	const signIn = (window: Window) => window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
	const bucketOf = (window: Window) => window.service.snapshot().providers[0]?.buckets[0];
	const nothingSent = () => assert.equal(other.requests.length, seen, 'the other service heard nothing');

	/** The entry as endpoints, so that each can be changed alone. */
	function byEndpoints(changes: { token?: string; revocation?: string; issuer?: string; clientId?: string }): Provider {
		const { issuer } = first;
		return {
			...{ id: 'demo', label: 'Demo', kind: 'oauth2' },
			endpoints: {
				issuer: changes.issuer ?? issuer,
				authorizationEndpoint: `${issuer}/auth`,
				tokenEndpoint: changes.token ?? `${issuer}/token`,
				revocationEndpoint: changes.revocation ?? `${issuer}/token/revocation`,
				userinfoEndpoint: `${issuer}/me`,
			},
			client: { clientId: changes.clientId ?? CLIENT_ID, scopes: [...SCOPES] },
		};
	}

	const others: readonly (readonly [string, () => Provider])[] = [
		['issuer', () => demoProvider(other.issuer)],
		['issuer of endpoints', () => byEndpoints({ issuer: other.issuer })],
		['token endpoint', () => byEndpoints({ token: other.tokenUrl })],
		['client', () => byEndpoints({ clientId: 'another-client' })],
		['kind', () => ({ id: 'demo', label: 'Demo', kind: 'apiKey' })],
	];
	for (const [what, entry] of others) {
		it(`by its ${what} is sent nothing, serves nothing and says so; with the old entry back it answers again`, async () => {
			const mine = what === 'issuer' ? demoProvider(first.issuer) : byEndpoints({});
			const providers: Provider[] = [mine];
			const window = open(providers);
			const { id } = await signIn(window);
			const { value } = (await token(window)).token;
			const refreshes = first.refreshRequests();
			const revocations = first.count('revocation');

			providers[0] = entry();
			const reloaded = window.service.reload();
			assert.deepEqual(bucketOf(window)?.state, { kind: 'needsSignIn', reason: 'service_changed' });
			await reloaded;
			assert.equal(bucketOf(window)?.token, undefined);
			assert.equal(window.service.snapshot().providers[0]?.inForce, undefined);
			await assert.rejects(token(window, id), CHANGED);
			await assert.rejects(window.service.refresh('demo', id), CHANGED);
			if (what !== 'kind') await assert.rejects(window.service.signOut('demo', id, 'revoke'), CHANGED);
			nothingSent();

			providers[0] = mine;
			await window.service.reload();
			assert.equal((await token(window)).token.value, value);

			providers[0] = entry();
			await window.service.reload();
			await window.service.signOut('demo', id);
			await until('the sign-out is over', () => window.lines.some((line) => line.includes('revocation')));
			nothingSent();
			assert.equal(first.refreshRequests(), refreshes);
			assert.equal(first.count('revocation'), revocations);
		});
	}

	it('is sent no refresh token when the access token has ended, in this window or in one that knows only the new entry', async () => {
		first.setAccessTokenLife(1);
		const providers = [byEndpoints({})];
		const window = open(providers);
		const { id } = await signIn(window);
		const endsAtMs = bucketOf(window)?.token?.expiresAtMs ?? 0;
		providers[0] = byEndpoints({ token: other.tokenUrl });
		const second = open([byEndpoints({ token: other.tokenUrl })]);
		await second.service.loaded;
		await until('the token has ended', () => Date.now() > endsAtMs);
		for (const each of [window, second]) await assert.rejects(token(each, id), CHANGED);
		nothingSent();
	});

	it('does not get what comes of a renewal that was under way at the first service, in the window that renews or in one that waits', async () => {
		const [one, two] = [[byEndpoints({})], [byEndpoints({})]];
		const [window, second] = [open(one), open(two)];
		const { id } = await signIn(window);
		await until('the second window knows', () => bucketOf(second)?.generation === 1);
		const { value } = (await token(window)).token;
		const before = first.refreshRequests();
		const held = first.fault({ on: 'refresh', hold: 'after' });
		const waiting = [window, second].map((each) => assert.rejects(token(each, id, digest(value)), CHANGED));
		await until('it is under way', () => first.refreshRequests() > before);
		for (const providers of [one, two]) providers[0] = byEndpoints({ token: other.tokenUrl });
		await Promise.all([window, second].map((each) => each.service.reload()));
		held.dispose();
		await Promise.all(waiting);
		nothingSent();
		assert.equal(first.refreshRequests(), before + 1);
		// It is kept for the first service, which gave it.
		one[0] = byEndpoints({});
		await window.service.reload();
		assert.notEqual((await token(window, id)).token.value, value);
		assert.equal(first.refreshRequests(), before + 1);
	});

	it('is mended by a sign-in there; the account of the first service is kept beside it', async () => {
		const providers = [demoProvider(first.issuer)];
		const window = open(providers);
		const { id } = await signIn(window);
		const moved = await startServer();
		try {
			providers[0] = demoProvider(moved.issuer);
			await window.service.reload();
			const again = await signIn(window);
			assert.notEqual(again.id, id);
			assert.equal((await token(window, again.id)).bucket.state.kind, 'ready');
			await assert.rejects(token(window, id), CHANGED);
			assert.equal(moved.refreshRequests(), 0);
		} finally {
			await moved.close();
		}
	});

	it('by its client alone is mended in the same account', async () => {
		const providers = [byEndpoints({})];
		const window = open(providers);
		const { id } = await signIn(window);
		const shelf = diskShelf();
		const reading = await shelf.vault.read({ providerId: 'demo', bucketId: id });
		assert.ok(reading.kind === 'credential' && reading.credential.kind === 'oauth');
		const { origin } = reading.credential;
		assert.ok(origin);
		assert.deepEqual(origin, {
			...{ issuer: first.issuer, clientId: CLIENT_ID },
			...{ token: new URL(first.issuer).origin, revocation: new URL(first.issuer).origin },
		});
		const ofAnother = { ...reading.credential, origin: { ...origin, clientId: 'another-client' } };
		await shelf.vault.write({ providerId: 'demo', bucketId: id }, reading.generation, ofAnother);
		await until('the window knows', () => bucketOf(window)?.state.kind === 'needsSignIn');
		assert.equal((await signIn(window)).id, id);
		assert.equal((await token(window, id)).bucket.id, id);
	});

	it('by its revocation endpoint alone renews at the first service, and revokes nowhere', async () => {
		const providers = [byEndpoints({})];
		const window = open(providers);
		const { id } = await signIn(window);
		providers[0] = byEndpoints({ revocation: other.revocationUrl });
		await window.service.reload();
		await window.service.refresh('demo', id);
		await assert.rejects(window.service.signOut('demo', id, 'revoke'), CHANGED);
		nothingSent();
		assert.equal(bucketOf(window)?.state.kind, 'ready');
	});

	it('in its metadata is noticed before the refresh token is sent, and the account says so', async () => {
		let moved = false;
		const log = createTestLog([]);
		const moving = async (url: string, init: RequestInit): Promise<Response> => {
			const response = await fetch(url, init);
			if (!moved || !url.includes('.well-known')) return response;
			return Response.json({ ...Object(await response.json()), token_endpoint: other.tokenUrl });
		};
		const oauth = () => createOAuthDeps({ fetch: moving, clock: systemClock, log });
		const window = open([demoProvider(first.issuer)], { oauth: oauth() });
		const { id } = await signIn(window);
		moved = true;
		const later = open([demoProvider(first.issuer)], { oauth: oauth() });
		await later.service.loaded;
		await assert.rejects(later.service.refresh('demo', id), CHANGED);
		nothingSent();
		for (const each of [window, later])
			await until('it says so', () => {
				const state = bucketOf(each)?.state;
				return state?.kind === 'needsSignIn' && state.reason === 'service_changed';
			});
		// In a field that earlier versions pass over; they would read no state with a reason that they do not know.
		const { needsSignIn, serviceChanged } = (await stored(id)) ?? {};
		assert.deepEqual([needsSignIn, serviceChanged?.generation], [undefined, 1]);
		// The metadata was wrong for a moment: who asks by hand is served again.
		moved = false;
		const mended = open([demoProvider(first.issuer)], { oauth: oauth() });
		await mended.service.loaded;
		await mended.service.refresh('demo', id);
		assert.equal(bucketOf(mended)?.state.kind, 'ready');
	});

	describe('under a credential of an earlier version', () => {
		/** As an earlier version left it: without a word of the service. */
		async function older(): Promise<string> {
			const window = open([byEndpoints({})]);
			const { id } = await signIn(window);
			const ref = { providerId: 'demo', bucketId: id };
			const shelf = diskShelf();
			const reading = await shelf.vault.read(ref);
			assert.ok(reading.kind === 'credential' && reading.credential.kind === 'oauth');
			const { origin: _origin, ...unbound } = reading.credential;
			window.service.dispose();
			await shelf.vault.write(ref, reading.generation, unbound);
			return id;
		}

		it('is noticed from the first reading on, and the next refresh seals the service', async () => {
			const id = await older();
			const window = open([byEndpoints({})]);
			await window.service.loaded;
			await until('it is bound', async () => (await stored(id))?.origin !== undefined);
			const second = open([byEndpoints({ token: other.tokenUrl })]);
			await second.service.loaded;
			await assert.rejects(token(second, id), CHANGED);
			await assert.rejects(second.service.refresh('demo', id), CHANGED);
			await assert.rejects(second.service.signOut('demo', id, 'revoke'), CHANGED);
			nothingSent();
			// The binding is that of the first reading, whatever the entry says of it since.
			const third = open([byEndpoints({ revocation: other.revocationUrl })]);
			await third.service.loaded;
			await third.service.refresh('demo', id);
			await assert.rejects(third.service.signOut('demo', id, 'revoke'), CHANGED);
			nothingSent();
			const reading = await diskShelf().vault.read({ providerId: 'demo', bucketId: id });
			assert.ok(reading.kind === 'credential' && reading.credential.kind === 'oauth');
			assert.equal(reading.credential.origin?.token, new URL(first.issuer).origin);
			assert.equal(reading.credential.origin?.clientId, CLIENT_ID);
		});

		it('is noticed at the first reading already where the issuer is not that of the account', async () => {
			const id = await older();
			const second = open([demoProvider(other.issuer)]);
			await second.service.loaded;
			await assert.rejects(token(second, id), CHANGED);
			await assert.rejects(second.service.refresh('demo', id), CHANGED);
			nothingSent();
			assert.equal((await stored(id))?.origin, undefined);
		});
	});

	it('leaves API keys alone: nothing in their entry is an address', async () => {
		const providers: Provider[] = [{ id: 'demo', label: 'Demo', kind: 'apiKey' }];
		const window = open(providers);
		await window.service.addApiKey({ providerId: 'demo', key: 'a-key', name: 'Key' });
		providers[0] = demoProvider(other.issuer);
		await window.service.reload();
		assert.equal((await token(window)).token.value, 'a-key');
		nothingSent();
	});

	function diskShelf() {
		const parts = { storagePath: folder, disk: nodeDisk, clock: systemClock, secrets: keys, keepKeyCopy: false };
		return createDiskShelf({ ...parts, log: createTestLog([]) });
	}

	async function stored(bucketId: string) {
		const reading = await diskShelf().state.read();
		assert.ok(reading.kind === 'state');
		return reading.state.providers.demo?.buckets.find(({ id }) => id === bucketId);
	}

	it('is a failure of its own, which names the service', async () => {
		const window = open([demoProvider(first.issuer)]);
		const { id } = await signIn(window);
		const second = open([demoProvider(other.issuer)]);
		await second.service.loaded;
		await assert.rejects(token(second, id), (error) => isAuthError(error) && error.detail.provider === 'demo');
	});
});
