import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
	type FailureReport,
	headerOf,
	MAX_BODY_LENGTH,
	MAX_HEADER_LENGTH,
	MAX_HEADERS,
	parseFailureReport,
} from '../../../src/auth/failover/report.ts';

function read(input: unknown): FailureReport {
	const reading = parseFailureReport(input);
	assert.ok(reading.kind === 'report', reading.kind === 'invalid' ? reading.text : '');
	return reading.report;
}

describe('a report', () => {
	it('is read with header names in lower case', () => {
		assert.deepEqual(read({ status: 429, headers: { 'Retry-After': ' 5 ' }, body: 'x', atMs: 1, more: true }), {
			status: 429,
			headers: { 'retry-after': '5' },
			body: 'x',
			atMs: 1,
		});
	});

	it('needs no more than a status', () => {
		for (const status of [0, 100, 200, 599]) assert.deepEqual(read({ status }), { status, headers: {} });
		assert.deepEqual(read({ status: 0, headers: null, body: null }), { status: 0, headers: {} });
		assert.deepEqual(read({ status: 0, body: '' }), { status: 0, headers: {} });
	});

	it('takes headers in each form in which programs have them', () => {
		const expected = { a: '1', b: '2, 3' };
		assert.deepEqual(
			read({
				status: 1e2,
				headers: new Headers([
					['A', '1'],
					['b', '2'],
					['B', '3'],
				]),
			}).headers,
			expected,
		);
		assert.deepEqual(
			read({
				status: 429,
				headers: new Map([
					['A', '1'],
					['b', '2, 3'],
				]),
			}).headers,
			expected,
		);
		assert.deepEqual(
			read({
				status: 429,
				headers: [
					['A', '1'],
					['b', '2'],
					['B', '3'],
				],
			}).headers,
			expected,
		);
		assert.deepEqual(read({ status: 429, headers: { A: 1, b: ['2', '3'], c: undefined } }).headers, expected);
	});

	it('takes no headers that an object only inherits', () => {
		const headers: unknown = Object.assign(Object.create({ inherited: '1' }), { own: ['a ', ' b '] });
		assert.deepEqual(read({ status: 429, headers }).headers, { own: 'a ,  b' });
	});

	it('is bounded', () => {
		const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`x-${index}`, 'v']));
		assert.equal(Object.keys(read({ status: 429, headers: many }).headers).length, MAX_HEADERS);
		const long = read({ status: 429, headers: { a: 'v'.repeat(10_000), b: Array(5).fill('v'.repeat(4_000)) } });
		assert.equal(headerOf(long, 'a')?.length, MAX_HEADER_LENGTH);
		assert.equal(headerOf(long, 'b')?.length, MAX_HEADER_LENGTH);
		const repeated = read({ status: 429, headers: Array(5).fill(['a', 'v'.repeat(4_000)]) });
		assert.equal(headerOf(repeated, 'a')?.length, MAX_HEADER_LENGTH);
		assert.equal(read({ status: 429, body: 'b'.repeat(1_000_000) }).body?.length, MAX_BODY_LENGTH);
	});

	it('reads no more names than it must, and comes to an end with a list that has none', () => {
		const pairs = 10 * MAX_HEADERS;
		let looked = 0;
		const names = Object.fromEntries(Array.from({ length: 2 * pairs }, (_, index) => [`no name ${index}`, 'v']));
		const counted = new Proxy(names, {
			get(target, name) {
				if (typeof name === 'string') looked++;
				return Reflect.get(target, name);
			},
		});
		assert.deepEqual(read({ status: 429, headers: counted }).headers, {});
		assert.equal(looked, pairs);
		let given = 0;
		const endless = {
			*[Symbol.iterator]() {
				for (;;) yield [`no name ${given++}`, 'v'];
			},
		};
		assert.deepEqual(read({ status: 429, headers: endless }).headers, {});
		assert.equal(given, pairs + 1);
	});

	it('takes names up to a length, the time 0, and an object that only seems to be a list', () => {
		const [longest, longer] = [128, 129].map((length) => 'n'.repeat(length));
		assert.ok(longest && longer);
		assert.deepEqual(read({ status: 429, headers: { [longest]: 'v', [longer]: 'v' } }).headers, { [longest]: 'v' });
		assert.equal(read({ status: 429, atMs: 0 }).atMs, 0);
		assert.deepEqual(read({ status: 429, headers: { [Symbol.iterator]: 5, a: '1' } }).headers, { a: '1' });
	});

	it('leaves out headers that carry secrets and names that are none', () => {
		const headers = {
			Authorization: 'Bearer secret',
			'Set-Cookie': ['a=secret'],
			Cookie: 'secret',
			'X-Api-Key': 'secret',
			'x y': 'v',
			'': 'v',
			['n'.repeat(200)]: 'v',
			ok: 'v',
		};
		assert.deepEqual(read({ status: 401, headers }).headers, { ok: 'v' });
	});

	it('has no headers but those that were sent', () => {
		const report = read({ status: 429, headers: [['__proto__', 'x']] });
		assert.equal(headerOf(report, 'constructor'), undefined);
		assert.equal(headerOf(report, 'toString'), undefined);
		assert.equal(headerOf(report, '__proto__'), 'x');
	});
});

describe('what is no report', () => {
	const throwing = {
		get status(): number {
			throw new Error('secret');
		},
	};
	const ROWS: readonly (readonly [name: string, input: unknown, text: RegExp])[] = [
		['nothing', undefined, /object with a status/],
		['null', null, /object with a status/],
		['a text', 'secret', /object with a status/],
		['a list', [], /status/],
		['no status', {}, /^status/],
		['a status in words', { status: '429' }, /^status/],
		['a fraction', { status: 429.5 }, /^status/],
		['a status that is none', { status: 600 }, /^status/],
		['a status below', { status: 99 }, /^status/],
		['no number', { status: Number.NaN }, /^status/],
		['a body that is no text', { status: 429, body: { secret: 1 } }, /^body/],
		['headers in one text', { status: 429, headers: 'secret' }, /^headers/],
		['headers that are no pairs', { status: 429, headers: ['secret'] }, /^headers/],
		['a name that is no text', { status: 429, headers: [[1, 'secret']] }, /^headers/],
		['a value that is no text', { status: 429, headers: { a: { secret: 1 } } }, /^headers/],
		['a pair of three', { status: 429, headers: [['a', 'b', 'secret']] }, /^headers/],
		['a list of texts and others', { status: 429, headers: { a: ['x', 1] } }, /^headers/],
		['a list of no texts', { status: 429, headers: { a: [1] } }, /^headers/],
		['a time that is none', { status: 429, atMs: Number.POSITIVE_INFINITY }, /^atMs/],
		['a time in words', { status: 429, atMs: 'now' }, /^atMs/],
		['a time before all', { status: 429, atMs: -1 }, /^atMs/],
		['a getter that throws', throwing, /cannot be read/],
	];
	for (const [name, input, text] of ROWS) {
		it(`${name} is invalid, in words that repeat nothing of it`, () => {
			const reading = parseFailureReport(input);
			assert.ok(reading.kind === 'invalid');
			assert.match(reading.text, text);
			assert.doesNotMatch(reading.text, /secret/);
		});
	}
});
