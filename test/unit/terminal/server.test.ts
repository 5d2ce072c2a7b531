import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import { AuthError } from '../../../src/auth/errors.ts';
import { encodeRequest, MAX_FRAME_BYTES, parseReply, type TerminalReply } from '../../../src/auth/terminal/protocol.ts';
import { listen, SERVER_LIMITS, type ServerOptions } from '../../../src/auth/terminal/server.ts';
import { askWindow } from '../../../src/auth/terminal/windowClient.ts';
import { collectingLogger } from '../../support/terminalFakes.ts';
import { until } from '../../support/until.ts';

const SECRET = randomBytes(32).toString('hex');
const PING = encodeRequest(SECRET, { kind: 'ping' });
const pong: ServerOptions['handle'] = () => Promise.resolve({ kind: 'pong', pid: 1 });

async function start(t: TestContext, change: Partial<ServerOptions> = {}) {
	const folder = fs.mkdtempSync(path.join(tmpdir(), 'aa-server-'));
	const address = path.join(folder, 's');
	const log = collectingLogger();
	const server = await listen({ address, secret: SECRET, handle: pong, clock: systemClock, log, ...change });
	t.after(() => {
		server.dispose();
		fs.rmSync(folder, { recursive: true });
	});
	return { address, server, log };
}

/** Everything the window says to these bytes, until it closes. `end` half-closes after them. */
async function talk(address: string, bytes: string | Buffer, end = false): Promise<TerminalReply[]> {
	const socket = net.connect({ path: address, allowHalfOpen: true });
	let text = '';
	socket.setEncoding('utf8').on('data', (chunk: string) => {
		text += chunk;
	});
	socket.on('error', () => undefined);
	socket.on('end', () => socket.end());
	if (end) socket.end(bytes);
	else socket.write(bytes);
	await closed(socket);
	return text
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => parseReply(line) ?? assert.fail(`not a reply: ${line}`));
}

const codes = (replies: readonly TerminalReply[]): string[] =>
	replies.map((reply) => (reply.kind === 'error' ? reply.code : reply.kind));

test('a good request is acknowledged and answered once', async (t) => {
	const { address } = await start(t);
	assert.deepEqual(codes(await talk(address, PING)), ['progress', 'pong']);
});

test('the secret is checked before anything is parsed, and costs the connection at its last digit', async (t) => {
	const { address } = await start(t, { handle: () => assert.fail('reached the handler') });
	const wrong = `${SECRET.slice(0, 63)}${SECRET.endsWith('0') ? '1' : '0'}`;
	assert.deepEqual(codes(await talk(address, encodeRequest(wrong, { kind: 'ping' }))), ['unauthorized']);
	assert.deepEqual(codes(await talk(address, 'x'.repeat(64))), ['unauthorized']);
	assert.deepEqual(codes(await talk(address, '\n')), ['unauthorized']);
	assert.deepEqual(codes(await talk(address, `${SECRET.toUpperCase()} {}\n`)), ['unauthorized']);
	assert.deepEqual(codes(await talk(address, `${SECRET.slice(0, 20)}\n`)), ['unauthorized']);
	assert.deepEqual(codes(await talk(address, randomBytes(200_000))), ['unauthorized']);
});

test('garbage behind the right secret is answered', async (t) => {
	const { address } = await start(t);
	assert.deepEqual(codes(await talk(address, `${SECRET} GET / HTTP/1.1\r\n`)), ['bad_request']);
	assert.deepEqual(codes(await talk(address, `${SECRET}\n`)), ['bad_request']);
	assert.deepEqual(codes(await talk(address, PING + PING)), ['bad_request']);
	assert.deepEqual(codes(await talk(address, `${SECRET} {"version":99,"kind":"ping"}\n`)), ['unsupported_version']);
});

test('an oversized request is refused and not held', async (t) => {
	const { address } = await start(t);
	assert.deepEqual(codes(await talk(address, `${SECRET} ${'x'.repeat(MAX_FRAME_BYTES)}`)), ['too_large']);
	assert.deepEqual(codes(await talk(address, `${SECRET} ${'x'.repeat(20 * MAX_FRAME_BYTES)}`)), ['too_large']);
});

