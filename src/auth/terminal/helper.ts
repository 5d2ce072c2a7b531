/**
 * The program behind `agent-auth` in a terminal: asks a live window over its socket and prints the answer. Bundled on
 * its own and run by the editor's Node. A secret goes through sockets, files of mode 0600 and standard output only.
 */
import path from 'node:path';
import { privacyProblem } from '../privateFolder.ts';
import { ancestorPids } from './ancestors.ts';
import { hasCode } from './atomicFile.ts';
import { type Command, type Format, HELP, parseCommandLine } from './commandLine.ts';
import { type Descriptor, readDescriptors } from './descriptor.ts';
import { EXIT_INTERNAL, EXIT_OK, EXIT_USAGE, failureOf } from './outcome.ts';
import type { FinalReply, TerminalRequest } from './protocol.ts';
import { orderByWorkspace } from './windowChoice.ts';
import { askWindow } from './windowClient.ts';

/** Put in by the build. */
declare const AGENT_AUTH_VERSION: string;

/** A window says at once that it has the request, unless its host is busy; then the next window is worth a try. */
const ACCEPT_MS = 2_000;

/** If no window said so, the best is asked once more with patience: one that starts is busy for some seconds. */
const PATIENT_ACCEPT_MS = 5_000;

/** Above the window's own limit of 120 s, so that its answer comes first. */
const ANSWER_MS = 125_000;

/** Answers that are about the window, not about the token: another window may do better. */
const TRY_NEXT_CODES: ReadonlySet<string> = new Set([
	'unauthorized',
	'cancelled',
	'busy',
	'unsupported_version',
	'too_slow',
]);

const WAITING_LINES: ReadonlyMap<string, string> = new Map([
	['asking', 'agent-auth: waiting for your answer in the VS Code window'],
	['signingIn', 'agent-auth: waiting for the sign-in in the VS Code window'],
]);

async function main(args: readonly string[]): Promise<number> {
	const command = parseCommandLine(args);
	switch (command.kind) {
		case 'help':
			process.stdout.write(HELP);
			return EXIT_OK;
		case 'version':
			process.stdout.write(`${typeof AGENT_AUTH_VERSION === 'string' ? AGENT_AUTH_VERSION : 'development'}\n`);
			return EXIT_OK;
		case 'usage':
			process.stderr.write(`agent-auth: ${command.problem}. See "agent-auth --help".\n`);
			return EXIT_USAGE;
		default:
			return print(await askWindows(requestOf(command)), command.kind === 'token' ? command.format : 'raw');
	}
}

function requestOf(command: Extract<Command, { kind: 'token' | 'providers' }>): TerminalRequest {
	if (command.kind === 'providers') return { kind: 'providers' };
	return {
		kind: 'token',
		provider: command.provider,
		ancestors: ancestorPids(process.ppid, process.platform),
		cwd: currentFolder(),
		signIn: command.signIn,
		...(command.bucket === undefined ? {} : { bucket: command.bucket }),
		...(command.minTtlS === undefined ? {} : { minTtlS: command.minTtlS }),
	};
}

/** The first answer about the token; without one, what was the matter with the windows. */
async function askWindows(request: TerminalRequest): Promise<FinalReply> {
	const found = await findWindows();
	if (found.kind === 'problem') return failed(found.code);
	let failure = failed('no_window');
	let silent: Descriptor | undefined;
	for (const window of found.windows) {
		const reply = await ask(window, request, ACCEPT_MS);
		if (reply.kind !== 'error') return reply;
		if (reply.code === 'silent') silent ??= window;
		else if (reply.code === 'no_window') continue;
		else if (reply.code !== 'lost' && reply.code !== 'unreadable_reply' && !TRY_NEXT_CODES.has(reply.code))
			return reply;
		failure = reply;
	}
	return silent === undefined ? failure : ask(silent, request, PATIENT_ACCEPT_MS);
}

