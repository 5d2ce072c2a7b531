/** One call of the terminal helper, from the start of the process to its end, beside what else a script could call. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { bundleOptions, ROOT } from '../scripts/build.ts';
import { aptInstall, canAptInstall, findInPath } from '../scripts/debian.ts';
import { mustRun } from '../scripts/progress.ts';
import type { VaultSetup } from '../test/race/protocol.ts';
import { createTestVault } from '../test/race/vaults.ts';
import { startStrictTokenServer } from '../test/server/strictTokenServer.ts';
import { startChild } from './child.ts';
import { fillVault } from './filledVault.ts';
import type { HelperAnswer, HelperOrder } from './helperWindow.ts';
import { cell, type PartOptions, ratio } from './part.ts';
import type { Headline, PartResult } from './results.ts';
import { median, quantile } from './samples.ts';

const CACHED = 'agent-auth token, cached';
const BY_NODE = 'agent-auth token, cached, by Node';
const REFRESHING = 'agent-auth token, refreshing';
const NODE = 'node -e 0';
const CURL = 'curl over a unix socket';
const GH = 'gh auth token';

/** Tokens of the refreshing window live so long: half of it is gone when the next call comes, and then they are renewed. */
const SHORT_LIFE_S = 0.2;
const MORE_THAN_EVER_S = '3600';
const BAR_POSIX_MS = 20;
const BAR_BY_NODE = 1.5;

type Call = {
	readonly name: string;
	readonly command: string;
	readonly args: readonly string[];
	readonly env: NodeJS.ProcessEnv;
};

export async function helper({ quick }: PartOptions): Promise<PartResult> {
	const rounds = quick ? 10 : 60;
	const missing: string[] = [];
	const undo: (() => Promise<unknown>)[] = [];
	const context = { after: (work: () => Promise<void>) => void undo.unshift(work) };
	try {
		const folder = await mkdtemp(path.join(os.tmpdir(), 'agent-auth-bench-'));
		context.after(() => rm(folder, { recursive: true, force: true }));
		const helperBundlePath = path.join(folder, 'helper.cjs');
		const entry = path.join(ROOT, 'src', 'auth', 'terminal', 'helper.ts');
		await build({ ...bundleOptions('package'), entryPoints: [entry], outfile: helperBundlePath });
		const server = await startStrictTokenServer({ accessTokenLifeS: 3_600 });
		context.after(() => server.close());
		const hasty = await startStrictTokenServer({ accessTokenLifeS: SHORT_LIFE_S });
		context.after(() => hasty.close());
		const cached = await ownCall(folder, helperBundlePath, await fillVault(context, server, 1), context);
		const refreshing = await ownCall(folder, helperBundlePath, (await createTestVault(context, hasty)).setup, context);
		const calls: Call[] = [
			{ ...cached, name: CACHED },
			// Only the plain call goes by curl.
			{ ...cached, name: BY_NODE, args: [...cached.args, '--min-ttl', '60'] },
			{ ...refreshing, name: REFRESHING, args: [...refreshing.args, '--min-ttl', MORE_THAN_EVER_S] },
			{ name: NODE, command: process.execPath, args: ['-e', '0'], env: bareEnvironment(folder) },
			...(await curlCall(folder, context, missing)),
			...(await ghCall(folder, missing)),
		];
		const times = new Map<string, number[]>(calls.map(({ name }) => [name, []]));
		for (const call of calls) await timed(call); // Files are in the cache, and the person has allowed the terminal.
		const before = hasty.refreshRequests();
		for (let round = 0; round < rounds; round++)
			for (const call of calls) times.get(call.name)?.push(await timed(call));
		const refreshes = hasty.refreshRequests() - before;
		if (refreshes !== rounds) missing.push(`refreshing: ${refreshes} refreshes in ${rounds} calls`);
		return report(times, rounds, missing);
	} finally {
		for (const work of undo) await work();
	}
}

function bareEnvironment(folder: string): NodeJS.ProcessEnv {
	return { PATH: process.env.PATH, HOME: folder, XDG_RUNTIME_DIR: folder, TMPDIR: folder };
}

async function ownCall(
	folder: string,
	helperBundlePath: string,
	setup: VaultSetup,
	context: { after(work: () => Promise<void>): void },
): Promise<Omit<Call, 'name'>> {
	const env = bareEnvironment(folder);
	const window = await startChild<HelperOrder, HelperAnswer>('helperWindow.ts', { env });
	context.after(() => window.kill());
	const opened = await window.tell({ kind: 'open', setup, helperBundlePath, terminalPid: process.pid });
	if (opened.kind !== 'opened') throw new Error('the window did not open');
	const command = path.join(opened.bin, process.platform === 'win32' ? 'agent-auth.cmd' : 'agent-auth');
	return { command, args: ['token', setup.ref.providerId], env };
}

