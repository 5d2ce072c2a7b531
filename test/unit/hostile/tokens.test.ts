/** Token answers of a server that lies about whom they are for, or wants more than an answer (OIDC Core 3.1.3.7, RFC 9700). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { isAuthError } from '../../../src/auth/errors.ts';
import { finishCodeGrant, startCodeGrant } from '../../../src/auth/oauth/codeGrant.ts';
import { resolveServer } from '../../../src/auth/oauth/discovery.ts';
import { refresh } from '../../../src/auth/oauth/refreshGrant.ts';
import {
	bomb,
	DISCOVERY_PATH,
	dripping,
	endless,
	forgedJwt,
	type HostileAnswer,
	type HostileServer,
	hostileProvider,
	metadataOf,
	redirectTo,
	startHostileServer,
} from '../../support/hostileServer.ts';
import { CANARY, oauthCredential, testDeps } from '../../support/oauthFixtures.ts';

const never = new AbortController().signal;
const REDIRECT = 'http://127.0.0.1:50000/callback';
const SECRET = 'canary-access-token-5a1e';

type Attempt = { readonly nonce: string; readonly issuer: string };

/** One exchange of a code, with the token answer that `lie` makes. */
async function exchange(server: HostileServer, lie: (attempt: Attempt) => HostileAnswer) {
	const provider = hostileProvider(server.origin);
	const deps = testDeps();
	const metadata = await resolveServer(provider, deps, never);
	const request = await startCodeGrant(provider, metadata, ['openid'], REDIRECT);
	server.on('/token', lie({ nonce: request.nonce ?? assert.fail(), issuer: server.origin }));
	server.on('/userinfo', { sub: 'ada' });
	const callback = new URLSearchParams({ code: 'the-code-7c2d', state: request.state, iss: server.origin });
	const outcome = await finishCodeGrant(provider, metadata, request, callback, deps, never).then(
		(credential) => ({ credential, error: undefined }),
		(error: unknown) => ({ credential: undefined, error }),
	);
	const told = inspect(outcome.error, { depth: 12, showHidden: true }) + deps.log.lines.join('\n');
	for (const secret of [SECRET, CANARY, 'the-code-7c2d', request.codeVerifier, request.state])
		assert.ok(!told.includes(secret), secret);
	return outcome;
}

const seconds = (): number => Math.floor(Date.now() / 1000);

function claimsOf({ nonce, issuer }: Attempt): Readonly<Record<string, unknown>> {
	return { iss: issuer, sub: 'ada', aud: 'client', nonce, iat: seconds(), exp: seconds() + 600 };
}

function answer(idToken: unknown, more: object = {}): object {
	return {
		access_token: SECRET,
		refresh_token: CANARY,
		token_type: 'Bearer',
		expires_in: 600,
		id_token: idToken,
		...more,
	};
}

