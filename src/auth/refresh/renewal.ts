/** What runs only where something is renewed. Loaded with what is sent, so that no start waits for it. */
import type { Clock } from '../clock.ts';
import { type Attempt, type AttemptOptions, createAttempt } from './attempt.ts';
import { type Send, sendOnce } from './sending.ts';

export type RenewalOptions = Omit<AttemptOptions, 'send'> & {
	readonly clock: Clock;
	/** Sends the refresh token of this credential, once. */
	readonly send: Send;
};

/** An attempt whose requests have their hard deadline. */
export function createRenewal(options: RenewalOptions): Attempt {
	const { clock, send } = options;
	return createAttempt({
		...options,
		send: (ref, credential, correlationId) => sendOnce(clock, send, ref, credential, correlationId),
	});
}
