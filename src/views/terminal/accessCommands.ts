/** Taking access back: what a person decided about terminals, and the way to VS Code's own list of extensions. */
import * as vscode from 'vscode';
import { AUTOMATIC } from '../../auth/buckets/accounts.ts';
import { authenticationProviderId } from '../../auth/provider.ts';
import type { ProviderSnapshot } from '../../auth/snapshot.ts';
import type { Consents } from '../../auth/terminal/consents.ts';

/** Commands can be called by anybody with anything. Revoking needs no question: the next request asks again. */
export async function revokeAccess(consents: Consents, args: readonly unknown[]): Promise<void> {
	const ids = selected(args).flatMap((node) =>
		'consentId' in node && typeof node.consentId === 'string' ? [node.consentId] : [],
	);
	for (const id of ids) consents.revoke(id);
	if (ids.length === 0) void vscode.window.showInformationMessage(vscode.l10n.t('Choose what to revoke in the view.'));
}

/** The node that was clicked, or all that were selected. */
export function selected([node, all]: readonly unknown[]): readonly object[] {
	const nodes: readonly unknown[] = Array.isArray(all) && all.length > 0 ? all : [node];
	return nodes.filter((one) => typeof one === 'object' && one !== null);
}

/** The connection of the node that a command was called on. */
export function connectionOf(args: readonly unknown[]): string | undefined {
	const node = selected(args)[0];
	return node && 'connectionId' in node && typeof node.connectionId === 'string' ? node.connectionId : undefined;
}

/** Internal commands of VS Code, which asks for the account by itself where the first one is not there. */
const MANAGE_EXTENSIONS = '_manageTrustedExtensionsForAccount';

export async function manageTrustedExtensions(provider: ProviderSnapshot): Promise<void> {
	const { id } = provider.provider;
	const accountLabel = await pickAccount(provider);
	if (accountLabel === undefined) return;
	await vscode.commands.executeCommand(MANAGE_EXTENSIONS, { providerId: authenticationProviderId(id), accountLabel });
}

async function pickAccount({ buckets }: ProviderSnapshot): Promise<string | undefined> {
	const labels = [...new Set([AUTOMATIC, ...buckets.map(({ account }) => account.label)])];
	if (labels.length === 1) return labels[0];
	return vscode.window.showQuickPick(labels, { placeHolder: vscode.l10n.t('Extensions of which account?') });
}
