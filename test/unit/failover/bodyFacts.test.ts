import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readBody } from '../../../src/auth/failover/bodyFacts.ts';
import { parseCutJson } from '../../../src/auth/failover/cutJson.ts';
import { factsOf } from '../../../src/auth/failover/facts.ts';

const codes = (value: unknown): readonly string[] => readBody(JSON.stringify(value)).codes;

describe('the codes of a body', () => {
	const ROWS: readonly (readonly [name: string, body: unknown, expected: readonly string[]])[] = [
		['OpenAI', { error: { code: 'A', type: 'B' } }, ['a', 'b']],
		['Anthropic', { type: 'error', error: { type: 'X', details: { error_code: 'Y' } } }, ['error', 'x', 'y']],
		['Google', { error: { code: 403, status: 'S', details: [{ reason: 'R' }] } }, ['403', 's', 'r']],
		['Google, as a list', [{ error: { status: 'S' } }], ['s']],
		['AWS', { __type: 'com.amazon.coral#Throttling' }, ['com.amazon.coral#throttling', 'throttling']],
		['OAuth', { error: 'invalid_token', error_description: 'The token' }, ['invalid_token']],
		['RFC 9457', { type: 'https://e.com/probs/out-of-credit' }, ['https://e.com/probs/out-of-credit', 'out-of-credit']],
		['FastAPI', { detail: { code: 'C' } }, ['c']],
		['Azure', { error: { code: 'A', innererror: { code: 'B' } } }, ['a', 'b']],
		['not sentences', { error: { code: 'This is one' } }, []],
		['not what a person sent', { input: { code: 'x' }, messages: [{ type: 'x', code: 'x' }] }, []],
		['not what is blank or only a namespace', { code: ' ', type: '#', status: 'a#' }, ['#', 'a#']],
		['up to a length', { code: 'c'.repeat(200), type: 't'.repeat(201) }, ['c'.repeat(200)]],
		['each once, without blanks around', { code: ' A ', type: 'a' }, ['a']],
		['none of other types', { code: null, type: true, status: {}, reason: 1.5 }, []],
	];
	for (const [name, body, expected] of ROWS) it(name, () => assert.deepEqual(codes(body), expected));

	it('come from headers too', () => {
		const of = (headers: Record<string, string>): readonly string[] => factsOf({ status: 403, headers }).codes;
		assert.deepEqual(of({ 'www-authenticate': 'Bearer realm="a b", error="invalid_token"' }), ['invalid_token']);
		assert.deepEqual(of({ 'www-authenticate': 'Bearer error=invalid_token' }), ['invalid_token']);
		assert.deepEqual(of({ 'www-authenticate': 'Basic, DPoP error="use_dpop_nonce"' }), ['use_dpop_nonce']);
		assert.deepEqual(of({ 'www-authenticate': 'Bearer my_error="no"' }), []);
		assert.deepEqual(of({ 'x-amzn-errortype': 'A:http://x/' }), ['a:http://x/', 'a']);
		assert.deepEqual(of({ 'x-error-json': '{"error":{"code":"token_revoked"}}' }), ['token_revoked']);
		assert.deepEqual(of({ 'x-error-json': 'not base 64!' }), []);
		const encoded = Buffer.from('{"error":{"code":"x"}}').toString('base64');
		assert.deepEqual(of({ 'x-error-json': encoded }), ['x']);
		assert.deepEqual(of({ 'x-error-json': `${encoded}!` }), []);
	});
});

describe('the messages of a body', () => {
	it('are compared in lower case, with single spaces and plain apostrophes', () => {
		const { messages } = readBody('{"error":{"message":"You\u2019ve  REACHED\\n a limit"}}');
		assert.deepEqual(messages, ["you've reached a limit"]);
	});

	it('are the text itself where it is not JSON', () => {
		assert.deepEqual(readBody('\r\n<p>No</p>').messages, ['<p>no</p>']);
		assert.deepEqual(readBody('"just a string"').messages, ['"just a string"']);
		assert.deepEqual(readBody('{"message":" ","title":""}').messages, []);
		assert.equal(readBody('x'.repeat(10_000)).messages[0]?.length, 4_096);
	});

	it('are none where there is no body', () => {
		for (const body of [undefined, '', '  ']) assert.deepEqual(readBody(body).messages, []);
	});
});

describe('a body of which only the beginning is there', () => {
	const whole = {
		error: { type: 'a', code: 'insufficient_quota', list: [1, { x: 'y' }], message: 'a "quoted, {" text' },
	};

	it('gives what was complete, and never half a value', () => {
		const text = JSON.stringify(whole);
		for (let length = 0; length <= text.length; length++) {
			const found = readBody(text.slice(0, length)).codes;
			assert.ok(
				found.every((code) => ['a', 'insufficient_quota'].includes(code)),
				`${length}: ${found}`,
			);
		}
		assert.deepEqual(readBody(text.slice(0, text.indexOf('"list"'))).codes, ['insufficient_quota', 'a']);
	});

	it('is read as it is if it is whole', () => {
		assert.deepEqual(parseCutJson(JSON.stringify(whole)), whole);
		assert.deepEqual(parseCutJson(`\uFEFF ${JSON.stringify(whole)} trailing`), whole);
		assert.deepEqual(parseCutJson('{"a":1}x'), { a: 1 });
		assert.deepEqual(parseCutJson('{"a":1},{"b":2}'), { a: 1 });
	});

	it('keeps what is open and what is closed', () => {
		assert.deepEqual(parseCutJson('{"a":{'), { a: {} });
		assert.deepEqual(parseCutJson('[[1],['), [[1], []]);
		assert.deepEqual(parseCutJson('{"a":{"b":1}'), { a: { b: 1 } });
		assert.deepEqual(parseCutJson('{"a":["\\"", 1, tru'), { a: ['"', 1] });
		assert.deepEqual(parseCutJson('[tr'), []);
		assert.deepEqual(parseCutJson('[[1]x'), [[1]]);
		assert.ok(parseCutJson('['.repeat(64)));
	});

	it('is nothing if it is not JSON', () => {
		for (const text of ['', 'x', '{]', '{"a" 1}', ']', '1', '1,2', 'null,', 'null', '['.repeat(65)]) {
			assert.equal(parseCutJson(text), undefined, text);
		}
	});
});

describe('a hostile body', () => {
	it('is not followed into its depth or its width', () => {
		assert.deepEqual(readBody(`${'{"error":'.repeat(3_000)}1`).codes, []);
		const wide = { errors: Array.from({ length: 2_000 }, (_, index) => ({ code: `c${index}` })) };
		assert.ok(readBody(JSON.stringify(wide)).objects.length <= 64);
	});

	it('may have anything in the place of an object', () => {
		const { codes, objects } = readBody('{"errors":[null,5,"text",[null],{"code":"x"}],"error":null}');
		assert.deepEqual(codes, ['x']);
		assert.equal(objects.length, 2);
	});

	it('cannot pretend to have fields that it has not', () => {
		assert.deepEqual(readBody('{"__proto__":{"code":"x"},"error":{"__proto__":{"code":"y"}}}').codes, []);
	});
});
