/** `agent-auth report`: tells what a request with the token got, and prints what to do. */
import type { Command } from '../commandLine.ts';
import { isoTime } from '../isoTime.ts';
import { EXIT_OK, EXIT_SIGN_IN, EXIT_TRY_LATER, EXIT_UNKNOWN, failureOf } from '../outcome.ts';
import type { FinalReply, ReportTerminalRequest } from '../protocol.ts';
import { plainText, printFailure, printJson, printLine } from './print.ts';
import { readStandardInput } from './standardInput.ts';
import { askWindows, caller } from './windows.ts';

/** Small enough for one frame, however much of it has to be escaped. */
const BODY_LIMITS = { maxBytes: 8 * 1024, waitMs: 2_000 };

/** Scripts read these words; they are never given another meaning. */
const WORDS: ReadonlyMap<string, string> = new Map([
	['ignored', 'ignored'],
	['retry', 'retry'],
	['retryWithNewToken', 'retry-with-new-token'],
	['wait', 'wait'],
	['signIn', 'sign-in'],
	['giveUp', 'give-up'],
]);

export async function runReport(command: Extract<Command, { kind: 'report' }>): Promise<number> {
	const { provider, status, headers, retryAfter, digest } = command;
	const text = await readStandardInput(BODY_LIMITS);
	const request: ReportTerminalRequest = {
		...{ kind: 'report', provider, status, ...caller(), headers: headers.map(([name, value]) => [name, value]) },
		...(text === '' ? {} : { body: text }),
		...(retryAfter === undefined ? {} : { retryAfter }),
		...(digest === undefined ? {} : { tokenDigest: digest }),
	};
	const reply = await askWindows(request, 'advice');
	if (reply.kind === 'error') return printFailure(reply);
	print(reply, command.json);
	return exitCodeOf(reply);
}

type Advice = Extract<FinalReply, { kind: 'advice' }>;

function print({ advice, untilMs, code, reason }: Advice, json: boolean): void {
	const word = WORDS.get(advice) ?? plainText(advice);
	const until = isoTime(untilMs);
	if (json) printJson({ advice: word, until, code, reason });
	else
		printLine([word, until, code, reason].flatMap((part) => (part === undefined ? [] : [plainText(part)])).join(' '));
}

function exitCodeOf({ advice, code }: Advice): number {
	switch (advice) {
		case 'retry':
		case 'retryWithNewToken':
			return EXIT_OK;
		case 'signIn':
			return EXIT_SIGN_IN;
		case 'wait':
			return EXIT_TRY_LATER;
		case 'ignored':
			return EXIT_UNKNOWN;
		default:
			return failureOf(code ?? '').exitCode;
	}
}
