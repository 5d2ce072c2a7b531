/** What terminals are told and what the person is asked about them: whether one may have a service's tokens. */
import * as vscode from 'vscode';
import type { Provider } from '../auth/provider.ts';
import type { Consumer } from '../auth/terminal/access.ts';
import { plain } from './localizer.ts';

export async function askTerminalConsent(consumer: Consumer, provider: Provider): Promise<boolean> {
	const service = plain(provider.label);
	const allow: vscode.MessageItem = { title: vscode.l10n.t('Allow') };
	const deny: vscode.MessageItem = { title: vscode.l10n.t("Don't Allow"), isCloseAffordance: true };
	const answer = await vscode.window.showWarningMessage(
		consumer.kind === 'terminal'
			? vscode.l10n.t('Allow the terminal "{0}" to use your {1} account?', plain(consumer.name), service)
			: vscode.l10n.t("Allow a program outside of this window's terminals to use your {0} account?", service),
		{
			modal: true,
			detail:
				consumer.kind === 'terminal'
					? vscode.l10n.t(
							'Everything that runs in it can then get access tokens for {0}, until the terminal is closed.',
							service,
						)
					: vscode.l10n.t(
							'Programs of your user account can then get access tokens for {0}, until this window is closed. Allow it only if you have just started one.',
							service,
						),
		},
		allow,
		deny,
	);
	return answer === allow;
}

/** Shown by VS Code with the environment of a terminal. */
export function terminalDescription(): string {
	return vscode.l10n.t('Puts the command `agent-auth` on the PATH. It holds no token.');
}
