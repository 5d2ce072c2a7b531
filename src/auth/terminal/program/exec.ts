/**
 * `agent-auth exec`: runs a command with the token in its environment, for tools that know nothing else. The token is in
 * no argument and in no other process's environment. It ends like the command: with its status, or by its signal.
 */
import { constants } from 'node:os';
import { hasCode } from '../atomicFile.ts';
import type { Command } from '../commandLine.ts';
import { isoTime } from '../isoTime.ts';
import type { FinalReply } from '../protocol.ts';
import { writeError } from './output.ts';
import { printFailure } from './print.ts';
import { askWindows, tokenRequest } from './windows.ts';

const DEFAULT_ENVIRONMENT: Readonly<Record<string, string>> = { AGENT_AUTH_TOKEN: 'token' };

/** As shells say it. */
const EXIT_NOT_EXECUTABLE = 126;
const EXIT_NOT_FOUND = 127;

/** A terminal sends these to the command itself, which is in the same group; sent to us alone they are passed on. */
const TERMINAL_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];
const OTHER_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'];

/** The longest time a timer can hold. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export async function runExec(command: Extract<Command, { kind: 'exec' }>): Promise<number> {
	const reply = await askWindows(tokenRequest(command, 'exec'), 'token');
	if (reply.kind === 'error') return printFailure(reply);
	const notice = command.noticesEnd ? noticeEnd(command.provider, reply.expiresAtMs) : undefined;
	try {
		return await run(command.command, childEnvironment(process.env, reply));
	} finally {
		clearTimeout(notice);
	}
}

/** The caller's own environment, without what the launcher needed, with what the settings of the provider name. */
export function childEnvironment(
	env: NodeJS.ProcessEnv,
	reply: Extract<FinalReply, { kind: 'token' }>,
): NodeJS.ProcessEnv {
	const { AGENT_AUTH_NODE_OPTIONS, AGENT_AUTH_RUN_AS_NODE, ELECTRON_RUN_AS_NODE: _, ...rest } = env;
	const values: Readonly<Record<string, string | undefined>> = {
		token: reply.accessToken,
		header: `Bearer ${reply.accessToken}`,
		expiresAt: isoTime(reply.expiresAtMs),
	};
	const variables = Object.entries(reply.environment ?? DEFAULT_ENVIRONMENT).flatMap(([name, kind]) => {
		const value = Object.hasOwn(values, kind) ? values[kind] : undefined;
		return value === undefined ? [] : [[name, value]];
	});
	return {
		...rest,
		...(AGENT_AUTH_NODE_OPTIONS === undefined ? {} : { NODE_OPTIONS: AGENT_AUTH_NODE_OPTIONS }),
		...(AGENT_AUTH_RUN_AS_NODE === undefined ? {} : { ELECTRON_RUN_AS_NODE: AGENT_AUTH_RUN_AS_NODE }),
		...Object.fromEntries(variables),
	};
}

function run([file = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
	return new Promise((resolve) => {
		// Before the command exists: a signal in between would end only this process and leave the command behind.
		// Handlers run when this turn is over, and then there is a command.
		const undo = passSignalsOn((signal) => child.kill(signal));
		// Loaded here, because the other commands do without it.
		const child = process
			.getBuiltinModule('node:child_process')
			.spawn(file, args, { stdio: 'inherit', env, windowsHide: false });
		child.on('error', (error) => {
			undo();
			writeError(`agent-auth: the command cannot be run${hasCode(error, 'ENOENT') ? ': not found' : ''}.\n`);
			resolve(hasCode(error, 'ENOENT') ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
		});
		child.on('exit', (status, signal) => {
			undo();
			if (signal === null) return resolve(status ?? 1);
			// The same end as the command's, so that shells and their loops see an interruption as one.
			resolve(128 + constants.signals[signal]);
			if (process.platform !== 'win32') process.kill(process.pid, signal);
		});
	});
}

function passSignalsOn(kill: (signal: NodeJS.Signals) => unknown): () => void {
	const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
	const handlers = new Map<NodeJS.Signals, () => void>();
	const handle = (signal: NodeJS.Signals, handler: () => void): void => {
		handlers.set(signal, handler);
		process.on(signal, handler);
	};
	for (const signal of TERMINAL_SIGNALS) handle(signal, atTerminal ? () => undefined : () => void kill(signal));
	if (process.platform !== 'win32') for (const signal of OTHER_SIGNALS) handle(signal, () => void kill(signal));
	return () => {
		for (const [signal, handler] of handlers) process.off(signal, handler);
	};
}

/** Said once on the terminal, where whoever sits there wonders why nothing works any more. */
function noticeEnd(provider: string, expiresAtMs: number | undefined): NodeJS.Timeout | undefined {
	if (expiresAtMs === undefined || !process.stderr.isTTY) return undefined;
	const delayMs = expiresAtMs - Date.now();
	if (delayMs > MAX_TIMER_MS) return undefined; // Nobody sits at one terminal for so long.
	return setTimeout(
		() => {
			writeError(`\r\nagent-auth: the token of ${provider} in this terminal has expired. Open a new one.\r\n`);
		},
		Math.max(0, delayMs),
	);
}