type Windows =
	| { readonly kind: 'windows'; readonly windows: readonly Descriptor[] }
	| { readonly kind: 'problem'; readonly code: string };

async function findWindows(): Promise<Windows> {
	// The launcher sets the variable; without it the bundle's own place tells, which is the `bin` beside `run`.
	const runFolder = process.env.AGENT_AUTH_RUN || path.join(path.dirname(process.argv[1] ?? ''), '..', 'run');
	try {
		if ((await privacyProblem(runFolder)) !== undefined) return { kind: 'problem', code: 'open_folder' };
	} catch (error) {
		if (hasCode(error, 'ENOENT', 'ENOTDIR')) return { kind: 'problem', code: 'no_window' };
		throw error;
	}
	const files = await readDescriptors(runFolder);
	const descriptors = files.flatMap((entry) => (entry.kind === 'descriptor' ? [entry.descriptor] : []));
	return { kind: 'windows', windows: orderByWorkspace(descriptors, currentFolder()) };
}

async function ask(window: Descriptor, request: TerminalRequest, acceptMs: number): Promise<FinalReply> {
	const { socket, secret } = window;
	const result = await askWindow({ socket, secret, request, acceptMs, answerMs: ANSWER_MS, onProgress: sayWaiting });
	switch (result.kind) {
		case 'reply':
			return result.reply;
		case 'unreachable':
			return failed('no_window');
		case 'unreadable':
			return failed('unreadable_reply');
		default:
			return failed(result.kind);
	}
}

function failed(code: string): Extract<FinalReply, { kind: 'error' }> {
	return { kind: 'error', code };
}

/** Only for a person: a program gets one line at most, and only when it failed. */
function sayWaiting(step: string): void {
	const line = WAITING_LINES.get(step);
	if (process.stderr.isTTY && line !== undefined) process.stderr.write(`${line}\n`);
}

function print(reply: FinalReply, format: Format): number {
	switch (reply.kind) {
		case 'token':
			process.stdout.write(`${formatToken(reply, format)}\n`);
			return EXIT_OK;
		case 'providers':
			for (const { id, label, state } of reply.providers) {
				process.stdout.write(`${[id, state, label].map((text) => text.replace(/\p{Cc}/gu, ' ')).join('\t')}\n`);
			}
			return EXIT_OK;
		case 'error': {
			const failure = failureOf(reply.code, reply.retryAtMs);
			process.stderr.write(`${failure.line}\n`);
			return failure.exitCode;
		}
		case 'pong':
			throw new Error('a window answered a question that was not asked');
	}
}

function formatToken(reply: Extract<FinalReply, { kind: 'token' }>, format: Format): string {
	switch (format) {
		case 'raw':
			return reply.accessToken;
		case 'header':
			return `Authorization: Bearer ${reply.accessToken}`;
		case 'json': {
			const expiresAt = reply.expiresAtMs === undefined ? undefined : new Date(reply.expiresAtMs).toISOString();
			return JSON.stringify({ accessToken: reply.accessToken, expiresAt });
		}
	}
}

/** The folder of a terminal can be deleted under it; then no workspace matches. */
function currentFolder(): string {
	try {
		return process.cwd();
	} catch (error) {
		if (hasCode(error, 'ENOENT')) return '';
		throw error;
	}
}

// Whoever reads the output may stop early; that is no reason for a stack trace in its terminal.
process.stdout.on('error', () => process.exit(EXIT_INTERNAL));

main(process.argv.slice(2)).then(
	(exitCode) => {
		process.exitCode = exitCode;
	},
	(error: unknown) => {
		// Neither text nor stack: both may repeat what came over the wire.
		const code = error instanceof Error && 'code' in error ? ` ${String(error.code)}` : '';
		process.stderr.write(`agent-auth: it failed${code}. The log "Agent Auth" in VS Code may say more.\n`);
		process.exitCode = EXIT_INTERNAL;
	},
);
