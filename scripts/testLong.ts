/**
 * `npm run test:long`: what `npm test` runs in short form, for as long as a race that is lost once in a thousand needs.
 * One run after the other, so that nothing else decides who is faster. Ends with a table.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './build.ts';
import { fuzzTable, LEAST_CASES } from './fuzzTable.ts';
import { formatElapsed, runCommand, withProgress } from './progress.ts';

type LongRun = {
	readonly name: string;
	readonly file: string;
	readonly env: Readonly<Record<string, string>>;
	/** Only tests whose name matches. */
	readonly pattern?: string;
};

/** How long each is, in the words of the test that reads it; set in the environment, they count instead. */
const RUNS: readonly LongRun[] = [
	{
		name: 'takeover storm',
		file: 'test/race/lease.test.ts',
		env: { AGENT_AUTH_STORM_ROUNDS: '1000' },
		pattern: 'arrive together',
	},
	{ name: 'deterministic scheduler', file: 'test/unit/model/model.test.ts', env: { AGENT_AUTH_MODEL_RUNS: '10000' } },
	{ name: 'lease, properties', file: 'test/unit/lease/lease.test.ts', env: {} },
	{ name: 'refresh between processes', file: 'test/race/refresh.test.ts', env: {} },
	{ name: '50 windows', file: 'test/race/crowd.test.ts', env: { AGENT_AUTH_CROWD: '50' } },
	{ name: 'chaos', file: 'test/race/chaos.test.ts', env: { AGENT_AUTH_SOAK_MS: '600000' } },
	{ name: 'fuzzers', file: 'test/fuzz/*.test.ts', env: { AGENT_AUTH_FUZZ_FACTOR: '12' } },
];
const OUTPUT = path.join(ROOT, 'test', 'output', 'long');

type Row = {
	readonly name: string;
	readonly passed: boolean;
	readonly took: string;
	readonly lines: readonly string[];
};

async function run({ name, file, env, pattern }: LongRun): Promise<Row> {
	const startedMs = performance.now();
	const args = ['--test', ...(pattern === undefined ? [] : ['--test-name-pattern', pattern]), file];
	const { status, output } = await withProgress(name, () =>
		runCommand(process.execPath, args, { cwd: ROOT, env: { ...env, ...process.env } }),
	);
	const log = path.join(OUTPUT, `${path.basename(file, '.test.ts').replace('*', name)}.log`);
	writeFileSync(log, output);
	const passed = status === 0;
	if (!passed) console.log(`FAILED: ${name} (${status}); its output is in ${path.relative(ROOT, log)}`);
	// What the tests print beside their verdicts: measurements and seeds.
	const lines = output.split('\n').filter((line) => /^ {2}[a-z0-9][^✔✖▶]*: /i.test(line));
	return { name, passed, took: formatElapsed(performance.now() - startedMs), lines };
}

mkdirSync(OUTPUT, { recursive: true });
const rows: Row[] = [];
for (const one of RUNS) rows.push(await run(one));
const width = Math.max(...rows.map(({ name }) => name.length));
console.log('');
for (const { name, passed, took, lines } of rows) {
	console.log(`  ${name.padEnd(width)}  ${passed ? 'passed' : 'FAILED'}  ${took}`);
	for (const line of lines) {
		if (!line.trim().startsWith('fuzz ')) console.log(`  ${' '.repeat(width)}    ${line.trim()}`);
	}
}
const fuzzed = fuzzTable(rows.flatMap(({ lines }) => lines));
console.log('');
for (const line of fuzzed.lines) console.log(`  ${line}`);
const enough = fuzzed.cases >= LEAST_CASES && fuzzed.lost === 0;
if (!enough) console.log(`FAILED: ${fuzzed.cases} cases of at least ${LEAST_CASES}, ${fuzzed.lost} lost`);
process.exitCode = enough && rows.every(({ passed }) => passed) ? 0 : 1;
