/** One round in which the holder of the lock ends or stops in the middle of its refresh, while the others wait for it. */
import { elsewhere, openHole } from './blackHole.ts';
import type { Member } from './crew.ts';
import type { Outcome } from './messages.ts';
import type { Round } from './round.ts';
import { max } from './samples.ts';
import { sharedMs } from './time.ts';

export const SERVER_MS = 200;
/** Whose call failed asks again this often, as a program that wants to work does. */
export const RETRY_MS = 250;
/** How long they keep asking. */
export const PATIENCE_MS = 45_000;
/** Between the waiters' start and the end of the holder: all of them wait by then. */
const SETTLE_MS = 300;
/** Between the holder's going on and the last question: it has stored by then. */
const RECOVERY_MS = 3_000;
const LAST_PATIENCE_MS = 20_000;

export type Played = {
	/** From the end of the holder to the first and the last token, in ms; NaN if there was none in {@link PATIENCE_MS}. */
	readonly firstMs: number;
	readonly lastMs: number;
	/** Of those who waited: served by the call they were in. */
	readonly servedAtOnce: number;
	readonly served: number;
	readonly lost: boolean;
	readonly reason?: string;
};

/** The holder's request goes to an address that accepts and never answers: the server never hears of it. */
export async function killBefore(round: Round, holder: Member, crew: readonly Member[]): Promise<Played> {
	const hole = await openHole();
	try {
		await round.open([holder], elsewhere(round.account, hole.url));
		await round.open(crew);
		round.server.fault({ on: 'refresh', delayBeforeMs: SERVER_MS });
		holder.ask({ atMs: sharedMs() }).catch(() => undefined); // It dies before it can answer.
		await hole.reached;
		return await succeed(round, crew, () => holder.kill());
	} finally {
		hole.close();
	}
}

/** The server has rotated and holds its answer back. */
export async function interruptAfter(
	scene: 'killedAfter' | 'stopped',
	round: Round,
	holder: Member,
	crew: readonly Member[],
): Promise<Played> {
	await round.open([holder, ...crew]);
	const fault = round.server.fault({ on: 'refresh', hold: 'after', times: 1 });
	const arrived = round.server.next('refresh', { phase: 'arrived' });
	holder.ask({ atMs: sharedMs() }).catch(() => undefined); // It dies, or is not asked for its answer.
	await arrived;
	round.server.fault({ on: 'refresh', delayBeforeMs: SERVER_MS });
	return succeed(
		round,
		crew,
		async () => {
			if (scene === 'killedAfter') await holder.kill();
			else holder.signal('SIGSTOP');
			fault.dispose();
			return undefined;
		},
		scene === 'stopped' ? holder : undefined,
	);
}

/** Everybody waits, then the holder's end, then until all have a token or no patience. `stopped` goes on at the end. */
async function succeed(
	{ server }: Round,
	crew: readonly Member[],
	end: () => Promise<void>,
	stopped?: Member,
): Promise<Played> {
	const atMs = sharedMs() + 50;
	const outcomes = Promise.all(crew.map((member) => member.ask({ atMs, retryMs: RETRY_MS, patienceMs: PATIENCE_MS })));
	await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
	const endedMs = sharedMs();
	await end();
	const known = await outcomes;
	let served = known.flatMap(({ token }) => token ?? []);
	if (stopped !== undefined) {
		stopped.signal('SIGCONT');
		const later = await Promise.all(
			crew.map((member) => member.ask({ atMs: sharedMs() + RECOVERY_MS, patienceMs: LAST_PATIENCE_MS })),
		);
		served = later.flatMap(({ token }) => token ?? []);
	}
	const waited = known.flatMap(({ token }) => token ?? []);
	return {
		firstMs: waited.length === 0 ? Number.NaN : Math.min(...waited.map(({ atMs: at }) => at)) - endedMs,
		lastMs: waited.length < crew.length ? Number.NaN : max(waited.map(({ atMs: at }) => at)) - endedMs,
		servedAtOnce: known.filter((outcome) => outcome.token !== undefined && outcome.failures === 0).length,
		served: served.length,
		lost: server.grantsAlive().length === 0,
		...reasonOf(known),
	};
}

function reasonOf(outcomes: readonly Outcome[]): { readonly reason?: string } {
	const reason = outcomes.find((outcome) => outcome.reason !== undefined)?.reason;
	return reason === undefined ? {} : { reason };
}
