/** What it costs a window that we are there: load and activation, the size of what is loaded, the memory of the host. */
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import * as v from 'valibot';
import { ROOT } from '../scripts/build.ts';
import { packageVsix } from '../scripts/package.ts';
import { tightZip } from '../scripts/tightZip.ts';
import { ensureVscodeServer } from '../scripts/vscodeHost.ts';
import { HOST_SETTINGS } from '../test/host/hostSettings.ts';
import { launchBrowser } from '../test/support/browser.ts';
import { runInHost } from '../test/support/inHost.ts';
import { startVscodeServer } from '../test/support/vscodeServer.ts';
import { cell, type PartOptions, ratio } from './part.ts';
import type { PartResult } from './results.ts';
import { median } from './samples.ts';

/** Must be that of `host/marks.ts`, which only runs in a host. */
const MARKS_LINE = 'agent-auth-bench-marks:';
const KB = 1_000;
const MB = 2 ** 20;
const BUNDLE_LIMIT_KB = 150;

const timesSchema = v.object({ loadMs: v.number(), activateMs: v.number() });
const lineSchema = v.object({
	memory: v.object({ rss: v.number(), heap: v.number() }),
	times: v.object({ ours: v.optional(timesSchema), github: timesSchema, microsoft: timesSchema }),
});
type Line = v.InferOutput<typeof lineSchema>;

const NAMES = { ours: 'Agent Auth', github: 'github-authentication', microsoft: 'microsoft-authentication' } as const;
type Who = keyof typeof NAMES;

export async function activation({ quick }: PartOptions): Promise<PartResult> {
	const rounds = quick ? 2 : 7;
	const folder = await mkdtemp(path.join(tmpdir(), 'agent-auth-bench-'));
	const vsix = await packageVsix();
	const asleep = await withoutStart(vsix, folder);
	const browser = await launchBrowser();
	const having: Line[] = [];
	const lacking: Line[] = [];
	const woken: Line[] = [];
	try {
		// A new host each time, with us and without us in turns.
		for (let round = 0; round < rounds; round++) {
			having.push(await look(browser, [vsix]));
			lacking.push(await look(browser, []));
			woken.push(await look(browser, [asleep]));
		}
	} finally {
		await browser.close();
		await rm(folder, { recursive: true });
	}
	const sizes = await bundleSizes();
	const values = (who: Who, of: (times: v.InferOutput<typeof timesSchema>) => number): number[] =>
		woken.flatMap(({ times }) => times[who] ?? []).map(of);
	const load = (who: Who): number => median(values(who, ({ loadMs }) => loadMs));
	const activate = (who: Who): number => median(values(who, ({ activateMs }) => activateMs));
	const both = (who: Who): number => median(values(who, ({ loadMs, activateMs }) => loadMs + activateMs));
	const atStart = median(having.flatMap(({ times: { ours } }) => (ours ? [ours.loadMs + ours.activateMs] : [])));
	const memory = (lines: readonly Line[], of: keyof Line['memory']): number =>
		median(lines.map((line) => line.memory[of])) / MB;
	const heapMb = memory(having, 'heap') - memory(lacking, 'heap');
	const rssMb = memory(having, 'rss') - memory(lacking, 'rss');
	const size = sizes.ours.bytes / KB;
	const whos: readonly Who[] = ['ours', 'github', 'microsoft'];
	return {
		headlines: [
			{
				text: `${ratio(both('ours'), both('github'))} github-authentication to load and activate, woken in the same quiet host (bar 0.50 ×): ${cell(both('ours'))} ms beside ${cell(both('github'))} ms; microsoft-authentication ${cell(both('microsoft'))} ms. Started with the window, while everything starts, ours takes ${cell(atStart)} ms.`,
				good: both('ours') < both('github') / 2,
			},
			{
				text: `${ratio(sizes.ours.bytes, sizes.github.bytes)} the main bundle of github-authentication: ${cell(size)} kB (bar ${BUNDLE_LIMIT_KB} kB) beside ${cell(sizes.github.bytes / KB)} kB.`,
				good: size < BUNDLE_LIMIT_KB,
			},
			{ text: `${cell(heapMb, 1)} MB more heap in the extension host with us than without, one service configured.` },
		],
		tables: [
			{
				title: `Load and activation, medians of ${rounds} new hosts`,
				head: [
					'extension',
					'load, ms',
					'activate, ms',
					'both, ms',
					'beside github-authentication',
					'main bundle, kB',
					'gzip, kB',
				],
				rows: whos.map((who) => [
					NAMES[who],
					cell(load(who), 1),
					cell(activate(who), 1),
					cell(both(who), 1),
					ratio(both(who), both('github')),
					cell(sizes[who].bytes / KB),
					cell(sizes[who].gzip / KB),
				]),
				notes: [
					'Marks of the extension host itself, `code/extHost/…ExtensionCode` and `…ActivateExtension`. All three are woken one after the other once the window is quiet: of ours a copy that does not start with the window, which otherwise begins while the browser and all other extensions do. What all share, such as Node’s `http`, is paid for by who comes first, which is ours.',
				],
			},
			{
				title: `Memory of the extension host after a collection, medians of ${rounds}`,
				head: ['host', 'heap, MB', 'resident, MB'],
				rows: [
					['with Agent Auth', cell(memory(having, 'heap'), 1), cell(memory(having, 'rss'), 1)],
					['without', cell(memory(lacking, 'heap'), 1), cell(memory(lacking, 'rss'), 1)],
					['difference', cell(heapMb, 1), cell(rssMb, 1)],
				],
			},
		],
		charts: [
			{
				kind: 'bars',
				file: 'activation.svg',
				title: 'Load and activate, same extension host',
				unit: 'ms',
				rows: whos.map((who) => ({ label: NAMES[who], value: both(who), ours: who === 'ours' })),
			},
		],
		missing: [],
	};
}

