/** Known secrets through every path of the core: sign-in, refresh, refusal, failures, API keys, terminals. Then they are looked for. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../src/auth/clock.ts';
import { AuthError } from '../../src/auth/errors.ts';
import { selfIdentity } from '../../src/auth/lease/processIdentity.ts';
import { digest } from '../../src/auth/log.ts';
import type { Provider } from '../../src/auth/provider.ts';
import { publishDescriptor } from '../../src/auth/terminal/descriptor.ts';
import { SECRET_LENGTH } from '../../src/auth/terminal/protocol.ts';
import { listen } from '../../src/auth/terminal/server.ts';
import type { Fault } from '../server/faults.ts';
import { type Server, startServer } from '../server/server.ts';
import { assertNoSecret, assertNoShape, everythingOf, filesOf } from '../support/secretSearch.ts';
import {
	createSharedKeys,
	createTestLog,
	demoProvider,
	openWindow,
	scriptedUi,
	type Window,
} from '../support/serviceWindow.ts';

const API_KEY = 'canary-api-key-Zx81LmQp0TgW5rYv';
const KEYS: Provider = { id: 'keys', label: 'Keys', kind: 'apiKey' };

describe('the search itself', () => {
	const secret = 'a-secret-of-Some-Length-0123456789';
	const hidden: readonly [where: string, value: unknown][] = [
		['a message', new Error(`x ${secret}`)],
		['a cause of a cause', new Error('x', { cause: new Error('y', { cause: secret }) })],
		[
			'a member that is not shown',
			Object.defineProperty(new Error('x'), 'response', { value: { body: secret }, enumerable: false }),
		],
		['a stack', Object.assign(new Error('x'), { stack: `Error: ${secret}` })],
		['base64', { text: Buffer.from(secret).toString('base64') }],
		['an address', `https://x/?t=${encodeURIComponent(secret)}`],
		['its beginning', `x ${secret.slice(0, 16)}`],
		['the members of an aggregate', new AggregateError([new Error(secret)])],
		['the detail of an AuthError', new AuthError('protocol', 'x', { detail: { holder: secret } })],
	];
	for (const [where, value] of hidden) {
		it(`finds a secret in ${where}`, () => {
			assert.throws(() => assertNoSecret([secret], [everythingOf(value)], where));
		});
	}
	it('knows secrets by their shape', () => {
		for (const text of [
			'Bearer abcdefghij',
			'a=1&code=xyz',
			'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ',
			'"refresh_token":"x"',
		])
			assert.throws(() => assertNoShape([text], 'x'), text);
		assertNoShape([digest('x'), 'a token 1a2b3c4d was renewed', 'code protocol, status 400'], 'x');
	});
});

describe('the core', () => {
	let folder: string;
	let server: Server;
	const keys = createSharedKeys();
	const windows: Window[] = [];
	const errors: unknown[] = [];
	const told: unknown[] = [];

	const open = (): Window => {
		const window = openWindow(folder, keys, [demoProvider(server.issuer), KEYS]);
		windows.push(window);
		return window;
	};
	const kept = async (work: Promise<unknown>): Promise<void> => {
		await work.then(
			() => undefined,
			(error: unknown) => errors.push(error),
		);
	};

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), 'agent-auth-redaction-'));
		server = await startServer({ accessTokenLifeS: 3600, deviceIntervalS: 1 });
		await everything();
	});

	after(async () => {
		for (const window of windows) window.service.dispose();
		await server.close();
		await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
	});

	/** Every path once, those that fail as well. */
	async function everything(): Promise<void> {
		const window = open();
		const { service } = window;
		const ui = scriptedUi({ person: 'ada' });
		const bucket = await service.signIn({ providerId: 'demo', ui });
		// An address that the person visits holds the code, and is no text of ours.
		for (const step of ui.steps) if (step.kind !== 'browser') told.push(step);
		await kept(service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada', deny: true }) }));
		const issued = await service.getToken({ providerId: 'demo', deadlineMs: 20_000, purpose: 'test' });
		await kept(
			service.getToken({
				providerId: 'demo',
				deadlineMs: 20_000,
				purpose: 'test',
				refusedDigest: digest(issued.token.value),
			}),
		);
		const faults: readonly Fault[] = [
			{ respond: { status: 500, body: `dead: ${issued.token.value}` } },
			{ respond: { status: 400, body: JSON.stringify({ error: 'invalid_request', error_description: API_KEY }) } },
			{ respond: { status: 502, body: issued.token.value, when: 'after' } },
			{ invalidJson: true },
			{ dateSkewMs: 3_600_000 },
			{ drop: 'before' },
			{ patch: { access_token: null, error: API_KEY } },
			{ patch: { token_type: API_KEY, id_token: API_KEY } },
		];
		for (const fault of faults) {
			// A fresh sign-in ends the back-off of the failure before.
			await service.signIn({ providerId: 'demo', bucketId: bucket.id, ui: scriptedUi({ person: 'ada' }) });
			const undo = server.fault({ ...fault, times: 3 });
			await kept(service.refresh('demo', bucket.id));
			undo.dispose();
		}
		const stored = await service.addApiKey({ providerId: 'keys', key: API_KEY, name: 'work' });
		await kept(service.getToken({ providerId: 'keys', deadlineMs: 5000, purpose: 'test' }));
		await kept(
			service.getToken({ providerId: 'keys', deadlineMs: 5000, purpose: 'test', refusedDigest: digest(API_KEY) }),
		);
		await kept(service.getToken({ providerId: 'nobody', deadlineMs: 5000, purpose: 'test' }));
		told.push(await service.diagnose());
		const dead = server.fault({ oauthError: 'invalid_grant' });
		await kept(service.refresh('demo', bucket.id));
		dead.dispose();
		told.push(await service.diagnose());
		// Two windows, one of which starts when everything is there.
		const second = open();
		await second.service.loaded;
		told.push(await second.service.diagnose());
		await kept(second.service.signOut('demo', bucket.id));
		await kept(second.service.signOut('keys', stored.id));
	}

	const secrets = (): string[] => [
		...server.secrets(),
		API_KEY,
		...[...keys.keys.values()].flatMap((key) => [key.toString('base64'), key.toString('hex')]),
	];

	it('has been through failures, not through successes alone', () => {
		assert.ok(errors.length >= 4, String(errors.length));
		assert.ok(server.secrets().length > 10);
	});

	it('tells no secret to the log, on any level', () => {
		const lines = windows.flatMap((window) => window.lines);
		for (const level of ['debug', 'info', 'warn'])
			assert.ok(
				lines.some((line) => line.startsWith(level)),
				level,
			);
		assertNoSecret(secrets(), lines, 'log');
		assertNoShape(lines, 'log');
	});

	it('tells none in an error, its stack, its causes', () => {
		assertNoSecret(secrets(), errors.map(everythingOf), 'error');
	});

	it('tells none in diagnostics, nor who signed in, and none in a step of a sign-in', () => {
		const texts = told.map(everythingOf);
		assertNoSecret(secrets(), texts, 'told');
		for (const text of texts) assert.doesNotMatch(text, /ada@example\.test|Lovelace/);
	});

	it('writes none in clear, in a file or in its name', async () => {
		const { names, contents } = await filesOf(folder);
		assert.ok(names.some((name) => name.endsWith('.rec')));
		assertNoSecret(secrets(), [...names, ...contents], 'file');
	});
});

