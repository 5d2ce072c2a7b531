/** What goes to standard output and standard error. Nothing that came over the wire reaches a terminal unfiltered. */
import { EXIT_INTERNAL, failureOf } from '../outcome.ts';
import type { ErrorReply } from './windows.ts';

/** Without control characters: labels and names are other people's text. */
export function plainText(text: string): string {
	return text.replace(/\p{Cc}/gu, ' ');
}

export function printLine(line: string): void {
	process.stdout.write(`${line}\n`);
}

export function printJson(value: unknown): void {
	printLine(JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : undefined));
}

/** One line for the person; answers the exit code. */
export function printFailure(reply: ErrorReply): number {
	const failure = failureOf(reply.code, reply.retryAtMs);
	process.stderr.write(`${failure.line}\n`);
	return failure.exitCode;
}

/** An answer that was not asked for: a defect on one of the two sides. */
export function printUnexpected(): number {
	process.stderr.write('agent-auth: a window answered a question that was not asked. Reload it and try again.\n');
	return EXIT_INTERNAL;
}

export function isoTime(atMs: number | undefined): string | undefined {
	return atMs === undefined ? undefined : new Date(atMs).toISOString();
}