test('half a request is answered, when its sender ends or when it stalls', async (t) => {
	const patient = await start(t);
	assert.deepEqual(codes(await talk(patient.address, PING.slice(0, -10), true)), ['bad_request']);
	const { address } = await start(t, { limits: { ...SERVER_LIMITS, receiveMs: 30 } });
	assert.deepEqual(codes(await talk(address, PING.slice(0, -10))), ['too_slow']);
	assert.deepEqual(codes(await talk(address, '')), ['too_slow']);
});

test('a handler that takes too long costs its caller a timeout, and its signal aborts', async (t) => {
	const aborted = deferred();
	const { address } = await start(t, {
		limits: { ...SERVER_LIMITS, handleMs: 30 },
		handle: (_request, { signal }) => {
			signal.addEventListener('abort', () => aborted.resolve());
			return new Promise(() => undefined);
		},
	});
	assert.deepEqual(codes(await talk(address, PING)), ['progress', 'timeout']);
	await aborted.promise;
});

test('what comes while the window works on a request ends it, and what it says then is not heard', async (t) => {
	const aborted = deferred();
	const { address } = await start(t, {
		handle: (_request, { signal, progress }) =>
			new Promise(() => {
				signal.addEventListener('abort', () => {
					progress('asking');
					aborted.resolve();
				});
			}),
	});
	const socket = net.connect({ path: address });
	socket.write(PING);
	const [first] = await once(socket.setEncoding('utf8'), 'data');
	const rest = talkRest(socket);
	socket.write(PING);
	await aborted.promise;
	assert.deepEqual(
		`${first}${await rest}`
			.trim()
			.split('\n')
			.map((line) => JSON.parse(line)),
		[
			{ version: 1, kind: 'progress', step: 'accepted' },
			{ version: 1, kind: 'error', code: 'bad_request' },
		],
	);
});

test('nothing is done for a caller that had gone before the window came to read', async (t) => {
	let handled = 0;
	const { address, log } = await start(t, {
		handle(request, connection) {
			handled++;
			return pong(request, connection);
		},
	});
	const sender = `const socket = require('node:net').connect(process.env.ADDRESS);
		socket.write(process.env.BYTES, () => process.exit());`;
	// This window can read nothing until the other process has ended.
	spawnSync(process.execPath, ['-e', sender], { env: { ADDRESS: address, BYTES: PING } });
	await until('it is dropped', () => log.lines.some((line) => line.includes('its sender has gone')));
	assert.equal(handled, 0);
});

test('a caller that goes away aborts its work', async (t) => {
	const started = deferred();
	const aborted = deferred();
	const { address } = await start(t, {
		handle: (_request, { signal }) => {
			started.resolve();
			signal.addEventListener('abort', () => aborted.resolve());
			return new Promise(() => undefined);
		},
	});
	const socket = net.connect(address);
	socket.write(PING);
	await started.promise;
	socket.destroy();
	await aborted.promise;
});

test('a typed failure keeps its code and time, anything else says nothing', async (t) => {
	const failures = [
		new AuthError('locked', 'x', { detail: { retryAtMs: 9 } }),
		new AuthError('untrusted', 'x'),
		new Error('secret text'),
	];
	const { address, log } = await start(t, { handle: () => Promise.reject(failures.shift()) });
	assert.deepEqual((await talk(address, PING)).at(-1), { kind: 'error', code: 'locked', retryAtMs: 9 });
	assert.deepEqual((await talk(address, PING)).at(-1), { kind: 'error', code: 'untrusted' });
	assert.deepEqual((await talk(address, PING)).at(-1), { kind: 'error', code: 'internal' });
	assert.ok(!log.lines.join('\n').includes('secret text'));
});

test('a thousand connections at once are all answered, and the window works afterwards', async (t) => {
	const { address } = await start(t);
	const asked = Array.from({ length: 1_000 }, () =>
		askWindow({
			socket: address,
			secret: SECRET,
			request: { kind: 'ping' },
			acceptMs: 20_000,
			answerMs: 20_000,
			onProgress: () => undefined,
		}),
	);
	const results = await Promise.all(asked);
	const answers = new Set(
		results.map((result) =>
			result.kind !== 'reply' ? result.kind : result.reply.kind === 'error' ? result.reply.code : result.reply.kind,
		),
	);
	answers.delete('busy');
	assert.deepEqual([...answers], ['pong']);
	assert.deepEqual(codes(await talk(address, PING)), ['progress', 'pong']);
});

