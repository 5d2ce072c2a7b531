/** Windows, a launcher and helpers as real processes in a folder of the test, with odd characters in every path. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { after, before, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions, ROOT } from '../../scripts/build.ts';
import type { WindowCommand, WindowConfig, WindowReport } from './terminalWindow.ts';

export const LINUX = process.platform === 'linux';

/** Where it appears but on standard output, something leaks. */
export const CANARY = 'canary-3f1c';

const HELPER = path.join(ROOT, 'src/auth/terminal/helper.ts');
const HELPER_OF_SOURCES = `globalThis.AGENT_AUTH_VERSION = ${bundleOptions('package').define?.AGENT_AUTH_VERSION};
import(${JSON.stringify(pathToFileURL(HELPER).href)});\n`;

let shared = '';
let helperBundlePath = '';
let oddNode = '';

before(async () => {
	shared = fs.mkdtempSync(path.join(tmpdir(), 'aa-race-'));
	helperBundlePath = path.join(shared, 'helper.cjs');
	// What a bundle went through cannot be told by its sources' lines, so `npm run coverage` runs the sources themselves.
	if (process.env.NODE_V8_COVERAGE !== undefined) fs.writeFileSync(helperBundlePath, HELPER_OF_SOURCES);
	else await build({ ...bundleOptions('package'), entryPoints: [HELPER], outfile: helperBundlePath });
	// Windows run under a Node in a folder with odd characters, because the launchers are told that path.
	oddNode = path.join(shared, `no de's "$x"`, 'node');
	fs.mkdirSync(path.dirname(oddNode));
	fs.copyFileSync(process.execPath, oddNode, fs.constants.COPYFILE_FICLONE);
});

after(() => fs.rmSync(shared, { recursive: true, force: true }));

export type Result = {
	readonly status: number | null;
	readonly stdout: string;
	readonly stderr: string;
	readonly ms: number;
};

export function place(t: TestContext) {
	const root = fs.mkdtempSync(path.join(tmpdir(), 'aa-r-'));
	const storage = path.join(root, `st'or "age $x ü`);
	const env = { PATH: '/usr/bin:/bin', HOME: homedir(), XDG_RUNTIME_DIR: root, TMPDIR: root };
	const windows: ChildProcess[] = [];
	t.after(async () => {
		for (const window of windows) await endWindow(window);
		fs.rmSync(root, { recursive: true, force: true });
	});

	const openWindow = async (change: Partial<WindowConfig> = {}) => {
		const child = fork(path.join(import.meta.dirname, 'terminalWindow.ts'), [], { env, execPath: oddNode });
		windows.push(child);
		const config: WindowConfig = {
			globalStoragePath: storage,
			helperBundlePath,
			tokenPrefix: CANARY,
			workspaceFolders: [],
			terminalPids: [process.pid],
			answer: 'session',
			policy: 'ask',
			trusted: true,
			...change,
		};
		const send = (command: WindowCommand) => child.send(command);
		send({ kind: 'open', config });
		assert.equal((await once(child, 'message'))[0], 'opened');
		return {
			child,
			async report(): Promise<WindowReport> {
				send({ kind: 'report' });
				const [report] = await once(child, 'message');
				return report;
			},
			/** Time passes for the window's tokens. */
			async pass(ms: number) {
				send({ kind: 'pass', ms });
				await once(child, 'message');
			},
			async close() {
				send({ kind: 'close' });
				await once(child, 'exit');
			},
			async kill() {
				child.kill('SIGKILL');
				await once(child, 'exit');
			},
		};
	};
	const launcher = path.join(storage, 'bin', 'agent-auth');
	const start = (args: readonly string[], cwd = root) =>
		spawn(launcher, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
	const run = (args: readonly string[], cwd = root) => collect(start(args, cwd));
	/** With text on standard input, and variables besides those of the terminal. */
	const feed = (args: readonly string[], input: string, more: NodeJS.ProcessEnv = {}) => {
		const child = spawn(launcher, args, { env: { ...env, ...more }, cwd: root, stdio: ['pipe', 'pipe', 'pipe'] });
		child.stdin.on('error', () => undefined).end(input);
		return collect(child);
	};
	return { root, storage, env, launcher, openWindow, start, run, feed };
}

/** What a killed process went through nobody knows, so `npm run coverage` lets it end by itself. */
async function endWindow(window: ChildProcess): Promise<void> {
	if (process.env.NODE_V8_COVERAGE === undefined || !window.connected) return void window.kill('SIGKILL');
	const ended = once(window, 'exit');
	window.kill('SIGCONT');
	window.send({ kind: 'close' } satisfies WindowCommand);
	await ended;
}

export async function collect(
	child: { readonly stdout: Readable; readonly stderr: Readable } & ChildProcess,
): Promise<Result> {
	const startedMs = performance.now();
	let stdout = '';
	let stderr = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		stdout += text;
	});
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		stderr += text;
	});
	const [status] = await once(child, 'close');
	return { status, stdout, stderr, ms: performance.now() - startedMs };
}
