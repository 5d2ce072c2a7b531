import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
	type BucketRef,
	KEY_BYTES,
	keyIdOf,
	open,
	readEnvelope,
	recordName,
	seal,
	signedOutEnvelope,
} from '../../../src/auth/vault/sealing.ts';

const key = randomBytes(KEY_BYTES);
const ref: BucketRef = { providerId: 'demo', bucketId: 'b1' };
const secret = JSON.stringify({ token: 'the secret', more: 'ä€😀' });

/** What a reader gets: the plaintext, or nothing. */
function reading(asked: BucketRef, generation: number, bytes: Buffer, withKey: Buffer): string | undefined {
	const found = readEnvelope(asked, generation, bytes);
	if (found.kind !== 'envelope' || found.envelope.kind !== 'sealed') return undefined;
	return open(found.envelope, withKey);
}

const refs = fc.record({ providerId: fc.string({ unit: 'binary' }), bucketId: fc.string({ unit: 'binary' }) });

describe('sealing', () => {
	it('opens what it sealed, whatever the ids and the text are', () => {
		fc.assert(
			fc.property(
				refs,
				fc.integer({ min: 1, max: 2 ** 40 }),
				fc.string({ unit: 'grapheme' }),
				(any, generation, text) => {
					assert.equal(reading(any, generation, seal(any, generation, text, key), key), text);
				},
			),
		);
	});

	it('never opens for another provider, bucket, generation or key', () => {
		fc.assert(
			fc.property(refs, refs, fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 }), (a, b, one, two) => {
				const same = a.providerId === b.providerId && a.bucketId === b.bucketId && one === two;
				const bytes = seal(a, one, secret, key);
				assert.equal(reading(b, two, bytes, key), same ? secret : undefined);
				assert.equal(reading(a, one, bytes, randomBytes(KEY_BYTES)), undefined);
			}),
		);
	});

	it('never opens when the header was rewritten to say what was asked for', () => {
		fc.assert(
			fc.property(refs, refs, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (a, b, one, two) => {
				fc.pre(a.providerId !== b.providerId || a.bucketId !== b.bucketId || one !== two);
				const envelope: Record<string, unknown> = JSON.parse(seal(a, one, secret, key).toString('utf8'));
				const forged = { ...envelope, provider: b.providerId, bucket: b.bucketId, generation: two };
				assert.equal(reading(b, two, Buffer.from(JSON.stringify(forged)), key), undefined);
			}),
		);
	});

	it('never opens to anything else when bytes are flipped, cut or added', () => {
		const bytes = seal(ref, 7, secret, key);
		const opened = (changed: Buffer): void => {
			const found = reading(ref, 7, changed, key);
			// White space between the members, and the unused bits at the end of base64, carry nothing.
			assert.ok(found === undefined || found === secret, found);
		};
		for (let index = 0; index < bytes.length; index++) {
			for (let bit = 0; bit < 8; bit++) {
				const changed = Buffer.from(bytes);
				changed[index] = (changed[index] ?? 0) ^ (1 << bit);
				opened(changed);
			}
			opened(bytes.subarray(0, index));
		}
		fc.assert(
			fc.property(fc.nat(bytes.length), fc.nat(bytes.length), fc.uint8Array({ maxLength: 40 }), (from, to, piece) => {
				opened(Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(to)]));
			}),
		);
	});

	it('takes no short tag and no other length of nonce', () => {
		const envelope: { tag: string; iv: string } = JSON.parse(seal(ref, 1, secret, key).toString('utf8'));
		for (const length of [0, 4, 8, 12, 15]) {
			const tag = Buffer.from(envelope.tag, 'base64').subarray(0, length).toString('base64');
			assert.equal(reading(ref, 1, Buffer.from(JSON.stringify({ ...envelope, tag })), key), undefined);
		}
		const iv = Buffer.from(envelope.iv, 'base64').subarray(0, 8).toString('base64');
		assert.equal(reading(ref, 1, Buffer.from(JSON.stringify({ ...envelope, iv })), key), undefined);
	});

	it('never uses a nonce twice, and shows neither text nor key', () => {
		const seen = new Set<string>();
		for (let count = 0; count < 200; count++) {
			const bytes = seal(ref, 1, secret, key);
			const { iv }: { iv: string } = JSON.parse(bytes.toString('utf8'));
			seen.add(iv);
			assert.ok(!bytes.includes('the secret') && !bytes.includes(key) && !bytes.includes(key.toString('base64')));
		}
		assert.equal(seen.size, 200);
	});

	it('tells a newer schema from damage, and damage from being signed out', () => {
		const envelope: object = JSON.parse(seal(ref, 1, secret, key).toString('utf8'));
		const kindOf = (content: unknown): string => readEnvelope(ref, 1, Buffer.from(JSON.stringify(content))).kind;
		assert.equal(kindOf({ ...envelope, schema: 2 }), 'newerSchema');
		assert.equal(kindOf({ schema: 2, everything: 'else is different' }), 'newerSchema');
		for (const schema of [0, -1, 1.5, '2', null, undefined]) assert.equal(kindOf({ ...envelope, schema }), 'damaged');
		for (const content of [null, 3, 'text', [], {}, { ...envelope, kind: 'other' }, { ...envelope, generation: '1' }])
			assert.equal(kindOf(content), 'damaged');
		const signedOut = readEnvelope(ref, 3, signedOutEnvelope(ref, 3));
		assert.equal(signedOut.kind === 'envelope' && signedOut.envelope.kind, 'signedOut');
		assert.equal(readEnvelope(ref, 4, signedOutEnvelope(ref, 3)).kind, 'damaged');
		assert.equal(readEnvelope(ref, 1, Buffer.alloc(0)).kind, 'damaged');
	});

	it('names records and keys by fixed-length hex that differs for every pair of ids', () => {
		fc.assert(
			fc.property(refs, refs, (a, b) => {
				assert.match(recordName(a), /^[0-9a-f]{64}$/);
				const same = a.providerId === b.providerId && a.bucketId === b.bucketId;
				assert.equal(recordName(a) === recordName(b), same);
			}),
		);
		assert.match(keyIdOf(key), /^[0-9a-f]{32}$/);
	});

	it('names records apart where an id holds the separator', () => {
		assert.notEqual(
			recordName({ providerId: 'a\0b', bucketId: 'c' }),
			recordName({ providerId: 'a', bucketId: 'b\0c' }),
		);
	});
});
