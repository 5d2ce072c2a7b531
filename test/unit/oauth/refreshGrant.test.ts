import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import { AuthError, isAuthError } from '../../../src/auth/errors.ts';
import type { RefreshOutcome } from '../../../src/auth/oauth/refreshGrant.ts';
import { refresh } from '../../../src/auth/oauth/refreshGrant.ts';
import type { Server } from '../../server/server.ts';
import { startServer } from '../../server/server.ts';
import { createManualClock } from '../../support/manualClock.ts';
import {
	answering,
	CANARY,
	credentialOf,
	oauth2Provider,
	oauthCredential,
	oidcProvider,
	testDeps,
	unsignedJwt,
} from '../../support/oauthFixtures.ts';
import { signedInCredential } from '../../support/signedInCredential.ts';

const BASE = 'https://login.example.com';
const never = new AbortController().signal;

function refreshWith(
	fetch: ReturnType<typeof answering>,
	credential = oauthCredential(),
	clock = createManualClock(),
): Promise<RefreshOutcome> {
	return refresh(oauth2Provider(BASE), credential, testDeps({ fetch, clock }), never);
}

/** Kind, and what distinguishes it. */
function brief(outcome: RefreshOutcome): string {
	switch (outcome.kind) {
		case 'rejected':
			return `rejected ${outcome.serverError}`;
		case 'failed':
			return ['failed', outcome.code, outcome.serverError].filter(Boolean).join(' ');
		default:
			return outcome.kind;
	}
}

describe('what a server can answer to a refresh', () => {
	const table: readonly [status: number, body: unknown, expected: string][] = [
		[200, { access_token: 'a', token_type: 'Bearer' }, 'answered'],
		[200, { access_token: 'a' }, 'answered'],
		[201, { access_token: 'a', token_type: 'bearer' }, 'answered'],
		[
			200,
			{ access_token: 'a', token_type: 'bearer', refresh_token: 7, expires_in: {}, scope: 7, id_token: 7 },
			'answered',
		],
		[400, { error: 'invalid_grant' }, 'rejected invalid_grant'],
		[401, { error: 'invalid_grant', error_description: 'x' }, 'rejected invalid_grant'],
		[403, { error: 'invalid_grant' }, 'rejected invalid_grant'],
		[400, { error: 'refresh_token_reused' }, 'rejected refresh_token_reused'],
		[401, { error: { code: 'refresh_token_expired' } }, 'rejected refresh_token_expired'],
		[401, { error: { code: 'refresh_token_invalidated', message: 'x' } }, 'rejected refresh_token_invalidated'],
		[400, { error: { code: 'refresh_token_revoked' } }, 'rejected refresh_token_revoked'],
		[200, { error: 'bad_refresh_token' }, 'rejected bad_refresh_token'],
		[500, { error: 'invalid_grant' }, 'failed transient invalid_grant'],
		[429, { error: 'invalid_grant' }, 'failed transient invalid_grant'],
		[404, { error: 'invalid_grant' }, 'failed protocol invalid_grant'],
		[400, 'invalid_grant', 'failed protocol'],
		[400, '', 'failed protocol'],
		[401, '', 'failed protocol'],
		[401, '<html>invalid_grant</html>', 'failed protocol'],
		[403, '<html>', 'failed protocol'],
		[400, { message: 'invalid_grant' }, 'failed protocol'],
		[400, { error: 7 }, 'failed protocol'],
		[400, { error: 'invalid_request' }, 'failed protocol invalid_request'],
		[401, { error: 'invalid_client' }, 'failed configuration invalid_client'],
		[400, { error: 'unauthorized_client' }, 'failed configuration unauthorized_client'],
		[400, { error: 'unsupported_grant_type' }, 'failed configuration unsupported_grant_type'],
		[400, { error: 'invalid_scope' }, 'failed configuration invalid_scope'],
		[400, { error: 'invalid_target' }, 'failed configuration invalid_target'],
		[404, '', 'failed configuration'],
		[405, '', 'failed configuration'],
		[400, { error: 'temporarily_unavailable' }, 'failed transient temporarily_unavailable'],
		[400, { error: 'slow_down' }, 'failed transient slow_down'],
		[403, { error: 'access_denied' }, 'failed protocol access_denied'],
		[407, '', 'failed transient'],
		[408, '', 'failed transient'],
		[429, '', 'failed transient'],
		[500, '', 'failed transient'],
		[503, '<html>', 'failed transient'],
		[301, '', 'failed protocol'],
		[302, '', 'failed protocol'],
		[502, '', 'unknown'],
		[504, '', 'unknown'],
		[502, { error: 'invalid_grant' }, 'unknown'],
		[200, '', 'unknown'],
		[200, '<html>Sign in to the guest network</html>', 'unknown'],
		[200, '{"access_token":', 'unknown'],
		[200, '[]', 'unknown'],
		[200, {}, 'unknown'],
		[200, { access_token: '' }, 'unknown'],
		[200, { access_token: 7 }, 'unknown'],
		[200, { access_token: 'a', token_type: 'mac' }, 'unknown'],
		[200, { access_token: 'a', token_type: 'dpop' }, 'unknown'],
		[204, '', 'unknown'],
	];
	for (const [status, body, expected] of table) {
		it(`${status} ${JSON.stringify(body).slice(0, 70)}: ${expected}`, async () => {
			assert.equal(brief(await refreshWith(answering(status, body))), expected);
		});
	}

	it('a challenge beside the error does not hide it', async () => {
		const fetch = answering(401, { error: 'invalid_grant' }, { 'www-authenticate': 'Basic realm="x"' });
		assert.equal(brief(await refreshWith(fetch)), 'rejected invalid_grant');
	});

	it('a JSON body counts whatever its content type says', async () => {
		const fetch = answering(200, { access_token: 'a' }, { 'content-type': 'text/javascript' });
		assert.equal(brief(await refreshWith(fetch)), 'answered');
	});

	it('an error code that looks like data is not repeated', async () => {
		const outcome = await refreshWith(answering(400, { error: `token ${CANARY} is bad` }));
		assert.deepEqual(outcome, { kind: 'failed', code: 'protocol', status: 400 });
	});
});

