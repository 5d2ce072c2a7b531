import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Clock } from '../../../src/auth/clock.ts';
import { systemClock } from '../../../src/auth/clock.ts';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import type { AuthErrorCode } from '../../../src/auth/errors.ts';
import { AuthError, isAuthError } from '../../../src/auth/errors.ts';
import type { Fetch } from '../../../src/auth/oauth/deps.ts';
import type { DeviceRequest } from '../../../src/auth/oauth/deviceGrant.ts';
import { pollDeviceGrant, startDeviceGrant } from '../../../src/auth/oauth/deviceGrant.ts';
import { resolveServer } from '../../../src/auth/oauth/discovery.ts';
import { REQUEST_DEADLINE_MS } from '../../../src/auth/oauth/failures.ts';
import type { Server } from '../../server/server.ts';
import { startServer } from '../../server/server.ts';
import type { ManualClock } from '../../support/manualClock.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { answering, oauth2Provider, oidcProvider, testDeps } from '../../support/oauthFixtures.ts';
import { approveDeviceByHttp } from '../../support/signInByHttp.ts';

const never = new AbortController().signal;
const isWait = (delayMs: number): boolean => delayMs !== REQUEST_DEADLINE_MS;
const nothing = (): void => undefined;

/** Lets the poll wait for exactly as long as it wants, and tells how long that was. */
async function nextWait(clock: ManualClock): Promise<number> {
	const delayMs = await clock.armed(isWait);
	clock.advance(delayMs);
	return delayMs;
}

describe('the device flow at the demo service', () => {
	let server: Server;
	before(async () => {
		server = await startServer({ deviceIntervalS: 1 });
	});
	after(() => server.close());

	async function begin(clock: Clock) {
		const deps = testDeps({ clock });
		const provider = oidcProvider(server.issuer);
		const metadata = await resolveServer(provider, deps, never);
		const request = await startDeviceGrant(provider, metadata, ['openid', 'offline_access'], deps, never);
		const poll = (signal = never, onAnswered = nothing): Promise<OAuthCredential> =>
			pollDeviceGrant(provider, metadata, request, deps, signal, onAnswered);
		return { request, poll };
	}

	it('asks at the interval until the person has approved', async () => {
		// Real time: the service refuses polls that come too early.
		const { request, poll } = await begin(systemClock);
		assert.match(request.userCode, /\w/);
		assert.ok(request.url.startsWith(request.verificationUri));
		let answered = 0;
		const polled = server.next('device');
		const pending = poll(never, () => {
			answered += 1;
		});
		assert.equal((await polled).error, 'authorization_pending');
		await approveDeviceByHttp(request, 'ada');
		const credential = await pending;
		assert.equal(credential.identity.subject, 'person-0001');
		assert.ok(credential.refreshToken);
		assert.equal(answered, 1);
		assert.ok(server.log.every(({ error }) => error !== 'slow_down'));
	});

	it('a refusal is `denied`', async () => {
		const clock = createManualClock();
		const { request, poll } = await begin(clock);
		await approveDeviceByHttp(request, 'ada', { deny: true });
		const pending = poll();
		const refused = assert.rejects(pending, (error) => isAuthError(error, 'denied'));
		await nextWait(clock);
		await refused;
	});

	it('a cancelled wait asks no more', async () => {
		const clock = createManualClock();
		const { poll } = await begin(clock);
		const polls = server.count('device');
		const cancel = new AbortController();
		const pending = poll(cancel.signal);
		await clock.armed(isWait);
		cancel.abort();
		await assert.rejects(pending, (error) => isAuthError(error, 'cancelled'));
		assert.equal(server.count('device'), polls);
	});
});

const BASE = 'https://e.example';
const METADATA = {
	issuer: BASE,
	token_endpoint: `${BASE}/token`,
	device_authorization_endpoint: `${BASE}/device`,
};

