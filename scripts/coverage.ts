/**
 * `npm run coverage [-- part of a path …]`: runs unit tests, fuzzers and races and says which branches of `src/auth` they took,
 * by folder and by file; with parts of paths each branch that nobody took there, by line. Parts that begin with `test/` are
 * patterns of the test files to run instead of all, for a quick look, without the floor. Counts every process that the tests
 * start and that ends by itself, and every file, also one that no test loads. What was bundled (the hosts) does not count. The
 * scheduler's test is left out: it runs the same code many thousand times, and counting makes it slow. docs/coverage.md.
 */
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { API } from 'typescript/unstable/sync';
import * as v from 'valibot';
import { type Branch, branchesOf, isTaken, type V8Functions } from './branches.ts';
import { ROOT } from './build.ts';
import { runCommand, withProgress } from './progress.ts';

/** What was reached, in percent, rounded down: less is a failure. */
const FLOOR = 97;
const FAILURE_LENGTH = 4_000;
const OUTPUT = path.join(ROOT, 'test', 'output', 'coverage.json');

type Row = {
	readonly name: string;
	readonly branches: number;
	readonly left: readonly Branch[];
	/** It imports `vscode`, so no test outside VS Code can load it: the stage `host` tests it, in a bundle. */
	readonly needsHost?: boolean;
};

const Processes = v.object({
	result: v.array(
		v.object({
			url: v.string(),
			functions: v.array(
				v.object({
					ranges: v.array(v.object({ startOffset: v.number(), endOffset: v.number(), count: v.number() })),
				}),
			),
		}),
	),
});

/** By file below `root`, what each process did there. */
function readProcesses(folder: string, root: string): ReadonlyMap<string, readonly V8Functions[]> {
	const found = new Map<string, V8Functions[]>();
	const prefix = `${pathToFileURL(root)}/`;
	for (const file of readdirSync(folder)) {
		let json: unknown;
		try {
			json = JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
		} catch {
			// A process that was killed while it wrote. What it counted is lost, which can only make the result worse.
			continue;
		}
		for (const { url, functions } of v.parse(Processes, json).result) {
			if (!url.startsWith(prefix)) continue;
			const name = decodeURIComponent(url.slice(prefix.length));
			found.set(name, [...(found.get(name) ?? []), functions]);
		}
	}
	return found;
}

/** Every file of `src/auth`, in the order of the paths. */
function rowsOf(processes: ReadonlyMap<string, readonly V8Functions[]>): readonly Row[] {
	const config = path.join(ROOT, 'tsconfig.json');
	const api = new API({ cwd: ROOT });
	try {
		const program = api.updateSnapshot({ openProject: config }).getProject(config)?.program;
		const names = globSync('src/auth/**/*.ts', { cwd: ROOT }).map((name) => name.replaceAll('\\', '/'));
		return names.sort().map((name) => {
			const source = program?.getSourceFile(path.join(ROOT, name));
			if (!source) throw new Error(`the compiler does not know ${name}`);
			const branches = branchesOf(source);
			const left = branches.filter((branch) => !isTaken(branch, processes.get(name) ?? []));
			return { name, branches: branches.length, left, needsHost: /^import .*from 'vscode';$/m.test(source.text) };
		});
	} finally {
		api.close();
	}
}

function sum(name: string, rows: readonly Row[]): Row {
	const branches = rows.reduce((all, row) => all + row.branches, 0);
	return { name, branches, left: rows.flatMap(({ left }) => left) };
}

const share = ({ branches, left }: Row): number => (branches === 0 ? 100 : (100 * (branches - left.length)) / branches);

function print(row: Row): void {
	const taken = row.branches - row.left.length;
	console.log(`  ${row.name.padEnd(48)} ${share(row).toFixed(1).padStart(5)} %  ${taken} of ${row.branches}`);
}

function printTable(rows: readonly Row[], wanted: readonly string[]): Row {
	for (const folder of new Set(rows.map(({ name }) => path.posix.dirname(name)))) {
		const own = rows.filter(({ name }) => path.posix.dirname(name) === folder);
		console.log('');
		print(sum(folder, own));
		for (const row of own) if (row.left.length > 0) print({ ...row, name: `  ${path.posix.basename(row.name)}` });
	}
	for (const { name, left } of rows)
		if (wanted.some((part) => name.includes(part)))
			for (const { line, kind } of left) console.log(`${name}:${line}  ${kind} never taken`);
	const all = sum('src/auth', rows);
	console.log('');
	print(
		sum(
			'src/auth but for adapters of VS Code',
			rows.filter(({ needsHost }) => !needsHost),
		),
	);
	print(all);
	return all;
}

async function main(args: readonly string[]): Promise<number> {
	const chosen = args.filter((part) => part.startsWith('test/'));
	const wanted = args.filter((part) => !chosen.includes(part));
	const folder = mkdtempSync(path.join(os.tmpdir(), 'agent-auth-coverage-'));
	process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
	const run = async (pattern: readonly string[], concurrency: number): Promise<void> => {
		const files = globSync(pattern, { cwd: ROOT, exclude: ['test/unit/model/**'] });
		const { status, output } = await withProgress(`running ${pattern.join(' and ')}`, () =>
			runCommand(process.execPath, ['--test', `--test-concurrency=${concurrency}`, '--test-reporter=dot', ...files], {
				cwd: ROOT,
				env: { ...process.env, NODE_V8_COVERAGE: folder },
			}),
		);
		// A failure is for `npm test` to judge: counting makes everything slower. What was run before it counts.
		if (status !== 0) console.log(`${output.slice(-FAILURE_LENGTH)}\nSome tests failed; their part may be missing.`);
	};
	if (chosen.length > 0) {
		await run(chosen, 1);
		const rows = rowsOf(readProcesses(folder, ROOT));
		printTable(
			wanted.length === 0 ? rows : rows.filter(({ name }) => wanted.some((part) => name.includes(part))),
			wanted,
		);
		return 0;
	}
	await run(['test/unit/**/*.test.ts', 'test/fuzz/*.test.ts'], os.availableParallelism());
	// One race at a time: each starts many processes.
	await run(['test/race/*.test.ts'], 1);
	const rows = rowsOf(readProcesses(folder, ROOT));
	mkdirSync(path.dirname(OUTPUT), { recursive: true });
	writeFileSync(OUTPUT, `${JSON.stringify(rows, undefined, '\t')}\n`);
	const reached = share(printTable(rows, wanted));
	console.log(`  at least ${FLOOR} %: ${reached >= FLOOR ? 'yes' : 'NO'}`);
	return reached >= FLOOR ? 0 : 1;
}

// The compiler's server can keep the process alive after it was closed.
if (import.meta.main) process.exit(await main(process.argv.slice(2)));
