/** Twenty windows that nobody uses: what they cost in a minute, beside as many processes that do nothing or poll. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { build } from 'esbuild';
import { bundleOptions, ROOT } from '../scripts/build.ts';
import { startStrictTokenServer } from '../test/server/strictTokenServer.ts';
import { startChild } from './child.ts';
import { fillVault } from './filledVault.ts';
import type { HelperAnswer, HelperOrder } from './helperWindow.ts';
import type { IdleAnswer, IdleOrder } from './idleBase.ts';
import { cell, type PartOptions } from './part.ts';
import { costOf } from './processCost.ts';
import type { PartResult } from './results.ts';
import { sum } from './samples.ts';

const WINDOWS = 20;
/** To compare with; fewer do, because they are all alike. */
const OTHERS = 5;
const MINUTE_MS = 60_000;
/** After the start: compilation and collections have calmed down. */
const SETTLE_MS = 15_000;

type Running = { readonly pid: number; kill(): Promise<void> };
type Group = { readonly name: string; readonly running: readonly Running[] };

export async function idle({ quick }: PartOptions): Promise<PartResult> {
	if (process.platform !== 'linux')
		return { headlines: [], tables: [], charts: [], missing: ['wake-ups are counted on Linux only'] };
	// At least one whole minute, because windows look around once a minute.
	const minutes = quick ? 1 : 5;
	const undo: (() => Promise<unknown>)[] = [];
	const context = { after: (work: () => Promise<void>) => void undo.unshift(work) };
	try {
		const folder = await mkdtemp(path.join(os.tmpdir(), 'agent-auth-bench-'));
		context.after(() => rm(folder, { recursive: true, force: true }));
		const groups = [await windows(folder, context), ...(await comparisons(folder, context))];
		await wait(SETTLE_MS);
		const before = groups.map(({ running }) => running.map(({ pid }) => costOf(pid)));
		console.log(`bench: idle for ${minutes} min`);
		await wait(minutes * MINUTE_MS);
		const each = groups.map(({ name, running }, group) => {
			const spent = running.map(({ pid }, at) => {
				const [start, end] = [before[group]?.[at], costOf(pid)];
				return {
					cpuMs: end.cpuMs - (start?.cpuMs ?? Number.NaN),
					wakeUps: end.wakeUps - (start?.wakeUps ?? Number.NaN),
				};
			});
			const per = (values: readonly number[]): number => sum(values) / running.length / minutes;
			return { name, cpuMs: per(spent.map(({ cpuMs }) => cpuMs)), wakeUps: per(spent.map(({ wakeUps }) => wakeUps)) };
		});
		return report(each, minutes);
	} finally {
		for (const work of undo) await work();
	}
}

async function windows(folder: string, context: { after(work: () => Promise<void>): void }): Promise<Group> {
	const server = await startStrictTokenServer({ accessTokenLifeS: 36_000 });
	context.after(() => server.close());
	const setup = await fillVault(context, server, 3);
	const helperBundlePath = path.join(folder, 'helper.cjs');
	const entry = path.join(ROOT, 'src', 'auth', 'terminal', 'helper.ts');
	await build({ ...bundleOptions('package'), entryPoints: [entry], outfile: helperBundlePath });
	const running: Running[] = [];
	context.after(async () => void (await Promise.all(running.map((window) => window.kill()))));
	while (running.length < WINDOWS) {
		const env = { ...process.env, XDG_RUNTIME_DIR: folder };
		const window = await startChild<HelperOrder, HelperAnswer>('helperWindow.ts', { env });
		running.push(window);
		await window.tell({ kind: 'open', setup, helperBundlePath, terminalPid: process.pid });
	}
	return { name: 'Agent Auth: service, vault watch, terminal access', running };
}

async function comparisons(folder: string, context: { after(work: () => Promise<void>): void }): Promise<Group[]> {
	const file = path.join(folder, 'polled');
	await writeFile(file, '');
	const orders: readonly (readonly [string, IdleOrder])[] = [
		['a process that does nothing', { kind: 'nothing' }],
		['a process that looks at a file every 100 ms', { kind: 'poll', file }],
	];
	const groups: Group[] = [];
	for (const [name, order] of orders) {
		const running: Running[] = [];
		context.after(async () => void (await Promise.all(running.map((one) => one.kill()))));
		while (running.length < OTHERS) {
			const one = await startChild<IdleOrder, IdleAnswer>('idleBase.ts');
			running.push(one);
			await one.tell(order);
		}
		groups.push({ name, running });
	}
	return groups;
}

type Each = { readonly name: string; readonly cpuMs: number; readonly wakeUps: number };

function report(each: readonly Each[], minutes: number): PartResult {
	const [ours, nothing, poll] = each;
	const more = (ours?.wakeUps ?? Number.NaN) - (nothing?.wakeUps ?? Number.NaN);
	return {
		headlines: [
			{
				text: `${cell((ours?.wakeUps ?? Number.NaN) / (poll?.wakeUps ?? Number.NaN), 3)} × the wake-ups of a process that polls every 100 ms: an idle window has ${cell(ours?.wakeUps ?? Number.NaN, 1)} in a minute, ${cell(more, 1)} more than a process that does nothing, and ${cell(ours?.cpuMs ?? Number.NaN, 1)} ms of CPU.`,
			},
		],
		tables: [
			{
				title: `${WINDOWS} idle windows over ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}, per process and minute`,
				head: ['process', 'CPU, ms', 'wake-ups of all its threads'],
				rows: each.map(({ name, cpuMs, wakeUps }) => [name, cell(cpuMs, 1), cell(wakeUps, 1)]),
				notes: [
					'Windows without VS Code around them: its extension host has timers of its own. One look at the vault is several wake-ups, because Node does file work in threads. How often a window looks is counted by `test/unit/costs.test.ts`.',
				],
			},
		],
		charts: [
			{
				kind: 'bars',
				file: 'idle.svg',
				title: 'Wake-ups of an idle window in a minute',
				unit: '',
				rows: each.map(({ name, wakeUps }, at) => ({
					label: name.split(':')[0] ?? name,
					value: wakeUps,
					ours: at === 0,
				})),
			},
		],
		missing: [],
	};
}
