/**
 * `npm run test:tools`: the real tools that Agent Auth connects, each against a loopback service. Fetches them first; on
 * Linux they then run in a network namespace that has nothing but the loopback interface. Arguments are names of tools.
 * Ends with a table. What a tool cannot do is a row of its own, with the test that shows it.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { TOOL_IDS, type ToolId } from '../src/auth/connect/tools.ts';
import { toolProgram } from '../test/tools/toolPrograms.ts';
import { ROOT } from './build.ts';
import { findInPath } from './debian.ts';
import { runCommand, withProgress } from './progress.ts';

/** Set in the process that runs in the namespace. */
const INSIDE = 'AGENT_AUTH_TOOLS_INSIDE';

/** Takes the arguments of a program as its own, after the loopback interface is up. */
const WITH_LOOPBACK = 'ip link set lo up && exec "$@"';
const NAMESPACES: readonly (readonly string[])[] = [['--net'], ['--user', '--map-root-user', '--net']];

/** How the name of a test begins that shows what a tool cannot do. */
const LIMIT = 'not possible: ';

/** What `workplace.ts` says of a refusing proxy. */
const ELSEWHERE = 'asked for elsewhere: ';

type Row = {
	readonly tool: string;
	version: string;
	readonly shown: string;
	readonly result: string;
	elsewhere: string;
};

const chosen = process.argv.slice(2);
const tools = TOOL_IDS.filter((id) => chosen.length === 0 || chosen.includes(id));
process.exitCode = process.env[INSIDE] === undefined ? await prepare() : await test();

async function prepare(): Promise<number> {
	const unknown = chosen.filter((name) => !tools.some((id) => id === name));
	if (unknown.length > 0 || tools.length === 0) {
		console.error(`No such tool: ${unknown.join(', ')}. There are ${TOOL_IDS.join(', ')}.`);
		return 1;
	}
	for (const id of tools) {
		// Not to be had: its tests fail with the reason, the others run.
		await withProgress(`preparing ${id}`, () => toolProgram(id)).catch((error: unknown) =>
			console.error(String(error)),
		);
	}
	const inside = [process.execPath, import.meta.filename, ...tools];
	const namespace = await emptyNetwork();
	if (namespace === undefined) {
		console.log('No network namespace here: a tool is held back by the refusing proxy alone.');
	}
	const [command = '', ...args] = namespace === undefined ? inside : [...namespace, ...inside];
	const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } });
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('exit', (status) => resolve(status ?? 1));
	});
}

/** How a program is started without any network but loopback; undefined if that is not possible here. */
async function emptyNetwork(): Promise<readonly string[] | undefined> {
	if (findInPath('unshare') === undefined) return undefined;
	for (const options of NAMESPACES) {
		const command = [...options, '--', 'sh', '-c', WITH_LOOPBACK, 'sh'];
		if ((await runCommand('unshare', [...command, 'true'])).status === 0) return ['unshare', ...command];
	}
	return undefined;
}

async function test(): Promise<number> {
	// One after the other, so that what one tool leaves running is not taken for another's.
	const rows: Row[] = [];
	for (const id of tools) rows.push(...(await testTool(id)));
	print(rows);
	return rows.length > 0 && rows.every(({ result }) => result !== 'FAILED') ? 0 : 1;
}

async function testTool(id: ToolId): Promise<Row[]> {
	const rows: Row[] = [];
	const stream = run({ files: [path.join(ROOT, 'test', 'tools', `${id}.test.ts`)], concurrency: 1 });
	const add = (name: string, passed: boolean): void => {
		const isLimit = name.startsWith(LIMIT);
		const result = passed ? (isLimit ? 'not possible' : 'passed') : 'FAILED';
		rows.push({ tool: id, version: '', shown: isLimit ? name.slice(LIMIT.length) : name, result, elsewhere: '' });
	};
	const said: string[] = [];
	stream.on('test:pass', ({ name, nesting, skip }) => nesting === 0 && add(name, skip === undefined));
	stream.on('test:fail', ({ name, nesting }) => nesting === 0 && add(name, false));
	stream.on('test:diagnostic', ({ message }) => said.push(message));
	for await (const text of stream.compose(spec)) process.stdout.write(String(text));
	const version = said.find((line) => line.startsWith('version '))?.slice('version '.length) ?? 'none';
	const elsewhere = [...new Set(said.filter((line) => line.startsWith(ELSEWHERE)))].map((line) =>
		line.slice(ELSEWHERE.length),
	);
	for (const row of rows) [row.version, row.elsewhere] = [version, elsewhere.join(', ') || 'nothing'];
	return rows;
}

function print(rows: readonly Row[]): void {
	const head: Row = {
		...{ tool: 'tool', version: 'version', shown: 'what was shown', result: 'result' },
		elsewhere: '',
	};
	const width = (key: keyof Row): number => Math.max(...[head, ...rows].map((row) => row[key].length));
	console.log('');
	for (const row of [head, ...rows]) {
		const columns = (['tool', 'version', 'result'] as const).map((key) => row[key].padEnd(width(key)));
		console.log(`  ${columns.join('  ')}  ${row.shown}`);
	}
	console.log('');
	for (const [tool, elsewhere] of new Map(rows.map((row) => [row.tool, row.elsewhere]))) {
		console.log(`  ${tool} asked for, besides the loopback service, and did not get: ${elsewhere}`);
	}
}
