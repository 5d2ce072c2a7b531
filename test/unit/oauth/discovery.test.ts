import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AuthErrorCode } from '../../../src/auth/errors.ts';
import { AuthError, isAuthError } from '../../../src/auth/errors.ts';
import type { Fetch } from '../../../src/auth/oauth/deps.ts';
import { resolveServer } from '../../../src/auth/oauth/discovery.ts';
import { createServerCache } from '../../../src/auth/oauth/serverCache.ts';
import type { Server } from '../../server/server.ts';
import { startServer } from '../../server/server.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { answering, oauth2Provider, oidcProvider, testDeps } from '../../support/oauthFixtures.ts';

const ISSUER = 'https://login.example.com/tenant';
const METADATA = {
	issuer: ISSUER,
	token_endpoint: 'https://login.example.com/token',
	authorization_endpoint: 'https://login.example.com/authorize',
};
const never = new AbortController().signal;

describe('discovery', () => {
	let server: Server;
	before(async () => {
		server = await startServer();
	});
	after(() => server.close());

	it('finds the endpoints of the demo service, and asks once', async () => {
		const deps = testDeps();
		const first = await resolveServer(oidcProvider(server.issuer), deps, never);
		assert.equal(first.issuer, server.issuer);
		assert.ok(first.authorization_endpoint && first.device_authorization_endpoint && first.revocation_endpoint);
		assert.equal(await resolveServer(oidcProvider(server.issuer), deps, never), first);
		assert.equal(server.count('discovery'), 1);
	});

	it('takes RFC 8414 metadata where there is no OpenID Connect', async () => {
		const asked: string[] = [];
		const fetch: Fetch = async (url) => {
			asked.push(url);
			return url.includes('oauth-authorization-server')
				? new Response(JSON.stringify(METADATA))
				: new Response('', { status: 404 });
		};
		const found = await resolveServer(oidcProvider(ISSUER), testDeps({ fetch }), never);
		assert.equal(found.token_endpoint, METADATA.token_endpoint);
		assert.deepEqual(asked, [
			'https://login.example.com/tenant/.well-known/openid-configuration',
			'https://login.example.com/.well-known/oauth-authorization-server/tenant',
		]);
	});

	const table: readonly [name: string, status: number, body: unknown, code: AuthErrorCode][] = [
		['another issuer', 200, { ...METADATA, issuer: 'https://evil.example' }, 'configuration'],
		['the issuer with a slash more', 200, { ...METADATA, issuer: `${ISSUER}/` }, 'configuration'],
		['no issuer', 200, { ...METADATA, issuer: undefined }, 'configuration'],
		['no token endpoint', 200, { ...METADATA, token_endpoint: undefined }, 'configuration'],
		['an endpoint without TLS', 200, { ...METADATA, token_endpoint: 'http://login.example.com/t' }, 'configuration'],
		['an optional endpoint without TLS', 200, { ...METADATA, userinfo_endpoint: 'http://x.example' }, 'configuration'],
		[
			'an endpoint of another scheme',
			200,
			{ ...METADATA, authorization_endpoint: 'javascript:alert(1)' },
			'configuration',
		],
		['an endpoint on this machine', 200, { ...METADATA, userinfo_endpoint: 'https://localhost/me' }, 'configuration'],
		['no document', 404, '', 'configuration'],
		['forbidden', 403, '', 'configuration'],
		['a redirect', 302, '', 'protocol'],
		['a page', 200, '<html>', 'protocol'],
		['a list', 200, [], 'protocol'],
		['too much', 200, 'x'.repeat(1024 * 1024 + 1), 'protocol'],
		['busy', 429, '', 'transient'],
		['broken', 500, '', 'transient'],
		['a gateway', 502, '', 'transient'],
	];
	for (const [name, status, body, code] of table) {
		it(`${name}: ${code}, and not kept`, async () => {
			const fetch = answering(status, body, { location: 'https://evil.example/' });
			const deps = testDeps({ fetch });
			await assert.rejects(resolveServer(oidcProvider(ISSUER), deps, never), (error) => isAuthError(error, code));
			assert.ok(fetch.requests.every(({ url }) => url.startsWith('https://login.example.com/')));
			const again = { ...deps, fetch: answering(200, METADATA) };
			assert.equal((await resolveServer(oidcProvider(ISSUER), again, never)).issuer, ISSUER);
		});
	}

	it('names the field of the settings', async () => {
		const deps = testDeps({ fetch: answering(200, { ...METADATA, issuer: 'https://evil.example' }) });
		await assert.rejects(
			resolveServer(oidcProvider(ISSUER), deps, never),
			(error) => isAuthError(error) && error.detail.field === 'demo.issuer',
		);
	});

	it('ends with the reason of its signal', async () => {
		const gone = new AbortController();
		const fetch: Fetch = (_url, init) =>
			new Promise((_resolve, reject) => init.signal?.addEventListener('abort', () => reject(new Error('aborted'))));
		const pending = resolveServer(oidcProvider(ISSUER), testDeps({ fetch }), gone.signal);
		gone.abort(new AuthError('timeout', 'x'));
		await assert.rejects(pending, (error) => isAuthError(error, 'timeout'));
	});

	it('asks nobody where endpoints are configured', async () => {
		const fetch = answering(500, '');
		const found = await resolveServer(oauth2Provider('https://e.example'), testDeps({ fetch }), never);
		assert.equal(found.token_endpoint, 'https://e.example/token');
		assert.equal(fetch.requests.length, 0);
	});

	it('has every endpoint that the settings name, and no other', async () => {
		const provider = oauth2Provider('https://e.example');
		assert.ok(provider.kind === 'oauth2');
		const named = {
			authorizationEndpoint: 'https://e.example/authorize',
			deviceAuthorizationEndpoint: 'https://e.example/device',
			revocationEndpoint: 'https://e.example/revoke',
			userinfoEndpoint: 'https://e.example/me',
		};
		const all = { ...provider, endpoints: { ...provider.endpoints, ...named } };
		const found = await resolveServer(all, testDeps(), never);
		assert.deepEqual(
			[
				...[found.authorization_endpoint, found.device_authorization_endpoint],
				...[found.revocation_endpoint, found.userinfo_endpoint],
			],
			Object.values(named),
		);
		assert.ok(!('revocation_endpoint' in (await resolveServer(provider, testDeps(), never))));
	});

	it('keeps the last used, up to its limit, for an hour', () => {
		const clock = createManualClock();
		const cache = createServerCache(clock, 2);
		for (const issuer of ['a', 'b']) cache.set(issuer, { issuer });
		cache.get('a');
		cache.set('c', { issuer: 'c' });
		assert.deepEqual(
			['a', 'b', 'c'].map((issuer) => cache.get(issuer)?.issuer),
			['a', undefined, 'c'],
		);
		clock.advance(60 * 60_000 + 1);
		assert.equal(cache.get('a'), undefined);
	});
});
