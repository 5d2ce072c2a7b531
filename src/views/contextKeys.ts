/** The context keys that package.json asks for in its when-clauses, and the only place that sets them. */
import * as vscode from 'vscode';
import type { ViewState } from './accounts/accountsModel.ts';

export type ContextValues = {
	/** Which welcome the accounts view shows. Not set before activation, which counts as `loading`. */
	'agentAuth.view': ViewState;
	/** How many accounts of all services there are. */
	'agentAuth.accountCount': number;
	/**
	 * The walkthrough was opened here. VS Code looks at conditions when they change, not at those that held before it knew
	 * the steps; with this one they change afterwards.
	 */
	'agentAuth.guideOpened': boolean;
	/** A terminal asked for a token, now or earlier. */
	'agentAuth.terminalServed': boolean;
};

export function setContext<K extends keyof ContextValues>(key: K, value: ContextValues[K]): void {
	void vscode.commands.executeCommand('setContext', key, value);
}
