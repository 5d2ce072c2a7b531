/** What a consumer waits for a token that is there: in our provider alone, and in a real VS Code beside a constant. */
import { startStrictTokenServer } from '../test/server/strictTokenServer.ts';
import { type Child, startChild } from './child.ts';
import { fillVault } from './filledVault.ts';
import { timeInHost } from './hotHost.ts';
import type { HotAnswer, HotOrder, HotTimes } from './hotProvider.ts';
import { cell, type PartOptions, ratio } from './part.ts';
import type { Chart, Headline, PartResult, Table } from './results.ts';
import { max, median } from './samples.ts';

const BUCKETS = [1, 10, 100, 1_000];
const WINDOWS = [1, 2, 4, 8, 16, 32];
/** In the real host: what a consumer waits may be this much more than with a constant. */
const BAR = 1.2;

type Grown = HotTimes & { readonly buckets: number; readonly windows: number };
type Window = Child<HotOrder, HotAnswer>;

export async function hot({ quick }: PartOptions): Promise<PartResult> {
	const samples = quick ? 40 : 200;
	const missing: string[] = [];
	const byBuckets: Grown[] = [];
	for (const buckets of BUCKETS) byBuckets.push(await grow(buckets, 1, samples));
	const byWindows: Grown[] = [];
	for (const windows of quick ? [1, 8, 32] : WINDOWS) byWindows.push(await grow(1, windows, samples));
	const tables = [growthTable('Inside our provider alone: growth', [...byBuckets, ...byWindows.slice(1)])];
	const headlines = growthHeadlines(byBuckets, byWindows);
	const charts: Chart[] = [growthChart(byBuckets)];
	try {
		const host = await timeInHost(quick ? 60 : 400);
		const paired = host.ours.map((value, at) => value / (host.constant[at] ?? Number.NaN));
		const own = median(host.ours);
		const base = median(host.constant);
		tables.unshift({
			title: `getSession with a valid token, in the extension host of a VS Code server; ${host.ours.length} pairs`,
			head: ['provider', 'median, ms', 'beside the constant', 'median of the pairs'],
			rows: [
				['a constant', cell(base, 2), '1.00 ×', '1.00 ×'],
				['Agent Auth', cell(own, 2), ratio(own, base), `${cell(median(paired), 2)} ×`],
			],
			notes: [
				'Silent calls by one extension, turn and turn about. Nearly all of either is VS Code: from the extension host to the browser and back, twice.',
			],
		});
		headlines.unshift({
			text: `${cell(median(paired), 2)} × a provider that returns a constant, in the same host (paired medians; bar ${BAR} ×): ${cell(own, 2)} ms beside ${cell(base, 2)} ms.`,
			good: median(paired) <= BAR,
		});
	} catch (error) {
		missing.push(`the real host: ${error instanceof Error ? error.message.slice(0, 400) : String(error)}`);
	}
	return { headlines, tables, charts, missing };
}

async function grow(buckets: number, windows: number, samples: number): Promise<Grown> {
	const undo: (() => Promise<void>)[] = [];
	const open: Window[] = [];
	try {
		const server = await startStrictTokenServer({ accessTokenLifeS: 3_600 });
		undo.push(() => server.close());
		const setup = await fillVault({ after: (work) => void undo.unshift(work) }, server, buckets);
		while (open.length < windows) {
			const window: Window = await startChild('hotProvider.ts');
			open.push(window);
			await window.tell({ kind: 'open', setup });
		}
		const answer = await open[0]?.tell({ kind: 'time', samples });
		if (answer?.kind !== 'times') throw new Error('no times');
		console.log(`bench: hot path with ${buckets} buckets and ${windows} windows done`);
		return { ...answer.times, buckets, windows };
	} finally {
		await Promise.all(open.map((window) => window.kill()));
		for (const work of undo) await work();
	}
}

function growthTable(title: string, grown: readonly Grown[]): Table {
	return {
		title,
		head: [
			'buckets',
			'windows open',
			'"Automatic" by name, µs',
			'no account named, µs',
			'sessions in that answer',
			'a constant, µs',
			'disk operations in all calls',
			'first reading of the vault, ms',
		],
		rows: grown.map((row) => [
			String(row.buckets),
			String(row.windows),
			cell(row.automaticUs, 2),
			cell(row.allUs, 2),
			String(row.sessions),
			cell(row.constantUs, 2),
			String(row.diskOperations),
			cell(row.loadMs),
		]),
		notes: [
			'Medians per call, without VS Code around it. A call that names no account is answered with one session per account, because VS Code chooses among them by what the person preferred; the answer is as long as there are accounts.',
		],
	};
}

function growthChart(byBuckets: readonly Grown[]): Chart {
	const points = (of: (row: Grown) => number): [number, number][] => byBuckets.map((row) => [row.buckets, of(row)]);
	return {
		kind: 'lines',
		file: 'hot-growth.svg',
		title: 'A cached call inside our provider',
		unit: 'µs',
		axis: 'buckets',
		series: [
			{ label: '"Automatic" by name', ours: true, points: points(({ automaticUs }) => automaticUs) },
			{ label: 'no account named', ours: false, points: points(({ allUs }) => allUs) },
			{ label: 'a constant', ours: false, points: points(({ constantUs }) => constantUs) },
		],
	};
}

function growthHeadlines(byBuckets: readonly Grown[], byWindows: readonly Grown[]): Headline[] {
	const few = byBuckets[0];
	const many = byBuckets.at(-1);
	const alone = byWindows[0];
	const crowd = byWindows.at(-1);
	if (few === undefined || many === undefined || alone === undefined || crowd === undefined) return [];
	const operations = max([...byBuckets, ...byWindows].map(({ diskOperations }) => diskOperations));
	return [
		{
			text: `${ratio(many.automaticUs, few.automaticUs)} the cached call with ${many.buckets} buckets instead of 1 ("Automatic" by name: ${cell(many.automaticUs, 1)} µs), ${ratio(crowd.automaticUs, alone.automaticUs)} with ${crowd.windows} windows instead of 1; ${operations} disk operations in any of them.`,
			good: operations === 0 && many.automaticUs <= few.automaticUs + 5,
		},
		{
			text: `${ratio(many.allUs, few.allUs)} the cached call that names no account with ${many.buckets} buckets instead of 1: ${cell(many.allUs, 1)} µs for ${many.sessions} sessions.`,
		},
	];
}
