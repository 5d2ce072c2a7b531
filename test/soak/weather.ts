/** What goes wrong at the server and on the way to it, one thing after the other with fair weather between. */
import { setTimeout as wait } from 'node:timers/promises';
import type { StrictTokenServer } from '../server/strictTokenServer.ts';
import type { Dice } from './dice.ts';

export type Weather = {
	/** Goes on until the signal aborts, and leaves the server as it should be. */
	run(signal: AbortSignal): Promise<void>;
	/** How often each kind of trouble came. */
	readonly seen: ReadonlyMap<string, number>;
	isFair(): boolean;
};

/** Shorter than the grace period by far, so that a session that is lost is lost by us. */
const TROUBLE_MS = { from: 500, to: 6_000 } as const;
const FAIR_MS = { from: 2_000, to: 8_000 } as const;

export function createWeather(server: StrictTokenServer, dice: Dice): Weather {
	const seen = new Map<string, number>();
	let fair = true;

	const faulty = (fault: Parameters<StrictTokenServer['fault']>[0]) => async () => {
		const active = server.fault({ on: 'refresh', ...fault });
		return async () => active.dispose();
	};
	/** Each begins, and returns how it ends. */
	const kinds: Readonly<Record<string, () => Promise<() => Promise<void>>>> = {
		'server down': async () => {
			await server.down();
			return server.up;
		},
		'HTTP 500': faulty({ respond: { status: 500 } }),
		'HTTP 429': faulty({ respond: { status: 429 } }),
		'HTTP 503, Retry-After': faulty({ respond: { status: 503, retryAfter: '2' } }),
		'HTTP 502 before the server': faulty({ respond: { status: 502 } }),
		'HTTP 502 after it acted': faulty({ respond: { status: 502, when: 'after' } }),
		'slow answers': faulty({ delayBeforeMs: 1_000, delayAfterMs: 1_500 }),
		'a lost answer': faulty({ drop: 'after', times: 1 }),
		'a lost request': faulty({ drop: 'before', times: 1 }),
	};

	async function pause(range: { readonly from: number; readonly to: number }, signal: AbortSignal): Promise<void> {
		await wait(dice.between(range.from, range.to), undefined, { signal }).catch((error: unknown) => {
			if (!signal.aborted) throw error;
		});
	}

	return {
		seen,
		isFair: () => fair,
		async run(signal) {
			while (!signal.aborted) {
				await pause(FAIR_MS, signal);
				const name = signal.aborted ? undefined : dice.pick(Object.keys(kinds));
				const begin = name === undefined ? undefined : kinds[name];
				if (name === undefined || begin === undefined) continue;
				seen.set(name, (seen.get(name) ?? 0) + 1);
				fair = false;
				const end = await begin();
				await pause(TROUBLE_MS, signal);
				await end();
				fair = true;
			}
		},
	};
}
