/** One at a time, in order of arrival. */

/**
 * The library looks a refresh token up and marks it used in two steps; two requests at once could both pass, and the
 * witness would count two refreshes where a strict server counts one and a reuse.
 */
export function createTurnstile(): <T>(work: () => Promise<T>) => Promise<T> {
	let last: Promise<unknown> = Promise.resolve();
	return (work) => {
		const turn = last.then(work);
		last = turn.catch(() => undefined);
		return turn;
	};
}
