/** What goes to standard output and standard error. Nothing that came over the wire reaches a terminal unfiltered. */
import { failureOf } from '../outcome.ts';
import { writeError, writeOutput } from './output.ts';
import type { ErrorReply } from './windows.ts';

/** Without control characters: labels and names are other people's text. */
export function plainText(text: string): string {
	return text.replace(/\p{Cc}/gu, ' ');
}

export function printLine(line: string): void {
	writeOutput(`${line}\n`);
}

export function printJson(value: unknown): void {
	printLine(JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : undefined));
}

/** One line for the person; answers the exit code. */
export function printFailure(reply: ErrorReply): number {
	const failure = failureOf(reply.code, reply.retryAtMs);
	writeError(`${failure.line}\n`);
	return failure.exitCode;
}
