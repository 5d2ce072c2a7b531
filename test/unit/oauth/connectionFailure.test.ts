import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { AuthError, isAuthError } from '../../../src/auth/errors.ts';
import { sentState } from '../../../src/auth/oauth/connectionFailure.ts';
import type { RefreshOutcome } from '../../../src/auth/oauth/refreshGrant.ts';
import { refresh } from '../../../src/auth/oauth/refreshGrant.ts';
import { credentialOf, oauth2Provider, rawServer, testDeps } from '../../support/oauthFixtures.ts';

const never = new AbortController().signal;

function refreshAt(base: string, signal = never): Promise<RefreshOutcome> {
	return refresh(oauth2Provider(base), credentialOf(base), testDeps(), signal);
}

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 60\r\n\r\n';

describe('a refresh whose connection fails, over real sockets', () => {
	it('refused: not sent', async () => {
		const server = createServer();
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const address = server.address();
		await new Promise((resolve) => server.close(resolve));
		const port = typeof address === 'object' && address !== null ? address.port : assert.fail();
		assert.equal((await refreshAt(`http://127.0.0.1:${port}`)).kind, 'notSent');
		assert.equal((await refreshAt(`http://localhost:${port}`)).kind, 'notSent');
	});

	it('unknown host: not sent', async () => {
		assert.equal((await refreshAt('https://no-such-host.invalid')).kind, 'notSent');
	});

	it('plain text where TLS should be: not sent', async () => {
		await using server = await rawServer((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad\r\n\r\n')));
		assert.equal((await refreshAt(`https://127.0.0.1:${server.port}`)).kind, 'notSent');
	});

	it('closed during the TLS handshake: not sent', async () => {
		await using server = await rawServer((socket) => socket.once('data', () => socket.end()));
		assert.equal((await refreshAt(`https://127.0.0.1:${server.port}`)).kind, 'notSent');
	});

	it('reset during the TLS handshake: cannot be told from a later reset, unknown', async () => {
		await using server = await rawServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
		assert.equal((await refreshAt(`https://127.0.0.1:${server.port}`)).kind, 'unknown');
	});

	it('reset after the request, before any byte of the answer: unknown', async () => {
		await using server = await rawServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
		assert.equal((await refreshAt(`http://127.0.0.1:${server.port}`)).kind, 'unknown');
	});

	it('closed after the request, before any byte of the answer: unknown, and not sent twice', async () => {
		await using server = await rawServer((socket) => socket.once('data', () => socket.end()));
		assert.equal((await refreshAt(`http://127.0.0.1:${server.port}`)).kind, 'unknown');
		assert.equal(server.connections(), 1);
	});

	it('closed after the headers of a success: unknown', async () => {
		await using server = await rawServer((socket) => socket.once('data', () => socket.end(HEAD)));
		assert.equal((await refreshAt(`http://127.0.0.1:${server.port}`)).kind, 'unknown');
	});

	it('closed in the middle of the body of a success: unknown', async () => {
		await using server = await rawServer((socket) => socket.once('data', () => socket.end(`${HEAD}{"access_token":`)));
		assert.equal((await refreshAt(`http://127.0.0.1:${server.port}`)).kind, 'unknown');
	});

	it('closed in the middle of the body of an error: the status speaks', async () => {
		const head = HEAD.replace('200 OK', '503 Unavailable').replace('\r\n\r\n', '\r\nretry-after: 5\r\n\r\n');
		await using server = await rawServer((socket) => socket.once('data', () => socket.end(`${head}{"err`)));
		const outcome = await refreshAt(`http://127.0.0.1:${server.port}`);
		assert.ok(outcome.kind === 'failed' && outcome.code === 'transient' && outcome.retryAtMs !== undefined);
	});

	it('closed in the middle of "invalid_grant": not believed', async () => {
		const head = HEAD.replace('200 OK', '400 Bad Request');
		await using server = await rawServer((socket) =>
			socket.once('data', () => socket.end(`${head}{"error":"invalid_grant"`)),
		);
		assert.deepEqual(await refreshAt(`http://127.0.0.1:${server.port}`), {
			kind: 'failed',
			code: 'protocol',
			status: 400,
		});
	});

	it('not HTTP: unknown', async () => {
		await using server = await rawServer((socket) => socket.once('data', () => socket.end('SSH-2.0-x\r\n')));
		assert.equal((await refreshAt(`http://127.0.0.1:${server.port}`)).kind, 'unknown');
	});

	it('never answers: unknown at the hard deadline, and the socket is closed', async () => {
		const events = new EventEmitter();
		const [arrived, closed] = [once(events, 'arrived'), once(events, 'closed')];
		await using server = await rawServer((socket) => {
			socket.once('data', () => events.emit('arrived'));
			socket.once('close', () => events.emit('closed'));
		});
		const deadline = new AbortController();
		const pending = refreshAt(`http://127.0.0.1:${server.port}`, deadline.signal);
		await arrived;
		deadline.abort(new AuthError('timeout', 'hard deadline'));
		const outcome = await pending;
		assert.ok(outcome.kind === 'unknown' && isAuthError(outcome.cause, 'timeout'));
		await closed;
	});

	it('stops in the middle of the body: unknown at the hard deadline', async () => {
		const events = new EventEmitter();
		const written = once(events, 'written');
		await using server = await rawServer((socket) =>
			socket.once('data', () => socket.write(`${HEAD}{`, () => events.emit('written'))),
		);
		const deadline = new AbortController();
		const pending = refreshAt(`http://127.0.0.1:${server.port}`, deadline.signal);
		await written;
		deadline.abort(new AuthError('timeout', 'hard deadline'));
		assert.equal((await pending).kind, 'unknown');
	});
});

describe('errors of other hosts and proxies', () => {
	const wrapped = (fields: object, cause = Object.assign(new Error('x'), fields)): Error =>
		Object.assign(new TypeError('fetch failed'), { cause });
	const table: readonly [error: unknown, expected: 'notSent' | 'unknown'][] = [
		[wrapped({ code: 'UND_ERR_CONNECT_TIMEOUT' }), 'notSent'],
		[wrapped({ code: 'ETIMEDOUT', syscall: 'connect' }), 'notSent'],
		[wrapped({ code: 'ETIMEDOUT', syscall: 'read' }), 'unknown'],
		[wrapped({ code: 'EHOSTUNREACH', syscall: 'connect' }), 'notSent'],
		[wrapped({ code: 'EHOSTUNREACH', syscall: 'write' }), 'unknown'],
		[wrapped({ code: 'EAI_AGAIN', syscall: 'getaddrinfo' }), 'notSent'],
		[wrapped({ code: 'ECONNRESET', syscall: 'read' }), 'unknown'],
		[wrapped({ code: 'ECONNRESET', syscall: 'connect' }), 'notSent'],
		[wrapped({ code: 'EPIPE', syscall: 'write' }), 'unknown'],
		[wrapped({ code: 'UND_ERR_SOCKET' }), 'unknown'],
		[wrapped({ code: 'UND_ERR_HEADERS_TIMEOUT' }), 'unknown'],
		[wrapped({ code: 'UND_ERR_BODY_TIMEOUT' }), 'unknown'],
		[wrapped({}, tunnelRefused('Proxy response (502) !== 200 when HTTP Tunneling')), 'notSent'],
		// As it comes out of VS Code's `fetch`: undici takes what is named AbortError for an abort, and wraps it.
		[wrapped({}, cancelled(tunnelRefused('Proxy response (407) ?.== 200 when HTTP Tunneling'))), 'notSent'],
		[wrapped({}, cancelled(tunnelRefused('Request aborted'))), 'unknown'],
		[wrapped({ code: 'UND_ERR_ABORTED' }), 'unknown'],
		[wrapped({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'notSent'],
		[wrapped({ code: 'SELF_SIGNED_CERT_IN_CHAIN' }), 'notSent'],
		[wrapped({ code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' }), 'notSent'],
		[wrapped({ code: 'CERT_HAS_EXPIRED' }), 'notSent'],
		[wrapped({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }), 'notSent'],
		[wrapped({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' }), 'notSent'],
		[wrapped({ code: 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC' }), 'unknown'],
		[wrapped({}, new AggregateError([refusedError(), refusedError()], 'x')), 'notSent'],
		[wrapped({}, new AggregateError([refusedError(), new Error('y')], 'x')), 'unknown'],
		[wrapped({}), 'unknown'],
		[new TypeError('fetch failed'), 'unknown'],
		[new Error('net::ERR_NAME_NOT_RESOLVED'), 'notSent'],
		[new Error('net::ERR_INTERNET_DISCONNECTED'), 'notSent'],
		[new Error('net::ERR_CERT_AUTHORITY_INVALID'), 'notSent'],
		[new Error('net::ERR_CONNECTION_RESET'), 'unknown'],
		[new Error('net::ERR_NETWORK_CHANGED'), 'unknown'],
		['text', 'unknown'],
		[undefined, 'unknown'],
	];
	for (const [error, expected] of table) {
		const inner = error instanceof Error ? (error.cause ?? error) : error;
		it(`${inner instanceof Error ? `${inner.message} ${JSON.stringify(inner)}` : inner}: ${expected}`, () => {
			assert.equal(sentState(error), expected);
		});
	}
});

function tunnelRefused(message: string): Error {
	return Object.assign(new Error(message), { name: 'AbortError', code: 'UND_ERR_ABORTED' });
}

function cancelled(cause: Error): Error {
	return Object.assign(new DOMException('Request was cancelled.'), { cause });
}

function refusedError(): Error {
	return Object.assign(new Error('x'), { code: 'ECONNREFUSED', syscall: 'connect' });
}