async function look(browser: Browser, vsixPaths: readonly string[]): Promise<Line> {
	const server = await startVscodeServer({ vsixPaths, settings: HOST_SETTINGS, smokeTestDriver: true });
	try {
		const module = path.join(import.meta.dirname, 'host', 'marks.ts');
		const { output } = await runInHost({ browser, server, module });
		const line = output.find((text) => text.includes(MARKS_LINE));
		if (line === undefined) throw new Error(`the host told no marks:\n${output.slice(-10).join('\n')}`);
		return v.parse(lineSchema, JSON.parse(line.slice(line.indexOf(MARKS_LINE) + MARKS_LINE.length)));
	} finally {
		await server.stop();
	}
}

/** Our package as it is, but that it does not start with the window: so it is woken as the two others are. */
async function withoutStart(vsix: string, folder: string): Promise<string> {
	const target = path.join(folder, 'asleep.vsix');
	const zip = await tightZip(await readFile(vsix), (name, bytes) =>
		name === 'extension/package.json'
			? Buffer.from(JSON.stringify({ ...JSON.parse(bytes.toString('utf8')), activationEvents: [] }))
			: bytes,
	);
	await writeFile(target, zip);
	return target;
}

type Size = { readonly bytes: number; readonly gzip: number };

async function bundleSizes(): Promise<Readonly<Record<Who, Size>>> {
	const { root } = await ensureVscodeServer();
	const builtIn = (name: string): string =>
		path.join(root, 'lib', 'vscode', 'extensions', name, 'dist', 'extension.js');
	const size = (file: string): Size => {
		const bytes = readFileSync(file);
		return { bytes: bytes.length, gzip: gzipSync(bytes).length };
	};
	return {
		ours: size(path.join(ROOT, 'dist', 'extension.cjs')),
		github: size(builtIn('github-authentication')),
		microsoft: size(builtIn('microsoft-authentication')),
	};
}
