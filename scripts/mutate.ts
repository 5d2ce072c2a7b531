/**
 * `node scripts/mutate.ts [part of a path …]`: changes the decision code one small piece at a time and runs the tests that
 * must notice; with `--quick` only those that take no
 * server, with `--again` only changes that survived the last time. A change that no test notices is a survivor; docs/mutation.md says of each why it may. Works on a copy in a
 * temporary folder, one mutant at a time and with low priority, so that work on the machine goes on.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { API } from 'typescript/unstable/sync';
import { ROOT } from './build.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { runCommand } from './progress.ts';

/** What decides whose token is handed out, and the tests that hold it: quick ones alone first, because the first failure ends it. */
const SUBJECTS: readonly { readonly files: readonly string[]; readonly tests: readonly (readonly string[])[] }[] = [
	{
		files: ['accounts', 'automatic', 'billing', 'binding', 'cooldowns', 'edits', 'snapshotOf', 'state', 'told'].map(
			(name) => `src/auth/buckets/${name}.ts`,
		),
		tests: [
			['test/unit/buckets/*.test.ts', 'test/unit/service/custody.test.ts'],
			['test/unit/service/accounts.test.ts', 'test/unit/service/failover.test.ts'],
		],
	},
	{
		files: ['src/auth/identityGate.ts'],
		tests: [['test/unit/identityGate.test.ts']],
	},
	{
		files: [
			'attempt',
			'backOff',
			'bucketNotes',
			'deadlines',
			'demand',
			'flights',
			'intent',
			'refresher',
			'sending',
			'storing',
			'waiting',
		].map((name) => `src/auth/refresh/${name}.ts`),
		tests: [
			['adopting', 'attempt', 'bucketNotes', 'deadlines', 'decisions', 'intent', 'refresher', 'sending', 'storing'].map(
				(name) => `test/unit/refresh/${name}.test.ts`,
			),
			['test/unit/refresh/gateway.test.ts'],
		],
	},
	{
		files: ['src/auth/refresh/earlyRefresh.ts'],
		tests: [['earlyRefresh', 'earlyRefreshPlans'].map((name) => `test/unit/refresh/${name}.test.ts`)],
	},
	{
		files: ['lease', 'lockFolder', 'lockReserve', 'ownerObserver'].map((name) => `src/auth/lease/${name}.ts`),
		tests: [
			['waiting', 'holding', 'lockFolder', 'lockInDoubt', 'lockReserve', 'ownerObserver'].map(
				(name) => `test/unit/lease/${name}.test.ts`,
			),
			['test/unit/lease/lease.test.ts'],
		],
	},
	{
		files: ['src/auth/service/reports.ts'],
		tests: [
			['advice', 'refusedTokens', 'reports'].map((name) => `test/unit/service/${name}.test.ts`),
			['failover', 'accounts'].map((name) => `test/unit/service/${name}.test.ts`),
		],
	},
	{
		files: ['src/auth/service/choice.ts'],
		tests: [
			['test/unit/service/choice.test.ts'],
			['limits', 'failover'].map((name) => `test/unit/service/${name}.test.ts`),
		],
	},
	{
		files: ['src/auth/service/custody.ts'],
		tests: [['test/unit/service/custody.test.ts'], ['test/unit/service/accounts.test.ts']],
	},
	{
		files: [
			'bodyFacts',
			'bodyTimes',
			'classify',
			'cutJson',
			'facts',
			'instant',
			'rateLimitWindows',
			'report',
			'resetTime',
		].map((name) => `src/auth/failover/${name}.ts`),
		tests: [
			['bodyFacts', 'classify', 'report', 'resetTime', 'rules'].map((name) => `test/unit/failover/${name}.test.ts`),
			['test/unit/failover/properties.test.ts'],
		],
	},
];

/** A mutant can run for ever. So many times as long as the tests take without any change is long enough, and not less than this. */
const PATIENCE = 8;
const SHORTEST_PATIENCE_MS = 10_000;
/** For the first run, of which nothing is known. */
const LONGEST_PATIENCE_MS = 120_000;
const OUTPUT = path.join(ROOT, 'test', 'output', 'mutation.json');

/** Ends the run at the first failure: what else would fail does not matter. */
const FIRST_FAILURE_ENDS = `export default async function* reporter(source) {
	for await (const event of source) if (event.type === 'test:fail') process.exit(1);
}\n`;

type Row = { readonly file: string; readonly mutants: number; readonly survivors: readonly Mutant[] };

