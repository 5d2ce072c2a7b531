/**
 * A holder that ends, or stands still, in the middle of a refresh, while others wait. What counts is when somebody has a
 * token again, how many are served in their own waiting time, and whether the sign-in survives.
 */
import type { Contender } from './account.ts';
import { contenders, OURS, REFERENCE } from './contenders/contenders.ts';
import { endCrew, startCrew, startMember } from './crew.ts';
import { interruptAfter, killBefore, PATIENCE_MS, type Played, RETRY_MS, SERVER_MS } from './interruption.ts';
import { playMeetings } from './meeting.ts';
import { cell, type PartOptions } from './part.ts';
import type { Peers } from './peers.ts';
import type { Chart, Headline, PartResult, Table } from './results.ts';
import { playRound } from './round.ts';
import { median, sum } from './samples.ts';

type Scene = 'killedBefore' | 'killedAfter' | 'stopped';

const TITLES: Readonly<Record<Scene, string>> = {
	killedBefore: 'Holder killed before its request reached the server',
	killedAfter: 'Holder killed after the server rotated, before the answer arrived; grace period of the server 30 s',
	stopped: 'Holder stopped (SIGSTOP, as sleep does) after the server rotated; strict server, continued at the end',
};

const SURVIVORS = 11;
const GRACE_MS = 30_000;
/** Contenders that wait for tens of seconds do so side by side, {@link SURVIVORS} processes each; they hardly compute meanwhile. */
const TOGETHER = 6;

type Row = { readonly contender: Contender; readonly rounds: Played[]; error?: string };

export async function dead({ peers, quick }: PartOptions): Promise<PartResult> {
	const rounds = quick ? 1 : 5;
	const scenes: Scene[] = ['killedBefore', 'killedAfter', 'stopped'];
	const missing: string[] = [];
	const tables: Table[] = [];
	const charts: Chart[] = [];
	const headlines: Headline[] = [];
	for (const scene of scenes) {
		const rows = await playScene(scene, peers, rounds);
		tables.push(sceneTable(scene, rows, rounds));
		if (scene === 'killedBefore') charts.push(takeoverChart(rows));
		headlines.push(sceneHeadline(scene, rows));
		for (const { contender, error } of rows)
			if (error !== undefined) missing.push(`${TITLES[scene]}, ${contender.name}: ${error}`);
		console.log(`bench: ${scene} done`);
	}
	const meeting = await playMeetings(peers, quick ? 5 : 50);
	tables.push(meeting.table);
	headlines.push(meeting.headline);
	return { headlines, tables, charts, missing: [...missing, ...meeting.missing] };
}

function taking(peers: Peers): { readonly able: Contender[]; readonly unable: Row[] } {
	// Without any coordination there is no holder.
	const all = contenders.filter(({ locks, name }) => name === OURS || locks !== undefined);
	const reasonOf = ({ peer }: Contender): string | undefined => (peer === undefined ? undefined : peers.failures[peer]);
	return {
		able: all.filter((contender) => reasonOf(contender) === undefined),
		unable: all.flatMap((contender) => {
			const error = reasonOf(contender);
			return error === undefined ? [] : [{ contender, rounds: [], error }];
		}),
	};
}

async function playScene(scene: Scene, peers: Peers, rounds: number): Promise<Row[]> {
	const { able, unable } = taking(peers);
	const rows = able.map((contender): Row => ({ contender, rounds: [] }));
	for (let round = 0; round < rounds; round++) {
		// What takes milliseconds must not compete with others' waiting; behind a stopped holder everybody waits.
		const isAlone = (row: Row): boolean => isOurs(row) && scene !== 'stopped';
		const others = rows.filter((row) => !isAlone(row));
		for (const row of rows.filter(isAlone)) await addRound(row, scene, peers);
		for (let at = 0; at < others.length; at += TOGETHER)
			await Promise.all(others.slice(at, at + TOGETHER).map((row) => addRound(row, scene, peers)));
	}
	return [...rows, ...unable];
}

function isOurs({ contender }: Row): boolean {
	return contender.name === OURS;
}

async function addRound(row: Row, scene: Scene, peers: Peers): Promise<void> {
	if (row.error !== undefined) return;
	const crew = await startCrew(SURVIVORS);
	const holder = await startMember();
	try {
		const options = scene === 'killedAfter' ? { gracePeriodMs: GRACE_MS } : {};
		row.rounds.push(
			await playRound(row.contender, peers.folders, options, (round) =>
				scene === 'killedBefore' ? killBefore(round, holder, crew) : interruptAfter(scene, round, holder, crew),
			),
		);
	} catch (error) {
		row.error = error instanceof Error ? error.message : String(error);
	} finally {
		await endCrew([...crew, holder]);
	}
}

