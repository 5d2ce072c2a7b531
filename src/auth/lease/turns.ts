/** First come, first served within one process: whoever waits for the same name waits in the order of asking. */
import { type Clock, withDeadline } from '../clock.ts';
import { AuthError, isAuthError } from '../errors.ts';

export type Turns = {
	/** Runs `work` when it is this caller's turn. Rejects with `locked` if that takes longer, or with `cancelled`. */
	run<T>(name: string, patienceMs: number, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>;
};

export function createTurns(clock: Clock): Turns {
	const tails = new Map<string, Promise<void>>();
	return {
		async run(name, patienceMs, signal, work) {
			const before = tails.get(name) ?? Promise.resolve();
			let done: () => void = () => undefined;
			const mine = new Promise<void>((resolve) => {
				done = resolve;
			});
			const tail = before.then(() => mine);
			tails.set(name, tail);
			try {
				await withDeadline(clock, before, patienceMs, signal).catch((error: unknown) => {
					throw isAuthError(error, 'timeout') ? new AuthError('locked', 'this window holds the lease') : error;
				});
				return await work();
			} finally {
				// A waiter that gave up still keeps its place until those before it are done.
				void before.then(() => {
					done();
					if (tails.get(name) === tail) tails.delete(name);
				});
			}
		},
	};
}
