/**
 * The vault: one sealed record per bucket, with a generation that counts up at every write. "No record", "signed out",
 * "no key", "key unreadable", "damaged" and "written by a newer version" are different results, because each asks the
 * person for something different and none may be taken for another.
 */
import * as v from 'valibot';
import { type Credential, credentialSchema } from '../credential.ts';
import { AuthError } from '../errors.ts';
import type { Ledger } from './ledger.ts';
import type { PublishOptions } from './publication.ts';
import { isRecordName, refOf } from './recordLabel.ts';
import type { Room } from './room.ts';
import {
	type BucketRef,
	type Envelope,
	keyIdOf,
	open,
	RECORD_SCHEMA,
	readEnvelope,
	recordName,
	seal,
	signedOutEnvelope,
} from './sealing.ts';
import type { BirthOptions, VaultKey } from './vaultKey.ts';

/** Base64 of what is sealed, and the rest of the envelope. */
const SEALED_SIZE = 4 / 3;
const HEADER_BYTES = 512;

export type RecordReading =
	| { readonly kind: 'absent'; readonly generation: 0 }
	| { readonly kind: 'signedOut'; readonly generation: number }
	| { readonly kind: 'credential'; readonly generation: number; readonly credential: Credential }
	/** Sealed under a key that no store has. Opens again if the key returns. */
	| { readonly kind: 'keyMissing'; readonly generation: number }
	| { readonly kind: 'keyUnreadable'; readonly generation: number }
	| { readonly kind: 'damaged'; readonly generation: number }
	| { readonly kind: 'newerSchema'; readonly generation: number };

/** Turns the JSON of an older schema into that of the next one; never writes. Keyed by the schema it starts from. */
export type Upgrades = Readonly<Record<number, (older: unknown) => unknown>>;

export type Vault = {
	/** Rejects with `storage` only. @param hint a generation that was heard of, as {@link Ledger.read}. */
	read(ref: BucketRef, hint?: number): Promise<RecordReading>;
	/**
	 * The same for who holds a lease, under which SecretStorage must not be waited for: with the key that opened this record
	 * before, if it is sealed under that one still.
	 */
	readAgain(ref: BucketRef, hint?: number): Promise<RecordReading>;
	/**
	 * Writes generation `expected + 1`. Rejects with `conflict` (somebody else wrote first), `newer_schema` (what is there
	 * must not be rewritten), `storage`, `key_missing` or `key_unreadable`. Resolves to the new generation.
	 */
	write(
		ref: BucketRef,
		expected: number,
		credential: Credential,
		options?: BirthOptions & PublishOptions,
	): Promise<number>;
	/**
	 * Takes room for what this credential is renewed to, as {@link Ledger.reserve}. Rejects with `storage`.
	 * @param present what is there, whose size tells what to expect.
	 */
	reserve(ref: BucketRef, expected: number, present: Credential): Promise<Room>;
	/** The same for the end of an account. Needs no key, so that an unreadable account can be signed out. */
	writeSignedOut(ref: BucketRef, expected: number): Promise<number>;
	/**
	 * Puts a complete record of generation `expected + 1` in place that a dead writer left. `none`: there is none, and
	 * `expected` is what counts; a generation never changes, so it need not be read again. `superseded`: it is not any more.
	 */
	promoteLeftover(ref: BucketRef, expected: number): Promise<'finished' | 'none' | 'superseded'>;
	/** Every credential that opens, with the bucket its record names: what is left when the state is lost. */
	listCredentials(): Promise<readonly { readonly ref: BucketRef; readonly credential: Credential }[]>;
	/** Makes sure that a key exists and is kept: called when a sign-in begins. See {@link VaultKey.ensure}. */
	ensureKey(birth?: BirthOptions): Promise<void>;
	/** Asks the key stores again at the next read. */
	forgetKey(): void;
};

export type VaultOptions = {
	readonly ledger: Ledger;
	readonly key: VaultKey;
	/** Only tests of upgrades pass another schema than the present one. */
	readonly schema?: number;
	readonly upgrades?: Upgrades;
};

