import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import type { AuthErrorCode } from '../../../src/auth/errors.ts';
import { isAuthError } from '../../../src/auth/errors.ts';
import type { CodeRequest } from '../../../src/auth/oauth/codeGrant.ts';
import { finishCodeGrant, startCodeGrant } from '../../../src/auth/oauth/codeGrant.ts';
import type { OAuthDeps } from '../../../src/auth/oauth/deps.ts';
import { resolveServer } from '../../../src/auth/oauth/discovery.ts';
import type { OAuthProvider } from '../../../src/auth/provider.ts';
import type { Fault } from '../../server/faults.ts';
import type { Server } from '../../server/server.ts';
import { startServer } from '../../server/server.ts';
import { answering, oauth2Provider, oidcProvider, testDeps, unsignedJwt } from '../../support/oauthFixtures.ts';
import { signedInCredential } from '../../support/signedInCredential.ts';
import { signInByHttp } from '../../support/signInByHttp.ts';

const REDIRECT = 'http://127.0.0.1:50000/callback';
const never = new AbortController().signal;

describe('the authorization address', () => {
	const provider = oauth2Provider('https://e.example');
	const server = { issuer: 'https://e.example', authorization_endpoint: 'https://e.example/authorize?tenant=1' };

	it('asks for a code with PKCE S256, state, nonce, resource, and keeps what the endpoint brings', async () => {
		const client = { ...provider.client, resource: 'https://api.example.com' };
		const oidc: OAuthProvider = { id: 'x', label: 'X', kind: 'oidc', issuer: 'https://e.example', client };
		const request = await startCodeGrant(oidc, server, ['openid', 'offline_access', 'api'], REDIRECT);
		const query = Object.fromEntries(new URL(request.url).searchParams);
		assert.deepEqual(query, {
			tenant: '1',
			response_type: 'code',
			client_id: 'client',
			redirect_uri: REDIRECT,
			scope: 'openid offline_access api',
			state: request.state,
			nonce: request.nonce,
			code_challenge: query.code_challenge,
			code_challenge_method: 'S256',
			resource: 'https://api.example.com',
			prompt: 'consent',
		});
		assert.ok(!request.url.includes(request.codeVerifier));
	});

	it('is fresh every time, with 256 bits in each secret', async () => {
		const [a, b] = [
			await startCodeGrant(provider, server, [], REDIRECT),
			await startCodeGrant(provider, server, [], REDIRECT),
		];
		assert.notEqual(a.state, b.state);
		assert.notEqual(a.codeVerifier, b.codeVerifier);
		for (const secret of [a.state, a.codeVerifier]) assert.match(secret, /^[\w-]{43}$/);
		assert.equal(a.nonce, undefined);
		assert.ok(!new URL(a.url).searchParams.has('scope'));
	});

	it('does not exist without an authorization endpoint', async () => {
		await assert.rejects(startCodeGrant(provider, { issuer: 'https://e.example' }, [], REDIRECT), (error) =>
			isAuthError(error, 'configuration'),
		);
	});
});

