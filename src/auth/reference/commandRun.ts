/** One run of a command: no shell, nothing on its input, a bound on what it prints and on how long it takes. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import { createDisposables } from '../event.ts';
import { errorCode } from '../vault/disk.ts';
import { killWithGroup } from './processGroup.ts';

/** The largest tokens have some kilobytes. */
export const MAX_OUTPUT_BYTES = 64 * 1024;
/** The end is where programs say what went wrong. */
const MAX_STDERR_BYTES = 16 * 1024;
/** What a command has left running keeps its output open; what was printed before its end is read in this time. */
const DRAIN_MS = 250;
/** At and below are the bytes of ASCII that separate words. */
const SPACE = 0x20;

export type CommandRun = {
	/** Absolute. */
	readonly file: string;
	readonly args: readonly string[];
	readonly cwd: string;
	readonly env: Readonly<Record<string, string>>;
	readonly timeoutMs: number;
	/** Ends the command and everything it has started. */
	readonly signal: AbortSignal;
};

export type RunOutcome = { readonly stderr: Buffer } & (
	| {
			readonly kind: 'exited';
			/** Null if a signal ended it. */
			readonly code: number | null;
			readonly stdout: Buffer;
	  }
	| { readonly kind: 'timeout' }
	| { readonly kind: 'aborted' }
	/** More than {@link MAX_OUTPUT_BYTES}. */
	| { readonly kind: 'tooMuch' }
	/** `code` is that of the system, e.g. `ENOENT`. */
	| { readonly kind: 'notStarted'; readonly code: string }
);

type Ending =
	| { readonly kind: 'exited'; readonly code: number | null }
	| { readonly kind: 'timeout' | 'aborted' | 'tooMuch' }
	| { readonly kind: 'notStarted'; readonly code: string };

/** Never rejects. */
export function runCommand(run: CommandRun, clock: Clock, platform: NodeJS.Platform): Promise<RunOutcome> {
	const none = Buffer.alloc(0);
	if (run.signal.aborted) return Promise.resolve({ kind: 'aborted', stderr: none });
	let child: ChildProcessByStdio<null, Readable, Readable>;
	try {
		child = spawn(run.file, [...run.args], {
			cwd: run.cwd,
			env: { ...run.env },
			shell: false,
			stdio: ['ignore', 'pipe', 'pipe'],
			// A group of its own, so that it can be ended with what it has started. On Windows it would open a console.
			detached: platform !== 'win32',
			windowsHide: true,
		});
	} catch (error) {
		return Promise.resolve({ kind: 'notStarted', code: codeOf(error), stderr: none });
	}
	return new Promise((resolve) => {
		const disposables = createDisposables();
		const stdout: Buffer[] = [];
		let stderr: Buffer = none;
		let stderrBytes = 0;
		let bytes = 0;

		const finish = (ending: Ending): void => {
			disposables.dispose();
			child.stdout.destroy();
			child.stderr.destroy();
			const said = stderrBytes > stderr.length ? wholeWords(stderr) : stderr;
			resolve(
				ending.kind === 'exited'
					? { ...ending, stdout: Buffer.concat(stdout), stderr: said }
					: { ...ending, stderr: said },
			);
		};
		const stop = (kind: 'timeout' | 'aborted' | 'tooMuch'): void => {
			killWithGroup(child, platform, run.env.SystemRoot);
			finish({ kind });
		};

		/** A token must not be cut short: the end counts when a whole look at the pipe has brought nothing more. */
		const drain = (code: number | null, waitMs: number): void => {
			const before = bytes;
			disposables.add(
				clock.schedule(waitMs, () => {
					const look = setImmediate(() => (bytes === before ? finish({ kind: 'exited', code }) : drain(code, 0)));
					disposables.add({ dispose: () => clearImmediate(look) });
				}),
			);
		};

		child.stdout.on('data', (chunk: Buffer) => {
			bytes += chunk.length;
			if (bytes > MAX_OUTPUT_BYTES) stop('tooMuch');
			else stdout.push(chunk);
		});
		child.stderr.on('data', (chunk: Buffer) => {
			stderrBytes += chunk.length;
			stderr = Buffer.concat([stderr, chunk]).subarray(-MAX_STDERR_BYTES);
		});
		// What was read before a pipe broke may be half a token.
		child.stdout.on('error', () => finish({ kind: 'exited', code: null }));
		child.stderr.on('error', () => undefined); // It is only for people.
		child.on('error', (error) => finish({ kind: 'notStarted', code: codeOf(error) }));
		child.on('exit', (code) => drain(code, DRAIN_MS));
		child.on('close', (code) => finish({ kind: 'exited', code }));

		disposables.add(clock.schedule(run.timeoutMs, () => stop('timeout')));
		const onAbort = (): void => stop('aborted');
		run.signal.addEventListener('abort', onAbort, { once: true });
		disposables.add({ dispose: () => run.signal.removeEventListener('abort', onAbort) });
	});
}

/** Without the word that the cut went through: half a token would not be recognised as one. */
function wholeWords(text: Buffer): Buffer {
	const start = text.findIndex((byte) => byte <= SPACE);
	return start === -1 ? Buffer.alloc(0) : text.subarray(start);
}

function codeOf(error: unknown): string {
	return errorCode(error) ?? 'unknown';
}
