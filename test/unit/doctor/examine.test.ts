/** The examination over real files and a real server: each trouble has its own fact. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Finding } from '../../../src/auth/doctor/finding.ts';
import { digest } from '../../../src/auth/log.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import type { ServiceOptions } from '../../../src/auth/service/createService.ts';
import { type Server, startServer } from '../../server/server.ts';
import { createSharedKeys, demoProvider, openWindow, scriptedUi, type Window } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';

describe('the examination', () => {
	let folder: string;
	let server: Server;
	let keys: ReturnType<typeof createSharedKeys>;
	const windows: Window[] = [];
	const cleanUps: (() => Promise<void>)[] = [];

	beforeEach(async () => {
		folder = await tempFolder({ after: (work) => void cleanUps.push(work) });
		server = await startServer({ accessTokenLifeS: 3600 });
		keys = createSharedKeys();
	});

	afterEach(async () => {
		for (const window of windows.splice(0)) window.service.dispose();
		await server.close();
		for (const cleanUp of cleanUps.splice(0)) await cleanUp();
	});

	function open(provider: Provider = demoProvider(server.issuer), overrides: Partial<ServiceOptions> = {}): Window {
		const window = openWindow(folder, keys, [provider], overrides);
		windows.push(window);
		return window;
	}

	async function examine(
		window: Window,
		terminal: 'answers' | 'off' | 'silent' = 'answers',
	): Promise<readonly Finding[]> {
		await window.service.loaded;
		const told: Finding[] = [];
		const found = await window.service.examine({
			signal: AbortSignal.timeout(30_000),
			terminal: async () => terminal,
			onFinding: (one) => told.push(one),
		});
		assert.deepEqual(told, found);
		return found;
	}

	const factOf = (found: readonly Finding[], check: Finding['check']) => found.find((one) => one.check === check)?.fact;

	it('is healthy only where everything was really tried', async () => {
		const window = open();
		await window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
		const asked = server.count('userinfo');
		const found = await examine(window);
		const facts = Object.fromEntries(found.map(({ check, fact }) => [check, fact]));
		assert.deepEqual(facts, {
			vault: 'healthy',
			key: 'healthy',
			lease: 'healthy',
			watch: 'healthy',
			service: 'healthy',
			clock: 'healthy',
			account: 'healthy',
			terminal: 'healthy',
		});
		assert.equal(server.count('userinfo'), asked + 1);
	});

	it('says that nobody has signed in, and that terminals are switched off', async () => {
		const found = await examine(open(), 'off');
		assert.equal(factOf(found, 'key'), 'nothing');
		assert.equal(factOf(found, 'account'), undefined);
		assert.equal(factOf(found, 'terminal'), 'nothing');
		assert.equal(factOf(await examine(open(), 'silent'), 'terminal'), 'socketSilent');
	});

	it('finds a token that the service refuses, and a sign-in that has ended', async () => {
		const window = open();
		const bucket = await window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
		const refused = server.fault({ on: 'userinfo', respond: { status: 401 } });
		assert.equal(factOf(await examine(window), 'account'), 'tokenRefused');
		refused.dispose();
		server.fault({ on: 'refresh', oauthError: 'invalid_grant' });
		await assert.rejects(window.service.refresh('demo', bucket.id));
		assert.equal(factOf(await examine(window), 'account'), 'needsSignIn');
	});

	it('does not pass over an account that cannot be renewed now, though the service answers', async () => {
		const window = open();
		await window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
		const { token } = await window.service.getToken({ providerId: 'demo', deadlineMs: 5_000, purpose: 'test' });
		server.fault({ on: 'refresh', respond: { status: 503 } });
		await window.service.report({
			providerId: 'demo',
			tokenDigest: digest(token.value),
			report: { status: 401, headers: {} },
			deadlineMs: 20_000,
		});
		const found = await examine(window);
		assert.equal(factOf(found, 'service'), 'healthy');
		assert.equal(found.find(({ check }) => check === 'account')?.verdict, 'broken');
	});

	it('tells a wrong clock here from a right one', async () => {
		server.fault({ dateSkewMs: -90_000 });
		const clock = (await examine(open())).find(({ check }) => check === 'clock');
		assert.equal(clock?.fact, 'clockSkew');
		assert.ok(Math.abs((clock?.skewMs ?? 0) - 90_000) < 5_000);
	});

	it('tells no name, no connection, no answer in time, an error and a wrong answer apart', async () => {
		const silent = createServer(() => undefined);
		await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
		const address = silent.address();
		assert.ok(typeof address === 'object' && address !== null);
		const factAt = async (issuer: string): Promise<string | undefined> =>
			factOf(await examine(open(demoProvider(issuer))), 'service');
		assert.equal(await factAt('https://absent.invalid'), 'noName');
		assert.equal(await factAt(`https://127.0.0.1:${address.port}`).finally(() => silent.close()), 'timeout');
		assert.equal(await factAt(`http://127.0.0.1:${address.port}`), 'noConnection');
		const down = server.fault({ on: 'discovery', respond: { status: 503 } });
		assert.equal(await factAt(server.issuer), 'serverError');
		down.dispose();
		server.fault({ on: 'discovery', patch: { issuer: 'https://other.example' } });
		assert.equal(await factAt(server.issuer), 'wrongAnswer');
	});

	it('finds a vault that cannot be written, and a key that is gone', async () => {
		const window = open();
		await window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
		keys.keys.clear();
		assert.equal(factOf(await examine(open()), 'key'), 'keyMissing');
		const blocked = join(folder, 'a file');
		await writeFile(blocked, '');
		const found = await examine(open(demoProvider(server.issuer), { storagePath: join(blocked, 'below') }));
		assert.equal(factOf(found, 'vault'), 'unwritable');
		assert.equal(factOf(found, 'lease'), 'unwritable');
	});
});
