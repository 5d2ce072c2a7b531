/** Asks for the address that the browser ended at, where it cannot come back by itself. */
import * as vscode from 'vscode';
import { createDisposables } from '../../auth/event.ts';
import type { Provider } from '../../auth/provider.ts';
import type { PasteProblem } from '../../auth/signIn/ui.ts';
import { openBrowser } from './openBrowser.ts';

export type RedirectQuestion = {
	readonly provider: Provider;
	readonly authorizationUrl: string;
	/** What was wrong with the address before. */
	readonly problem: PasteProblem | undefined;
	/** Closes the box. */
	readonly signal: AbortSignal;
	/** The person wants to sign in otherwise. */
	readonly onAnotherWay: () => void;
};

/** The text as pasted, trimmed; undefined if the person gave up or the signal aborted. Survives the loss of focus. */
export function askForRedirectUrl(question: RedirectQuestion): Promise<string | undefined> {
	const { provider, authorizationUrl, problem, signal } = question;
	const disposables = createDisposables();
	const input = disposables.add(vscode.window.createInputBox());
	const openButton: vscode.QuickInputButton = {
		iconPath: new vscode.ThemeIcon('link-external'),
		tooltip: vscode.l10n.t('Open the Sign-In Page'),
	};
	const copyButton: vscode.QuickInputButton = {
		iconPath: new vscode.ThemeIcon('copy'),
		tooltip: vscode.l10n.t('Copy the Link to the Sign-In Page'),
	};
	const otherButton: vscode.QuickInputButton = {
		iconPath: new vscode.ThemeIcon('arrow-swap'),
		tooltip: vscode.l10n.t('Another Way…'),
	};
	input.title = vscode.l10n.t('Sign in to {0}', provider.label);
	input.prompt = vscode.l10n.t(
		'Sign in in the browser. It ends at a page that cannot be shown: paste the address of that page here.',
	);
	input.placeholder = 'http://127.0.0.1:…/callback?code=…&state=…';
	input.ignoreFocusOut = true;
	input.buttons = [openButton, copyButton, otherButton];
	if (problem !== undefined) input.validationMessage = problemText(problem);
	return new Promise<string | undefined>((resolve) => {
		const finish = (value: string | undefined): void => {
			resolve(value);
			disposables.dispose();
			signal.removeEventListener('abort', giveUp);
		};
		const giveUp = (): void => finish(undefined);
		if (signal.aborted) return giveUp();
		signal.addEventListener('abort', giveUp, { once: true });
		disposables.add(input.onDidHide(giveUp));
		disposables.add(
			input.onDidTriggerButton((button) => {
				if (button === openButton) void openBrowser(authorizationUrl);
				else if (button === copyButton) void vscode.env.clipboard.writeText(authorizationUrl);
				else question.onAnotherWay();
			}),
		);
		disposables.add(
			input.onDidChangeValue(() => {
				input.validationMessage = undefined;
			}),
		);
		disposables.add(input.onDidAccept(() => finish(input.value.trim())));
		input.show();
	});
}

function problemText(problem: PasteProblem): string {
	switch (problem) {
		case 'notAnAddress':
			return vscode.l10n.t('This is not an address. Copy the whole address line of the browser.');
		case 'signInPage':
			return vscode.l10n.t('This is the sign-in page. Sign in there first, then paste the address it ends at.');
		case 'otherAttempt':
			return vscode.l10n.t('This address is of another sign-in. Paste the one of the newest page.');
		case 'incomplete':
			return vscode.l10n.t('This is not the whole address: it contains code=… or error=…');
		default:
			return problem satisfies never;
	}
}