describe('a terminal', () => {
	it('is announced without a token, and its server logs none, whatever becomes of a request', async (t) => {
		const folder = await mkdtemp(join(tmpdir(), 'agent-auth-redaction-'));
		t.after(() => rm(folder, { recursive: true, force: true }));
		const token = 'canary-terminal-token-R8uWq2Zk';
		const secret = 'cd'.repeat(SECRET_LENGTH / 2);
		const lines: string[] = [];
		const log = createTestLog(lines);
		const run = join(folder, 'run');
		mkdirSync(run, { mode: 0o700 });
		const address = join(folder, 'socket');
		const published = await publishDescriptor(run, {
			socket: address,
			secret,
			workspaceFolders: [],
			nodePath: process.execPath,
			helperPath: '/x/helper.cjs',
			createdAtMs: Date.now(),
			process: await selfIdentity(),
		});
		let times = 0;
		const server = await listen({
			address,
			secret,
			clock: systemClock,
			log,
			handle: async () => {
				times += 1;
				if (times === 1) return { kind: 'token', accessToken: token };
				if (times === 2) throw new Error(`cannot give ${token}`);
				throw new AuthError('transient', 'x', { cause: new Error(token) });
			},
		});
		t.after(() => server.dispose());
		const ask = (text: string): Promise<string> =>
			new Promise((resolve) => {
				const socket = net.connect(address, () => socket.write(text));
				let answer = '';
				socket.on('data', (chunk) => {
					answer += chunk;
				});
				socket.on('error', () => undefined);
				socket.on('close', () => resolve(answer));
			});
		const request = `${secret} {"version":1,"kind":"ping"}\n`;
		assert.ok((await ask(request)).includes(token));
		const failures = [
			await ask(request),
			await ask(request),
			await ask(`${secret} ${token}\n`),
			await ask(`${token}\n`),
		];
		assertNoSecret([token], failures, 'answer');
		assertNoSecret([secret], failures, 'answer');
		assertNoSecret([token, secret], lines, 'log');
		const { names, contents } = await filesOf(run);
		assert.ok(names.length >= 2);
		assertNoSecret([token], [...names, ...contents], 'descriptor');
		assertNoSecret([secret], names, 'name of a descriptor');
		published.dispose();
	});
});