function sandbox(): string {
	const folder = mkdtempSync(path.join(os.tmpdir(), 'agent-auth-mutation-'));
	for (const part of ['src', 'test', 'api', 'scripts', 'package.json', 'package.nls.json', 'tsconfig.json'])
		cpSync(path.join(ROOT, part), path.join(folder, part), {
			recursive: true,
			filter: (file) => !file.startsWith(path.join(ROOT, 'test', 'output')),
		});
	symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
	writeFileSync(path.join(folder, 'firstFailureEnds.mjs'), FIRST_FAILURE_ENDS);
	return folder;
}

/** True if a test fails, or none comes to an end. */
async function isNoticed(folder: string, tests: readonly (readonly string[])[], patienceMs: number): Promise<boolean> {
	const reporter = ['--test-reporter', path.join(folder, 'firstFailureEnds.mjs')];
	for (const files of tests) {
		const args = ['--test', '--test-isolation=none', ...reporter, ...files];
		const options = {
			cwd: folder,
			signal: AbortSignal.timeout(Math.ceil(patienceMs)),
			killSignal: 'SIGKILL',
		} as const;
		const { status } = await runCommand(process.execPath, args, options);
		if (status !== 0) return true;
	}
	return false;
}

/** What the last runs found, by file. */
function earlierRows(): readonly Row[] {
	return existsSync(OUTPUT) ? JSON.parse(readFileSync(OUTPUT, 'utf8')) : [];
}

/** A file may have grown since; what was changed and by what stays. */
function isSame(one: Mutant, other: Mutant): boolean {
	return one.original === other.original && one.replacement === other.replacement && one.line === other.line;
}

async function examine(
	folder: string,
	file: string,
	tests: readonly (readonly string[])[],
	again: boolean,
	patienceMs: number,
): Promise<Row> {
	const original = readFileSync(path.join(ROOT, file), 'utf8');
	const all = parse(file);
	const earlier = earlierRows().find((row) => row.file === file)?.survivors ?? [];
	const mutants = again ? all.filter((mutant) => earlier.some((survivor) => isSame(survivor, mutant))) : all;
	const survivors: Mutant[] = [];
	try {
		for (const mutant of mutants) {
			writeFileSync(
				path.join(folder, file),
				original.slice(0, mutant.start) + mutant.replacement + original.slice(mutant.end),
			);
			if (await isNoticed(folder, tests, patienceMs)) continue;
			survivors.push(mutant);
			console.log(`  ${file}:${mutant.line}  ${mutant.original}  ->  ${mutant.replacement || '(nothing)'}`);
		}
	} finally {
		writeFileSync(path.join(folder, file), original);
	}
	console.log(`${file}: ${mutants.length - survivors.length} of ${mutants.length} noticed`);
	return { file, mutants: all.length, survivors };
}

function parse(file: string): readonly Mutant[] {
	const config = path.join(ROOT, 'tsconfig.json');
	const api = new API({ cwd: ROOT });
	try {
		const program = api.updateSnapshot({ openProject: config }).getProject(config)?.program;
		const source = program?.getSourceFile(path.join(ROOT, file));
		if (!source) throw new Error(`the compiler does not know ${file}`);
		return mutantsOf(source);
	} finally {
		api.close();
	}
}

async function main(args: readonly string[]): Promise<number> {
	const isQuick = args.includes('--quick');
	const wanted = args.filter((arg) => !arg.startsWith('--'));
	os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
	const folder = sandbox();
	process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
	const rows: Row[] = [];
	for (const { files, tests: all } of SUBJECTS) {
		const tests = isQuick ? all.slice(0, 1) : all;
		const chosen = files.filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
		if (chosen.length === 0) continue;
		const startedMs = performance.now();
		if (await isNoticed(folder, tests, LONGEST_PATIENCE_MS))
			throw new Error(`the tests fail without any change: ${tests.join(' ')}`);
		const patienceMs = Math.max(SHORTEST_PATIENCE_MS, PATIENCE * (performance.now() - startedMs));
		for (const file of chosen) {
			const row = await examine(folder, file, tests, args.includes('--again'), patienceMs);
			rows.push(row);
			const others = earlierRows().filter((one) => one.file !== file);
			mkdirSync(path.dirname(OUTPUT), { recursive: true });
			writeFileSync(OUTPUT, `${JSON.stringify([...others, row], undefined, '\t')}\n`);
		}
	}
	const all = rows.reduce((sum, { mutants }) => sum + mutants, 0);
	const survived = rows.reduce((sum, { survivors }) => sum + survivors.length, 0);
	console.log(`\n${all} mutants, ${all - survived} noticed, ${survived} survived`);
	return 0;
}

// The compiler's server can keep the process alive after it was closed.
if (import.meta.main) process.exit(await main(process.argv.slice(2)));
