/** The demo service signs people in as a certified server would: code with PKCE, device flow, revocation. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { type Server, startServer } from '../../server/server.ts';
import { approveDeviceByHttp, signInByHttp } from '../../support/signInByHttp.ts';
import { authorizeUrl, object, post, REDIRECT_URI, refresh, signIn, text } from './client.ts';

let server: Server;
before(async () => {
	server = await startServer({ deviceIntervalS: 1 });
});
after(async () => {
	await server.close();
	assert.deepEqual(server.errors, []);
});

test('discovery names what the client needs and the issuer itself', async () => {
	for (const document of ['openid-configuration', 'oauth-authorization-server']) {
		const metadata = object(await (await fetch(`${server.issuer}/.well-known/${document}`)).json());
		assert.equal(metadata.issuer, server.issuer);
		assert.equal(metadata.authorization_response_iss_parameter_supported, true);
		assert.deepEqual(metadata.code_challenge_methods_supported, ['S256']);
		for (const endpoint of [
			'token',
			'authorization',
			'device_authorization',
			'revocation',
			'introspection',
			'userinfo',
		]) {
			assert.match(text(metadata[`${endpoint}_endpoint`]), new RegExp(`^${server.issuer}/`));
		}
	}
});

test('code with PKCE: tokens, granted scopes, state and iss come back, and whoami knows the person', async () => {
	for (const [person, name] of [
		['ada', 'Ada Lovelace'],
		['grace', 'Grace Hopper'],
	] as const) {
		const { redirect, answer } = await signIn(server, person);
		assert.equal(redirect.searchParams.get('state'), 'the-state');
		assert.equal(redirect.searchParams.get('iss'), server.issuer);
		assert.equal(answer.expires_in, 3600);
		assert.equal(answer.token_type, 'Bearer');
		assert.equal(answer.scope, 'openid email profile offline_access api');
		assert.ok(text(answer.refresh_token).length > 20);
		const idToken = text(answer.id_token).split('.')[1] ?? '';
		assert.equal(object(JSON.parse(Buffer.from(idToken, 'base64url').toString())).name, name);
		const who = await whoami(text(answer.access_token));
		assert.equal(object(await who.json()).name, name);
	}
});

test('a browser that signed somebody in before is asked again, and a sign-in is delivered to any loopback port', async () => {
	const received: string[] = [];
	const listener = createServer((request, response) => {
		received.push(request.url ?? '');
		response.end('done');
	});
	await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
	const address = listener.address();
	assert.ok(address !== null && typeof address === 'object');
	const { url } = authorizeUrl(server, { redirect_uri: `http://127.0.0.1:${address.port}/callback` });
	const result = await signInByHttp(url, 'grace');
	listener.closeAllConnections();
	listener.close();
	assert.equal(result.body, 'done');
	assert.match(received[0] ?? '', /^\/callback\?code=/);
});

test('a request without PKCE, with `plain`, or with another redirect URI is refused', async () => {
	for (const change of [{ code_challenge: '' }, { code_challenge_method: 'plain' }]) {
		const { url } = authorizeUrl(server, change);
		const response = await fetch(url, { redirect: 'manual' });
		assert.match(response.headers.get('location') ?? '', /error=invalid_request/);
	}
	const { url } = authorizeUrl(server, { redirect_uri: 'http://127.0.0.1:5000/elsewhere' });
	assert.equal((await fetch(url, { redirect: 'manual' })).status, 400);
});

test('a code with the wrong verifier gives nothing', async () => {
	const { url } = authorizeUrl(server);
	const { redirectUrl } = await signInByHttp(url, 'ada', { deliver: false });
	const response = await post(server, 'token', {
		grant_type: 'authorization_code',
		code: new URL(redirectUrl).searchParams.get('code') ?? '',
		redirect_uri: REDIRECT_URI,
		code_verifier: randomBytes(32).toString('base64url'),
	});
	assert.equal(response.status, 400);
	assert.equal(object(await response.json()).error, 'invalid_grant');
});

test('Cancel on the sign-in page comes back as access_denied with state and iss', async () => {
	const { url } = authorizeUrl(server);
	const { redirectUrl } = await signInByHttp(url, 'ada', { deny: true, deliver: false });
	const { searchParams } = new URL(redirectUrl);
	assert.equal(searchParams.get('error'), 'access_denied');
	assert.equal(searchParams.get('state'), 'the-state');
	assert.equal(searchParams.get('iss'), server.issuer);
});

test('wrong state, wrong iss and a missing iss can be asked for', async () => {
	for (const [redirect, name, expected] of [
		[{ state: 'forged' }, 'state', 'forged'],
		[{ iss: 'https://evil.example' }, 'iss', 'https://evil.example'],
		[{ iss: null }, 'iss', null],
	] as const) {
		const undo = server.fault({ redirect });
		const { redirectUrl } = await signInByHttp(authorizeUrl(server).url, 'ada', { deliver: false });
		undo.dispose();
		assert.equal(new URL(redirectUrl).searchParams.get(name), expected);
	}
});

test('device flow: pending, slow_down when polled too fast, then tokens', async () => {
	const device = object(await (await post(server, 'device/auth', { scope: 'openid offline_access' })).json());
	assert.equal(device.interval, 1);
	const poll = () =>
		post(server, 'token', {
			grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
			device_code: text(device.device_code),
		});
	assert.equal(object(await (await poll()).json()).error, 'authorization_pending');
	assert.equal(object(await (await poll()).json()).error, 'slow_down');
	const page = await approveDeviceByHttp(
		{ verificationUri: text(device.verification_uri), userCode: text(device.user_code) },
		'grace',
	);
	assert.match(page, /You are signed in/);
	assert.ok(server.secrets().includes(text(device.device_code)));
});

test('an approved device code gives tokens of the person who approved it; a refused one access_denied', async () => {
	for (const deny of [false, true]) {
		const device = object(await (await post(server, 'device/auth', { scope: 'openid api' })).json());
		await approveDeviceByHttp(
			{ verificationUri: text(device.verification_uri_complete), userCode: text(device.user_code) },
			'grace',
			{ deny },
		);
		const response = await post(server, 'token', {
			grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
			device_code: text(device.device_code),
		});
		const answer = object(await response.json());
		if (deny) {
			assert.equal(answer.error, 'access_denied');
			continue;
		}
		assert.ok(text(answer.refresh_token).length > 20);
		assert.equal(object(await (await whoami(text(answer.access_token))).json()).email, 'grace@example.test');
	}
});

test('revoking the refresh token ends its access token too, and no other sign-in', async () => {
	const { answer } = await signIn(server, 'ada');
	const other = (await signIn(server, 'ada')).answer;
	const alive = server.grantsAlive().length;
	const response = await post(server, 'token/revocation', { token: text(answer.refresh_token) });
	assert.equal(response.status, 200);
	assert.equal(server.revocations().length, 1);
	assert.equal(server.grantsAlive().length, alive - 1);
	assert.equal((await whoami(text(answer.access_token))).status, 401);
	assert.equal((await whoami(text(other.access_token))).status, 200);
});

test('whoami challenges: no token, and a token it does not know', async () => {
	const without = await fetch(server.whoamiUrl);
	assert.equal(without.status, 401);
	assert.equal(without.headers.get('www-authenticate'), 'Bearer realm="demo"');
	assert.match((await whoami('unknown')).headers.get('www-authenticate') ?? '', /error="invalid_token"/);
});

test('a fault that names a person hits only requests with a token of theirs, and the log says whose it was', async () => {
	const [ada, grace] = [await signIn(server, 'ada'), await signIn(server, 'grace')];
	const undo = server.fault({
		on: ['whoami', 'refresh'],
		person: 'ada',
		respond: { status: 429, headers: { 'x-ratelimit-remaining': '0' }, body: '{"error":{"code":"quota_exceeded"}}' },
	});
	try {
		const limited = await whoami(text(ada.answer.access_token));
		assert.deepEqual([limited.status, limited.headers.get('x-ratelimit-remaining')], [429, '0']);
		assert.deepEqual(await limited.json(), { error: { code: 'quota_exceeded' } });
		assert.equal((await refresh(server, text(ada.answer.refresh_token))).status, 429);
		assert.equal((await whoami(text(grace.answer.access_token))).status, 200);
		assert.equal((await refresh(server, text(grace.answer.refresh_token))).status, 200);
		assert.equal((await whoami('unknown')).status, 401);
	} finally {
		undo.dispose();
	}
	assert.equal((await whoami(text(ada.answer.access_token))).status, 200);
	const people = server.requests.slice(-6).map(({ person }) => person);
	assert.deepEqual(people, ['ada', 'ada', 'grace', 'grace', undefined, 'ada']);
});

test('userinfo and introspection know a live token', async () => {
	const { answer } = await signIn(server, 'ada');
	const headers = { authorization: `Bearer ${text(answer.access_token)}` };
	const userinfo = object(await (await fetch(`${server.issuer}/me`, { headers })).json());
	assert.equal(userinfo.email, 'ada@example.test');
	const introspection = await post(server, 'token/introspection', { token: text(answer.access_token) });
	assert.equal(object(await introspection.json()).active, true);
});

test('the log holds digests and the secrets list holds everything issued', async () => {
	const { answer, verifier } = await signIn(server, 'ada');
	const log = JSON.stringify(server.requests);
	for (const name of ['access_token', 'refresh_token', 'id_token']) {
		assert.ok(server.secrets().includes(text(answer[name])), name);
	}
	assert.ok(server.secrets().includes(verifier));
	for (const secret of server.secrets()) assert.ok(!log.includes(secret), 'a secret is in the log');
	const digest = createHash('sha256').update(text(answer.refresh_token)).digest('hex');
	assert.equal(server.log.at(-1)?.issuedRefreshTokenDigest, digest);
});

function whoami(token: string): Promise<Response> {
	return fetch(server.whoamiUrl, { headers: { authorization: `Bearer ${token}` } });
}
