/** What can be told of a record without opening it: that it is one, whose it is, and which key it wants. */
import * as v from 'valibot';
import type { Ledger } from './ledger.ts';
import type { BucketRef } from './sealing.ts';

/** The ledger holds other things besides records: state, claim, outcomes of sign-ins. */
const RECORD_NAME = /^[0-9a-f]{64}$/;

export function isRecordName(name: string): boolean {
	return RECORD_NAME.test(name);
}

/** The bucket that a record says it is for; undefined if it says nothing readable. */
export function refOf(bytes: Buffer): BucketRef | undefined {
	try {
		const parsed = v.safeParse(
			v.object({ provider: v.string(), bucket: v.string() }),
			JSON.parse(bytes.toString('utf8')),
		);
		return parsed.success ? { providerId: parsed.output.provider, bucketId: parsed.output.bucket } : undefined;
	} catch {
		// Not JSON: a damaged record tells nobody whose it is.
		return undefined;
	}
}

/** The key that a record or a claim names; undefined if it names none. */
export function keyIdIn(bytes: Buffer): string | undefined {
	try {
		const parsed = v.safeParse(v.object({ keyId: v.string() }), JSON.parse(bytes.toString('utf8')));
		return parsed.success ? parsed.output.keyId : undefined;
	} catch {
		// Not JSON: a damaged record, of which nobody can say what sealed it.
		return undefined;
	}
}

/** Whether any of these records is sealed under the key, for {@link VaultKeyOptions.isUsed}. */
export async function isKeyUsed(ledger: Ledger, keyId: string): Promise<boolean> {
	for (const name of (await ledger.list()).keys()) {
		const entry = isRecordName(name) ? await ledger.read(name) : undefined;
		// A damaged record names no key. It is set aside, never deleted.
		if (entry && keyIdIn(entry.bytes) === keyId) return true;
	}
	return false;
}
