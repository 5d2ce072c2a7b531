/**
 * `npm run coverage`: runs the unit tests and the fuzzers and says how much of `src/auth` they went through, by folder and for
 * the files with the most branches left out. What other processes run (races, hosts, the helper) does not count. The
 * scheduler's test is left out: it runs the same code many thousand times, and counting makes it slow.
 */
import { globSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './build.ts';
import { runCommand, withProgress } from './progress.ts';

/** The goal for branches, in percent. */
const GOAL = 95;
const WORST_FILES = 15;
const OUTPUT = path.join(ROOT, 'test', 'output', 'coverage');

type Counts = { readonly name: string; lines: number; linesHit: number; branches: number; branchesHit: number };

const emptyCounts = (name: string): Counts => ({ name, lines: 0, linesHit: 0, branches: 0, branchesHit: 0 });

/** Reads `SF`, `LF`, `LH`, `BRF` and `BRH` of an lcov report. */
export function readLcov(text: string): Counts[] {
	return text.split('end_of_record').flatMap((record) => {
		const name = /^SF:(.+)$/m.exec(record)?.[1];
		if (name === undefined) return [];
		const number = (key: string): number => Number(new RegExp(`^${key}:(\\d+)$`, 'm').exec(record)?.[1] ?? 0);
		const [lines, linesHit, branches, branchesHit] = ['LF', 'LH', 'BRF', 'BRH'].map(number);
		return [
			{
				name: name.replaceAll('\\', '/'),
				lines: lines ?? 0,
				linesHit: linesHit ?? 0,
				branches: branches ?? 0,
				branchesHit: branchesHit ?? 0,
			},
		];
	});
}

const share = (hit: number, all: number): number => (all === 0 ? 100 : (100 * hit) / all);

function row({ name, lines, linesHit, branches, branchesHit }: Counts): string {
	const [l, b] = [share(linesHit, lines), share(branchesHit, branches)].map((value) => value.toFixed(1).padStart(6));
	return `  ${name.padEnd(44)} ${l} ${b}  ${branches - branchesHit} of ${branches} left`;
}

async function main(): Promise<number> {
	mkdirSync(OUTPUT, { recursive: true });
	const report = path.join(OUTPUT, 'lcov.info');
	const files = globSync(['test/unit/**/*.test.ts', 'test/fuzz/*.test.ts'], {
		cwd: ROOT,
		exclude: ['test/unit/model/**'],
	});
	const { status, output } = await withProgress('running the tests', () =>
		runCommand(
			process.execPath,
			[
				'--test',
				'--experimental-test-coverage',
				'--test-coverage-include=src/auth/**/*.ts',
				'--test-reporter=lcov',
				`--test-reporter-destination=${report}`,
				'--test-reporter=dot',
				'--test-reporter-destination=stdout',
				...files,
			],
			{ cwd: ROOT },
		),
	);
	if (status !== 0) console.log(output.slice(-4000));
	const counts = readLcov(readFileSync(report, 'utf8')).filter(({ name }) => name.startsWith('src/auth/'));
	const folders = new Map<string, Counts>();
	const sum = emptyCounts('src/auth');
	for (const one of counts) {
		const name = path.posix.dirname(one.name);
		const folder = folders.get(name) ?? emptyCounts(name);
		folders.set(name, folder);
		for (const total of [folder, sum]) {
			total.lines += one.lines;
			total.linesHit += one.linesHit;
			total.branches += one.branches;
			total.branchesHit += one.branchesHit;
		}
	}
	console.log(`\n  ${'folder'.padEnd(44)}  lines  branches`);
	for (const folder of [...folders.values()].sort((a, b) => a.name.localeCompare(b.name))) console.log(row(folder));
	console.log(row(sum));
	const missing = (one: Counts): number => one.branches - one.branchesHit;
	console.log('\n  files with the most branches left');
	for (const one of counts.sort((a, b) => missing(b) - missing(a)).slice(0, WORST_FILES)) console.log(row(one));
	const reached = share(sum.branchesHit, sum.branches);
	console.log(`\n  branches of src/auth: ${reached.toFixed(1)} %, goal ${GOAL} %`);
	return status === 0 && reached >= GOAL ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
