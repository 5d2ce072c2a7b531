import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Credential } from '../../../src/auth/credential.ts';
import type { RevocationOutcome } from '../../../src/auth/oauth/revocation.ts';
import { revoke } from '../../../src/auth/oauth/revocation.ts';
import type { Server } from '../../server/server.ts';
import { startServer } from '../../server/server.ts';
import type { answering } from '../../support/oauthFixtures.ts';
import * as fixtures from '../../support/oauthFixtures.ts';
import { signedInCredential } from '../../support/signedInCredential.ts';

const never = new AbortController().signal;

describe('revocation', () => {
	let server: Server;
	before(async () => {
		server = await startServer();
	});
	after(() => server.close());

	it('ends the grant at the demo service, the refresh token first', async () => {
		const alive = server.grantsAlive().length;
		const credential = await signedInCredential(server, fixtures.testDeps());
		assert.equal(server.grantsAlive().length, alive + 1);
		const provider = fixtures.oidcProvider(server.issuer);
		assert.deepEqual(await revoke(provider, credential, fixtures.testDeps(), never), { kind: 'done' });
		assert.equal(server.grantsAlive().length, alive);
		assert.equal(server.revocations().length, 2);
	});

	function revokeAt(
		fetch: ReturnType<typeof answering>,
		signal = never,
		credential: Credential = fixtures.credentialOf('https://e.example'),
	): Promise<RevocationOutcome> {
		const provider = fixtures.oauth2Provider('https://e.example');
		assert.ok(provider.kind === 'oauth2');
		const endpoints = { ...provider.endpoints, revocationEndpoint: 'https://e.example/revoke' };
		return revoke({ ...provider, endpoints }, credential, fixtures.testDeps({ fetch }), signal);
	}

	it('says what each token is', async () => {
		const fetch = fixtures.answering(200, '');
		assert.deepEqual(await revokeAt(fetch), { kind: 'done' });
		assert.deepEqual(
			fetch.requests.map(({ init }) => Object.fromEntries(new URLSearchParams(String(init.body)))),
			[
				{ token_type_hint: 'refresh_token', token: fixtures.CANARY, client_id: 'client' },
				{ token_type_hint: 'access_token', token: 'old-access-token', client_id: 'client' },
			],
		);
	});

	it('a failure of the first does not spare the second', async () => {
		const fetch = fixtures.answering(503, '', { 'retry-after': '60' });
		const outcome = await revokeAt(fetch);
		assert.ok(outcome.kind === 'failed' && outcome.code === 'transient' && outcome.retryAtMs !== undefined);
		assert.equal(fetch.requests.length, 2);
	});

	it('sends the access token alone where there is no other', async () => {
		const { refreshToken: _, ...credential } = fixtures.credentialOf('https://e.example');
		const fetch = fixtures.answering(200, '');
		assert.deepEqual(await revokeAt(fetch, never, credential), { kind: 'done' });
		assert.equal(fetch.requests.length, 1);
	});

	it('is done although the service cannot take back access tokens, but not if it takes back none', async () => {
		const refusing = fixtures.answering(400, { error: 'unsupported_token_type' });
		const { refreshToken: _, ...credential } = fixtures.credentialOf('https://e.example');
		assert.deepEqual(await revokeAt(refusing, never, credential), { kind: 'done' });
		assert.equal((await revokeAt(refusing)).kind, 'failed');
	});

	it('204 is as good as 200', async () => {
		assert.deepEqual(await revokeAt(fixtures.answering(204, '')), { kind: 'done' });
	});

	it('a deadline that is over sends nothing', async () => {
		const fetch = fixtures.answering(200, '');
		assert.equal((await revokeAt(fetch, AbortSignal.abort())).kind, 'failed');
		assert.equal(fetch.requests.length, 0);
	});

	it('is unsupported without an endpoint, and for an API key', async () => {
		const deps = fixtures.testDeps({ fetch: fixtures.answering(200, '') });
		const provider = fixtures.oauth2Provider('https://e.example');
		assert.deepEqual(await revoke(provider, fixtures.credentialOf('https://e.example'), deps, never), {
			kind: 'unsupported',
		});
		const key: Credential = {
			kind: 'apiKey',
			accessToken: 'k',
			scopes: [],
			obtainedAtMs: 1,
			identity: { issuer: 'k' },
		};
		assert.deepEqual(await revoke({ id: 'k', label: 'K', kind: 'apiKey' }, key, deps, never), { kind: 'unsupported' });
	});

	it('a server that cannot be found is a failure, not an exception', async () => {
		const deps = fixtures.testDeps({ fetch: fixtures.answering(500, '') });
		const provider = fixtures.oidcProvider('https://e.example');
		assert.deepEqual(await revoke(provider, fixtures.credentialOf('https://e.example'), deps, never), {
			kind: 'failed',
			code: 'transient',
		});
	});
});
