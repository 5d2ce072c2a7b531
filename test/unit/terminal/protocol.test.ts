import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLineBuffer } from '../../../src/auth/terminal/lineBuffer.ts';
import {
	encodeReply,
	encodeRequest,
	MAX_ANCESTORS,
	PROTOCOL_VERSION,
	parseReply,
	parseRequest,
	type TerminalRequest,
} from '../../../src/auth/terminal/protocol.ts';

const SECRET = 'a'.repeat(64);
const token = (change: Record<string, unknown> = {}): string =>
	JSON.stringify({ version: 1, kind: 'token', provider: 'acme', ancestors: [1], cwd: '/', ...change });

test('a request survives the way to the window', () => {
	const request: TerminalRequest = {
		kind: 'token',
		provider: 'acme',
		bucket: 'work "quoted" ü',
		minTtlS: 300,
		ancestors: [10, 2],
		cwd: '/a b/c',
		signIn: true,
	};
	const line = encodeRequest(SECRET, request);
	assert.ok(line.startsWith(`${SECRET} `) && line.indexOf('\n') === line.length - 1);
	assert.deepEqual(parseRequest(line.slice(65)), { kind: 'request', request });
});

test('unknown fields of a newer helper are ignored', () => {
	const parsed = parseRequest(token({ colour: 'blue' }));
	assert.ok(parsed.kind === 'request' && !('colour' in parsed.request));
});

test('a newer protocol is named as such', () => {
	assert.deepEqual(parseRequest(token({ version: PROTOCOL_VERSION + 1 })), {
		kind: 'invalid',
		code: 'unsupported_version',
	});
});

for (const [name, text] of Object.entries({
	'no JSON': 'GET / HTTP/1.1',
	'no object': '[]',
	null: 'null',
	'no version': '{"kind":"ping"}',
	'unknown kind': '{"version":1,"kind":"list-secrets"}',
	'no provider': token({ provider: undefined }),
	'blank provider': token({ provider: '' }),
	'provider too long': token({ provider: 'x'.repeat(257) }),
	'negative life': token({ minTtlS: -1 }),
	'endless life': token({ minTtlS: 1e300 }),
	'pid 0': token({ ancestors: [0] }),
	'too many ancestors': token({ ancestors: Array(MAX_ANCESTORS + 1).fill(2) }),
	'a word for a flag': token({ signIn: 'yes' }),
})) {
	test(`a bad request is refused: ${name}`, () => {
		assert.deepEqual(parseRequest(text), { kind: 'invalid', code: 'bad_request' });
	});
}

test('any text at all is parsed to an answer, never to an exception', () => {
	fc.assert(fc.property(fc.string(), (text) => void [parseRequest(text), parseReply(text)]));
	fc.assert(fc.property(fc.json(), (text) => void [parseRequest(text), parseReply(text)]));
});

test('a reply survives the way to the helper, and an unknown error code of a newer window as well', () => {
	const reply = { kind: 'token', accessToken: 'abc', expiresAtMs: 5 } as const;
	assert.deepEqual(parseReply(encodeReply(reply)), reply);
	const error = { kind: 'error', code: 'moon_phase', retryAtMs: 7 } as const;
	assert.deepEqual(parseReply(encodeReply(error)), error);
});

test('a token with control characters does not reach a terminal', () => {
	assert.equal(parseReply(encodeReply({ kind: 'token', accessToken: 'a\u001b[2Jb' })), undefined);
	assert.equal(parseReply(encodeReply({ kind: 'token', accessToken: 'a\nb' })), undefined);
});

test('lines come out the same however the bytes are cut', () => {
	const chunks = fc.array(fc.uint8Array({ maxLength: 8 }));
	fc.assert(
		fc.property(chunks, (parts) => {
			const buffer = createLineBuffer(1_000);
			const lines = parts.flatMap((part) => buffer.push(Buffer.from(part)).lines.map((line) => line.toString('hex')));
			const whole = Buffer.concat(parts).toString('latin1').split('\n');
			assert.equal(buffer.peek(1_000).toString('latin1'), whole.pop());
			assert.deepEqual(
				lines,
				whole.map((line) => Buffer.from(line, 'latin1').toString('hex')),
			);
		}),
	);
});

test('a line over the limit is noticed before it is held', () => {
	const buffer = createLineBuffer(10);
	assert.equal(buffer.push(Buffer.from('0123456789')).tooLarge, false);
	assert.equal(buffer.push(Buffer.from('x')).tooLarge, true);
	assert.equal(buffer.size, 10);
	assert.equal(createLineBuffer(3).push(Buffer.from('abcd\n')).tooLarge, true);
});
