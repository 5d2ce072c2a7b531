/**
 * What terminals find in their environment: `agent-auth` on PATH and where windows announce themselves. Both are
 * pointers that never change, because VS Code stores them as plain text and marks every terminal for relaunch when
 * they differ. Nothing secret is ever put here.
 */
import path from 'node:path';
import * as vscode from 'vscode';
import {
	type Contribution,
	environmentChanges,
	type PresentContribution,
	terminalsRunElsewhere,
	WHEN,
} from './environmentChanges.ts';
import type { TerminalFolders } from './folders.ts';

const SECTION = 'agentAuth.terminal';
const ENABLED_KEY = 'enabled';
const RUN_VARIABLE = 'AGENT_AUTH_RUN';

export type EnvironmentOptions = {
	readonly context: Pick<vscode.ExtensionContext, 'environmentVariableCollection' | 'extension'>;
	readonly folders: TerminalFolders;
	/** Shown by VS Code on the terminal's tab. */
	readonly description: string;
};

/** Synchronous, so that the first terminal of the window has it. Follows the setting until it is disposed. */
export function contributeTerminalEnvironment(options: EnvironmentOptions): vscode.Disposable {
	apply(options);
	return vscode.workspace.onDidChangeConfiguration((event) => {
		if (event.affectsConfiguration(`${SECTION}.${ENABLED_KEY}`)) apply(options);
	});
}

function apply({ context, folders, description }: EnvironmentOptions): void {
	const collection = context.environmentVariableCollection;
	const wanted = isWanted(context) ? contributions(folders) : new Map<string, Contribution>();
	const present = new Map<string, PresentContribution>();
	collection.forEach((variable, contribution) => {
		present.set(variable, contribution);
	});
	const { remove, put } = environmentChanges(present, wanted);
	for (const variable of remove) collection.delete(variable);
	if (wanted.size === 0) return;
	if (!collection.persistent) collection.persistent = true;
	if (collection.description !== description) collection.description = description;
	for (const [variable, { type, value }] of put) {
		if (type === vscode.EnvironmentVariableMutatorType.Prepend) collection.prepend(variable, value, WHEN);
		else collection.replace(variable, value, WHEN);
	}
}

function contributions(folders: TerminalFolders): Map<string, Contribution> {
	return new Map([
		['PATH', { type: vscode.EnvironmentVariableMutatorType.Prepend, value: folders.bin + path.delimiter }],
		[RUN_VARIABLE, { type: vscode.EnvironmentVariableMutatorType.Replace, value: folders.run }],
	]);
}

function isWanted(context: EnvironmentOptions['context']): boolean {
	const isUi = context.extension.extensionKind === vscode.ExtensionKind.UI;
	if (terminalsRunElsewhere({ remoteName: vscode.env.remoteName, isUi })) return false;
	return vscode.workspace.getConfiguration(SECTION).get(ENABLED_KEY, true);
}