describe('the exchange at the demo service', () => {
	let server: Server;
	before(async () => {
		server = await startServer();
	});
	after(() => server.close());

	async function attempt(options: { deny?: boolean; fault?: Fault; change?: (query: URLSearchParams) => void } = {}) {
		const deps = testDeps();
		const provider = oidcProvider(server.issuer);
		const metadata = await resolveServer(provider, deps, never);
		const request = await startCodeGrant(provider, metadata, ['openid', 'email', 'offline_access'], REDIRECT);
		const fault = options.fault && server.fault(options.fault);
		try {
			const { redirectUrl } = await signInByHttp(request.url, 'ada', { deliver: false, deny: options.deny ?? false });
			const query = new URL(redirectUrl).searchParams;
			options.change?.(query);
			return await finishCodeGrant(provider, metadata, request, query, deps, never);
		} finally {
			fault?.dispose();
		}
	}

	it('brings a whole credential', async () => {
		const startedAtMs = Date.now();
		const credential = await signedInCredential(server, testDeps());
		assert.ok(credential.accessToken && credential.refreshToken && credential.idToken);
		assert.deepEqual(credential.identity, {
			issuer: server.issuer,
			subject: 'person-0001',
			email: 'ada@example.test',
			name: 'Ada Lovelace',
		});
		assert.ok(credential.scopes.includes('api'));
		assert.ok(credential.expiresAtMs !== undefined && credential.expiresAtMs >= startedAtMs + 3_600_000);
	});

	const tokens = (): number => server.log.length;
	const before_: readonly [name: string, options: Parameters<typeof attempt>[0], code: AuthErrorCode][] = [
		['a wrong state', { change: (query) => query.set('state', 'x') }, 'protocol'],
		['no state', { change: (query) => query.delete('state') }, 'protocol'],
		['two states', { change: (query) => query.append('state', 'x') }, 'protocol'],
		['a wrong iss', { change: (query) => query.set('iss', 'https://evil.example') }, 'protocol'],
		['no iss, although promised', { change: (query) => query.delete('iss') }, 'protocol'],
		['a wrong iss of the server itself', { fault: { redirect: { iss: 'https://evil.example' } } }, 'protocol'],
		['no code', { change: (query) => query.delete('code') }, 'protocol'],
		['denied', { deny: true }, 'denied'],
		['an error of another attempt', { deny: true, change: (query) => query.set('state', 'x') }, 'protocol'],
		['an unknown error', { change: (query) => query.set('error', 'strange') }, 'protocol'],
		['an error that looks like data', { change: (query) => query.set('error', 'x y') }, 'protocol'],
		['busy', { change: (query) => query.set('error', 'temporarily_unavailable') }, 'transient'],
		['a scope that is not allowed', { change: (query) => query.set('error', 'invalid_scope') }, 'configuration'],
		['an error of another kind of request', { change: (query) => query.set('error', 'invalid_grant') }, 'protocol'],
	];
	for (const [name, options, code] of before_) {
		it(`${name}: ${code}, and the code is not sent`, async () => {
			const sent = tokens();
			await assert.rejects(attempt(options), (error) => isAuthError(error, code));
			assert.equal(tokens(), sent);
		});
	}

	it('names the field of the settings that the server means', async () => {
		for (const [error, field] of [
			['invalid_target', 'demo.resource'],
			['invalid_scope', 'demo.scopes'],
			['unauthorized_client', 'demo.clientId'],
		] as const)
			await assert.rejects(
				attempt({ change: (query) => query.set('error', error) }),
				(failure) => isAuthError(failure, 'configuration') && failure.detail.field === field,
			);
	});

	it('tells the error of the server', async () => {
		await assert.rejects(
			attempt({ deny: true }),
			(error) => isAuthError(error) && error.detail.serverError === 'access_denied',
		);
	});

	const during: readonly [name: string, fault: Fault, code: AuthErrorCode][] = [
		['a code that is not known', { redirect: { code: 'other' } }, 'protocol'],
		['invalid_client', { on: 'code', oauthError: 'invalid_client' }, 'configuration'],
		['no token endpoint there', { on: 'code', respond: { status: 404 } }, 'configuration'],
		['a busy server', { on: 'code', respond: { status: 503 } }, 'transient'],
		['a gateway', { on: 'code', respond: { status: 502 } }, 'transient'],
		['a lost connection', { on: 'code', drop: 'after' }, 'transient'],
		['no JSON', { on: 'code', invalidJson: true }, 'protocol'],
		['no ID token', { on: 'code', patch: { id_token: null } }, 'protocol'],
		['an ID token that is none', { on: 'code', patch: { id_token: 'x' } }, 'protocol'],
		['an unsigned ID token', { on: 'code', patch: { id_token: unsignedJwt({ sub: 'x' }, 'none') } }, 'protocol'],
		['no access token', { on: 'code', patch: { access_token: null } }, 'protocol'],
		['a token of another type', { on: 'code', patch: { token_type: 'mac' } }, 'protocol'],
	];
	for (const [name, fault, code] of during) {
		it(`${name}: ${code}, without a secret in the error, and the next try works`, async () => {
			await assert.rejects(attempt({ fault }), (error) => {
				assert.ok(isAuthError(error, code));
				const text = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String(error.stack) + causes(error);
				for (const secret of server.secrets()) assert.ok(!text.includes(secret));
				return true;
			});
			assert.equal((await attempt()).identity.email, 'ada@example.test');
		});
	}

	for (const dateSkewMs of [-4 * 3_600_000, 4 * 3_600_000]) {
		it(`a Date header that is ${dateSkewMs} ms off does no harm`, async () => {
			assert.ok((await attempt({ fault: { dateSkewMs } })).idToken);
		});
	}

	it('fills in what the ID token does not say from userinfo', async () => {
		const strict = await startServer({ identityInIdToken: false });
		try {
			const { identity } = await signedInCredential(strict, testDeps());
			assert.equal(identity.email, 'ada@example.test');
			using _other = dispose(strict.fault({ on: 'userinfo', patch: { sub: 'eve', email: 'eve@example.test' } }));
			assert.equal((await signedInCredential(strict, testDeps())).identity.email, undefined);
		} finally {
			await strict.close();
		}
	});

	it('a userinfo endpoint that fails costs the name, not the sign-in', async () => {
		const strict = await startServer({ identityInIdToken: false });
		try {
			using _down = dispose(strict.fault({ on: 'userinfo', respond: { status: 500 } }));
			const { identity } = await signedInCredential(strict, testDeps());
			assert.deepEqual(identity, { issuer: strict.issuer, subject: 'person-0001' });
		} finally {
			await strict.close();
		}
	});
});

