/** A dead holder's lock that many processes find in the same moment: who judges its age can take it over twice. */
import { utimes } from 'node:fs/promises';
import path from 'node:path';
import type { Contender } from './account.ts';
import { elsewhere, openHole } from './blackHole.ts';
import { contenderOf, OURS } from './contenders/contenders.ts';
import { endCrew, type Member, startCrew, startMember } from './crew.ts';
import type { Peers } from './peers.ts';
import type { Headline, Table } from './results.ts';
import { playRound } from './round.ts';
import { sharedMs } from './time.ts';

/** Those that judge a lock by its age, and ours; the bare ones of the bench never take over. */
const NAMES = [OURS, 'proper-lockfile', '@doist/cli-core'];
/** Those who meet at the lock of a dead holder in the same moment. */
const ARRIVING = 6;
const ARRIVING_SERVER_MS = 50;
/** Older than any lock is taken for alive. */
const AGED_MS = 120_000;

/** Round after round: a holder dies, its lock grows old, and all arrive in the same moment, at a strict server. */
export async function playMeetings(
	peers: Peers,
	rounds: number,
): Promise<{ readonly table: Table; readonly headline: Headline; readonly missing: readonly string[] }> {
	const counts = NAMES.map(contenderOf).map((contender) => ({
		contender,
		...{ double: 0, lost: 0, unserved: 0, played: 0 },
		error: contender.peer === undefined ? '' : (peers.failures[contender.peer] ?? ''),
	}));
	const crew = await startCrew(ARRIVING);
	try {
		for (let round = 0; round < rounds; round++)
			for (const count of counts) {
				if (count.error !== '') continue;
				try {
					const { requests, lost, unserved } = await meet(count.contender, peers, crew);
					count.played++;
					if (requests > 1) count.double++;
					if (lost) count.lost++;
					count.unserved += unserved;
				} catch (error) {
					count.error = error instanceof Error ? error.message : String(error);
				}
			}
	} finally {
		await endCrew(crew);
	}
	const ours = counts.find(({ contender }) => contender.name === OURS);
	return {
		table: {
			title: `${ARRIVING} processes arrive together at the lock of a dead holder, ${rounds} rounds`,
			head: ['contender', 'rounds with more than one refresh', 'sign-ins lost', 'processes without a token'],
			rows: counts.map(({ contender, double, lost, unserved, played, error }) => [
				contender.name,
				error === '' ? `${double} of ${played}` : 'failed to run',
				error === '' ? `${lost} of ${played}` : '–',
				error === '' ? String(unserved) : '–',
			]),
			notes: [
				'The locks of the others were made old enough to be taken over. Ours is judged by its owner, so it was left as it was. A race that is lost once in a thousand rounds needs `npm run test:long`.',
			],
		},
		headline: {
			text: `${ours?.lost ?? '–'} sign-ins lost and ${ours?.double ?? '–'} double refreshes of ours in ${ours?.played ?? 0} meetings at a dead holder's lock.`,
			good: ours !== undefined && ours.error === '' && ours.lost === 0 && ours.double === 0 && ours.unserved === 0,
		},
		missing: counts.filter(({ error }) => error !== '').map(({ contender, error }) => `${contender.name}: ${error}`),
	};
}

async function meet(
	contender: Contender,
	peers: Peers,
	crew: readonly Member[],
): Promise<{ readonly requests: number; readonly lost: boolean; readonly unserved: number }> {
	const holder = await startMember();
	const hole = await openHole();
	try {
		return await playRound(contender, peers.folders, {}, async (round) => {
			await round.open([holder], elsewhere(round.account, hole.url));
			holder.ask({ atMs: sharedMs() }).catch(() => undefined); // It dies before it can answer.
			await hole.reached;
			await holder.kill();
			const oldS = (Date.now() - AGED_MS) / 1000;
			for (const lock of contender.locks ?? []) await utimes(path.join(round.account.folder, lock), oldS, oldS);
			await round.open(crew);
			round.server.fault({ on: 'refresh', delayBeforeMs: ARRIVING_SERVER_MS });
			const atMs = sharedMs() + 80;
			const outcomes = await Promise.all(crew.map((member) => member.ask({ atMs })));
			return {
				requests: round.server.refreshRequests(),
				lost: round.server.grantsAlive().length === 0,
				unserved: outcomes.filter(({ token }) => token === undefined).length,
			};
		});
	} finally {
		hole.close();
		await holder.kill();
	}
}
