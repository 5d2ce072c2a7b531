/**
 * The note that a refresh token is about to be sent. It outlives the process that wrote it, so that the next holder of the
 * lease knows that the outcome is unknown, and counts, so that however many holders die in a row only one resend is made.
 * It names the token by its digest. It need not survive a power cut: then one resend is made, as without it.
 *
 * It lies where the answer will be stored: where it cannot be written, nothing is sent that could not be kept.
 */
import { join } from 'node:path';
import * as v from 'valibot';
import { toAuthError } from '../errors.ts';
import { type Disk, errorCode } from '../vault/disk.ts';
import { type BucketRef, recordName } from '../vault/sealing.ts';

/** Holders that died in a row with a request out: the one of the first sending and the one of its resend. */
export const MAX_DEATHS = 2;

const intentSchema = v.object({
	generation: v.number(),
	refreshTokenDigest: v.string(),
	/** The sending under way and those before it whose holders died, as nobody has cleared it. */
	attempt: v.pipe(v.number(), v.integer(), v.minValue(1)),
	/** Ties the asker's log lines to the request. */
	correlationId: v.string(),
});

export type Intent = v.InferOutput<typeof intentSchema>;

/**
 * How often in a row this refresh token of this generation was sent by a holder that died before it heard an outcome; 0 if
 * never. A torn note counts as one. A later generation proves that the outcome became known, also where the server keeps the
 * refresh token.
 */
export type CountAttempts = (generation: number, refreshTokenDigest: string) => number;

export type Intents = {
	/** Rejects with `storage`. */
	read(ref: BucketRef): Promise<CountAttempts>;
	/** Written before the request leaves; rejects with `storage` if it could not be, and then nothing may be sent. */
	write(ref: BucketRef, intent: Intent): Promise<void>;
	/** The outcome is known, or a holder that lives has heard that nobody will tell it. */
	clear(ref: BucketRef): Promise<void>;
};

export function createIntents(folder: string, disk: Disk): Intents {
	const pathOf = (ref: BucketRef): string => join(folder, `${recordName(ref)}.intent`);
	return {
		async read(ref) {
			let text: string;
			try {
				text = (await disk.readFile(pathOf(ref))).toString('utf8');
			} catch (error) {
				if (errorCode(error) === 'ENOENT') return () => 0;
				throw toAuthError(error, 'storage', 'the intent cannot be read');
			}
			const intent = parseIntent(text);
			if (!intent) return () => 1;
			return (generation, refreshTokenDigest) =>
				intent.generation === generation && intent.refreshTokenDigest === refreshTokenDigest ? intent.attempt : 0;
		},
		async write(ref, intent) {
			try {
				// In place: of a torn note one attempt is counted, which is what there was before this one, or is harmless.
				await disk.overwrite(pathOf(ref), Buffer.from(`${JSON.stringify(intent)}\n`));
			} catch (error) {
				throw toAuthError(error, 'storage', 'the intent cannot be written');
			}
		},
		async clear(ref) {
			try {
				await disk.unlink(pathOf(ref));
			} catch (error) {
				if (errorCode(error) !== 'ENOENT') throw error;
			}
		},
	};
}

function parseIntent(text: string): Intent | undefined {
	try {
		const parsed = v.safeParse(intentSchema, JSON.parse(text));
		return parsed.success ? parsed.output : undefined;
	} catch {
		// Torn: something was about to be sent.
		return undefined;
	}
}
