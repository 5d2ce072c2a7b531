/** Who signed in, by the ID token and by userinfo: what is believed, and what makes an answer useless. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import { AuthError, isAuthError } from '../../../src/auth/errors.ts';
import { finishCodeGrant } from '../../../src/auth/oauth/codeGrant.ts';
import type { Fetch } from '../../../src/auth/oauth/deps.ts';
import { identify } from '../../../src/auth/oauth/identity.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { answering, oauth2Provider, oidcProvider, testDeps } from '../../support/oauthFixtures.ts';

const BASE = 'https://e.example';
const NOW_MS = Date.UTC(2030, 0, 1);
const NOW_S = NOW_MS / 1000;
const never = new AbortController().signal;
const metadata = { issuer: BASE, token_endpoint: `${BASE}/token`, id_token_signing_alg_values_supported: ['RS256'] };
const claims = { iss: BASE, sub: 'ada', aud: 'client', iat: NOW_S, exp: NOW_S + 600, email: 'ada@example.test' };
const request = { url: BASE, redirectUri: 'http://127.0.0.1:1/', scopes: [], state: 's', codeVerifier: 'v'.repeat(43) };

function jwt(header: object, payload: object): string {
	const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
	return `${part({ alg: 'RS256', ...header })}.${part(payload)}.${Buffer.from('none').toString('base64url')}`;
}

/** @param date what the server takes for the time */
function signIn(idToken: string, date = NOW_MS): Promise<OAuthCredential> {
	const fetch = answering(200, { access_token: 'a', id_token: idToken }, { date: new Date(date).toUTCString() });
	const deps = testDeps({ fetch, clock: createManualClock(NOW_MS) });
	const query = new URLSearchParams('code=c&state=s');
	return finishCodeGrant(oauth2Provider(BASE), metadata, request, query, deps, never);
}

const isProtocol = (error: unknown): boolean => isAuthError(error, 'protocol');

describe('an ID token', () => {
	it('says who signed in', async () => {
		for (const header of [{}, { typ: 'JWT' }, { typ: 7 }]) {
			const { identity } = await signIn(jwt(header, { ...claims, azp: 'client' }));
			assert.deepEqual(identity, { issuer: BASE, subject: 'ada', email: 'ada@example.test' });
		}
	});

	it('is not believed if it is another kind of token, or was issued to another client', async () => {
		await assert.rejects(signIn(jwt({ typ: 'at+jwt' }, claims)), isProtocol);
		await assert.rejects(signIn(jwt({ typ: 'logout+JWT' }, claims)), isProtocol);
		await assert.rejects(signIn(jwt({}, { ...claims, azp: 'other' })), isProtocol);
	});

	it('has expired only if it has by both clocks', async () => {
		const old = jwt({}, { ...claims, iat: NOW_S - 700, exp: NOW_S - 100 });
		await assert.rejects(signIn(old), isProtocol);
		assert.equal((await signIn(old, NOW_MS - 300_000)).identity.subject, 'ada');
	});
});

describe('the userinfo of a service', () => {
	const server = { ...metadata, userinfo_endpoint: `${BASE}/me` };
	const tokens = { accessToken: 'a', obtainedAtMs: NOW_MS };

	it('names nobody by an `id` where there is OpenID Connect, which has `sub`', async () => {
		const deps = testDeps({ fetch: answering(200, { id: 7, name: 'Ada\u202e\nL' }) });
		assert.deepEqual(await identify(oidcProvider(BASE), server, tokens, deps, never), { issuer: BASE, name: 'Ada L' });
		assert.equal((await identify(oauth2Provider(BASE), server, tokens, deps, never)).subject, '7');
	});

	it('is not waited for when the sign-in ends', async () => {
		const ending = new AbortController();
		const fetch: Fetch = (_url, init) =>
			new Promise((_resolve, reject) => {
				init.signal?.addEventListener('abort', () => reject(new Error('aborted')));
				ending.abort(new AuthError('timeout', 'x'));
			});
		await assert.rejects(identify(oidcProvider(BASE), server, tokens, testDeps({ fetch }), ending.signal), (error) =>
			isAuthError(error, 'timeout'),
		);
	});
});
