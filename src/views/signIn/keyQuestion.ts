/** What to do when a sign-in has no safe place for what it brings: asked before the person signs in. */
import * as vscode from 'vscode';
import type { KeyDecision, KeyTrouble } from '../../auth/service/signIns.ts';

type Choice = vscode.MessageItem & { readonly decision: KeyDecision };

export async function askAboutKey(trouble: KeyTrouble, signal: AbortSignal): Promise<KeyDecision> {
	if (signal.aborted) return 'cancel';
	const { message, detail, choices } = questionFor(trouble);
	const answer = await vscode.window.showWarningMessage(message, { modal: true, detail }, ...choices);
	if (answer === undefined || signal.aborted) return 'cancel';
	if (answer.decision === 'startOver' && !(await confirmStartOver())) return 'cancel';
	return answer.decision;
}

function questionFor(trouble: KeyTrouble): { message: string; detail: string; choices: readonly Choice[] } {
	const retry: Choice = { title: vscode.l10n.t('Try Again'), decision: 'retry' };
	const startOver: Choice = { title: vscode.l10n.t('Start Over'), decision: 'startOver' };
	const sessionOnly: Choice = { title: vscode.l10n.t('Only for This Window'), decision: 'sessionOnly' };
	switch (trouble) {
		case 'notKept':
			return {
				message: vscode.l10n.t('This system does not keep secrets for VS Code.'),
				detail: vscode.l10n.t(
					'Your sign-ins are encrypted, and their key needs a place. A key file that only your user account can read is less safe than a keyring: whoever can read your files can use it. Without one, the sign-in lasts until this window is closed.',
				),
				choices: [{ title: vscode.l10n.t('Use a Key File'), decision: 'keyFile' }, sessionOnly, retry],
			};
		case 'forgotten':
			return {
				message: vscode.l10n.t('VS Code forgets secrets on this system when a window closes.'),
				detail: vscode.l10n.t(
					'That happens without a keyring. The sign-ins stored so far cannot be opened any more: you sign in to every service again. A key file that only your user account can read keeps them from now on. It is less safe than a keyring: whoever can read your files can use it.',
				),
				choices: [{ title: vscode.l10n.t('Use a Key File'), decision: 'keyFile' }, sessionOnly, retry],
			};
		case 'missing':
			return {
				message: vscode.l10n.t('The key that opens your stored sign-ins is missing.'),
				detail: vscode.l10n.t(
					'They are kept, and open again when the key returns, for example when the keyring is unlocked. Starting over makes a new key: you sign in to every service again.',
				),
				choices: [retry, sessionOnly, startOver],
			};
		case 'unreadable':
			return {
				message: vscode.l10n.t('The place that keeps the key of your stored sign-ins does not answer.'),
				detail: vscode.l10n.t(
					'They are kept, and open again when it answers: unlock your keyring or password store, or reload the window. Starting over makes a new key: you sign in to every service again.',
				),
				choices: [retry, sessionOnly, startOver],
			};
		case 'storage':
			return {
				message: vscode.l10n.t('The folder for your sign-ins cannot be used.'),
				detail: vscode.l10n.t(
					'Check that the disk is not full and that the folder belongs to you. Meanwhile a sign-in can last until this window is closed.',
				),
				choices: [retry, sessionOnly],
			};
		default:
			return trouble satisfies never;
	}
}

async function confirmStartOver(): Promise<boolean> {
	const startOver = vscode.l10n.t('Start Over');
	const answer = await vscode.window.showWarningMessage(
		vscode.l10n.t('Start over with a new key?'),
		{
			modal: true,
			detail: vscode.l10n.t('The stored sign-ins stay on disk, but nothing opens them unless the old key returns.'),
		},
		startOver,
	);
	return answer === startOver;
}
