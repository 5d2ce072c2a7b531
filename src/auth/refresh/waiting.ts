/**
 * The wait for another window's result while that window holds the lease. The result is handed out the moment it has been
 * read, without waiting until the wait for the lease has been given up as well.
 */
import type { Demands, Present } from './demand.ts';
import type { RefresherOptions, RefreshRequest, RefreshResult } from './refresher.ts';

export type Waiting = {
	/** Aborts when there is nothing to wait for any more: another window wrote, or this one ends. */
	readonly signal: AbortSignal;
	/** What another window wrote, if that was why it aborted. */
	adopted(): Promise<Present> | undefined;
	/** The lease was had, or the wait for it was given up. */
	end(): void;
};

/** @param first what is there already. */
export function waitForOthers(
	{ watch, ending }: Pick<RefresherOptions, 'watch' | 'ending'>,
	demands: Demands,
	request: RefreshRequest,
	first: Present,
	read: (generation: number) => Promise<Present>,
	land: (result: RefreshResult) => void,
): Waiting {
	const stop = new AbortController();
	let adopted: Promise<Present> | undefined;
	const onEnding = (): void => stop.abort(ending.reason);
	ending.addEventListener('abort', onEnding, { once: true });
	const watching = watch(request.ref, (generation) => {
		if (generation <= first.generation || stop.signal.aborted) return;
		stop.abort();
		adopted = read(generation);
		adopted.then(
			(present) => {
				if (present.generation > first.generation && demands.isAlive(request, present)) land(present);
			},
			() => undefined, // Who gives up waiting for the lease hears of it.
		);
	});
	return {
		signal: stop.signal,
		adopted: () => adopted,
		end() {
			// What the holder of a lease has read counts from now on.
			adopted = undefined;
			watching.dispose();
			ending.removeEventListener('abort', onEnding);
		},
	};
}
