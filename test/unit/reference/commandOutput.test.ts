import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseCommandOutput } from '../../../src/auth/reference/commandOutput.ts';

const STARTED_AT_MS = Date.parse('2026-01-02T03:04:05Z');
const LATER_MS = Date.parse('2026-01-02T04:04:05Z');
const parse = (text: string) => parseCommandOutput(Buffer.from(text), STARTED_AT_MS);
const json = (value: unknown) => parse(JSON.stringify(value));
const token = (expiresAtMs?: number) => ({
	kind: 'token',
	token: 'tok',
	...(expiresAtMs === undefined ? {} : { expiresAtMs }),
});

describe('what a command prints', () => {
	it('may be the token alone, with a byte order mark', () => {
		assert.deepEqual(parse('tok\n'), token());
		assert.deepEqual(parse('\uFEFFtok'), token());
	});

	it('may be JSON with a token, by any of its usual names', () => {
		for (const name of ['token', 'access_token', 'accessToken', 'Token'])
			assert.deepEqual(json({ [name]: 'tok' }), token());
		assert.deepEqual(json({ token: '', access_token: 'tok', expires_at: null, expires_in: '' }), token());
	});

	it('may say when the token ends: ISO 8601 with a zone, seconds, milliseconds, or seconds from the start', () => {
		for (const name of ['expires_at', 'expiresAt', 'expires_on', 'Expiration']) {
			for (const value of [
				'2026-01-02T04:04:05Z',
				'2026-01-02T05:04:05+01:00',
				'2026-01-02 04:04:05.000Z',
				LATER_MS / 1000,
				String(LATER_MS / 1000),
				LATER_MS,
				String(LATER_MS),
			]) {
				assert.deepEqual(json({ token: 'tok', [name]: value }), token(LATER_MS), `${name}: ${value}`);
			}
		}
		for (const expires_in of [3600, '3600'])
			assert.deepEqual(json({ access_token: 'tok', expires_in }), token(LATER_MS));
		assert.deepEqual(json({ token: 'tok', expires_in: 1, expires_at: LATER_MS }), token(LATER_MS));
	});

	it('may leave open in an ExecCredential when the token ends', () => {
		const status = (expirationTimestamp: unknown): object => ({ token: 'tok', expirationTimestamp });
		for (const none of [undefined, null, ''])
			assert.deepEqual(json({ kind: 'ExecCredential', status: status(none) }), token());
	});

	it('may be what kubectl, az and OAuth token endpoints print', () => {
		assert.deepEqual(
			json({
				apiVersion: 'client.authentication.k8s.io/v1',
				kind: 'ExecCredential',
				status: { token: 'tok', expirationTimestamp: '2026-01-02T04:04:05Z' },
			}),
			token(LATER_MS),
		);
		assert.deepEqual(
			json({
				accessToken: 'tok',
				expiresOn: '2026-01-02 05:04:05.000000',
				expires_on: LATER_MS / 1000,
				tokenType: 'Bearer',
			}),
			token(LATER_MS),
		);
		assert.deepEqual(
			json({ access_token: 'tok', token_type: 'Bearer', expires_in: 3600, refresh_token: 'rt', scope: 'a b' }),
			token(LATER_MS),
		);
	});

	const invalid: readonly (readonly [text: string, reason: RegExp])[] = [
		['{"token":', /cannot be read/],
		['{"token":7}', /wrong type/],
		['{"token":["tok"]}', /wrong type/],
		['{"token":"  "}', /empty token/],
		['{"token":"a b"}', /no header/],
		['{"token":"a\\nb"}', /no header/],
		['{"token":"tök"}', /no header/],
		['{"kind":"ExecCredential","status":{"clientCertificateData":"x"}}', /ExecCredential without a token/],
		['{"kind":"ExecCredential"}', /ExecCredential without a token/],
		['{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","SessionToken":"c"}', /AWS keys/],
		['["tok"] x', /no header/],
		['tok tok', /no header/],
		['tok\0', /no header/],
		['tok\ntok', /more than one line/],
		['{"token":"tok","expires_at":"tomorrow"}', /no time with a zone/],
		['{"token":"tok","expires_at":"2026-01-02T04:04:05"}', /no time with a zone/],
		['{"token":"tok","expires_at":"2026-13-02T04:04:05Z"}', /no time with a zone/],
		['{"token":"tok","expires_at":-5}', /no time with a zone/],
		['{"token":"tok","expires_at":1e300}', /no time with a zone/],
		['{"token":"tok","expires_in":-5}', /no time with a zone/],
		['{"token":"tok","expires_in":"soon"}', /no time with a zone/],
	];
	for (const [text, reason] of invalid) {
		it(`is invalid if it is ${JSON.stringify(text)}`, () => {
			const parsed = parse(text);
			assert.equal(parsed.kind, 'invalid');
			assert.match(parsed.kind === 'invalid' ? parsed.reason : '', reason);
		});
	}

	it('never makes it throw, and gives only tokens that a header can carry and ends that are times', () => {
		const anything = fc.oneof(
			fc.uint8Array({ maxLength: 64 }),
			fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
			fc.json().map((text) => Buffer.from(text)),
			fc
				.record(
					{
						token: fc.string(),
						expires_at: fc.oneof(fc.string(), fc.double()),
						expires_in: fc.oneof(fc.string(), fc.double()),
					},
					{ requiredKeys: ['token'] },
				)
				.map((value) => Buffer.from(JSON.stringify(value))),
		);
		fc.assert(
			fc.property(anything, (bytes) => {
				const parsed = parseCommandOutput(bytes, STARTED_AT_MS);
				if (parsed.kind === 'invalid') return;
				assert.match(parsed.token, /^[\x21-\x7e]+$/);
				if (parsed.expiresAtMs !== undefined) assert.ok(!Number.isNaN(new Date(parsed.expiresAtMs).getTime()));
			}),
		);
	});
});
