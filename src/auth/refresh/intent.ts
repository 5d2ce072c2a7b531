/**
 * The note that a refresh token is about to be sent. It outlives the process that wrote it, so that the next holder of the
 * lease knows that the outcome is unknown, and counts, so that however many holders die in a row only one resend is made.
 * It names the token by its digest, and its writer as a lease names its owner: however the lease was lost, a sending whose
 * writer lives is under way, and nobody sends beside it. It need not survive a power cut: then one resend is made, as without it.
 *
 * It lies where the answer will be stored: where it cannot be written, nothing is sent that could not be kept.
 */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { toAuthError } from '../errors.ts';
import type { Processes } from '../lease/processes.ts';
import { judge, processIdentitySchema } from '../lease/processIdentity.ts';
import { type Disk, errorCode } from '../vault/disk.ts';
import { type BucketRef, recordName } from '../vault/sealing.ts';

/** Holders that died in a row with a request out: the one of the first sending and the one of its resend. */
export const MAX_DEATHS = 2;

const intentSchema = v.object({
	generation: v.number(),
	refreshTokenDigest: v.string(),
	/** The sending that it is about and those before it whose holders died, as nobody has cleared it. */
	attempt: v.pipe(v.number(), v.integer(), v.minValue(1)),
	/** Ties the asker's log lines to the request. */
	correlationId: v.string(),
	/** Whose sending is under way. Absent if nobody will tell its outcome any more, and in notes of earlier versions. */
	writer: v.optional(processIdentitySchema),
});

type Note = v.InferOutput<typeof intentSchema>;

export type Intent = Omit<Note, 'writer'>;

/**
 * How often in a row this refresh token of this generation was sent by a holder that died before it heard an outcome; 0 if
 * never. `underWay`: another process that lives has sent it, or is about to, whoever holds the lease. A later generation
 * proves that the outcome became known, also where the server keeps the refresh token.
 */
export type CountAttempts = (generation: number, refreshTokenDigest: string) => number | 'underWay';

export type Intents = {
	/** Rejects with `storage`. */
	read(ref: BucketRef): Promise<CountAttempts>;
	/** Written before the request leaves; rejects with `storage` if it could not be, and then nothing may be sent. */
	begin(ref: BucketRef, intent: Intent): Promise<void>;
	/** The outcome is known, or a holder that lives has heard that nobody will tell it. */
	clear(ref: BucketRef): Promise<void>;
	/**
	 * This process is done with the sending that it noted, and so many count: 0 removes the note. Another's stays, such as that
	 * of who holds the lease by now. Rejects as the disk does.
	 */
	settle(ref: BucketRef, intent: Intent, attempts: number): Promise<void>;
};

export function createIntents(folder: string, disk: Disk, processes: Pick<Processes, 'self' | 'probe'>): Intents {
	const pathOf = (ref: BucketRef): string => join(folder, `${recordName(ref)}.intent`);

	async function readText(ref: BucketRef): Promise<string | undefined> {
		try {
			return (await disk.readFile(pathOf(ref))).toString('utf8');
		} catch (error) {
			if (errorCode(error) === 'ENOENT') return undefined;
			throw error;
		}
	}

	async function remove(path: string): Promise<void> {
		try {
			await disk.unlink(path);
		} catch (error) {
			if (errorCode(error) !== 'ENOENT') throw error;
		}
	}

	async function write(ref: BucketRef, note: Note): Promise<void> {
		const path = pathOf(ref);
		const bytes = Buffer.from(`${JSON.stringify(note)}\n`);
		if (note.attempt === 1) return disk.overwrite(path, bytes);
		// What it replaces counts, and must not be lost where there is no room for the new one.
		const fresh = `${path}.new`;
		await remove(fresh);
		await disk.writeNew(fresh, bytes);
		await disk.rename(fresh, path);
	}

	return {
		async read(ref) {
			let text: string | undefined;
			try {
				text = await readText(ref);
			} catch (error) {
				throw toAuthError(error, 'storage', 'the intent cannot be read');
			}
			const note = text === undefined ? 'torn' : parseNote(text);
			// Whoever sends has written its note whole before: of one that is torn, as on a full disk, nothing was sent.
			if (note === 'torn') return () => 0;
			// Whole, and not as we write: something was sent, perhaps by another version.
			if (note === 'strange') return () => 1;
			const { generation, refreshTokenDigest, attempt, writer } = note;
			let count: number | 'underWay' = attempt;
			if (writer !== undefined) {
				const self = await processes.self();
				// Our own could not be removed: we heard of its outcome, so only those before it count.
				if (isDeepStrictEqual(writer, self)) count = attempt - 1;
				else if ((await judge(writer, self, processes.probe)) === 'alive') count = 'underWay';
			}
			return (ofGeneration, ofToken) => (ofGeneration === generation && ofToken === refreshTokenDigest ? count : 0);
		},
		async begin(ref, intent) {
			try {
				await write(ref, { ...intent, writer: await processes.self() });
			} catch (error) {
				throw toAuthError(error, 'storage', 'the intent cannot be written');
			}
		},
		clear: (ref) => remove(pathOf(ref)),
		async settle(ref, intent, attempts) {
			const note = parseNote((await readText(ref)) ?? '');
			if (typeof note === 'string' || !isDeepStrictEqual(note.writer, await processes.self())) return;
			if (note.generation !== intent.generation || note.refreshTokenDigest !== intent.refreshTokenDigest) return;
			if (attempts === 0) return remove(pathOf(ref));
			await write(ref, { ...intent, attempt: attempts });
		},
	};
}

function parseNote(text: string): Note | 'torn' | 'strange' {
	try {
		const parsed = v.safeParse(intentSchema, JSON.parse(text));
		return parsed.success ? parsed.output : 'strange';
	} catch {
		return 'torn';
	}
}