describe('the patience of the device flow', () => {
	const request: DeviceRequest = {
		userCode: 'X',
		verificationUri: BASE,
		url: BASE,
		expiresAtMs: 0,
		scopes: [],
		deviceCode: 'd',
		intervalMs: 5000,
		endsAtMonotonicMs: 600_000,
	};

	/** Waits between the answers of a script; undefined is a lost connection. */
	async function waits(script: readonly (readonly [status: number, body: object] | undefined)[]): Promise<number[]> {
		const clock = createManualClock();
		const left = [...script];
		const fetch: Fetch = async (url, init) => {
			const next = left.shift();
			if (next === undefined) throw Object.assign(new TypeError('fetch failed'), { cause: new Error('x') });
			return answering(...next)(url, init);
		};
		const pending = pollDeviceGrant(
			oauth2Provider(BASE),
			METADATA,
			request,
			testDeps({ clock, fetch }),
			never,
			nothing,
		);
		pending.catch(nothing);
		const found: number[] = [];
		for (const _ of script) found.push(await nextWait(clock));
		await pending;
		return found;
	}

	const pendingAnswer = [400, { error: 'authorization_pending' }] as const;
	const slowDown = [400, { error: 'slow_down' }] as const;
	const done = [200, { access_token: 'a' }] as const;

	it('slow_down adds 5 s for good, each time', async () => {
		assert.deepEqual(
			await waits([pendingAnswer, slowDown, pendingAnswer, slowDown, pendingAnswer, done]),
			[5000, 5000, 10_000, 10_000, 15_000, 15_000],
		);
	});

	it('slow_down counts with status 429 too', async () => {
		assert.deepEqual(await waits([[429, { error: 'slow_down' }], done]), [5000, 10_000]);
	});

	it('lost connections and broken servers double the wait, up to a minute, until one is answered', async () => {
		assert.deepEqual(
			await waits([undefined, [503, {}], [502, {}], undefined, undefined, pendingAnswer, done]),
			[5000, 10_000, 20_000, 40_000, 60_000, 60_000, 5000],
		);
	});

	const ends: readonly [error: string, code: AuthErrorCode][] = [
		['access_denied', 'denied'],
		['expired_token', 'timeout'],
		['invalid_grant', 'protocol'],
		['invalid_client', 'configuration'],
		['strange', 'protocol'],
	];
	for (const [error, code] of ends) {
		it(`${error} ends it with ${code}`, async () => {
			await assert.rejects(waits([[400, { error }]]), (failure) => {
				assert.ok(isAuthError(failure, code));
				assert.equal(failure.detail.serverError, error);
				return true;
			});
		});
	}

	const deadCode = [400, { error: 'invalid_grant' }] as const;

	it('is to be tried again if the answer with the tokens was lost: the code is spent, and nobody said no', async () => {
		for (const lost of [undefined, [502, {}], [504, {}]] as const)
			await assert.rejects(waits([pendingAnswer, lost, deadCode]), (failure) => isAuthError(failure, 'transient'));
	});

	it('is refused if the code is dead although the last answer came', async () => {
		await assert.rejects(waits([undefined, pendingAnswer, deadCode]), (failure) => isAuthError(failure, 'protocol'));
		await assert.rejects(waits([undefined, slowDown, deadCode]), (failure) => isAuthError(failure, 'protocol'));
	});

	it('ends when the code has expired, without a last request', async () => {
		const clock = createManualClock();
		const fetch = answering(...pendingAnswer);
		const short = { ...request, endsAtMonotonicMs: 12_000 };
		const pending = pollDeviceGrant(oauth2Provider(BASE), METADATA, short, testDeps({ clock, fetch }), never, nothing);
		const ended = assert.rejects(pending, (error) => isAuthError(error, 'timeout'));
		assert.deepEqual([await nextWait(clock), await nextWait(clock), await nextWait(clock)], [5000, 5000, 2000]);
		await ended;
		assert.equal(fetch.requests.length, 2);
	});

	it('a token endpoint that must not be asked ends it at once', async () => {
		const clock = createManualClock();
		const fetch = answering(...done);
		const metadata = { ...METADATA, token_endpoint: 'http://e.example/token' };
		const deps = testDeps({ clock, fetch });
		const pending = pollDeviceGrant(oauth2Provider(BASE), metadata, request, deps, never, nothing);
		const ended = assert.rejects(pending, (error) => isAuthError(error, 'configuration'));
		await nextWait(clock);
		await ended;
		assert.equal(fetch.requests.length, 0);
	});

	it('a poll that is never answered is given up and counts as lost', async () => {
		const clock = createManualClock();
		let asked = 0;
		const fetch: Fetch = (url, init) => {
			asked += 1;
			if (asked > 1) return answering(...done)(url, init);
			return new Promise((_resolve, reject) => {
				init.signal?.addEventListener('abort', () => reject(new Error('aborted')));
			});
		};
		const pending = pollDeviceGrant(
			oauth2Provider(BASE),
			METADATA,
			request,
			testDeps({ clock, fetch }),
			never,
			nothing,
		);
		await nextWait(clock);
		await clock.armed((delayMs) => delayMs === REQUEST_DEADLINE_MS);
		clock.advance(REQUEST_DEADLINE_MS);
		assert.equal(await nextWait(clock), 10_000);
		assert.equal((await pending).accessToken, 'a');
	});

	it('an abort during a poll ends it with its reason', async () => {
		const clock = createManualClock();
		const gone = new AbortController();
		const fetch: Fetch = (_url, init) =>
			new Promise((_resolve, reject) => {
				init.signal?.addEventListener('abort', () => reject(new Error('aborted')));
				gone.abort(new AuthError('timeout', 'x'));
			});
		const deps = testDeps({ clock, fetch });
		const pending = pollDeviceGrant(oauth2Provider(BASE), METADATA, request, deps, gone.signal, nothing);
		const ended = assert.rejects(pending, (error) => isAuthError(error, 'timeout'));
		await nextWait(clock);
		await ended;
	});
});

