/** Device authorization at a server that wants to keep, mislead or flood who asks (RFC 8628 sections 3.2, 3.5, 5). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../../../src/auth/clock.ts';
import { isAuthError } from '../../../src/auth/errors.ts';
import { pollDeviceGrant, startDeviceGrant } from '../../../src/auth/oauth/deviceGrant.ts';
import { resolveServer } from '../../../src/auth/oauth/discovery.ts';
import { REQUEST_DEADLINE_MS } from '../../../src/auth/oauth/failures.ts';
import {
	bomb,
	DISCOVERY_PATH,
	endless,
	type HostileServer,
	hostileProvider,
	metadataOf,
	redirectTo,
	resolvingTo,
	startHostileServer,
} from '../../support/hostileServer.ts';
import { testDeps } from '../../support/oauthFixtures.ts';

const never = new AbortController().signal;
const MINUTE_MS = 60_000;

/** Waiting takes no time; a request takes as long as it takes. */
function impatientClock(): Clock & { waited(): readonly number[] } {
	const waits: number[] = [];
	let nowMs = 1_800_000_000_000;
	return {
		now: () => nowMs,
		monotonic: () => nowMs,
		waited: () => waits,
		schedule(delayMs, callback) {
			const fire = (): void => {
				waits.push(delayMs);
				nowMs += delayMs;
				callback();
			};
			// As long as a request may take: likely one, which ends before. If it is a wait, it only takes a moment longer.
			const handle = delayMs === REQUEST_DEADLINE_MS ? setTimeout(fire, 1000) : undefined;
			const soon = handle === undefined ? setImmediate(fire) : undefined;
			return {
				dispose() {
					clearTimeout(handle);
					clearImmediate(soon);
				},
			};
		},
	};
}

const CODE = {
	device_code: 'device-code',
	user_code: 'ABCD-EFGH',
	verification_uri: 'https://login.example.com/device',
};

async function poll(server: HostileServer, device: object, answers: (count: number) => [status: number, body: object]) {
	server.on('/device', { ...CODE, ...device });
	server.on('/token', (response) => {
		const [status, body] = answers(server.count('/token'));
		response.writeHead(status, { 'content-type': 'application/json' });
		response.end(JSON.stringify(body));
	});
	const clock = impatientClock();
	const deps = testDeps({ clock });
	const provider = hostileProvider(server.origin);
	const metadata = await resolveServer(provider, deps, never);
	const request = await startDeviceGrant(provider, metadata, ['openid'], deps, never);
	const startedAtMs = clock.monotonic();
	const outcome = await pollDeviceGrant(provider, metadata, request, deps, never, () => undefined).then(
		() => 'tokens',
		(error: unknown) => (isAuthError(error) ? error.code : assert.fail(String(error))),
	);
	return { outcome, waits: clock.waited(), tookMs: clock.monotonic() - startedAtMs };
}

describe('a device code that never ends', () => {
	it('a life of a million years, an answer that is always "pending": ends within the hour', async () => {
		await using server = await startHostileServer();
		const { outcome, tookMs } = await poll(server, { expires_in: 3e13, interval: 60 }, () => [
			400,
			{ error: 'authorization_pending' },
		]);
		assert.equal(outcome, 'timeout');
		assert.ok(tookMs <= 60 * MINUTE_MS, String(tookMs));
		assert.ok(server.count('/token') <= 60);
	});

	it('always "slow_down": each wait is longer, and the end comes all the same', async () => {
		await using server = await startHostileServer();
		const { outcome, waits, tookMs } = await poll(server, { expires_in: 600 }, () => [400, { error: 'slow_down' }]);
		assert.equal(outcome, 'timeout');
		assert.equal(tookMs, 10 * MINUTE_MS);
		assert.deepEqual(waits.slice(0, 4), [5000, 10_000, 15_000, 20_000]);
	});

	it('an interval longer than the life, below nothing, or no number: no timer overflows, nobody is hammered', async () => {
		for (const interval of [1e300, -5, 0, 1e-9, '1e9', 'x', null]) {
			await using server = await startHostileServer();
			const { outcome, waits } = await poll(server, { expires_in: 30, interval }, () => [
				400,
				{ error: 'authorization_pending' },
			]);
			assert.equal(outcome, 'timeout', String(interval));
			assert.ok(server.count('/token') <= 30, String(interval));
			assert.ok(waits.every((wait) => wait <= 30_000));
		}
	});

	it('5xx for ever: backs off and ends', async () => {
		await using server = await startHostileServer();
		const { outcome } = await poll(server, { expires_in: 1800, interval: 5 }, () => [503, {}]);
		assert.equal(outcome, 'timeout');
		assert.ok(server.count('/token') < 40, String(server.count('/token')));
	});
});

