/**
 * How a record looks on disk: an envelope that names what it is, around AES-256-GCM. Provider, bucket and generation are
 * bound in as associated data, so that a file that was renamed, copied or exchanged does not open.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import * as v from 'valibot';

/** Schema of the envelope and of what it seals. A reader refuses a newer one and upgrades an older one in memory. */
export const RECORD_SCHEMA = 1;

export const KEY_BYTES = 32;
const IV_BYTES = 12; // NIST SP 800-38D: 96 bits is the length GCM is made for.
const TAG_BYTES = 16;

/** The bucket of a provider that a record belongs to. */
export type BucketRef = { readonly providerId: string; readonly bucketId: string };

const base64 = v.pipe(
	v.string(),
	v.base64(),
	v.transform((text) => Buffer.from(text, 'base64')),
);

const headerSchema = v.object({
	schema: v.pipe(v.number(), v.integer(), v.minValue(1)),
	provider: v.string(),
	bucket: v.string(),
	generation: v.pipe(v.number(), v.integer(), v.minValue(1)),
});

const envelopeSchema = v.variant('kind', [
	v.object({
		...headerSchema.entries,
		kind: v.literal('sealed'),
		keyId: v.string(),
		iv: base64,
		tag: base64,
		ciphertext: base64,
	}),
	v.object({ ...headerSchema.entries, kind: v.literal('signedOut') }),
]);

export type Envelope = v.InferOutput<typeof envelopeSchema>;
export type SealedEnvelope = Extract<Envelope, { kind: 'sealed' }>;

export type EnvelopeReading =
	| { readonly kind: 'envelope'; readonly envelope: Envelope }
	| { readonly kind: 'newerSchema'; readonly schema: number }
	| { readonly kind: 'damaged' };

/** Public name of a key: the start of its digest. Tells which key a record wants, and nothing about the key. */
export function keyIdOf(key: Buffer): string {
	return createHash('sha256').update('agent-auth key\0').update(key).digest('hex').slice(0, 32);
}

/** Name of a bucket's record: fixed length, no separators, injective in practice, whatever the ids contain. */
export function recordName(ref: BucketRef): string {
	return createHash('sha256')
		.update(JSON.stringify([ref.providerId, ref.bucketId]))
		.digest('hex');
}

export function seal(
	ref: BucketRef,
	generation: number,
	plaintext: string,
	key: Buffer,
	schema = RECORD_SCHEMA,
): Buffer {
	const keyId = keyIdOf(key);
	const iv = randomBytes(IV_BYTES);
	const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
	cipher.setAAD(associatedData(ref, generation, schema, keyId));
	const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
	return encode(ref, generation, schema, {
		kind: 'sealed',
		keyId,
		iv: iv.toString('base64'),
		tag: cipher.getAuthTag().toString('base64'),
		ciphertext: ciphertext.toString('base64'),
	});
}

/** The record of a bucket whose account was signed out. It holds no secret, so it can be written without the key. */
export function signedOutEnvelope(ref: BucketRef, generation: number): Buffer {
	return encode(ref, generation, RECORD_SCHEMA, { kind: 'signedOut' });
}

function encode(ref: BucketRef, generation: number, schema: number, rest: Record<string, string>): Buffer {
	return Buffer.from(
		`${JSON.stringify({ schema, provider: ref.providerId, bucket: ref.bucketId, generation, ...rest })}\n`,
	);
}

/** Parses an envelope and checks that it is the one asked for. */
export function readEnvelope(
	ref: BucketRef,
	generation: number,
	bytes: Buffer,
	schema = RECORD_SCHEMA,
): EnvelopeReading {
	let json: unknown;
	try {
		json = JSON.parse(bytes.toString('utf8'));
	} catch {
		return { kind: 'damaged' };
	}
	const header = v.safeParse(v.object({ schema: headerSchema.entries.schema }), json);
	if (header.success && header.output.schema > schema) return { kind: 'newerSchema', schema: header.output.schema };
	const parsed = v.safeParse(envelopeSchema, json);
	if (!parsed.success) return { kind: 'damaged' };
	const envelope = parsed.output;
	const asked =
		envelope.provider === ref.providerId && envelope.bucket === ref.bucketId && envelope.generation === generation;
	return asked ? { kind: 'envelope', envelope } : { kind: 'damaged' };
}

/** The plaintext; undefined if key, header and content do not belong together. */
export function open(envelope: SealedEnvelope, key: Buffer): string | undefined {
	if (envelope.iv.length !== IV_BYTES || envelope.tag.length !== TAG_BYTES) return undefined;
	const decipher = createDecipheriv('aes-256-gcm', key, envelope.iv, { authTagLength: TAG_BYTES });
	const ref = { providerId: envelope.provider, bucketId: envelope.bucket };
	decipher.setAAD(associatedData(ref, envelope.generation, envelope.schema, envelope.keyId));
	decipher.setAuthTag(envelope.tag);
	try {
		return decipher.update(envelope.ciphertext, undefined, 'utf8') + decipher.final('utf8');
	} catch {
		// The tag does not match: the one way in which GCM says that anything at all was changed.
		return undefined;
	}
}

function associatedData(ref: BucketRef, generation: number, schema: number, keyId: string): Buffer {
	return Buffer.from(JSON.stringify(['agent-auth record', schema, ref.providerId, ref.bucketId, generation, keyId]));
}
