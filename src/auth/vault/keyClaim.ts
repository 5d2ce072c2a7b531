/**
 * The claim in the ledger that names the vault's key by its id, and the canary that tells whether the place of the key
 * keeps anything: it notes in which session the key was born and whether any other session ever found it there.
 */
import * as v from 'valibot';
import { describeError, type Logger } from '../log.ts';
import type { Ledger } from './ledger.ts';

const CLAIM = 'key';
const CLAIM_SCHEMA = 1;

const headerSchema = v.object({ schema: v.pipe(v.number(), v.integer(), v.minValue(1)) });

const claimSchema = v.object({
	...headerSchema.entries,
	/** Absent after a birth that was taken back because no place kept the key. */
	keyId: v.optional(v.string()),
	/** The session that claimed it: one activation of the extension in one window. */
	bornIn: v.optional(v.string()),
	/** Another session has read the key from where it is kept, so the place does keep it. */
	seenElsewhere: v.optional(v.boolean()),
});

export type Claim = {
	readonly keyId?: string | undefined;
	readonly bornIn?: string | undefined;
	readonly seenElsewhere?: boolean | undefined;
};

export type ClaimReading =
	| { readonly kind: 'claim'; readonly generation: number; readonly claim: Claim }
	/** Written by a newer version, or it cannot be read. */
	| { readonly kind: 'refused'; readonly reason: 'newerSchema' | 'damaged'; readonly generation: number };

/** The newest claim; an empty one of generation 0 if there is none. Rejects with `storage`. */
export async function readClaim(ledger: Ledger, log: Logger): Promise<ClaimReading> {
	const entry = await ledger.read(CLAIM);
	if (!entry) return { kind: 'claim', generation: 0, claim: {} };
	try {
		const json: unknown = JSON.parse(entry.bytes.toString('utf8'));
		const { schema } = v.parse(headerSchema, json);
		if (schema > CLAIM_SCHEMA) return { kind: 'refused', reason: 'newerSchema', generation: entry.generation };
		return { kind: 'claim', generation: entry.generation, claim: v.parse(claimSchema, json) };
	} catch (error) {
		log.warn(`vault key: the claim cannot be read (${describeError(error)})`);
		return { kind: 'refused', reason: 'damaged', generation: entry.generation };
	}
}

/** Compare-and-set, as {@link Ledger.append}. */
export function writeClaim(
	ledger: Ledger,
	expected: number,
	claim: Claim,
	setAside = false,
): Promise<'written' | 'conflict'> {
	const bytes = Buffer.from(`${JSON.stringify({ ...claim, schema: CLAIM_SCHEMA })}\n`);
	return ledger.append(CLAIM, expected, bytes, { setAside });
}

/** True if the key of this claim was never found by any session but the one that made it, which is not this one. */
export function wasNeverKept({ keyId, bornIn, seenElsewhere }: Claim, session: string): boolean {
	return keyId !== undefined && bornIn !== undefined && bornIn !== session && seenElsewhere !== true;
}
