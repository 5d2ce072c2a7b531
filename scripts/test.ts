/**
 * Everything `npm test` does, in stages from cheap to dear. `npm test -- unit race` runs those stages only (and what
 * they need built), a test file as argument runs that file only, `--grep PATTERN` only tests whose name matches.
 * A stage that cannot run is a failure, never a silent skip. The last line is `N passed, N failed`.
 */
import { globSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { buildAll, ROOT } from './build.ts';
import { ensureChromium } from './chromium.ts';
import { packageAll } from './package.ts';
import { formatElapsed, runCommand, withProgress } from './progress.ts';
import { type Counts, runTestFiles } from './testFiles.ts';
import { ensureVscodeServer } from './vscodeHost.ts';

interface Stage {
	readonly name: string;
	/** Stages that must have succeeded in the same run. */
	readonly needs: readonly string[];
	/** One check: throws when it does not hold. */
	readonly check?: (signal: AbortSignal) => Promise<void>;
	/** Folder under `test` whose `*.test.ts` files run after the check. */
	readonly folder?: string;
	readonly concurrency?: number;
	readonly timeoutMs?: number;
	/** Its tests wait for a whole VS Code: only there can a failure be the busy machine's fault. */
	readonly mayTryAgain?: true;
}

const MINUTE_MS = 60_000;

const STAGES: readonly Stage[] = [
	{ name: 'lint', needs: [], check: (signal) => tool(['@biomejs/biome/bin/biome', 'check', '.'], signal) },
	{ name: 'types', needs: [], check: (signal) => tool(['typescript/bin/tsc', '--noEmit'], signal) },
	{ name: 'build', needs: [], check: () => buildAll('package').then(printAll) },
	{ name: 'unit', needs: [], folder: 'unit', concurrency: availableParallelism(), timeoutMs: 6 * MINUTE_MS },
	{ name: 'fuzz', needs: [], folder: 'fuzz', concurrency: availableParallelism(), timeoutMs: MINUTE_MS },
	// One race at a time: each starts many processes and measures how long they take.
	{ name: 'race', needs: [], folder: 'race', concurrency: 1, timeoutMs: 10 * MINUTE_MS },
	{
		name: 'package',
		needs: ['build'],
		check: () => packageAll().then(printAll),
		folder: 'package',
		timeoutMs: 2 * MINUTE_MS,
	},
	{
		name: 'host',
		needs: ['package'],
		check: prepareHost,
		folder: 'host',
		timeoutMs: 10 * MINUTE_MS,
		mayTryAgain: true,
	},
	// Each file has a server, a browser and a home of its own, and waits most of its time: two go side by side.
	{
		name: 'browser',
		needs: ['package'],
		check: prepareHost,
		folder: 'browser',
		concurrency: 2,
		timeoutMs: 15 * MINUTE_MS,
		mayTryAgain: true,
	},
];

/**
 * A test that passes only now and then is a defect and is printed as such, but a busy machine is no reason to stop a
 * change. Only for stages that say so: a property or a race that fails once in a thousand runs has found something.
 */
const MAY_TRY_AGAIN = process.env.AGENT_AUTH_SECOND_TRY === '1';

/** More files than this did not fail by chance. */
const MOST_FILES_AGAIN = 5;

/** What failed as often as this is no chance either. */
const MOST_TRIES = 3;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
	const selection = parseArguments(args);
	if (typeof selection === 'string') {
		console.error(selection);
		return 2;
	}
	const abort = new AbortController();
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
		process.on(signal, () => abort.abort(new Error(`interrupted by ${signal}`)));
	}
	const startedMs = performance.now();
	const failedStages = new Set<string>();
	const failures: string[] = [];
	const flaky: string[] = [];
	const total = { passed: 0, failed: 0, skipped: 0, tests: 0 };
	for (const stage of selection.stages) {
		const stageStartedMs = performance.now();
		console.log(`\n== ${stage.name}`);
		const counts = await runStage(stage, selection, failedStages, abort.signal);
		total.passed += counts.passed;
		total.failed += counts.failed;
		total.skipped += counts.skipped;
		total.tests += counts.tests;
		flaky.push(...(counts.flaky ?? []));
		if (counts.failed > 0) {
			failedStages.add(stage.name);
			failures.push(...(counts.failures ?? []));
		}
		const took = formatElapsed(performance.now() - stageStartedMs);
		const sinceStart = formatElapsed(performance.now() - startedMs);
		console.log(`== ${stage.name}: ${describeCounts(counts)} in ${took} (${sinceStart} since the start)`);
	}
	if (selection.namePattern !== undefined && total.tests === 0 && failedStages.size === 0) {
		failedStages.add('selection');
		failures.push(`no test's name matches ${selection.namePattern}`);
		total.failed++;
	}
	if (failedStages.size > 0) {
		console.log(`\nFailed: ${[...failedStages].join(', ')}`);
		for (const failure of failures) console.log(`  ${failure}`);
	}
	// In the last line, because that is the one that is read.
	console.log(`\n${describeCounts(total)}${flaky.length > 0 ? `, ${flaky.length} FLAKY: ${flaky.join('; ')}` : ''}`);
	return total.failed > 0 ? 1 : 0;
}

interface Selection {
	readonly stages: readonly Stage[];
	/** Absolute paths; empty means every file of the stage. */
	readonly files: readonly string[];
	readonly namePattern: RegExp | undefined;
}

