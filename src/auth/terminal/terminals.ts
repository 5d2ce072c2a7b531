/** The shells of this window's terminals, as VS Code knows them. */
import path from 'node:path';
import * as vscode from 'vscode';
import { type Clock, withDeadline } from '../clock.ts';
import { isAuthError } from '../errors.ts';
import type { TerminalProcess } from './consumer.ts';

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

/**
 * VS Code names a terminal by the program in front, unless the person named it. While a terminal asks, that is the helper:
 * then its shell says more than the launcher's `sh` or the editor's own Node.
 */
function nameOf({ name, creationOptions }: vscode.Terminal): string {
	if (name !== path.parse(process.execPath).name && name !== 'sh') return name;
	const shell = 'shellPath' in creationOptions ? creationOptions.shellPath : undefined;
	return path.parse(shell ?? vscode.env.shell).name || name;
}