describe('when to try again', () => {
	const startAtMs = Date.UTC(2030, 0, 1);
	const table: readonly [header: string, date: string | undefined, expectedMs: number | undefined][] = [
		['120', undefined, 120_000],
		['0', undefined, 0],
		['Tue, 01 Jan 2030 00:00:30 GMT', undefined, 30_000],
		['Tue, 01 Jan 2030 04:00:30 GMT', 'Tue, 01 Jan 2030 04:00:00 GMT', 30_000],
		['Mon, 31 Dec 2029 00:00:00 GMT', undefined, 0],
		['999999999', undefined, 24 * 60 * 60_000],
		['soon', undefined, undefined],
		['-5', undefined, undefined],
		['', undefined, undefined],
	];
	for (const [header, date, expectedMs] of table) {
		it(`Retry-After "${header}"${date ? ` of a server at ${date}` : ''}`, async () => {
			const fetch = answering(503, '', { 'retry-after': header, ...(date && { date }) });
			const outcome = await refreshWith(fetch, oauthCredential(), createManualClock(startAtMs));
			assert.deepEqual(outcome, {
				kind: 'failed',
				code: 'transient',
				status: 503,
				...(expectedMs === undefined ? {} : { retryAtMs: startAtMs + expectedMs }),
			});
		});
	}
});