test('silent connections fill the places for a moment only', async (t) => {
	const { address } = await start(t, { limits: { ...SERVER_LIMITS, receiveMs: 50, connections: 2 } });
	const silent = [talk(address, ''), talk(address, '')];
	assert.deepEqual(codes(await talk(address, PING)), ['busy']);
	assert.deepEqual((await Promise.all(silent)).map(codes), [['too_slow'], ['too_slow']]);
	assert.deepEqual(codes(await talk(address, PING)), ['progress', 'pong']);
});

test('a peer that never reads nor closes is cut off', async (t) => {
	const { address } = await start(t, { limits: { ...SERVER_LIMITS, closeMs: 30 } });
	const socket = net.connect({ path: address, allowHalfOpen: true });
	socket.pause().on('error', () => undefined);
	socket.write(PING);
	// Writing into a connection that the window has destroyed fails; until then it is read and dropped.
	const flood = setInterval(() => socket.write('x'), 5);
	t.after(() => clearInterval(flood));
	await closed(socket);
});

test('the end is synchronous: the socket file is gone, and who waits is told', async (t) => {
	const { address, server } = await start(t, { handle: () => new Promise(() => undefined) });
	assert.equal(fs.statSync(address).mode & 0o777, 0o600);
	const socket = net.connect(address);
	socket.write(PING);
	await once(socket, 'data');
	const rest = talkRest(socket);
	server.dispose();
	assert.equal(fs.existsSync(address), false);
	assert.match(await rest, /"code":"cancelled"/);
	server.dispose();
});

test('the end of an old window leaves the socket of a new one alone', async (t) => {
	const old = await start(t);
	const young = await start(t);
	old.server.dispose();
	assert.deepEqual(codes(await talk(young.address, PING)), ['progress', 'pong']);
});

test('an address in use is an error, and the file that is there stays', async (t) => {
	const { address } = await start(t);
	const again = listen({ address, secret: SECRET, handle: pong, clock: systemClock, log: collectingLogger() });
	await assert.rejects(again, { code: 'storage' });
	assert.deepEqual(codes(await talk(address, PING)), ['progress', 'pong']);
});

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
	let resolve = (): void => undefined;
	const promise = new Promise<void>((settle) => {
		resolve = settle;
	});
	return { promise, resolve };
}

/** Unlike `once`, does not mind errors on the way. */
function closed(socket: net.Socket): Promise<void> {
	return new Promise((resolve) => socket.on('close', () => resolve()));
}

async function talkRest(socket: net.Socket): Promise<string> {
	let text = '';
	for await (const chunk of socket) text += String(chunk);
	return text;
}

test('by HTTP the same holds: secret first, bounded, in time, and every request answered', async (t) => {
	const { address } = await start(t, {
		limits: { ...SERVER_LIMITS, receiveMs: 50 },
		handle: (request, { mayAsk }) => {
			assert.deepEqual([request.kind, mayAsk], ['token', false]);
			return Promise.resolve({ kind: 'token', accessToken: 'abc' });
		},
	});
	const say = (bytes: string) => talkRaw(address, bytes);
	const head = `GET /${SECRET} HTTP/1.1\r\nHost: localhost\r\n`;
	assert.match(await say(`${head}Agent-Auth: token acme 5\r\n\r\n`), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nabc\n$/);
	for (const bytes of [
		`GET /${'0'.repeat(64)} HTTP/1.1\r\nAgent-Auth: token acme 5\r\n\r\n`,
		`${head}X: ${'y'.repeat(100_000)}`,
		`${head}\r\n`,
		head,
	]) {
		assert.match(await say(bytes), /^HTTP\/1\.1 503 [^\n]*\r\n[\s\S]*Content-Length: 0\r\n[^\n]*\r\n\r\n$/);
	}
	assert.notEqual(await say('GET'), '');
});

/** Everything the window says to these bytes, as it says it. */
async function talkRaw(address: string, bytes: string): Promise<string> {
	const socket = net.connect({ path: address });
	let text = '';
	socket.setEncoding('utf8').on('data', (chunk: string) => {
		text += chunk;
	});
	socket.on('error', () => undefined);
	socket.write(bytes);
	await closed(socket);
	return text;
}
