/**
 * The storm: many processes want a token in the same moment, and the one that is there has expired. Rounds of all contenders
 * alternate, each with a server, a folder and an account of its own.
 */

import type { Contender } from './account.ts';
import { contenders, OURS, REFERENCE } from './contenders/contenders.ts';
import { endCrew, type Member, startCrew } from './crew.ts';
import { cell, type PartOptions, ratio } from './part.ts';
import type { Peers } from './peers.ts';
import type { Chart, Headline, PartResult, Table } from './results.ts';
import { playRound } from './round.ts';
import { max, median, sum } from './samples.ts';
import { sharedMs } from './time.ts';

type Scene = { readonly serverMs: number; readonly sizes: readonly number[]; readonly rounds: number };

const FULL: readonly Scene[] = [
	{ serverMs: 200, sizes: [1, 2, 4, 8, 16, 32, 64], rounds: 7 },
	{ serverMs: 1_500, sizes: [1, 8, 16, 64], rounds: 5 },
];
const QUICK: readonly Scene[] = [
	{ serverMs: 200, sizes: [1, 8, 16], rounds: 3 },
	{ serverMs: 1_500, sizes: [8], rounds: 1 },
];

/** From the order to the start signal, so that every process has its timer armed. */
const LEAD_MS = 60;
const LEAD_PER_PROCESS_MS = 2;

type Played = {
	readonly requests: number;
	readonly failed: number;
	readonly lost: boolean;
	/** Start signal to the last process that has its token, minus the server's time; NaN if one has none. */
	readonly lastMs: number;
	readonly cpuMs: number;
	/** Tokens that differ from one another. */
	readonly tokens: number;
};

type Row = {
	readonly contender: string;
	readonly size: number;
	readonly serverMs: number;
	rounds: Played[];
	error?: string;
};

export async function storm({ peers, quick }: PartOptions): Promise<PartResult> {
	const scenes = quick ? QUICK : FULL;
	const rows: Row[] = [];
	const crew = await startCrew(max(scenes.flatMap(({ sizes }) => sizes)));
	try {
		for (const { serverMs, sizes, rounds } of scenes) {
			for (const size of sizes) {
				const own = contenders.map(({ name }): Row => ({ contender: name, size, serverMs, rounds: [] }));
				rows.push(...own);
				for (let round = 0; round < rounds; round++)
					for (const row of own) await addRound(row, crew.slice(0, size), peers);
				console.log(`bench: storm of ${size} at ${serverMs} ms done`);
			}
		}
	} finally {
		await endCrew(crew);
	}
	return report(rows, scenes);
}

async function addRound(row: Row, members: readonly Member[], peers: Peers): Promise<void> {
	if (row.error !== undefined) return;
	const contender = contenders.find(({ name }) => name === row.contender);
	if (contender === undefined) return;
	const missing = contender.peer === undefined ? undefined : peers.failures[contender.peer];
	try {
		if (missing !== undefined) throw new Error(missing);
		row.rounds.push(await play(contender, members, row.serverMs, peers));
	} catch (error) {
		row.error = error instanceof Error ? error.message : String(error);
	}
}

function play(contender: Contender, members: readonly Member[], serverMs: number, peers: Peers): Promise<Played> {
	return playRound(contender, peers.folders, {}, async ({ server, open }) => {
		server.fault({ on: 'refresh', delayBeforeMs: serverMs });
		await open(members);
		const atMs = sharedMs() + LEAD_MS + LEAD_PER_PROCESS_MS * members.length;
		const outcomes = await Promise.all(members.map((member) => member.ask({ atMs })));
		const cpuMs = sum(await Promise.all(members.map((member) => member.usage())));
		await Promise.all(members.map((member) => member.tell({ kind: 'close' })));
		const served = outcomes.flatMap(({ token }) => token ?? []);
		return {
			requests: server.refreshRequests(),
			failed: outcomes.length - served.length,
			lost: server.grantsAlive().length === 0,
			lastMs: served.length === outcomes.length ? max(served.map((token) => token.atMs)) - atMs - serverMs : Number.NaN,
			cpuMs,
			tokens: new Set(served.map(({ digest }) => digest)).size,
		};
	});
}