describe('what a device endpoint can answer', () => {
	const good = { device_code: 'd', user_code: 'U', verification_uri: 'https://e.example/activate', expires_in: 60 };
	const start = (status: number, body: unknown): Promise<DeviceRequest> =>
		startDeviceGrant(oauth2Provider(BASE), METADATA, ['api'], testDeps({ fetch: answering(status, body) }), never);

	for (const [interval, expectedMs] of [
		[undefined, 5000],
		[null, 5000],
		[0, 5000],
		[-1, 5000],
		['7', 7000],
		[7, 7000],
		[0.01, 1000],
		['x', 5000],
	] as const) {
		it(`interval ${JSON.stringify(interval)}: ${expectedMs} ms`, async () => {
			assert.equal((await start(200, { ...good, interval })).intervalMs, expectedMs);
		});
	}

	for (const [expiresIn, expectedS] of [
		[60, 60],
		['60', 60],
		[undefined, 600],
		[0, 600],
		[1e9, 3600],
	] as const) {
		it(`expires_in ${expiresIn}: ${expectedS} s`, async () => {
			const { endsAtMonotonicMs } = await start(200, { ...good, expires_in: expiresIn });
			assert.ok(Math.abs(endsAtMonotonicMs - performance.now() - expectedS * 1000) < 5000);
		});
	}

	it('names no scopes if none are asked for', async () => {
		const bodies: (string | null)[] = [];
		for (const scopes of [[], ['api', 'more']]) {
			const fetch = answering(200, good);
			await startDeviceGrant(oauth2Provider(BASE), METADATA, scopes, testDeps({ fetch }), never);
			bodies.push(new URLSearchParams(String(fetch.requests[0]?.init.body)).get('scope'));
		}
		assert.deepEqual(bodies, [null, 'api more']);
	});

	it('is not asked for a sign-in that has ended', async () => {
		const fetch = answering(200, good);
		const ended = AbortSignal.abort(new AuthError('timeout', 'x'));
		const asked = startDeviceGrant(oauth2Provider(BASE), METADATA, [], testDeps({ fetch }), ended);
		await assert.rejects(asked, (error) => isAuthError(error, 'timeout'));
		assert.equal(fetch.requests.length, 0);
	});

	it('opens the address with the code where there is one', async () => {
		const complete = 'https://e.example/activate?code=U';
		assert.equal((await start(200, { ...good, verification_uri_complete: complete })).url, complete);
		assert.equal((await start(200, good)).url, good.verification_uri);
	});

	const bad: readonly [name: string, status: number, body: unknown, code: AuthErrorCode][] = [
		['an address that runs something', 200, { ...good, verification_uri: 'javascript:alert(1)' }, 'protocol'],
		['a complete address that runs something', 200, { ...good, verification_uri_complete: 'file:///x' }, 'protocol'],
		['an address without TLS', 200, { ...good, verification_uri: 'http://e.example' }, 'protocol'],
		['no device code', 200, { ...good, device_code: '' }, 'protocol'],
		['a code that nobody can type', 200, { ...good, user_code: 'A\u0007B' }, 'protocol'],
		['an address on this machine', 200, { ...good, verification_uri: 'https://localhost/activate' }, 'protocol'],
		['a page', 200, '<html>', 'protocol'],
		['unauthorized_client', 400, { error: 'unauthorized_client' }, 'configuration'],
		['busy', 503, '', 'transient'],
	];
	for (const [name, status, body, code] of bad) {
		it(`${name}: ${code}`, async () => {
			await assert.rejects(start(status, body), (error) => isAuthError(error, code));
		});
	}
});
