/**
 * The note of one sending in the hands of who sends: begun before the request leaves, and ended by what became known. A note
 * that stays behind while its writer lives would keep all other windows waiting, so ending it goes on until it is done.
 */
import { type Clock, delay } from '../clock.ts';
import { describeError, type Logger } from '../log.ts';
import type { BucketRef } from '../vault/sealing.ts';
import type { Intent, Intents } from './intent.ts';

/** First wait between tries to end a note; doubles up to the cap. */
const RETRY_MS = 250;
const RETRY_CAP_MS = 5_000;

export type SendingNote = {
	/** Counts this sending. Rejects with `storage`, and then nothing may be sent. */
	begin(): Promise<void>;
	/** The outcome is known, or a holder that lives has heard that nobody will tell it. Never rejects. */
	clear(): Promise<void>;
	/** Nothing was sent: what counted before counts. Never rejects. */
	takeBack(): Promise<void>;
	/** Unless it was ended before: nobody will tell the outcome, and this process sends no more: for who comes next it counts as a death. Never rejects. */
	leave(): Promise<void>;
};

export type SendingNoteOptions = {
	readonly intents: Intents;
	readonly clock: Clock;
	readonly log: Logger;
	readonly ending: AbortSignal;
};

/** @param deaths of holders that sent this token before. */
export function createSendingNote(
	{ intents, clock, log, ending }: SendingNoteOptions,
	ref: BucketRef,
	sending: Omit<Intent, 'attempt'>,
	deaths: number,
): SendingNote {
	const intent: Intent = { ...sending, attempt: deaths + 1 };
	let isEnded = false;

	async function goOn(attempts: number): Promise<void> {
		for (let waitMs = RETRY_MS; ; waitMs = Math.min(waitMs * 2, RETRY_CAP_MS)) {
			await delay(clock, waitMs, ending);
			try {
				return await intents.settle(ref, intent, attempts);
			} catch (error) {
				log.debug(`refresh: the intent still cannot be ended (${describeError(error)})`);
			}
		}
	}

	async function end(attempts: number, work: () => Promise<void>): Promise<void> {
		if (isEnded) return;
		isEnded = true;
		try {
			await work();
		} catch (error) {
			log.warn(`refresh: the intent could not be cleared (${describeError(error)})`);
			goOn(attempts).catch(() => undefined); // The window ends, and with it the writer.
		}
	}

	const settle = (attempts: number): Promise<void> => end(attempts, () => intents.settle(ref, intent, attempts));

	return {
		begin: () => intents.begin(ref, intent),
		// Without a look at whose it is: who waits for the lease waits for this.
		clear: () => end(0, () => intents.clear(ref)),
		takeBack: () => settle(deaths),
		leave: () => settle(deaths + 1),
	};
}