function report(rows: readonly Row[], scenes: readonly Scene[]): PartResult {
	const lastOf = (name: string, size: number, serverMs: number): number => {
		const row = rows.find((entry) => entry.contender === name && entry.size === size && entry.serverMs === serverMs);
		return median(row?.rounds.map(({ lastMs }) => lastMs).filter(Number.isFinite) ?? []);
	};
	const tables = scenes.map(
		({ serverMs, rounds }): Table => ({
			title: `Storm, server time ${serverMs} ms, medians of ${rounds} rounds`,
			head: [
				'contender',
				'processes',
				'refreshes, most',
				'processes without a token',
				'sign-ins lost',
				'last waiter after the server’s time, ms',
				'worst, ms',
				'beside the reference',
				'CPU of all, ms',
			],
			rows: rows.filter((row) => row.serverMs === serverMs).map((row) => tableRow(row, rounds, lastOf)),
		}),
	);
	const charts = scenes.map(
		({ serverMs, sizes }): Chart => ({
			kind: 'lines',
			file: `storm-${serverMs}.svg`,
			title: `Last waiter after the server's time (${serverMs} ms)`,
			unit: 'ms',
			axis: 'processes',
			series: contenders.map(({ name }) => ({
				label: name,
				ours: name === OURS,
				points: sizes
					.map((size): readonly [number, number] => [size, lastOf(name, size, serverMs)])
					.filter(([, value]) => Number.isFinite(value)),
			})),
		}),
	);
	const missing = rows.flatMap((row) =>
		row.error === undefined ? [] : [`${row.contender}, ${row.size} processes, ${row.serverMs} ms: ${row.error}`],
	);
	return { headlines: headlines(rows, lastOf), tables, charts, missing };
}

function tableRow(
	{ contender, size, serverMs, rounds, error }: Row,
	planned: number,
	lastOf: (name: string, size: number, serverMs: number) => number,
): string[] {
	if (error !== undefined) return [contender, String(size), 'failed to run', '–', '–', '–', '–', '–', '–'];
	const last = rounds.map(({ lastMs }) => lastMs).filter(Number.isFinite);
	return [
		contender,
		String(size),
		cell(max(rounds.map(({ requests }) => requests))),
		cell(sum(rounds.map(({ failed }) => failed))),
		`${rounds.filter(({ lost }) => lost).length} of ${planned}`,
		last.length < rounds.length ? `${cell(median(last))} (in ${last.length} of ${rounds.length})` : cell(median(last)),
		cell(max(last)),
		ratio(median(last), lastOf(REFERENCE, size, serverMs)),
		cell(median(rounds.map(({ cpuMs }) => cpuMs))),
	];
}

function headlines(
	rows: readonly Row[],
	lastOf: (name: string, size: number, serverMs: number) => number,
): readonly Headline[] {
	const ours = rows.filter(({ contender }) => contender === OURS).flatMap(({ rounds }) => rounds);
	const most = max(ours.map(({ requests }) => requests));
	const found: Headline[] = [
		{
			text: `1 refresh per storm in ${ours.filter(({ requests }) => requests === 1).length} of ${ours.length} storms, ${sum(ours.map(({ failed }) => failed))} processes without a token.`,
			good: most === 1 && ours.every(({ failed, tokens }) => failed === 0 && tokens === 1),
		},
	];
	for (const [size, limitMs] of [
		[8, 35],
		[16, 50],
	] as const) {
		const own = lastOf(OURS, size, 200);
		const floor = lastOf(REFERENCE, size, 200);
		if (!Number.isFinite(own)) continue;
		const others = contenders
			.filter(({ name }) => name !== OURS && name !== REFERENCE)
			.map(({ name }) => lastOf(name, size, 200))
			.filter(Number.isFinite);
		found.push(
			{
				text: `${ratio(own, Math.min(...others))} the best other with ${size} processes at 200 ms: the last waiter has its token ${cell(own, 1)} ms after the server's time (bar ${limitMs} ms).`,
				good: own <= limitMs,
			},
			{
				text: `${ratio(own, floor)} the bare reference with ${size} processes at 200 ms (bar 1.10 ×), which takes ${cell(floor, 1)} ms.`,
				good: own <= floor * 1.1,
			},
		);
	}
	return found;
}
