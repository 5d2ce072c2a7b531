/** The shells of this window's terminals, as VS Code knows them. */
import * as vscode from 'vscode';
import { type Clock, withDeadline } from '../clock.ts';
import { isAuthError } from '../errors.ts';
import type { TerminalProcess } from './consumer.ts';
import { terminalName } from './terminalName.ts';

/** A terminal that is still starting has no pid; whoever asks from inside one that runs does not wait for it. */
const PID_LIMIT_MS = 1_000;

export async function readTerminals(clock: Clock): Promise<TerminalProcess[]> {
	const read = await Promise.all(vscode.window.terminals.map((terminal) => readTerminal(terminal, clock)));
	return read.filter((terminal) => terminal !== undefined);
}

async function readTerminal(terminal: vscode.Terminal, clock: Clock): Promise<TerminalProcess | undefined> {
	try {
		const pid = await withDeadline(clock, Promise.resolve(terminal.processId), PID_LIMIT_MS);
		return pid === undefined ? undefined : { pid, name: nameOf(terminal) };
	} catch (error) {
		if (isAuthError(error, 'timeout')) return undefined;
		throw error;
	}
}

function nameOf({ name, creationOptions }: vscode.Terminal): string {
	const shellPath = 'shellPath' in creationOptions ? creationOptions.shellPath : undefined;
	return terminalName({ name, shellPath, defaultShell: vscode.env.shell }, process.execPath);
}
