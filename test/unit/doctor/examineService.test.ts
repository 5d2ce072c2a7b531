/** What a service answers to the examination, and what is made of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { describe, it } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import { createExamine } from '../../../src/auth/doctor/examine.ts';
import { examineService } from '../../../src/auth/doctor/examineService.ts';
import type { Fact, Finding } from '../../../src/auth/doctor/finding.ts';
import { AuthError } from '../../../src/auth/errors.ts';
import type { OAuthDeps } from '../../../src/auth/oauth/deps.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import { createDiskShelf } from '../../../src/auth/shelf.ts';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { bucketOf, createFakeAuthService, snapshotOf } from '../../support/fakeAuthService.ts';
import { oauth2Provider, oidcProvider, testDeps } from '../../support/oauthFixtures.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { createSharedKeys } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const never = new AbortController().signal;
const token = { value: 'canary-token', scopes: [], bucketId: 'a' };

type Service = AsyncDisposable & { readonly address: string };

/** A service of the test's own; `address` is its issuer. */
async function serve(answer: RequestListener): Promise<Service> {
	const server = createServer(answer).listen(0, '127.0.0.1');
	await once(server, 'listening');
	const at = server.address();
	if (at === null || typeof at === 'string') throw new Error('no port');
	return {
		address: `http://127.0.0.1:${at.port}`,
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

/** A service with a discovery document, and userinfo as the test has it. */
function withUserinfo(userinfo: RequestListener | undefined): Promise<Service> {
	return serve((request, response) => {
		const issuer = `http://${request.headers.host}`;
		if (request.url === '/me') return userinfo?.(request, response);
		const metadata = {
			issuer,
			token_endpoint: `${issuer}/token`,
			...(userinfo && { userinfo_endpoint: `${issuer}/me` }),
		};
		response.setHeader('content-type', 'application/json');
		response.end(JSON.stringify(metadata));
	});
}

const factOf = (found: readonly Finding[], check: Finding['check']): Fact | undefined =>
	found.find((one) => one.check === check)?.fact;

describe('a service under examination', () => {
	it('is not shown the token at an address that the settings name elsewhere: nothing binds the token to that', async () => {
		const asked: string[] = [];
		const listener: RequestListener = (request, response) => {
			asked.push(request.url ?? '');
			response.end('{}');
		};
		await using own = await serve(listener);
		await using elsewhere = await serve(listener);
		const provider = oauth2Provider(own.address);
		assert.ok(provider.kind === 'oauth2');
		const at = (userinfoEndpoint: string): Provider => ({
			...provider,
			endpoints: { ...provider.endpoints, userinfoEndpoint },
		});
		const found = await examineService(at(`${elsewhere.address}/elsewhere`), testDeps(), never, token);
		assert.equal(factOf(found, 'account'), 'notAsked');
		const beside = await examineService(at(`${own.address}/me`), testDeps(), never, token);
		assert.equal(factOf(beside, 'account'), 'healthy');
		assert.deepEqual(
			asked.filter((path) => path !== '/token'),
			['/me'],
		);
	});

	it('is nothing to ask where people have keys', async () => {
		const found = await examineService({ id: 'k', label: 'K', kind: 'apiKey' }, testDeps(), never);
		assert.deepEqual(found, [{ check: 'service', fact: 'nothing', verdict: 'healthy', providerId: 'k' }]);
	});

	it('that the settings name by its endpoints is there if it answers anything at all', async () => {
		const methods: (string | undefined)[] = [];
		await using service = await serve((request, response) => {
			methods.push(request.method);
			response.sendDate = false;
			response.writeHead(404).end();
		});
		const found = await examineService(oauth2Provider(service.address), testDeps(), never);
		assert.deepEqual(methods, ['HEAD']);
		// Without a date in its answer nothing is known of its clock.
		assert.deepEqual(
			found.map(({ check, fact }) => [check, fact]),
			[['service', 'healthy']],
		);
	});

	it('that the settings name by its endpoints is missed if nobody is there', async () => {
		const { address } = await using(await serve(() => undefined));
		const [found] = await examineService(oauth2Provider(address), testDeps(), never);
		assert.equal(found?.fact, 'noConnection');
		assert.equal(found?.status, undefined);
	});

	it('is not blamed for a proxy that is gone', async () => {
		const { address: proxy } = await using(await serve(() => undefined));
		// As VS Code sends requests: to the proxy, which nobody else knows of.
		const deps = testDeps({ fetch: (_url, init) => fetch(proxy, init) });
		await using service = await withUserinfo(undefined);
		const [found] = await examineService(oidcProvider(service.address), deps, never);
		assert.equal(found?.fact, 'proxyGone');
	});

	it('is asked about a token only where it has an endpoint for that', async () => {
		await using service = await withUserinfo(undefined);
		const found = await examineService(oidcProvider(service.address), testDeps(), never, token);
		assert.equal(factOf(found, 'account'), 'notAsked');
	});

	const answers: readonly (readonly [what: string, status: number, fact: Fact])[] = [
		['takes the token', 200, 'healthy'],
		['refuses it', 401, 'tokenRefused'],
		['does not tell this token anything, which says nothing of the token', 403, 'notAsked'],
		['is broken', 500, 'serverError'],
	];
	for (const [what, status, fact] of answers)
		it(`${what}: ${fact}`, async () => {
			const sent: (string | undefined)[] = [];
			await using service = await withUserinfo((request, response) => {
				sent.push(request.headers.authorization);
				response.writeHead(status).end('{}');
			});
			const found = await examineService(oidcProvider(service.address), testDeps(), never, token);
			assert.equal(factOf(found, 'account'), fact);
			assert.deepEqual(sent, ['Bearer canary-token']);
			assert.ok(!JSON.stringify(found).includes('canary'));
		});

	it('that loses the question about the token is told from one that refuses it', async () => {
		await using service = await withUserinfo((request) => request.socket.destroy());
		const found = await examineService(oidcProvider(service.address), testDeps(), never, token);
		assert.equal(factOf(found, 'service'), 'healthy');
		assert.equal(factOf(found, 'account'), 'noConnection');
	});

	it('is let go when the examination ends', async () => {
		const ending = new AbortController();
		await using service = await withUserinfo(() => ending.abort(new AuthError('cancelled', 'x')));
		await assert.rejects(examineService(oidcProvider(service.address), testDeps(), ending.signal, token), {
			code: 'cancelled',
		});
	});
});

describe('an account under examination', () => {
	async function examineWith(provider: Provider, error: unknown, context: Parameters<typeof tempFolder>[0]) {
		const log = createRecordingLog();
		const service = createFakeAuthService(snapshotOf([bucketOf('a')], { provider }));
		service.answer = () => Promise.reject(error);
		const shelf = createDiskShelf({
			...{ storagePath: await tempFolder(context), disk: nodeDisk, clock: systemClock, log },
			...{ secrets: createSharedKeys(), keepKeyCopy: false },
		});
		const oauth: OAuthDeps = testDeps();
		const examine = createExamine({ service, shelf, disk: nodeDisk, oauth });
		const found = await examine({ signal: never, terminal: async () => 'off', onFinding: () => undefined });
		shelf.watch.dispose();
		return found.filter(({ check }) => check === 'account' || check === 'service');
	}

	it('needs a sign-in if that has ended', async (context) => {
		await using service = await withUserinfo(undefined);
		for (const code of ['no_account', 'invalid_grant', 'unknown_outcome', 'unavailable'] as const) {
			const found = await examineWith(oidcProvider(service.address), new AuthError(code, 'x'), context);
			assert.equal(factOf(found, 'account'), 'needsSignIn', code);
		}
	});

	it('that cannot be renewed is one trouble with a service that cannot be reached', async (context) => {
		const { address } = await using(await serve(() => undefined));
		const found = await examineWith(oidcProvider(address), new AuthError('transient', 'x'), context);
		assert.deepEqual(
			found.map(({ check, fact }) => [check, fact]),
			[['service', 'noConnection']],
		);
	});

	it('is broken for a reason of ours, with the name of it and no word more', async (context) => {
		await using service = await withUserinfo(undefined);
		const found = await examineWith(oidcProvider(service.address), new TypeError('canary'), context);
		const account = found.find(({ check }) => check === 'account');
		assert.deepEqual([account?.fact, account?.code, account?.cause], ['unknown', undefined, 'TypeError']);
	});
});

/** The address of a service that has gone. */
async function using(service: Service): Promise<Pick<Service, 'address'>> {
	await service[Symbol.asyncDispose]();
	return service;
}