/** A string is what is wrong with the arguments. */
function parseArguments(args: readonly string[]): Selection | string {
	const chosen = new Set<string>();
	const files: string[] = [];
	let namePattern: RegExp | undefined;
	for (let index = 0; index < args.length; index++) {
		const argument = args[index] ?? '';
		if (argument === '--grep') {
			namePattern = new RegExp(args[++index] ?? '');
		} else if (STAGES.some((stage) => stage.name === argument)) {
			chosen.add(argument);
		} else {
			const file = path.resolve(argument);
			const owner = STAGES.find((stage) => testFiles(stage).includes(file));
			if (owner === undefined) {
				const names = STAGES.map((stage) => stage.name).join(', ');
				return `${argument} is neither a stage (${names}) nor a test file.`;
			}
			chosen.add(owner.name);
			files.push(file);
		}
	}
	const wanted = new Set(chosen.size === 0 ? STAGES.map((stage) => stage.name) : chosen);
	for (const stage of [...STAGES].reverse()) {
		if (wanted.has(stage.name)) {
			for (const need of stage.needs) {
				wanted.add(need);
			}
		}
	}
	return { stages: STAGES.filter((stage) => wanted.has(stage.name)), files, namePattern };
}

/** What a stage counted: its check is one of the passed, but not one of the tests. */
type StageCounts = Counts & { readonly tests: number };

async function runStage(
	stage: Stage,
	selection: Selection,
	failedStages: ReadonlySet<string>,
	signal: AbortSignal,
): Promise<StageCounts> {
	const missing = stage.needs.filter((need) => failedStages.has(need));
	if (signal.aborted || missing.length > 0) {
		console.log(`FAILED: ${stage.name} did not run: ${signal.aborted ? signal.reason : `${missing} failed`}`);
		return { passed: 0, failed: 1, skipped: 0, tests: 0 };
	}
	let passed = 0;
	if (stage.check !== undefined) {
		try {
			await stage.check(signal);
			passed = 1;
		} catch (error) {
			console.log(`FAILED: ${stage.name}\n${error instanceof Error ? (error.stack ?? error.message) : error}`);
			return { passed: 0, failed: 1, skipped: 0, tests: 0 };
		}
	}
	const ownFiles = testFiles(stage);
	const chosenFiles = ownFiles.filter((file) => selection.files.includes(file));
	const files = chosenFiles.length > 0 || selection.files.length > 0 ? chosenFiles : ownFiles;
	const run = (some: readonly string[], concurrency: number): Promise<Counts> =>
		runTestFiles(ROOT, {
			files: some,
			concurrency,
			timeoutMs: stage.timeoutMs ?? MINUTE_MS,
			...(selection.namePattern === undefined ? {} : { namePattern: selection.namePattern }),
			signal,
		});
	const counts = await run(longestFirst(files), stage.concurrency ?? 1);
	const settled = stage.mayTryAgain && MAY_TRY_AGAIN ? await tryAgain(counts, run) : counts;
	return { ...settled, tests: counts.passed + counts.failed, passed: settled.passed + passed };
}

/** The size of a file is a fair guess of how long it runs; the last one to start should not be the longest. */
function longestFirst(files: readonly string[]): string[] {
	const bytes = new Map(files.map((file) => [file, statSync(file).size]));
	return [...files].sort((a, b) => (bytes.get(b) ?? 0) - (bytes.get(a) ?? 0));
}

/** Runs the files that failed again, one at a time; a failure counts only if it comes each time. */
async function tryAgain(
	first: Counts,
	run: (files: readonly string[], concurrency: number) => Promise<Counts>,
): Promise<Counts> {
	let last = first;
	for (let attempt = 2; last.failed > 0 && attempt <= MOST_TRIES; attempt++) {
		const files = last.failedFiles ?? [];
		if (files.length === 0 || files.length > MOST_FILES_AGAIN) break;
		console.log(`\nTry ${attempt} of ${files.map((file) => path.relative(ROOT, file)).join(', ')}`);
		last = await run(files, 1);
	}
	if (last === first) return first;
	const { failed, failures } = last;
	const flaky = (first.failures ?? []).filter((failure) => !failures?.includes(failure));
	for (const failure of flaky) console.log(`FLAKY: ${failure}`);
	const passed = first.passed + Math.max(first.failed - failed, 0);
	return { ...first, passed, failed, flaky, ...(failures && { failures }) };
}

function testFiles(stage: Stage): string[] {
	return stage.folder === undefined
		? []
		: globSync(`test/${stage.folder}/**/*.test.ts`, { cwd: ROOT })
				.map((file) => path.join(ROOT, file))
				.sort();
}

/** Runs a program of an installed package with this Node. */
async function tool([program = '', ...args]: readonly string[], signal: AbortSignal): Promise<void> {
	const script = path.join(ROOT, 'node_modules', program);
	const { status, output } = await runCommand(process.execPath, [script, ...args], { cwd: ROOT, signal });
	if (status !== 0) {
		throw new Error(`${path.basename(program)} ${args.join(' ')} failed (${status}):\n${output}`);
	}
}

async function prepareHost(): Promise<void> {
	await withProgress('preparing the VS Code server and Chromium', async () => {
		await ensureVscodeServer();
		await ensureChromium();
	});
}

function printAll(files: readonly string[]): void {
	for (const file of files) {
		console.log(`  ${path.relative(ROOT, path.resolve(ROOT, file))}`);
	}
}

function describeCounts({ passed, failed, skipped }: Counts): string {
	return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
