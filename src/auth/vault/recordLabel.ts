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

/** Whether any of these records is sealed under the key, for {@link VaultKeyOptions.isUsed}. */
export async function isKeyUsed(ledger: Ledger, keyId: string): Promise<boolean> {
	const envelope = v.object({ keyId: v.string() });
	for (const name of (await ledger.list()).keys()) {
		const entry = isRecordName(name) ? await ledger.read(name) : undefined;
		if (!entry) continue;
		try {
			const parsed = v.safeParse(envelope, JSON.parse(entry.bytes.toString('utf8')));
			if (parsed.success && parsed.output.keyId === keyId) return true;
		} catch {
			// Not JSON: a damaged record, of which nobody can say what sealed it. It is set aside, never deleted.
		}
	}
	return false;
}
