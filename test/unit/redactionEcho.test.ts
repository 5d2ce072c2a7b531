/** Servers that send back what they were sent: nothing of it is in an error, a cause, a stack, an outcome or the log. */
import { describe, it } from 'node:test';
import { finishCodeGrant, startCodeGrant } from '../../src/auth/oauth/codeGrant.ts';
import type { OAuthDeps } from '../../src/auth/oauth/deps.ts';
import { pollDeviceGrant, startDeviceGrant } from '../../src/auth/oauth/deviceGrant.ts';
import { resolveServer } from '../../src/auth/oauth/discovery.ts';
import { identify } from '../../src/auth/oauth/identity.ts';
import { refresh } from '../../src/auth/oauth/refreshGrant.ts';
import { revoke } from '../../src/auth/oauth/revocation.ts';
import {
	forgedJwt,
	type HostileAnswer,
	hostileProvider,
	type Received,
	startHostileServer,
} from '../support/hostileServer.ts';
import { oauthCredential, testDeps } from '../support/oauthFixtures.ts';
import { assertNoSecret, assertNoShape, everythingOf } from '../support/secretSearch.ts';

const REFRESH = 'canary-refresh-7Qx2mLw90ZkT4rVb8NsE';
const ACCESS = 'canary-access-K3pX8vYt2QdR6mHc5WnJ';
const CODE = 'canary-code-4Gf7LsBz1TqN9xPw3RvM';
const DEVICE = 'canary-device-8HjD2nFk5UyC7aSe6QoX';
const NEW = 'canary-new-1VbT6gRm3KwZ9pLy4XcD';
const SECRETS = [REFRESH, ACCESS, CODE, DEVICE, NEW];

const never = new AbortController().signal;

/** What was sent, as an attacker would repeat it, and tokens of its own beside it. */
function echo({ body, headers }: Received): string {
	return `${body} ${headers.authorization ?? ''} ${NEW}`;
}

type Answerer = (status: number) => HostileAnswer;

const answerers: Readonly<Record<string, Answerer>> = {
	'in error_description': (status) => (response, request) => {
		response.writeHead(status, { 'content-type': 'application/json' });
		response.end(
			JSON.stringify({ error: 'invalid_request', error_description: echo(request), error_uri: echo(request) }),
		);
	},
	'as the error itself': (status) => (response, request) => {
		response.writeHead(status, { 'content-type': 'application/json' });
		response.end(JSON.stringify({ error: request.body.replaceAll(/[^a-z]/g, '_').slice(0, 200), code: echo(request) }));
	},
	'as an error in an object': (status) => (response, request) => {
		response.writeHead(status, { 'content-type': 'application/json' });
		response.end(JSON.stringify({ error: { code: echo(request), message: echo(request) } }));
	},
	'as a page': (status) => (response, request) => {
		response.writeHead(status, { 'content-type': 'text/html' });
		response.end(`<html><body>${echo(request)}</body></html>`);
	},
	'as broken JSON': (status) => (response, request) => {
		response.writeHead(status, { 'content-type': 'application/json' });
		response.end(`{"access_token":"${NEW}","x":"${echo(request)}`);
	},
	'in headers': (status) => (response, request) => {
		response.writeHead(status, `No ${NEW}`, {
			'www-authenticate': `Bearer error="invalid_token", error_description="${encodeURIComponent(echo(request))}"`,
			location: `https://example.com/?${encodeURIComponent(echo(request))}`,
			'retry-after': encodeURIComponent(echo(request)),
			date: encodeURIComponent(echo(request)),
			'content-type': `text/${NEW}`,
		});
		response.end('{}');
	},
	'beside a token of a wrong type': (status) => (response, request) => {
		response.writeHead(status, { 'content-type': 'application/json' });
		response.end(JSON.stringify({ access_token: NEW, refresh_token: NEW, token_type: echo(request), expires_in: NEW }));
	},
	'in an ID token': (status) => (response, request) => {
		const idToken = forgedJwt(
			{ alg: NEW, typ: NEW, kid: NEW },
			{ iss: echo(request), sub: echo(request), aud: NEW, nonce: NEW },
		);
		response.writeHead(status, { 'content-type': 'application/json' });
		response.end(JSON.stringify({ access_token: NEW, refresh_token: NEW, token_type: 'Bearer', id_token: idToken }));
	},
	'in half an answer': (status) => (response, request) => {
		response.writeHead(status, { 'content-type': 'application/json', 'content-length': '100000' });
		response.write(`{"access_token":"${NEW}","x":"${echo(request)}`, () => response.destroy());
	},
};

describe('a server that repeats what it was sent', () => {
	for (const [how, answerer] of Object.entries(answerers)) {
		for (const status of [200, 302, 400, 401, 403, 500, 502]) {
			it(`${how}, with status ${status}: is not repeated`, async () => {
				await using server = await startHostileServer();
				for (const path of ['/token', '/userinfo', '/revoke', '/device']) server.on(path, answerer(status));
				const deps = testDeps();
				const outcomes = await everyPath(server.origin, deps);
				// A name that the server gave is no secret of ours; a token in it would be.
				const said = outcomes.map(everythingOf);
				assertNoSecret(SECRETS, [...said, ...deps.log.lines], how);
				assertNoShape(deps.log.lines, how);
			});
		}
	}
});

/** What every operation came to, without what it is meant to bring. */
async function everyPath(issuer: string, deps: OAuthDeps): Promise<unknown[]> {
	const provider = hostileProvider(issuer);
	const server = await resolveServer(provider, deps, never);
	const credential = oauthCredential({
		accessToken: ACCESS,
		refreshToken: REFRESH,
		identity: { issuer, subject: 'ada' },
	});
	const request = await startCodeGrant(provider, server, ['openid'], 'http://127.0.0.1:5/callback');
	const callback = new URLSearchParams({ code: CODE, state: request.state, iss: issuer });
	const failed = (error: unknown): unknown => error;
	const brought = (): string => 'brought something';
	const device = {
		userCode: 'ABCD',
		verificationUri: issuer,
		url: issuer,
		expiresAtMs: Date.now() + 60_000,
		scopes: [],
		deviceCode: DEVICE,
		intervalMs: 1,
		// One poll, then the end.
		endsAtMonotonicMs: deps.clock.monotonic() + 30,
	};
	const denied = new URLSearchParams({ error: CODE, error_description: CODE, state: request.state, iss: issuer });
	const outcome = await refresh(provider, credential, deps, never, 'correlation');
	return [
		outcome.kind === 'answered' ? brought() : outcome,
		await finishCodeGrant(provider, server, request, callback, deps, never).then(brought, failed),
		await finishCodeGrant(provider, server, request, denied, deps, never).then(brought, failed),
		await startDeviceGrant(provider, server, [], deps, never).then(brought, failed),
		await pollDeviceGrant(provider, server, device, deps, never, () => undefined).then(brought, failed),
		await revoke(provider, credential, deps, never),
		await identify(provider, server, { accessToken: ACCESS, obtainedAtMs: 1 }, deps, never).then(brought, failed),
	];
}