describe('the credential after a refresh', () => {
	async function renewed(body: object, old = oauthCredential(), atMs = 1_000_000): Promise<OAuthCredential> {
		const outcome = await refreshWith(answering(200, { access_token: 'new', ...body }), old, createManualClock(atMs));
		assert.equal(outcome.kind, 'answered');
		return outcome.kind === 'answered' ? outcome.credential : assert.fail();
	}

	for (const [name, body] of [
		['none', {}],
		['a blank one', { refresh_token: '  ' }],
		['null', { refresh_token: null }],
	] as const) {
		it(`carries the old refresh token and its end forward if ${name} came`, async () => {
			const credential = await renewed(body, oauthCredential({ refreshExpiresAtMs: 5, idToken: 'old-id-token' }));
			assert.equal(credential.refreshToken, CANARY);
			assert.equal(credential.refreshExpiresAtMs, 5);
			assert.equal(credential.idToken, 'old-id-token');
		});
	}

	it('knows since when the service has named the end of the sign-in, and forgets when that end moves', async () => {
		const old = oauthCredential({ refreshExpiresAtMs: 1_010_000, obtainedAtMs: 7 });
		assert.equal((await renewed({ refresh_token: 'n', refresh_expires_in: 12 }, old)).refreshEndSinceMs, 7);
		const older = oauthCredential({ refreshExpiresAtMs: 1_010_000, obtainedAtMs: 7, refreshEndSinceMs: 3 });
		assert.equal((await renewed({ refresh_token: 'n', refresh_expires_in: 8 }, older)).refreshEndSinceMs, 3);
		assert.equal((await renewed({ refresh_token: 'n', refresh_expires_in: 3600 }, older)).refreshEndSinceMs, undefined);
		assert.equal((await renewed({ refresh_token: 'n' }, older)).refreshEndSinceMs, undefined);
	});

	it('a new refresh token does not inherit the end of the old one', async () => {
		const credential = await renewed({ refresh_token: 'next' }, oauthCredential({ refreshExpiresAtMs: 5 }));
		assert.equal(credential.refreshToken, 'next');
		assert.equal(credential.refreshExpiresAtMs, undefined);
	});

	it('inherits identity and, where the answer is silent, scopes; a narrower scope is legal', async () => {
		const old = oauthCredential({ scopes: ['a', 'b'] });
		assert.deepEqual((await renewed({}, old)).scopes, ['a', 'b']);
		assert.deepEqual((await renewed({ scope: 'a' }, old)).scopes, ['a']);
		assert.deepEqual((await renewed({}, old)).identity, old.identity);
	});

	const lives: readonly [expiresIn: unknown, lifeMs: number | undefined][] = [
		[undefined, undefined],
		[null, undefined],
		[0, undefined],
		[-1, undefined],
		['', undefined],
		['NaN', undefined],
		['soon', undefined],
		[{}, undefined],
		['3600', 3_600_000],
		[3600, 3_600_000],
		[0.5, 500],
		[1e15, 10 * 365 * 24 * 3_600_000],
	];
	for (const [expiresIn, lifeMs] of lives) {
		it(`expires_in ${JSON.stringify(expiresIn)}: ${lifeMs === undefined ? 'no known end' : `${lifeMs} ms from now`}`, async () => {
			const { expiresAtMs } = await renewed({ expires_in: expiresIn });
			assert.equal(expiresAtMs, lifeMs === undefined ? undefined : 1_000_000 + lifeMs);
		});
	}

	for (const name of ['refresh_token_expires_in', 'refresh_expires_in']) {
		it(`knows the refresh token's end by ${name}`, async () => {
			assert.equal((await renewed({ refresh_token: 'n', [name]: 10 })).refreshExpiresAtMs, 1_010_000);
		});
	}

	const nowS = Math.floor(Date.now() / 1000);
	const claims = { iss: BASE, sub: 'ada', aud: 'client', iat: nowS, exp: nowS + 600 };
	it('keeps a new ID token of the same person', async () => {
		const idToken = unsignedJwt(claims);
		assert.equal((await renewed({ id_token: idToken }, oauthCredential(), Date.now())).idToken, idToken);
	});
	for (const [name, changed] of [
		['expired', { exp: 1 }],
		['of another audience', { aud: 'other' }],
		['without subject', { sub: undefined }],
	] as const) {
		it(`does without an ID token that is ${name}: the rotated refresh token counts`, async () => {
			const idToken = unsignedJwt({ ...claims, ...changed });
			const credential = await renewed({ refresh_token: 'next', id_token: idToken }, oauthCredential(), Date.now());
			assert.equal(credential.refreshToken, 'next');
			assert.equal(credential.idToken, undefined);
		});
	}
	it('does without an ID token that is none', async () => {
		const list = `x.${Buffer.from('[]').toString('base64url')}.x`;
		for (const id_token of ['x', list])
			assert.equal((await renewed({ refresh_token: 'next', id_token })).refreshToken, 'next');
	});
	for (const changed of [{ sub: 'eve' }, { iss: 'https://evil.example' }, { sub: 'eve', exp: 1 }]) {
		it(`refuses an answer whose ID token says ${JSON.stringify(changed)}`, async () => {
			const body = { access_token: 'a', refresh_token: 'r', id_token: unsignedJwt({ ...claims, ...changed }) };
			assert.equal(brief(await refreshWith(answering(200, body))), 'failed identity');
		});
	}
});