describe('an ID token at sign-in', () => {
	it('that is right is taken: the others fail for their own reason', async () => {
		await using server = await startHostileServer();
		const { credential } = await exchange(server, (it) =>
			answer(forgedJwt({ alg: 'RS256', typ: 'JWT' }, claimsOf(it))),
		);
		assert.equal(credential?.accessToken, SECRET);
		assert.equal(credential.identity.subject, 'ada');
	});

	const claims: readonly [what: string, change: object][] = [
		['of another issuer', { iss: 'https://login.example.com' }],
		['of the same issuer with a slash', { iss: 'https://login.example.com/' }],
		['of no issuer', { iss: undefined }],
		['for another client', { aud: 'other' }],
		['for a list without this client', { aud: ['other', 'another'] }],
		['for several without saying who asked', { aud: ['client', 'other'] }],
		['for several, asked by another', { aud: ['client', 'other'], azp: 'other' }],
		['for this client, asked by another', { azp: 'other' }],
		['for nobody', { aud: undefined }],
		['of another attempt', { nonce: 'other' }],
		['without a nonce', { nonce: undefined }],
		['of nobody', { sub: undefined }],
		['of a number', { sub: 7 }],
		['that has expired', { exp: seconds() - 3600 }],
		['without an end', { exp: undefined }],
	];
	for (const [what, change] of claims) {
		it(`${what} ends it with \`protocol\``, async () => {
			await using server = await startHostileServer();
			const { error } = await exchange(server, (it) =>
				answer(forgedJwt({ alg: 'RS256' }, { ...claimsOf(it), ...change })),
			);
			assert.ok(isAuthError(error, 'protocol'), String(error));
		});
	}

	const headers: readonly [what: string, header: object, offered?: readonly string[]][] = [
		['alg none', { alg: 'none' }],
		['alg none, which the metadata offers', { alg: 'none' }, ['none', 'RS256']],
		['alg none in other letters, which the metadata offers', { alg: 'None' }, ['None']],
		['an algorithm that the metadata does not offer', { alg: 'HS256' }],
		['an access token', { alg: 'RS256', typ: 'at+jwt' }],
		['an access token by its full name', { alg: 'RS256', typ: 'application/at+jwt' }],
		['a logout token', { alg: 'RS256', typ: 'logout+jwt' }],
		['one with an extension that must be understood', { alg: 'RS256', crit: ['x'] }],
		['one without an algorithm', {}],
	];
	for (const [what, header, offered] of headers) {
		it(`${what} ends it with \`protocol\``, async () => {
			await using server = await startHostileServer();
			if (offered !== undefined)
				server.on(DISCOVERY_PATH, {
					...metadataOf(server.origin),
					id_token_signing_alg_values_supported: offered,
				});
			const { error } = await exchange(server, (it) => answer(forgedJwt(header, claimsOf(it))));
			assert.ok(isAuthError(error, 'protocol'), String(error));
		});
	}

	const confused: readonly [what: string, answer: (attempt: Attempt) => HostileAnswer][] = [
		['none at all', () => answer(undefined)],
		['the access token in its place', () => answer(SECRET)],
		['a number in its place', () => answer(7)],
		['an encrypted one', () => answer('a.b.c.d.e')],
		['a proof-of-possession token', (it) => answer(forgedJwt({ alg: 'RS256' }, claimsOf(it)), { token_type: 'DPoP' })],
		['a MAC token', (it) => answer(forgedJwt({ alg: 'RS256' }, claimsOf(it)), { token_type: 'mac' })],
		['a token that is a list', (it) => answer(forgedJwt({ alg: 'RS256' }, claimsOf(it)), { access_token: [SECRET] })],
		['an endless answer', () => endless()],
		['a bomb', () => bomb()],
		['a redirect to a private address', () => redirectTo('http://169.254.169.254/')],
		['a redirect to a file', () => redirectTo('file:///etc/passwd', 302)],
	];
	for (const [what, lie] of confused) {
		it(`${what} ends it with \`protocol\``, async () => {
			await using server = await startHostileServer();
			const { error } = await exchange(server, lie);
			assert.ok(isAuthError(error, 'protocol'), String(error));
		});
	}

	it('of one person beside userinfo of another: the ID token counts', async () => {
		await using server = await startHostileServer();
		const { credential } = await exchange(server, (it) => {
			server.on('/userinfo', { sub: 'grace', email: 'grace@example.com', name: 'Grace' });
			return answer(forgedJwt({ alg: 'RS256' }, claimsOf(it)));
		});
		server.on('/userinfo', { sub: 'grace', email: 'grace@example.com' });
		assert.deepEqual(credential?.identity, { issuer: server.origin, subject: 'ada' });
	});

	it('with a name that is a page of text, turned around and on many lines: is shown on one line', async () => {
		await using server = await startHostileServer();
		const { credential } = await exchange(server, (it) =>
			answer(
				forgedJwt(
					{ alg: 'RS256' },
					{ ...claimsOf(it), email: `ada\u202e\n${'x'.repeat(100_000)}`, name: '\u2066\u0007 Ada\r\n \u2029' },
				),
			),
		);
		const { email, name } = credential?.identity ?? assert.fail();
		assert.ok(email !== undefined && email.length <= 320 && /^ada x+$/.test(email), email?.slice(0, 20));
		assert.equal(name, 'Ada');
	});
});

