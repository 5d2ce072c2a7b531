/** Answers of servers and addresses that browsers bring back: a typed error or a credential, never a crash or a loss. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { isAuthError } from '../../src/auth/errors.ts';
import { finishCodeGrant, startCodeGrant } from '../../src/auth/oauth/codeGrant.ts';
import { startDeviceGrant } from '../../src/auth/oauth/deviceGrant.ts';
import { resolveServer } from '../../src/auth/oauth/discovery.ts';
import { refresh } from '../../src/auth/oauth/refreshGrant.ts';
import { judgeUrl } from '../../src/auth/secureUrl.ts';
import { parsePasted } from '../../src/auth/signIn/paste.ts';
import { damage, damaged, fuzz } from '../support/fuzz.ts';
import { forgedJwt, hostileProvider, metadataOf } from '../support/hostileServer.ts';
import { answering, CANARY, oauthCredential, testDeps } from '../support/oauthFixtures.ts';

const ISSUER = 'https://login.example.com';
const never = new AbortController().signal;
const provider = hostileProvider(ISSUER);
const METADATA = { ...metadataOf(ISSUER), scopes_supported: ['openid'] };

const status = fc.oneof(
	{ arbitrary: fc.constant(200), weight: 6 },
	fc.constantFrom(201, 204, 302, 400, 401, 403, 404, 429, 500, 502, 503, 504, 599),
);
const headers = fc.record(
	{
		'content-type': fc.constantFrom('application/json', 'text/html', 'application/jwt', ''),
		date: fc.constantFrom('Thu, 01 Jan 1970 00:00:00 GMT', 'Fri, 31 Dec 9999 23:59:59 GMT', 'yesterday', ''),
		'retry-after': fc.constantFrom('5', '-1', '9'.repeat(400), 'Fri, 31 Dec 9999 23:59:59 GMT', 'x'),
	},
	{ requiredKeys: [] },
);

function known(): ReturnType<typeof testDeps>['servers'] {
	return { get: () => ({ ...metadataOf(ISSUER), issuer: ISSUER }), set: () => undefined };
}

test('token answers to a refresh: one of five outcomes, and the old refresh token goes on or is replaced', async () => {
	const good = {
		access_token: 'new-access',
		refresh_token: 'new-refresh',
		token_type: 'Bearer',
		expires_in: 600,
		refresh_token_expires_in: '1000',
		scope: 'a b',
		id_token: forgedJwt({ alg: 'RS256' }, { iss: ISSUER, sub: 'ada', aud: 'client', iat: 1, exp: 4e9 }),
	};
	const refusal = { error: 'invalid_grant', error_description: `token ${CANARY} is dead` };
	await fuzz(
		'token answers',
		fc.tuple(fc.constantFrom(good, good, refusal), damage, status, headers),
		{ cases: 900 },
		async ([body, what, code, sent], tally) => {
			if (what.kind !== 'none' || code !== 200 || body === refusal) tally.fault();
			const deps = testDeps({
				fetch: answering(code, damaged(body, what).toString('utf8'), sent),
				servers: known(),
			});
			const old = oauthCredential({ identity: { issuer: ISSUER, subject: 'ada' } });
			const outcome = await refresh(provider, old, deps, never);
			assert.ok(['answered', 'rejected', 'failed', 'unknown'].includes(outcome.kind), outcome.kind);
			if (outcome.kind === 'answered') {
				const { credential } = outcome;
				assert.ok(credential.accessToken.trim() !== '');
				// Never lost: the new one, or the old one where none came.
				assert.ok(credential.refreshToken !== undefined && credential.refreshToken.trim() !== '');
				assert.deepEqual(credential.identity, old.identity);
				assert.ok(credential.expiresAtMs === undefined || Number.isFinite(credential.expiresAtMs));
				assert.ok(credential.refreshExpiresAtMs === undefined || Number.isFinite(credential.refreshExpiresAtMs));
				return;
			}
			const told = inspect(outcome, { depth: 10, showHidden: true }) + deps.log.lines.join('\n');
			assert.ok(!told.includes(CANARY) && !told.includes('new-refresh') && !told.includes('new-access'));
		},
	);
});

test('token answers to a sign-in: a credential of who signed in, or a typed error', async () => {
	const server = await resolveServer(provider, testDeps({ fetch: answering(200, METADATA) }), never);
	const request = await startCodeGrant(provider, server, ['openid'], 'http://127.0.0.1:5/callback');
	const nowS = Math.floor(Date.now() / 1000);
	const claims = {
		iss: ISSUER,
		sub: 'ada',
		aud: 'client',
		nonce: request.nonce,
		iat: nowS,
		exp: nowS + 600,
		email: 'a@b',
	};
	const header = { alg: 'RS256', typ: 'JWT' };
	const callback = new URLSearchParams({ code: 'c', state: request.state, iss: ISSUER });
	await fuzz(
		'ID tokens',
		fc.tuple(damage, fc.constantFrom('answer', 'header', 'claims'), headers),
		{ cases: 700 },
		async ([what, where, sent], tally) => {
			if (what.kind !== 'none') tally.fault();
			const part = (value: object, name: string): string =>
				(where === name ? damaged(value, what) : Buffer.from(JSON.stringify(value))).toString('base64url');
			const body = {
				access_token: 'secret-access',
				refresh_token: CANARY,
				token_type: 'Bearer',
				expires_in: 600,
				id_token: `${part(header, 'header')}.${part(claims, 'claims')}.c2ln`,
			};
			const text = where === 'answer' ? damaged(body, what).toString('utf8') : JSON.stringify(body);
			const deps = testDeps({ fetch: answering(200, text, { ...sent, 'content-type': 'application/json' }) });
			try {
				const { identity } = await finishCodeGrant(provider, server, request, callback, deps, never);
				assert.equal(identity.issuer, ISSUER);
				assert.ok((identity.email?.length ?? 0) <= 320 && !/[\r\n]/.test(identity.email ?? ''));
			} catch (error) {
				assert.ok(isAuthError(error), String(error));
				const told = inspect(error, { depth: 10, showHidden: true }) + deps.log.lines.join('\n');
				assert.ok(!told.includes(CANARY) && !told.includes('secret-access'));
			}
		},
	);
});

test('metadata: a server with secure endpoints of this issuer, or a typed error', async () => {
	await fuzz('metadata', fc.tuple(damage, status, headers), { cases: 700 }, async ([what, code, sent], tally) => {
		if (what.kind !== 'none' || code !== 200) tally.fault();
		const deps = testDeps({ fetch: answering(code, damaged(METADATA, what).toString('utf8'), sent) });
		try {
			const server = await resolveServer(provider, deps, never);
			assert.equal(server.issuer, ISSUER);
			for (const [name, value] of Object.entries(server))
				if (name.endsWith('_endpoint')) assert.equal(judgeUrl(String(value)), 'secure');
		} catch (error) {
			assert.ok(isAuthError(error), String(error));
			assert.equal(deps.servers.get(ISSUER), undefined);
		}
	});
});

test('answers with a device code: something a person can use, or a typed error', async () => {
	const good = {
		device_code: 'secret-device-code',
		user_code: 'ABCD-EFGH',
		verification_uri: 'https://login.example.com/device',
		verification_uri_complete: 'https://login.example.com/device?c=ABCD',
		expires_in: 600,
		interval: 5,
	};
	await fuzz('device answers', fc.tuple(damage, status), { cases: 400 }, async ([what, code], tally) => {
		if (what.kind !== 'none' || code !== 200) tally.fault();
		const deps = testDeps({ fetch: answering(code, damaged(good, what).toString('utf8')), servers: known() });
		const server = await resolveServer(provider, deps, never);
		try {
			const request = await startDeviceGrant(provider, server, [], deps, never);
			assert.equal(judgeUrl(request.url), 'secure');
			assert.ok(request.userCode.length <= 64);
			assert.ok(request.intervalMs >= 1000 && request.expiresAtMs - Date.now() <= 3_600_000);
		} catch (error) {
			assert.ok(isAuthError(error), String(error));
			assert.ok(!inspect(error, { depth: 10, showHidden: true }).includes('secret-device-code'));
		}
	});
});

test('addresses that come back: only with this attempt’s state and issuer is a code sent', async () => {
	const server = await resolveServer(provider, testDeps({ fetch: answering(200, METADATA) }), never);
	const request = await startCodeGrant(provider, server, ['openid'], 'http://127.0.0.1:5/callback');
	const value = fc.oneof(fc.constantFrom(request.state, ISSUER, 'c', '', `${ISSUER}/`), fc.string({ unit: 'binary' }));
	const name = fc.oneof(
		fc.constantFrom('code', 'state', 'iss', 'error', 'error_description', 'response', 'id_token', 'access_token'),
		fc.string(),
	);
	const pairs = fc.array(fc.tuple(name, value), { maxLength: 8 });
	const good: [string, string][] = [
		['code', 'c'],
		['state', request.state],
		['iss', ISSUER],
	];
	await fuzz('callbacks', fc.tuple(fc.boolean(), pairs), { cases: 900 }, async ([withGood, extra], tally) => {
		if (extra.length > 0 || !withGood) tally.fault();
		const query = new URLSearchParams([...(withGood ? good : []), ...extra]);
		const fetch = answering(500, {});
		const deps = testDeps({ fetch });
		await assert.rejects(finishCodeGrant(provider, server, request, query, deps, never), (error) => isAuthError(error));
		const isOurs =
			query.getAll('state').join() === request.state &&
			query.getAll('iss').join() === ISSUER &&
			!query.getAll('error').some(Boolean);
		if (!isOurs || query.getAll('code').length !== 1) assert.equal(fetch.requests.length, 0, query.toString());
	});
});

test('what people paste: read in time, and taken only with this attempt’s state', async () => {
	const attempt = { url: `${ISSUER}/authorize?x=1`, state: 'the-state' };
	const piece = fc.oneof(
		fc.constantFrom(
			'http://127.0.0.1:5/callback',
			'?',
			'&',
			'code=c',
			'state=the-state',
			'state=x',
			'#',
			'"',
			"'",
			'<',
			' ',
		),
		fc.string({ unit: 'binary', maxLength: 20 }),
		fc
			.tuple(fc.constantFrom('"', '<', ' ', '\n', '?', '&a', '%', "'"), fc.integer({ min: 1, max: 300_000 }))
			.map((run) => run[0].repeat(run[1])),
	);
	await fuzz('pasted text', fc.array(piece, { maxLength: 8 }), { cases: 500, limitMs: 1000 }, (pieces, tally) => {
		tally.fault();
		const pasted = parsePasted(pieces.join(''), attempt);
		if (pasted.kind === 'callback') assert.deepEqual(pasted.parameters.getAll('state'), ['the-state']);
	});
});