describe('the request', () => {
	it('is that of a public client: no secret, no cookies, no redirects, a fresh connection', async () => {
		const fetch = answering(200, { access_token: 'a' });
		const provider = oauth2Provider(BASE);
		const client = { ...provider.client, resource: 'https://api.example.com' };
		await refresh({ ...provider, client }, oauthCredential(), testDeps({ fetch }), never);
		const { url, init } = fetch.requests[0] ?? assert.fail();
		assert.equal(url, `${BASE}/token`);
		assert.equal(init.method, 'POST');
		assert.equal(init.redirect, 'manual');
		assert.equal(init.credentials, 'omit');
		assert.deepEqual(Object.fromEntries(new URLSearchParams(String(init.body))), {
			grant_type: 'refresh_token',
			refresh_token: CANARY,
			client_id: 'client',
			resource: 'https://api.example.com',
		});
		const headers = new Headers(init.headers);
		assert.equal(headers.get('connection'), 'close');
		assert.equal(headers.get('authorization'), null);
	});

	it('carries a number of ours, by which the journal of a service finds it', async () => {
		const fetch = answering(200, { access_token: 'a' });
		await refresh(oauth2Provider(BASE), oauthCredential(), testDeps({ fetch }), never, 'r-4711');
		const headers = [...new Headers(fetch.requests[0]?.init.headers)];
		assert.deepEqual(
			headers.filter(([, value]) => value === 'r-4711').map(([name]) => name),
			['x-request-id'],
		);
	});

	it('an aborted signal sends nothing', async () => {
		const fetch = answering(200, { access_token: 'a' });
		const outcome = await refresh(oauth2Provider(BASE), oauthCredential(), testDeps({ fetch }), AbortSignal.abort());
		assert.equal(outcome.kind, 'notSent');
		assert.equal(fetch.requests.length, 0);
	});

	it('a credential without refresh token and an API key send nothing', async () => {
		const deps = testDeps({ fetch: answering(200, {}) });
		const { refreshToken: _, ...without } = oauthCredential();
		for (const outcome of [
			await refresh(oauth2Provider(BASE), without, deps, never),
			await refresh({ id: 'k', label: 'K', kind: 'apiKey' }, oauthCredential(), deps, never),
		]) {
			assert.ok(outcome.kind === 'notSent' && isAuthError(outcome.cause, 'unavailable'));
		}
	});

	it('an address that is not https is never asked', async () => {
		const fetch = answering(200, { access_token: 'a' });
		const outcome = await refresh(
			oauth2Provider('http://login.example.com'),
			credentialOf('http://login.example.com'),
			testDeps({ fetch }),
			never,
		);
		assert.ok(outcome.kind === 'notSent' && isAuthError(outcome.cause, 'configuration'));
		assert.equal(fetch.requests.length, 0);
	});

	it('more than 1 MiB is no answer, but an error speaks for itself', async () => {
		const body = `{"access_token":"${'x'.repeat(1024 * 1024)}"}`;
		assert.equal((await refreshWith(answering(200, body))).kind, 'unknown');
		assert.equal(brief(await refreshWith(answering(503, body))), 'failed transient');
	});

	it('a status that HTTP does not know is no answer', async () => {
		const http = createServer((_request, response) => {
			response.writeHead(799, { 'content-type': 'application/json' });
			response.end('{"access_token":"a"}');
		});
		await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
		const address = http.address();
		const port = typeof address === 'object' && address !== null ? address.port : assert.fail();
		try {
			const provider = oauth2Provider(`http://127.0.0.1:${port}`);
			assert.equal(
				(await refresh(provider, credentialOf(`http://127.0.0.1:${port}`), testDeps(), never)).kind,
				'unknown',
			);
		} finally {
			http.closeAllConnections();
			http.close();
		}
	});

	it('no outcome and no log line holds a token or a body', async () => {
		const bodies = [{ access_token: 'new-secret', id_token: 'new-secret' }, { error: 'new-secret' }, 'new-secret'];
		for (const status of [200, 400, 500, 502]) {
			for (const body of bodies) {
				const deps = testDeps({ fetch: answering(status, body) });
				const outcome = await refresh(oauth2Provider(BASE), oauthCredential(), deps, never);
				const seen = outcome.kind === 'answered' ? '' : inspect(outcome, { depth: 9, showHidden: true });
				assert.doesNotMatch(seen + deps.log.lines.join('\n'), /new-secret|canary/);
			}
		}
	});
});

