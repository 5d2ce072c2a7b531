/** The questions before a sign-out. */
import * as vscode from 'vscode';
import type { Provider } from '../auth/provider.ts';
import type { AutomaticSignOut } from '../auth/session/sessionProvider.ts';
import type { Account, BucketSnapshot } from '../auth/snapshot.ts';
import { plain } from './localizer.ts';

/** "Automatic" is no account of its own, so signing out of it can mean two things. */
export async function askSignOutAutomatic(provider: Provider, accounts: readonly Account[]): Promise<AutomaticSignOut> {
	const service = plain(provider.label);
	const revoke = vscode.l10n.t('Take Back Access Only');
	const signOut =
		accounts.length === 1
			? vscode.l10n.t('Sign Out of the Account')
			: vscode.l10n.t('Sign Out of {0} Accounts', accounts.length);
	const answer = await vscode.window.showWarningMessage(
		vscode.l10n.t('What shall signing out of "Automatic" do for {0}?', service),
		{
			modal: true,
			detail: [
				vscode.l10n.t('Extensions lose the access that you gave them in either case. These accounts are signed in:'),
				...accounts.map((account) => `• ${plain(account.label)}`),
			].join('\n'),
		},
		revoke,
		signOut,
	);
	return answer === revoke ? 'revokeExtensionsOnly' : answer === signOut ? 'accounts' : 'cancel';
}

export async function confirmSignOut(provider: Provider, bucket: BucketSnapshot): Promise<boolean> {
	const signOut = vscode.l10n.t('Sign Out');
	const answer = await vscode.window.showWarningMessage(
		vscode.l10n.t('Sign out of {0} as {1}?', plain(provider.label), plain(bucket.account.label)),
		{ modal: true, detail: vscode.l10n.t('This signs out every window, extension and terminal.') },
		signOut,
	);
	return answer === signOut;
}