describe('the refresh token at a hostile token endpoint', () => {
	const old = (issuer: string) => oauthCredential({ identity: { issuer, subject: 'ada' } });

	for (const status of [301, 302, 303, 307, 308]) {
		it(`does not follow a ${status} to another server`, async () => {
			await using server = await startHostileServer();
			await using thief = await startHostileServer({ '/token': answer(undefined) });
			server.on('/token', redirectTo(`${thief.origin}/token`, status));
			const outcome = await refresh(hostileProvider(server.origin), old(server.origin), testDeps(), never);
			assert.equal(outcome.kind, 'failed');
			assert.equal(thief.connections(), 0);
			assert.equal(server.count('/token'), 1);
		});
	}

	it('is not sent where the metadata has moved to http, to another issuer, or to this machine', async () => {
		await using server = await startHostileServer();
		for (const change of [
			{ token_endpoint: 'http://login.example.com/token' },
			{ issuer: 'https://login.example.com' },
		]) {
			server.on(DISCOVERY_PATH, { ...metadataOf(server.origin), ...change });
			const outcome = await refresh(hostileProvider(server.origin), old(server.origin), testDeps(), never);
			assert.equal(outcome.kind, 'notSent');
		}
		assert.equal(server.count('/token'), 0);
		assert.ok(server.received.every(({ body, path }) => !body.includes(CANARY) && !path.includes(CANARY)));
	});

	it('comes with no cookie, although the server set some', async () => {
		await using server = await startHostileServer();
		server.on('/token', (response) => {
			response.writeHead(503, { 'set-cookie': 'session=1; Path=/', 'content-type': 'application/json' });
			response.end('{}');
		});
		const deps = testDeps();
		for (let round = 0; round < 2; round++)
			await refresh(hostileProvider(server.origin), old(server.origin), deps, never);
		assert.equal(server.count('/token'), 2);
		assert.ok(server.received.every(({ headers }) => headers.cookie === undefined && headers.referer === undefined));
	});

	const useless: readonly [what: string, answer: HostileAnswer][] = [
		['an endless answer', endless()],
		['a bomb', bomb()],
		['an answer that drips', dripping()],
	];
	for (const [what, useless_] of useless) {
		it(`${what} is an unknown outcome, within the deadline`, async () => {
			await using server = await startHostileServer({ '/token': useless_ });
			const outcome = await refresh(
				hostileProvider(server.origin),
				old(server.origin),
				testDeps(),
				AbortSignal.timeout(2000),
			);
			assert.equal(outcome.kind, 'unknown');
			assert.ok(!inspect(outcome, { depth: 12, showHidden: true }).includes(CANARY));
		});
	}

	for (const [what, change] of [
		['another person', { sub: 'grace' }],
		['another issuer', { iss: 'https://login.example.com' }],
	] as const) {
		it(`an answer whose ID token names ${what} changes nothing`, async () => {
			await using server = await startHostileServer();
			const claims = { ...claimsOf({ nonce: 'x', issuer: server.origin }), ...change };
			server.on('/token', answer(forgedJwt({ alg: 'none' }, claims)));
			const outcome = await refresh(hostileProvider(server.origin), old(server.origin), testDeps(), never);
			assert.deepEqual(outcome, { kind: 'failed', code: 'identity', status: 200 });
		});
	}

	it('"invalid_grant" from a page, a gateway or another status is not the last word', async () => {
		await using server = await startHostileServer();
		for (const [status, type, body] of [
			[502, 'application/json', '{"error":"invalid_grant"}'],
			[404, 'application/json', '{"error":"invalid_grant"}'],
			[400, 'text/html', '<h1>invalid_grant</h1>'],
			[400, 'application/json', '["invalid_grant"]'],
			[400, 'application/json', '{"error":"INVALID_GRANT"}'],
		] as const) {
			server.on('/token', (response) => {
				response.writeHead(status, { 'content-type': type });
				response.end(body);
			});
			const outcome = await refresh(hostileProvider(server.origin), old(server.origin), testDeps(), never);
			assert.notEqual(outcome.kind, 'rejected', body);
		}
	});
});
