/** One renewal of a bucket at a time in this window, which everybody who wants the same thing of it joins. */
import { recordName } from '../vault/sealing.ts';
import { covers, type Demands } from './demand.ts';
import type { RefreshRequest, RefreshResult } from './refresher.ts';

/**
 * What a flight does. `land` serves those who wait as soon as there is something to serve them with; what is left to do
 * after that nobody waits for.
 */
export type Flight = (request: RefreshRequest, land: (result: RefreshResult) => void) => Promise<RefreshResult>;

export type Flights = {
	/** The result of a flight that covers the request: the one under way or, after the others, a new one. */
	join(request: RefreshRequest): Promise<RefreshResult>;
};

export function createFlights(demands: Demands, fly: Flight): Flights {
	const running = new Map<string, { readonly request: RefreshRequest; readonly result: Promise<RefreshResult> }>();
	return {
		async join(request) {
			const key = recordName(request.ref);
			for (let flight = running.get(key); flight; flight = running.get(key)) {
				if (covers(flight.request, request)) {
					const joined = await flight.result;
					// A machine may sleep between the answer and this line for longer than the token lives.
					if (demands.isAlive(request, joined)) return joined;
					continue;
				}
				// Started by another kind of request: its result counts only if it answers this one, its failure not at all.
				const result = await flight.result.catch(() => undefined);
				if (result && demands.isMet(request, result)) return result;
			}
			const result = new Promise<RefreshResult>((resolve, reject) => {
				fly(request, resolve).then(resolve, reject);
			}).finally(() => running.delete(key));
			running.set(key, { request, result });
			return result;
		},
	};
}