describe('what a person is shown and sent to', () => {
	const ISSUER = 'https://login.example.com';
	const refused: readonly [what: string, change: object][] = [
		['a file', { verification_uri: 'file:///etc/passwd' }],
		['a script', { verification_uri: 'javascript:alert(1)' }],
		['a command of VS Code', { verification_uri: 'vscode://agent-auth.agent-auth/x' }],
		['http beyond this machine', { verification_uri: 'http://login.example.com/device' }],
		['a program on this machine', { verification_uri: 'http://127.0.0.1:8080/shutdown' }],
		['a script beside a good address', { verification_uri_complete: 'javascript:alert(1)' }],
		['a program on this machine beside it', { verification_uri_complete: 'https://localhost/x' }],
		['a name before the host', { verification_uri: 'https://login.example.com@evil.example/' }],
		['a code with a line end', { user_code: 'ABCD\nGo to evil.example' }],
		['a code that turns text around', { user_code: '\u202eABCD' }],
		['a code as long as a book', { user_code: 'A'.repeat(100_000) }],
		['no code', { user_code: '' }],
	];
	for (const [what, change] of refused) {
		it(`${what} is refused`, async () => {
			await using server = await startHostileServer();
			server.on(DISCOVERY_PATH, metadataOf(ISSUER));
			server.on('/device', { ...CODE, expires_in: 600, ...change });
			const deps = testDeps({ fetch: resolvingTo(server, ISSUER) });
			const provider = hostileProvider(ISSUER);
			const metadata = await resolveServer(provider, deps, never);
			await assert.rejects(startDeviceGrant(provider, metadata, [], deps, never), (error) =>
				isAuthError(error, 'protocol'),
			);
		});
	}

	it('a page elsewhere over https, and codes of any alphabet, are fine', async () => {
		for (const user_code of ['ABCD-EFGH', '123 456 789', 'wdjb.mjht', 'ключ-12']) {
			await using server = await startHostileServer();
			server.on(DISCOVERY_PATH, metadataOf(ISSUER));
			server.on('/device', { ...CODE, expires_in: 600, user_code, verification_uri: 'https://example.net/activate' });
			const deps = testDeps({ fetch: resolvingTo(server, ISSUER) });
			const metadata = await resolveServer(hostileProvider(ISSUER), deps, never);
			const request = await startDeviceGrant(hostileProvider(ISSUER), metadata, [], deps, never);
			assert.equal(request.userCode, user_code);
		}
	});

	for (const [name, answer] of [
		['endless', endless()],
		['a bomb', bomb()],
		['a redirect', redirectTo('http://169.254.169.254/')],
	] as const) {
		it(`${name} in place of a code is an error`, async () => {
			await using server = await startHostileServer({ '/device': answer });
			const provider = hostileProvider(server.origin);
			const deps = testDeps();
			const metadata = await resolveServer(provider, deps, never);
			await assert.rejects(startDeviceGrant(provider, metadata, [], deps, never), (error) =>
				isAuthError(error, 'protocol'),
			);
		});
	}
});
