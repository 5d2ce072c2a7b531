/**
 * Long work says that it is alive: one line when it begins, one every few seconds, one when it ends.
 * The output of commands is kept back and shown whole only when one fails.
 */
import { type ChildProcess, spawn } from 'node:child_process';

/** Rare enough not to drown a log, often enough that nobody thinks it hangs. */
const PROGRESS_EVERY_MS = 10_000;

/** `12 s` or `1 min 5 s`. */
export function formatElapsed(elapsedMs: number): string {
	const elapsedS = Math.round(elapsedMs / 1000);
	return elapsedS < 60 ? `${elapsedS} s` : `${Math.floor(elapsedS / 60)} min ${elapsedS % 60} s`;
}

/** Runs `work` and prints its progress under `label`. */
export async function withProgress<T>(label: string, work: () => Promise<T>): Promise<T> {
	const startedMs = performance.now();
	const elapsed = (): string => formatElapsed(performance.now() - startedMs);
	console.log(`${label} …`);
	const timer = setInterval(() => console.log(`${label} … ${elapsed()}`), PROGRESS_EVERY_MS);
	try {
		const result = await work();
		console.log(`${label} done, ${elapsed()}`);
		return result;
	} finally {
		clearInterval(timer);
	}
}

export interface CommandOptions {
	readonly cwd?: string;
	readonly env?: NodeJS.ProcessEnv;
	readonly signal?: AbortSignal;
	/** How the command is ended when the signal aborts. One that runs in circles hears only `SIGKILL`. */
	readonly killSignal?: NodeJS.Signals;
	/** Runs the command as another user. */
	readonly uid?: number;
	readonly gid?: number;
	/** Needed on Windows for commands that are batch files, such as npm. */
	readonly shell?: boolean;
}

export interface CommandResult {
	readonly status: number | string;
	readonly output: string;
}

/** What still runs when this process ends is told to end as well. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
	for (const child of running) {
		child.kill();
	}
});

/** Runs a command to its end; a failing status is an answer, not an error. */
export function runCommand(
	command: string,
	args: readonly string[],
	options: CommandOptions = {},
): Promise<CommandResult> {
	const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
	running.add(child);
	let output = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding('utf8').on('data', (text: string) => {
			output += text;
		});
	}
	return new Promise<CommandResult>((resolve) => {
		child.on('error', (error) => resolve({ status: error.message, output }));
		child.on('close', (code, signal) => resolve({ status: code ?? signal ?? 'unknown', output }));
	}).finally(() => running.delete(child));
}

/** Like `runCommand`, but a failing status throws with the whole output. */
export async function mustRun(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
	const { status, output } = await runCommand(command, args, options);
	if (status !== 0) {
		throw new Error(`${[command, ...args].join(' ')} failed (${status}):\n${output}`);
	}
	return output;
}
