/** The questions before a sign-out. */
import * as vscode from 'vscode';
import type { Provider } from '../../auth/provider.ts';
import type { AutomaticSignOut } from '../../auth/session/sessionProvider.ts';
import type { Account, BucketSnapshot } from '../../auth/snapshot.ts';
import { bucketTitle } from '../accounts/bucketWords.ts';
import { plain } from '../localizer.ts';

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

/** What a person may choose; `everywhere` revokes the grant and opens the service's own page for signing out. */
export type SignOutWay = 'forget' | 'revoke' | 'everywhere';

/** @returns undefined if the person wants to stay. */
export async function askHowToSignOut(
	provider: Provider,
	bucket: BucketSnapshot,
	can: { readonly revoke: boolean; readonly endSession: boolean },
): Promise<SignOutWay | undefined> {
	// A row shows some 85 characters; the rest would be cut off.
	const items: (vscode.QuickPickItem & { readonly way: SignOutWay })[] = [
		{ way: 'forget', label: vscode.l10n.t('Forget Here'), detail: forgetDetail(bucket, can.revoke) },
		{
			way: 'revoke',
			label: vscode.l10n.t('Sign Out and Revoke'),
			detail: vscode.l10n.t('The service ends this sign-in first. If that fails, the account stays here.'),
		},
		{
			way: 'everywhere',
			label: vscode.l10n.t('Sign Out Everywhere'),
			detail: vscode.l10n.t("The same, then the service's own page for signing out opens in the browser."),
		},
	];
	const offered = can.endSession ? items : can.revoke ? items.slice(0, 2) : items.slice(0, 1);
	const picked = await vscode.window.showQuickPick(offered, {
		title: vscode.l10n.t('Sign out of {0} as {1}', plain(provider.label), plain(bucketTitle(bucket))),
		placeHolder: vscode.l10n.t('What shall happen?'),
	});
	return picked?.way;
}

function forgetDetail({ kind }: BucketSnapshot, canRevoke: boolean): string {
	switch (kind) {
		case 'oauth':
			return canRevoke
				? vscode.l10n.t(
						'Every window and terminal loses it at once. The service is not told, so its sign-in lives on until it expires.',
					)
				: vscode.l10n.t('Every window and terminal loses it. What cannot be read cannot be revoked either.');
		case 'apiKey':
			return vscode.l10n.t('Every window and terminal loses the key. It stays valid until the service deletes it.');
		case 'reference':
			return vscode.l10n.t('The command stays in the settings; it is not run for this account any more.');
		default:
			return kind satisfies never;
	}
}

/** @param reason why the service did not revoke it, as a sentence. */
export async function askToForgetAnyway(provider: Provider, bucket: BucketSnapshot, reason: string): Promise<boolean> {
	const forget = vscode.l10n.t('Forget Here Anyway');
	const answer = await vscode.window.showWarningMessage(
		vscode.l10n.t('{0} was not signed out: {1} did not revoke it.', plain(bucket.account.label), plain(provider.label)),
		{
			modal: true,
			detail: vscode.l10n.t(
				'{0} The account is kept, so that you can try again. If it is forgotten here, the service may accept its tokens until they end.',
				reason,
			),
		},
		forget,
	);
	return answer === forget;
}