export function createVault(options: VaultOptions): Vault {
	const { ledger, key } = options;
	const schema = options.schema ?? RECORD_SCHEMA;
	const upgrades = options.upgrades ?? {};
	/**
	 * By record name the newest generation that was opened, and its key: a refresh is stored under the key that opened the
	 * record, whatever became of the claim, and without asking SecretStorage while a lease is held.
	 */
	const opened = new Map<string, { readonly generation: number; readonly key: Buffer }>();

	async function interpret(ref: BucketRef, generation: number, bytes: Buffer, again = false): Promise<RecordReading> {
		const reading = readEnvelope(ref, generation, bytes, schema);
		if (reading.kind === 'newerSchema') return { kind: 'newerSchema', generation };
		if (reading.kind === 'damaged') return { kind: 'damaged', generation };
		return openEnvelope(reading.envelope, generation, again);
	}

	/** @param again with the key that opened the record before, if it still fits. */
	async function openEnvelope(envelope: Envelope, generation: number, again: boolean): Promise<RecordReading> {
		if (envelope.kind === 'signedOut') return { kind: 'signedOut', generation };
		const name = recordName({ providerId: envelope.provider, bucketId: envelope.bucket });
		const before = again ? opened.get(name)?.key : undefined;
		const secret =
			before !== undefined && keyIdOf(before) === envelope.keyId
				? ({ kind: 'key', key: before } as const)
				: await keyFor(envelope.keyId);
		if (secret.kind !== 'key') return { kind: secret.kind, generation };
		const plaintext = open(envelope, secret.key);
		const credential = plaintext === undefined ? undefined : parseCredential(plaintext, envelope.schema);
		if (credential) opened.set(name, { generation, key: secret.key });
		return credential ? { kind: 'credential', generation, credential } : { kind: 'damaged', generation };
	}

	async function keyFor(
		keyId: string,
	): Promise<{ kind: 'key'; key: Buffer } | { kind: 'keyMissing' } | { kind: 'keyUnreadable' }> {
		const state = await key.findById(keyId);
		if (state.kind === 'ready') return { kind: 'key', key: state.key };
		return { kind: state.kind === 'missing' ? 'keyMissing' : 'keyUnreadable' };
	}

	function parseCredential(plaintext: string, from: number): Credential | undefined {
		let json: unknown;
		try {
			json = JSON.parse(plaintext);
			for (let step = from; step < schema; step++) json = upgrades[step]?.(json) ?? json;
		} catch {
			// It was sealed by us and does not parse: as damaged as a record whose tag does not match.
			return undefined;
		}
		const parsed = v.safeParse(credentialSchema, json);
		return parsed.success ? parsed.output : undefined;
	}

	/** One generation never changes, so those who look for it at the same time share one reading. */
	const readings = new Map<string, Promise<RecordReading>>();

	function read(ref: BucketRef, hint?: number): Promise<RecordReading> {
		if (hint === undefined) return readNewest(ref);
		const key = `${recordName(ref)}.${hint}`;
		let reading = readings.get(key);
		if (reading === undefined) {
			reading = readNewest(ref, hint).finally(() => readings.delete(key));
			readings.set(key, reading);
		}
		return reading;
	}

	async function readNewest(ref: BucketRef, hint?: number, again = false): Promise<RecordReading> {
		const name = recordName(ref);
		const entry = await ledger.read(name, hint);
		if (!entry) return { kind: 'absent', generation: 0 };
		const reading = await interpret(ref, entry.generation, entry.bytes, again);
		const before = opened.get(name);
		// What was opened under this number was something else: a leftover that was not put in place.
		if (reading.kind !== 'credential' && before?.generation === entry.generation)
			opened.set(name, { generation: 0, key: before.key });
		return reading;
	}

	/** Whether what is there must be set aside, because it cannot be opened. */
	async function isClosed(ref: BucketRef, expected: number): Promise<boolean> {
		// Who renews a credential has just opened it and waits for nothing but the disk now; a generation never changes.
		if (opened.get(recordName(ref))?.generation === expected) return false;
		const present = await read(ref);
		if (present.kind === 'newerSchema')
			throw new AuthError('newer_schema', 'the record was written by a newer version and is not rewritten');
		return present.kind === 'damaged' || present.kind === 'keyMissing' || present.kind === 'keyUnreadable';
	}

	/** What is there decides what happens to it: readable records are superseded, unreadable ones set aside. */
	async function append(
		ref: BucketRef,
		expected: number,
		bytes: Buffer,
		options: PublishOptions = {},
	): Promise<number> {
		const setAside = await isClosed(ref, expected);
		if ((await ledger.append(recordName(ref), expected, bytes, { ...options, setAside })) === 'conflict')
			throw new AuthError('conflict', 'somebody else wrote this bucket first');
		return expected + 1;
	}

	return {
		read,
		readAgain: (ref, hint) => readNewest(ref, hint, true),
		// As it is sealed, with everything around it.
		reserve: (ref, expected, present) =>
			ledger.reserve(recordName(ref), expected, Math.ceil(JSON.stringify(present).length * SEALED_SIZE) + HEADER_BYTES),
		async write(ref, expected, credential, { onDurable, room, finishable = false, ...birth } = {}) {
			const secret = opened.get(recordName(ref))?.key ?? (await key.ensure(birth));
			const bytes = seal(ref, expected + 1, JSON.stringify(credential), secret, schema);
			return append(ref, expected, bytes, {
				finishable,
				...(room && { room }),
				...(onDurable && { onDurable }),
			});
		},
		writeSignedOut: (ref, expected) => append(ref, expected, signedOutEnvelope(ref, expected + 1)),
		async promoteLeftover(ref, expected) {
			const leftovers = await ledger.leftovers(recordName(ref), expected);
			if (leftovers === 'superseded') return 'superseded';
			for (const leftover of leftovers) {
				const reading = await interpret(ref, expected + 1, leftover.bytes, true);
				if (reading.kind !== 'credential' && reading.kind !== 'signedOut') continue; // Torn: it was never durable.
				const outcome = await ledger.promote(recordName(ref), expected, leftover.path);
				return outcome === 'written' ? 'finished' : 'superseded';
			}
			return 'none';
		},
		async listCredentials() {
			const found: { ref: BucketRef; credential: Credential }[] = [];
			for (const name of (await ledger.list()).keys()) {
				const entry = isRecordName(name) ? await ledger.read(name) : undefined;
				const ref = entry && refOf(entry.bytes);
				// A record counts only under the name of the bucket it claims to be for.
				if (!entry || !ref || recordName(ref) !== name) continue;
				const reading = await interpret(ref, entry.generation, entry.bytes);
				if (reading.kind === 'credential') found.push({ ref, credential: reading.credential });
			}
			return found;
		},
		async ensureKey(birth) {
			await key.ensure(birth);
		},
		forgetKey: () => key.forget(),
	};
}