describe('the exchange at a service without OpenID Connect', () => {
	const base = 'https://e.example';
	const metadata = { issuer: base, token_endpoint: `${base}/token`, authorization_endpoint: `${base}/a` };
	const request: CodeRequest = {
		url: base,
		redirectUri: REDIRECT,
		scopes: ['api'],
		state: 's',
		codeVerifier: 'v'.repeat(43),
	};

	function exchange(
		userinfo: unknown,
		query = 'code=c&state=s',
		provider: OAuthProvider = oauth2Provider(base),
		token: object = {},
	): Promise<OAuthCredential> {
		const answers: Record<string, unknown> = { '/token': { access_token: 'a', ...token }, '/user': userinfo };
		const deps: OAuthDeps = testDeps({
			fetch: (url, init) => answering(200, answers[new URL(url).pathname])(url, init),
		});
		const server = userinfo === undefined ? metadata : { ...metadata, userinfo_endpoint: `${base}/user` };
		return finishCodeGrant(provider, server, request, new URLSearchParams(query), deps, never);
	}

	it('knows nobody where nobody is named', async () => {
		assert.deepEqual((await exchange(undefined)).identity, { issuer: base });
		assert.deepEqual((await exchange({ email: ' ', sub: '' })).identity, { issuer: base });
		assert.deepEqual((await exchange('<html>')).identity, { issuer: base });
	});

	it('takes sub, or the id such services have', async () => {
		assert.equal((await exchange({ sub: 'x', id: 7 })).identity.subject, 'x');
		assert.deepEqual((await exchange({ id: 7, login: 'ada' })).identity, { issuer: base, subject: '7', name: 'ada' });
	});

	it('takes scopes as a list, and knows the end of the refresh token', async () => {
		const token = { scope: ['a', 'b'], refresh_token: 'r', refresh_token_expires_in: 60 };
		const credential = await exchange(undefined, 'code=c&state=s', oauth2Provider(base), token);
		assert.deepEqual(credential.scopes, ['a', 'b']);
		assert.equal(credential.refreshExpiresAtMs, credential.obtainedAtMs + 60_000);
	});

	it('has the scopes that were asked for, where the answer names none', async () => {
		assert.deepEqual((await exchange(undefined)).scopes, ['api']);
	});

	it('checks iss only where the settings name an issuer, and ID tokens as well', async () => {
		const query = 'code=c&state=s&iss=https%3A%2F%2Fother.example';
		await assert.rejects(exchange(undefined, query), (error) => isAuthError(error, 'protocol'));
		const known = oauth2Provider(base);
		assert.ok(known.kind === 'oauth2');
		const derived: OAuthProvider = { ...known, endpoints: { ...known.endpoints, issuerIsDerived: true } };
		const idToken = unsignedJwt({ iss: 'https://other.example', sub: 'x', aud: 'client', iat: 1, exp: 9e9 });
		assert.equal((await exchange(undefined, query, derived, { id_token: idToken })).identity.subject, undefined);
		await assert.rejects(exchange(undefined, 'code=c&state=s', known, { id_token: idToken }), (error) =>
			isAuthError(error, 'protocol'),
		);
	});
});

function causes(error: Error): string {
	return error.cause instanceof Error
		? `${error.cause.name} ${error.cause.message} ${error.cause.stack}${causes(error.cause)}`
		: '';
}

function dispose(undo: { dispose(): void }): Disposable {
	return { [Symbol.dispose]: () => undo.dispose() };
}
