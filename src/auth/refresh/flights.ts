/** One renewal of a bucket at a time in this window, which everybody who wants the same thing of it joins. */
import type { Clock } from '../clock.ts';
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

type Running = { readonly request: RefreshRequest; readonly landing: Promise<Landed> };
type Landed = { readonly result: RefreshResult; readonly atMs: number };

export function createFlights(demands: Demands, clock: Clock, fly: Flight): Flights {
	const running = new Map<string, Running>();

	/** Whether this flight, which does at least what the request asks for, answers it. */
	function isAnswered(request: RefreshRequest, { result, atMs }: Landed): boolean {
		if (demands.isAlive(request, result)) return true;
		// Whatever life it was given. But a machine may sleep between the landing and this line for longer than a token lives.
		return !demands.isRefused(request, result) && demands.isJustNow(atMs);
	}

	return {
		async join(request) {
			const key = recordName(request.ref);
			for (let flight = running.get(key); flight; flight = running.get(key)) {
				if (covers(flight.request, request)) {
					const landed = await flight.landing;
					if (isAnswered(request, landed)) return landed.result;
					continue;
				}
				// Started by another kind of request: its result counts only if it answers this one, its failure not at all.
				const landed = await flight.landing.catch(() => undefined);
				if (landed && demands.isMet(request, landed.result)) return landed.result;
			}
			const landing = new Promise<RefreshResult>((resolve, reject) => {
				fly(request, resolve).then(resolve, reject);
			})
				.then((result) => ({ result, atMs: clock.now() }))
				.finally(() => running.delete(key));
			running.set(key, { request, landing });
			return (await landing).result;
		},
	};
}
