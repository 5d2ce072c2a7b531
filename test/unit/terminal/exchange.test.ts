import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { createExchange } from '../../../src/auth/terminal/exchange.ts';
import { encodeRequest } from '../../../src/auth/terminal/protocol.ts';

const SECRET = randomBytes(32).toString('hex');
const LINE = 'Agent-Auth: token acme 4711';

const http = (target = `/${SECRET}`, ...headers: string[]) =>
	[`GET ${target} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n');

function receive(text: string, step = text.length) {
	const exchange = createExchange(SECRET);
	const bytes = Buffer.from(text);
	let last = exchange.receive(bytes.subarray(0, step));
	for (let at = step; at < bytes.length && last.kind === 'more'; at += step) {
		last = exchange.receive(bytes.subarray(at, at + step));
	}
	return { exchange, last };
}

test('a request of curl is read however it is cut, and its answer is the token alone', () => {
	for (const step of [1, 7, 70, 10_000]) {
		const { exchange, last } = receive(http(undefined, 'User-Agent: curl/8', 'Accept: */*', LINE), step);
		assert.deepEqual(last, {
			kind: 'request',
			request: { kind: 'token', provider: 'acme', ancestors: [4711], cwd: '' },
		});
		assert.deepEqual([exchange.mayAsk, exchange.progress('asking')], [false, undefined]);
		const answer = exchange.answer({ kind: 'token', accessToken: 'abc' });
		assert.match(answer, /^HTTP\/1\.1 200 OK\r\n(.*\r\n)*Content-Length: 4\r\n(.*\r\n)*\r\nabc\n$/);
		assert.match(exchange.answer({ kind: 'error', code: 'refused' }), /^HTTP\/1\.1 503 .*\r\n(.*\r\n)*\r\n$/);
	}
});

test('the secret is checked at the first line, before anything else of the request is there', () => {
	const wrong = `${SECRET.slice(0, 63)}${SECRET.endsWith('0') ? '1' : '0'}`;
	for (const text of [
		http(`/${wrong}`, LINE),
		http('/', LINE),
		`GET /${wrong}`,
		http(`/${SECRET.slice(0, 20)}`, LINE),
		'GET /\n',
	]) {
		assert.deepEqual(receive(text, 1).last, { kind: 'invalid', code: 'unauthorized' }, text);
	}
});

test('what is no request of the launcher is refused, and never held without end', () => {
	for (const header of [
		'X: y',
		'Agent-Auth: token ../x 1',
		'Agent-Auth: token acme 0',
		'Agent-Auth: token acme 99999999999',
		'Agent-Auth: token acme 5 theirs',
		'Agent-Auth: report acme 1',
	]) {
		assert.deepEqual(receive(http(undefined, header)).last, { kind: 'invalid', code: 'bad_request' }, header);
	}
	assert.deepEqual(receive(`GET /${SECRET} HTTP/1.1\r\nX: ${'y'.repeat(10_000)}`).last, {
		...{ kind: 'invalid', code: 'too_large' },
	});
	const many = `GET /${SECRET} HTTP/1.1\r\n${'X: y\r\n'.repeat(2_000)}`;
	assert.deepEqual(receive(many, 100).last, { kind: 'invalid', code: 'too_large' });
	assert.equal(receive(`GET /${SECRET} HTTP/1.1\r\n`).last.kind, 'more');
});

test('whoever knows of more windows asks that of its terminal', () => {
	const { last } = receive(`GET /${SECRET} HTTP/1.1\r\n${LINE} own\r\n\r\n`);
	const request = { kind: 'token', provider: 'acme', ancestors: [4711], cwd: '', ownOnly: true };
	assert.deepEqual(last, { kind: 'request', request });
});

test('frames are still frames', () => {
	const { exchange, last } = receive(encodeRequest(SECRET, { kind: 'ping' }), 3);
	assert.deepEqual([last, exchange.mayAsk], [{ kind: 'request', request: { kind: 'ping' } }, true]);
	assert.match(exchange.progress('asking') ?? '', /"asking"/);
});

test('any bytes at all are answered or waited for, never an exception, and nothing passes without the secret', () => {
	const prefixes = fc.constantFrom('', 'G', 'GET /', `GET /${SECRET}`, `${SECRET} `);
	fc.assert(
		fc.property(prefixes, fc.uint8Array({ maxLength: 200 }), (prefix, rest) => {
			const exchange = createExchange(SECRET);
			const received = exchange.receive(Buffer.concat([Buffer.from(prefix), Buffer.from(rest)]));
			if (!prefix.includes(SECRET)) assert.notEqual(received.kind, 'request');
			exchange.answer({ kind: 'error', code: 'bad_request' });
		}),
	);
});