function sceneTable(scene: Scene, rows: readonly Row[], rounds: number): Table {
	const stopped = scene === 'stopped';
	return {
		title: `${TITLES[scene]}; ${SURVIVORS} waiters, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}`,
		head: [
			'contender',
			'first token after the holder’s end, ms',
			'last, ms',
			'served by the call they were in',
			stopped ? 'with a token after the holder went on' : `served within ${PATIENCE_MS / 1000} s`,
			'sign-ins lost',
			'what failed calls said first',
		],
		rows: rows.map(({ contender, rounds: played, error }) => {
			if (error !== undefined) return [contender.name, 'failed to run', '–', '–', '–', '–', error];
			const of = `of ${played.length * SURVIVORS}`;
			const first = played.map(({ firstMs }) => firstMs).filter(Number.isFinite);
			const last = played.map(({ lastMs }) => lastMs).filter(Number.isFinite);
			return [
				contender.name,
				first.length === 0 ? `none in ${PATIENCE_MS / 1000} s` : cell(median(first)),
				last.length < played.length ? '–' : cell(median(last)),
				`${sum(played.map(({ servedAtOnce }) => servedAtOnce))} ${of}`,
				`${sum(played.map(({ served }) => served))} ${of}`,
				`${played.filter(({ lost }) => lost).length} of ${played.length}`,
				played.find(({ reason }) => reason !== undefined)?.reason ?? '',
			];
		}),
		notes: [
			stopped
				? `Nobody can know whether a stopped holder has the answer, so there is no token to be had until it goes on, unless its lock is robbed: a token before that costs the sign-in. Who failed asked again every ${RETRY_MS} ms.`
				: `The server takes ${SERVER_MS} ms, which are part of the times. Who failed asked again every ${RETRY_MS} ms.`,
		],
	};
}

function takeoverChart(rows: readonly Row[]): Chart {
	return {
		kind: 'bars',
		file: 'takeover.svg',
		title: `Holder killed: first token of a survivor (${PATIENCE_MS / 1000} s: none)`,
		unit: 's',
		rows: rows
			.filter(({ error }) => error === undefined)
			.map(({ contender, rounds }) => ({
				label: contender.name,
				ours: contender.name === OURS,
				value: median(rounds.map(({ firstMs }) => (Number.isFinite(firstMs) ? firstMs : PATIENCE_MS))) / 1000,
			})),
	};
}

function sceneHeadline(scene: Scene, rows: readonly Row[]): Headline {
	const ours = rows.find(isOurs)?.rounds ?? [];
	const others = rows.filter((row) => !isOurs(row) && row.contender.name !== REFERENCE && row.error === undefined);
	const lost = ours.filter((played) => played.lost).length;
	const served = sum(ours.map(({ servedAtOnce }) => servedAtOnce));
	const asked = ours.length * SURVIVORS;
	if (scene === 'stopped') {
		const losers = others
			.filter(({ rounds }) => rounds.some((played) => played.lost))
			.map(({ contender }) => contender.name);
		const after = sum(ours.map((played) => played.served));
		return {
			text: `Holder stopped: ${lost} of ${ours.length} sign-ins lost, ${after} of ${asked} have a token once it goes on. Lost by ${losers.join(', ') || 'nobody else'}.`,
			good: ours.length > 0 && lost === 0 && after === asked,
		};
	}
	const firstMs = median(ours.map((played) => played.firstMs));
	const best = Math.min(
		...others.map(({ rounds }) => median(rounds.map((played) => played.firstMs))).filter(Number.isFinite),
	);
	const beside = Number.isFinite(best)
		? `${(best / firstMs).toFixed(0)} × sooner than the best other`
		: 'no other has one';
	const where = scene === 'killedBefore' ? 'before its request arrived' : 'after the server had answered';
	return {
		text: `Holder killed ${where}: a successor has a token after ${cell(firstMs)} ms (bar: server's ${SERVER_MS} ms + 250 ms), ${beside}; ${served} of ${asked} survivors served by the call they were in, ${lost} sign-ins lost.`,
		good: firstMs <= SERVER_MS + 250 && served === asked && lost === 0,
	};
}