describe('a refresh at the demo service', () => {
	let server: Server;
	before(async () => {
		server = await startServer();
	});
	after(() => server.close());

	it('rotates, and the next one works with what came', async () => {
		const first = await signedInCredential(server, testDeps());
		const provider = oidcProvider(server.issuer);
		const second = await refresh(provider, first, testDeps(), never);
		assert.ok(second.kind === 'answered');
		assert.notEqual(second.credential.refreshToken, first.refreshToken);
		assert.deepEqual(second.credential.identity, first.identity);
		assert.equal((await refresh(provider, second.credential, testDeps(), never)).kind, 'answered');
		const third = await refresh(provider, first, testDeps(), never);
		assert.deepEqual(third, { kind: 'rejected', serverError: 'invalid_grant', status: 400 });
	});

	it('an answer cut off after the server acted is unknown, before it too', async () => {
		const provider = oidcProvider(server.issuer);
		for (const drop of ['before', 'after'] as const) {
			const credential = await signedInCredential(server, testDeps());
			using _fault = undoing(server.fault({ on: 'refresh', drop }));
			assert.equal((await refresh(provider, credential, testDeps(), never)).kind, 'unknown', drop);
		}
	});

	it('the deadline ends the request and closes its connection', async () => {
		const credential = await signedInCredential(server, testDeps());
		using _fault = undoing(server.fault({ on: 'refresh', hold: 'after' }));
		const deadline = new AbortController();
		const arrived = server.next('refresh', { phase: 'arrived' });
		const pending = refresh(oidcProvider(server.issuer), credential, testDeps(), deadline.signal);
		await arrived;
		deadline.abort(new AuthError('timeout', 'hard deadline'));
		const outcome = await pending;
		assert.ok(outcome.kind === 'unknown' && isAuthError(outcome.cause, 'timeout'));
	});

	it('failed discovery sends nothing and is asked again', async () => {
		const credential = await signedInCredential(server, testDeps());
		const deps = testDeps();
		const provider = oidcProvider(server.issuer);
		const sent = server.refreshRequests();
		{
			using _fault = undoing(server.fault({ on: 'discovery', respond: { status: 503 } }));
			const outcome = await refresh(provider, credential, deps, never);
			assert.ok(outcome.kind === 'notSent' && isAuthError(outcome.cause, 'transient'));
		}
		assert.equal(server.refreshRequests(), sent);
		assert.equal((await refresh(provider, credential, deps, never)).kind, 'answered');
	});

	for (const hours of [-4, 1]) {
		it(`a local clock that is ${hours} h off does no harm`, async () => {
			const credential = await signedInCredential(server, testDeps());
			const clock = createManualClock();
			clock.jump(hours * 3_600_000);
			const deps = testDeps({ clock });
			const outcome = await refresh(oidcProvider(server.issuer), credential, deps, never);
			assert.ok(outcome.kind === 'answered');
			assert.equal(outcome.credential.expiresAtMs, clock.now() + 3_600_000);
			assert.ok(deps.log.lines.every((line) => !line.includes('ID token')));
			assert.ok(deps.log.lines.some((line) => line.includes('local clock differs')));
		});
	}

	it('a server that is down is not sent to', async () => {
		const credential = await signedInCredential(server, testDeps());
		const provider = oidcProvider(server.issuer);
		const deps = testDeps();
		assert.equal((await refresh(provider, credential, deps, never)).kind, 'answered');
		await server.down();
		assert.equal((await refresh(provider, credential, deps, never)).kind, 'notSent');
		await server.up();
	});

	it('does not reuse a connection that another request left idle', async () => {
		const ports = new Set<number | undefined>();
		const http = createServer((request, response) => {
			ports.add(request.socket.remotePort);
			response.setHeader('content-type', 'application/json');
			response.end('{"access_token":"a"}');
		});
		await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
		const address = http.address();
		const port = typeof address === 'object' && address !== null ? address.port : assert.fail();
		const provider = oauth2Provider(`http://127.0.0.1:${port}`);
		for (let round = 0; round < 3; round += 1)
			await refresh(provider, credentialOf(`http://127.0.0.1:${port}`), testDeps(), never);
		http.closeAllConnections();
		http.close();
		assert.equal(ports.size, 3);
	});
});

function undoing(undo: { dispose(): void }): Disposable {
	return { [Symbol.dispose]: () => undo.dispose() };
}
