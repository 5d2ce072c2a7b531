/** Metadata from a server that lies about where everything is (RFC 8414 sections 3.3 and 6.2). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AuthErrorCode, isAuthError } from '../../../src/auth/errors.ts';
import { resolveServer } from '../../../src/auth/oauth/discovery.ts';
import { withinRequest } from '../../../src/auth/oauth/failures.ts';
import { MAX_BODY_BYTES } from '../../../src/auth/oauth/wire.ts';
import { createDeferred } from '../../support/deferred.ts';
import {
	bomb,
	DISCOVERY_PATH,
	dripping,
	endless,
	type HostileAnswer,
	hostileProvider,
	metadataOf,
	redirectTo,
	resolvingTo,
	startHostileServer,
} from '../../support/hostileServer.ts';
import { testDeps } from '../../support/oauthFixtures.ts';

const never = new AbortController().signal;

describe('metadata of a server on this machine', () => {
	const lies: readonly [what: string, change: object][] = [
		['another issuer', { issuer: 'https://login.example.com' }],
		['http beyond this machine', { token_endpoint: 'http://login.example.com/token' }],
		['a file', { token_endpoint: 'file:///etc/passwd' }],
		['a password', { revocation_endpoint: 'https://me:secret@login.example.com/' }],
		['a script', { authorization_endpoint: 'javascript:alert(1)' }],
		['http at a private address', { userinfo_endpoint: 'http://169.254.169.254/latest/meta-data' }],
	];
	for (const [what, change] of lies) {
		it(`that names ${what} is refused`, async () => {
			await using server = await startHostileServer();
			server.on(DISCOVERY_PATH, { ...metadataOf(server.origin), ...change });
			await assert.rejects(resolveServer(hostileProvider(server.origin), testDeps(), never), (error) =>
				isAuthError(error, 'configuration'),
			);
		});
	}

	for (const status of [301, 302, 303, 307, 308]) {
		for (const to of ['another host', 'file:///etc/passwd', 'http://169.254.169.254/', 'http://10.0.0.1/']) {
			it(`${status} to ${to} is not followed`, async () => {
				await using server = await startHostileServer();
				await using other = await startHostileServer();
				server.on(DISCOVERY_PATH, redirectTo(to === 'another host' ? other.origin + DISCOVERY_PATH : to, status));
				await assert.rejects(resolveServer(hostileProvider(server.origin), testDeps(), never), (error) =>
					isAuthError(error, 'protocol'),
				);
				assert.equal(other.connections(), 0);
				assert.equal(server.connections(), 1);
			});
		}
	}

	const floods: readonly [name: string, answer: HostileAnswer, code: AuthErrorCode][] = [
		['an endless body', endless(), 'protocol'],
		['an endless error', endless(400), 'configuration'],
		['half a GiB in a few KB', bomb(), 'protocol'],
		['the same as an error', bomb(503), 'transient'],
	];
	for (const [name, answer, code] of floods) {
		it(`${name} ends at ${MAX_BODY_BYTES} bytes, and the memory does not grow with it`, async () => {
			await using server = await startHostileServer({ [DISCOVERY_PATH]: answer });
			const before = process.memoryUsage().arrayBuffers;
			await assert.rejects(resolveServer(hostileProvider(server.origin), testDeps(), never), (error) =>
				isAuthError(error, code),
			);
			assert.ok(process.memoryUsage().arrayBuffers - before < 200 * MAX_BODY_BYTES);
		});
	}

	it('a byte now and then ends at the deadline, with the connection', async () => {
		const closed = createDeferred<void>();
		await using server = await startHostileServer();
		server.on(DISCOVERY_PATH, (response, request) => {
			response.once('close', closed.resolve);
			const drip = dripping();
			if (typeof drip === 'function') drip(response, request);
		});
		const deps = testDeps();
		await assert.rejects(
			withinRequest(
				deps.clock,
				never,
				'evil',
				(signal) => resolveServer(hostileProvider(server.origin), deps, signal),
				300,
			),
			(error) => isAuthError(error, 'transient'),
		);
		await closed.promise;
	});

	it('cookies are not kept, and not sent', async () => {
		await using server = await startHostileServer();
		const deps = testDeps();
		server.on(DISCOVERY_PATH, (response) => {
			response.writeHead(503, { 'set-cookie': ['a=1', 'b=2; HttpOnly'] });
			response.end();
		});
		for (let round = 0; round < 3; round++)
			await assert.rejects(resolveServer(hostileProvider(server.origin), deps, never));
		assert.equal(server.received.length, 3);
		assert.ok(server.received.every(({ headers }) => headers.cookie === undefined));
	});

	it('a signature is never optional, whatever the metadata offers', async () => {
		await using server = await startHostileServer();
		server.on(DISCOVERY_PATH, {
			...metadataOf(server.origin),
			id_token_signing_alg_values_supported: ['none', 'None', 'ES256'],
		});
		const found = await resolveServer(hostileProvider(server.origin), testDeps(), never);
		assert.deepEqual(found.id_token_signing_alg_values_supported, ['ES256']);
	});
});

describe('metadata of a server elsewhere', () => {
	const ISSUER = 'https://login.example.com';
	const local = [
		'http://127.0.0.1:8080/x',
		'http://localhost/x',
		'http://[::1]:3000/x',
		'https://127.0.0.1/x',
		'https://127.9.9.9/x',
		'https://[::ffff:127.0.0.1]/x',
		'https://0.0.0.0/x',
		'https://a.localhost/x',
	];
	for (const address of local) {
		it(`does not lead to ${address}`, async () => {
			await using server = await startHostileServer();
			for (const name of ['token_endpoint', 'authorization_endpoint', 'userinfo_endpoint', 'revocation_endpoint']) {
				server.on(DISCOVERY_PATH, { ...metadataOf(ISSUER), [name]: address });
				const deps = testDeps({ fetch: resolvingTo(server, ISSUER) });
				await assert.rejects(resolveServer(hostileProvider(ISSUER), deps, never), (error) =>
					isAuthError(error, 'configuration'),
				);
			}
		});
	}

	it('may have its endpoints at another public name', async () => {
		await using server = await startHostileServer();
		server.on(DISCOVERY_PATH, { ...metadataOf(ISSUER), token_endpoint: 'https://tokens.example.net/t' });
		const deps = testDeps({ fetch: resolvingTo(server, ISSUER) });
		const found = await resolveServer(hostileProvider(ISSUER), deps, never);
		assert.equal(found.token_endpoint, 'https://tokens.example.net/t');
	});
});
