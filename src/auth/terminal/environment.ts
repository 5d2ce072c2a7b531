/**
 * What terminals find in their environment: `agent-auth` on PATH and where windows announce themselves. Both are
 * pointers that never change, because VS Code stores them as plain text and marks every terminal for relaunch when
 * they differ. Nothing secret is ever put here.
 */
import path from 'node:path';
import * as vscode from 'vscode';
import type { TerminalFolders } from './folders.ts';

const SECTION = 'agentAuth.terminal';
const ENABLED_KEY = 'enabled';
const RUN_VARIABLE = 'AGENT_AUTH_RUN';

type Contribution = { readonly type: vscode.EnvironmentVariableMutatorType; readonly value: string };

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
	const present: string[] = [];
	collection.forEach((variable) => {
		present.push(variable);
	});
	for (const variable of present) {
		if (!wanted.has(variable)) collection.delete(variable);
	}
	if (wanted.size === 0) return;
	if (!collection.persistent) collection.persistent = true;
	if (collection.description !== description) collection.description = description;
	for (const [variable, contribution] of wanted) {
		if (isPresent(collection.get(variable), contribution)) continue;
		// At shell integration as well, because login shells put PATH together anew.
		const when = { applyAtProcessCreation: true, applyAtShellIntegration: true };
		if (contribution.type === vscode.EnvironmentVariableMutatorType.Prepend) {
			collection.prepend(variable, contribution.value, when);
		} else {
			collection.replace(variable, contribution.value, when);
		}
	}
}

function contributions(folders: TerminalFolders): Map<string, Contribution> {
	return new Map([
		['PATH', { type: vscode.EnvironmentVariableMutatorType.Prepend, value: folders.bin + path.delimiter }],
		[RUN_VARIABLE, { type: vscode.EnvironmentVariableMutatorType.Replace, value: folders.run }],
	]);
}

/** On the desktop the terminals of a remote window run elsewhere, where these folders mean nothing. */
function isWanted(context: EnvironmentOptions['context']): boolean {
	const isElsewhere =
		vscode.env.remoteName !== undefined && context.extension.extensionKind === vscode.ExtensionKind.UI;
	return !isElsewhere && vscode.workspace.getConfiguration(SECTION).get(ENABLED_KEY, true);
}

function isPresent(mutator: vscode.EnvironmentVariableMutator | undefined, wanted: Contribution): boolean {
	return (
		mutator?.type === wanted.type &&
		mutator.value === wanted.value &&
		mutator.options.applyAtProcessCreation === true &&
		mutator.options.applyAtShellIntegration === true
	);
}
