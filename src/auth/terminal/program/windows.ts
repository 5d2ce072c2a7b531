/** The helper's view of the windows: which there are, which to ask first, and the first answer that is about the matter. */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { readsAtOnce } from '../../fileReads.ts';
import { privacyProblemOf } from '../../privateFolder.ts';
import { ancestorPids } from '../ancestors.ts';
import { hasCode } from '../atomicFile.ts';
import type { TokenChoice } from '../commandLine.ts';
import { type Descriptor, descriptorsIn } from '../descriptor.ts';
import type { FinalReply, TerminalRequest } from '../protocol.ts';
import { orderByWorkspace } from '../windowChoice.ts';
import { askWindow } from '../windowClient.ts';
import { writeError } from './output.ts';

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
	'nothing_given',
	'not_here',
]);

const WAITING_LINES: ReadonlyMap<string, string> = new Map([
	['asking', 'agent-auth: waiting for your answer in the VS Code window'],
	['signingIn', 'agent-auth: waiting for the sign-in in the VS Code window'],
]);

/** What was asked for, or why there is none. */
export type Answer<K extends FinalReply['kind']> = Extract<FinalReply, { readonly kind: K }> | ErrorReply;

export type ErrorReply = Extract<FinalReply, { kind: 'error' }>;

export type Windows =
	| { readonly kind: 'windows'; readonly windows: readonly Descriptor[] }
	| { readonly kind: 'problem'; readonly code: string };

/**
 * The first answer about the matter; without one, what was the matter with the windows. Where the person may be asked, the
 * window whose terminal it is comes first: only if it is no window's terminal it is an outsider for the best of them.
 */
export async function askWindows<K extends FinalReply['kind']>(
	request: TerminalRequest,
	wanted: K,
): Promise<Answer<K>> {
	return answerOf(await askAll(request), wanted);
}

async function askAll(request: TerminalRequest): Promise<FinalReply> {
	const found = await findWindows();
	if (found.kind === 'problem') return failed(found.code);
	const asksPerson = request.kind === 'token' || request.kind === 'addKey';
	if (!asksPerson || found.windows.length < 2) return askInTurn(found.windows, request);
	const reply = await askInTurn(found.windows, { ...request, ownOnly: true });
	const isOutside = reply.kind === 'error' && reply.code === 'not_here';
	return isOutside ? askInTurn(found.windows, request) : reply;
}

async function askInTurn(windows: readonly Descriptor[], request: TerminalRequest): Promise<FinalReply> {
	let failure = failed('no_window');
	let silent: Descriptor | undefined;
	for (const window of windows) {
		const reply = await ask(window, request, ACCEPT_MS);
		if (reply.kind !== 'error') return reply;
		if (reply.code === 'silent') silent ??= window;
		else if (reply.code === 'no_window') continue;
		else if (reply.code !== 'lost' && reply.code !== 'unreadable_reply' && !TRY_NEXT_CODES.has(reply.code))
			return reply;
		// That it is no terminal of a window counts for more than the trouble of another one.
		if (failure.code !== 'not_here') failure = reply;
	}
	if (silent === undefined) return failure;
	const late = await ask(silent, request, PATIENT_ACCEPT_MS);
	return late.kind === 'error' && late.code === 'silent' ? failure : late;
}

/** A request for the token of the command line. */
export function tokenRequest(
	{ provider, bucket, minTtlS, signIn, scopes }: TokenChoice,
	use: string,
): Extract<TerminalRequest, { kind: 'token' }> {
	return {
		...{ kind: 'token', provider, ...caller(), signIn, use },
		...(bucket === undefined ? {} : { bucket }),
		...(minTtlS === undefined ? {} : { minTtlS }),
		...(scopes === undefined ? {} : { scopes: [...scopes] }),
	};
}

/** Who asks. It begins with this process, which in a token terminal is the terminal's own. */
export function caller(): { ancestors: number[]; cwd: string } {
	const own = process.platform === 'win32' ? process.ppid : process.pid;
	return { ancestors: ancestorPids(own, process.platform), cwd: currentFolder() };
}

/** Where this program lies. */
export function binFolder(): string {
	const [, program = ''] = process.argv;
	return path.dirname(program);
}

/** The launcher sets the variable; without it the program's own place tells, which is the `bin` beside `run`. */
export function runFolder(): string {
	return process.env.AGENT_AUTH_RUN || path.join(binFolder(), '..', 'run');
}

/** Best first. */
export async function findWindows(): Promise<Windows> {
	try {
		if (privacyProblemOf(lstatSync(runFolder())) !== undefined) return { kind: 'problem', code: 'open_folder' };
	} catch (error) {
		if (hasCode(error, 'ENOENT', 'ENOTDIR')) return { kind: 'problem', code: 'no_window' };
		throw error;
	}
	const files = await descriptorsIn(runFolder(), readsAtOnce);
	const descriptors = files.flatMap((entry) => (entry.kind === 'descriptor' ? [entry.descriptor] : []));
	return { kind: 'windows', windows: orderByWorkspace(descriptors, currentFolder()) };
}

/** One window alone, without patience for one that is busy. */
export async function askOnly<K extends FinalReply['kind']>(
	window: Descriptor,
	request: TerminalRequest,
	wanted: K,
): Promise<Answer<K>> {
	return answerOf(await ask(window, request, ACCEPT_MS), wanted);
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

function answerOf<K extends FinalReply['kind']>(reply: FinalReply, wanted: K): Answer<K> {
	return reply.kind === 'error' || isOf(reply, wanted) ? reply : failed('unexpected_reply');
}

function isOf<K extends FinalReply['kind']>(
	reply: FinalReply,
	kind: K,
): reply is Extract<FinalReply, { readonly kind: K }> {
	return reply.kind === kind;
}

function failed(code: string): ErrorReply {
	return { kind: 'error', code };
}

/** Only for a person: a program gets one line at most, and only when it failed. */
function sayWaiting(step: string): void {
	const line = WAITING_LINES.get(step);
	if (process.stderr.isTTY && line !== undefined) writeError(`${line}\n`);
}

/** Blank if it cannot be told: then no workspace matches. */
export function currentFolder(): string {
	try {
		return process.cwd();
	} catch {
		return ''; // The folder of a terminal can be deleted under it.
	}
}