/** The least that a script over a socket can cost: a server that answers at once, and no secret. */
async function curlCall(
	folder: string,
	context: { after(work: () => Promise<void>): void },
	missing: string[],
): Promise<Call[]> {
	const command = findInPath('curl');
	if (command === undefined || process.platform === 'win32') {
		missing.push(`${CURL}: there is no curl`);
		return [];
	}
	const socket = path.join(folder, 'curl.sock');
	const server = createServer((_request, response) => response.end(`${'c'.repeat(43)}\n`));
	await new Promise<void>((resolve) => server.listen(socket, resolve));
	context.after(async () => void server.close());
	return [
		{ name: CURL, command, args: ['-s', '--unix-socket', socket, 'http://window/token'], env: bareEnvironment(folder) },
	];
}

async function ghCall(folder: string, missing: string[]): Promise<Call[]> {
	try {
		if (findInPath('gh') === undefined && canAptInstall()) await aptInstall(['gh']);
		const command = findInPath('gh');
		if (command === undefined) throw new Error('it is not installed and cannot be');
		const config = path.join(folder, 'gh');
		await mkdir(config, { mode: 0o700 });
		const hosts = `github.com:\n    user: ada\n    oauth_token: gho_${'0'.repeat(36)}\n    git_protocol: https\n`;
		await writeFile(path.join(config, 'hosts.yml'), hosts, { mode: 0o600 });
		const env = { ...bareEnvironment(folder), GH_CONFIG_DIR: config, GH_NO_UPDATE_NOTIFIER: '1' };
		console.log(`bench: ${(await mustRun(command, ['--version'], { env })).split('\n')[0]}`);
		return [{ name: GH, command, args: ['auth', 'token'], env }];
	} catch (error) {
		missing.push(`${GH}: ${error instanceof Error ? error.message.slice(0, 200) : String(error)}`);
		return [];
	}
}

/** In ms, until it has ended. Rejects if it says that it failed or, where something should be printed, says nothing. */
function timed({ name, command, args, env }: Call): Promise<number> {
	return new Promise((resolve, reject) => {
		const startedMs = performance.now();
		const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], shell: command.endsWith('.cmd') });
		let output = '';
		let problem = '';
		child.stdout.on('data', (chunk) => {
			output += chunk;
		});
		child.stderr.on('data', (chunk) => {
			problem += chunk;
		});
		child.on('error', reject);
		child.on('close', (status) => {
			const tookMs = performance.now() - startedMs;
			if (status === 0 && (output.trim() !== '' || name === NODE)) resolve(tookMs);
			else reject(new Error(`${name} ended with ${status}: ${problem.slice(0, 200)}`));
		});
	});
}

function report(times: ReadonlyMap<string, readonly number[]>, rounds: number, missing: readonly string[]): PartResult {
	const of = (name: string): number => median(times.get(name) ?? []);
	const headlines: Headline[] = [
		{
			text: `${ratio(of(CACHED), of(GH))} \`gh auth token\` and ${ratio(of(CACHED), of(NODE))} an empty node: a cached token takes ${cell(of(CACHED), 1)} ms (bar ${BAR_POSIX_MS} ms where sh and curl are there), one that is refreshed ${cell(of(REFRESHING), 1)} ms.`,
			good: of(CACHED) <= BAR_POSIX_MS && !(of(CACHED) > of(GH)),
		},
		{
			text: `${ratio(of(BY_NODE), of(NODE))} an empty node where there is no curl (bar ${BAR_BY_NODE.toFixed(2)} ×): ${cell(of(BY_NODE), 1)} ms beside ${cell(of(NODE), 1)} ms.`,
			good: of(BY_NODE) <= BAR_BY_NODE * of(NODE),
		},
	];
	return {
		headlines,
		tables: [
			{
				title: `One call, process start included, medians of ${rounds}`,
				head: ['command', 'median, ms', 'best, ms', '9 of 10 within, ms', 'beside an empty node'],
				rows: [...times].map(([name, values]) => [
					name,
					cell(median(values), 1),
					cell(quantile(values, 0), 1),
					cell(quantile(values, 0.9), 1),
					ratio(median(values), of(NODE)),
				]),
				notes: [
					'The token server answers at once, on the loopback interface. curl asks a server that knows no secret and no provider.',
				],
			},
		],
		charts: [
			{
				kind: 'bars',
				file: 'helper.svg',
				title: 'One call for a token from a terminal',
				unit: 'ms',
				rows: [...times].map(([name, values]) => ({
					label: name,
					value: median(values),
					ours: name.startsWith('agent'),
				})),
			},
		],
		missing,
	};
}
