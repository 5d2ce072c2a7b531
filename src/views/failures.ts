/** Shows failures: the sentence of `messages.ts` with its one action. */
import * as vscode from 'vscode';
import { isAuthError } from '../auth/errors.ts';
import { describeError, type Logger } from '../auth/log.ts';
import type { AuthService } from '../auth/service.ts';
import { display } from './display.ts';
import { type CommandId, EXTENSION_ID, VIEW_ID } from './ids.ts';
import { type FailureAction, failureMessage } from './messages.ts';

export type Failures = {
	/** The sentence alone, for those who show it themselves. */
	describe(error: unknown): string;
	/** For something the person has just asked for. A cancellation is no news to the one who cancelled. */
	show(error: unknown): void;
};

export function createFailures(service: Pick<AuthService, 'snapshot'>, log: Logger): Failures {
	const labelOf = (id: string): string | undefined =>
		service.snapshot().providers.find(({ provider }) => provider.id === id)?.provider.label;

	async function present(error: unknown): Promise<void> {
		const { text, action } = failureMessage(error, labelOf, display);
		const title = action === undefined ? undefined : actionTitle(action);
		const answer = await vscode.window.showErrorMessage(text, ...(title === undefined ? [] : [title]));
		if (answer !== undefined && action !== undefined) {
			await perform(action, isAuthError(error) ? error.detail.provider : undefined);
		}
	}

	function show(error: unknown): void {
		// A cancellation that went through VS Code comes back as a plain error of this name.
		if (isAuthError(error, 'cancelled') || (error instanceof Error && error.name === 'Canceled')) return;
		log.error(`shown: ${describeError(error)}`);
		present(error).catch((cause: unknown) => log.warn(`message failed: ${describeError(cause)}`));
	}

	return {
		describe: (error) => failureMessage(error, labelOf, display).text,
		show,
	};
}

/** The commands are not there in this case, so the action is handed in. */
export function showActivationFailure(showLog: () => void): void {
	const title = vscode.l10n.t('Show Log');
	void vscode.window
		.showErrorMessage(vscode.l10n.t('Agent Auth could not start. Nobody was signed out.'), title)
		.then((answer) => answer === title && showLog());
}

function actionTitle(action: FailureAction): string {
	switch (action) {
		case 'signIn':
			return vscode.l10n.t('Sign In');
		case 'retryVault':
			return vscode.l10n.t('Look for the Key Again');
		case 'openSettings':
			return vscode.l10n.t('Open Settings');
		case 'showLog':
			return vscode.l10n.t('Show Log');
		case 'updateExtension':
			return vscode.l10n.t('Show Extension');
		case 'manageTrust':
			return vscode.l10n.t('Manage Trust');
		case 'decide':
			return vscode.l10n.t('Decide…');
		case 'bind':
			return vscode.l10n.t('Change Account of This Workspace…');
		case 'showAccounts':
			return vscode.l10n.t('Show Accounts');
		default:
			return action satisfies never;
	}
}

async function perform(action: FailureAction, providerId: string | undefined): Promise<void> {
	const run = (command: CommandId, ...args: unknown[]): Thenable<unknown> =>
		vscode.commands.executeCommand(command, ...args);
	switch (action) {
		case 'signIn':
			await run('agentAuth.signIn', ...(providerId === undefined ? [] : [{ providerId }]));
			return;
		case 'retryVault':
			await run('agentAuth.retryVault');
			return;
		case 'openSettings':
			await vscode.commands.executeCommand('workbench.action.openSettings', `@ext:${EXTENSION_ID}`);
			return;
		case 'showLog':
			await run('agentAuth.showLog');
			return;
		case 'updateExtension':
			await vscode.commands.executeCommand('extension.open', EXTENSION_ID);
			return;
		case 'manageTrust':
			await vscode.commands.executeCommand('workbench.trust.manage');
			return;
		case 'decide':
			await run('agentAuth.decideCrossing', ...(providerId === undefined ? [] : [{ providerId }]));
			return;
		case 'bind':
			await run('agentAuth.bindWorkspace', ...(providerId === undefined ? [] : [{ providerId }]));
			return;
		case 'showAccounts':
			await vscode.commands.executeCommand(`${VIEW_ID}.focus`);
			return;
		default:
			action satisfies never;
	}
}
