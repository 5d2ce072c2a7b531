/** "Remove All Data": lists what goes, asks once, and says what could not be done. */
import path from 'node:path';
import * as vscode from 'vscode';
import { disconnectAll } from '../../auth/connect/disconnectAll.ts';
import type { RemovalPart } from '../../auth/service/removal.ts';
import type { AuthService } from '../../auth/service.ts';
import type { Consents } from '../../auth/terminal/consents.ts';
import { EXTENSION_ID } from '../ids.ts';
import { plain } from '../localizer.ts';

/** What a dialog can show at once. */
const MOST_LINES = 15;

/** The tools that were set up by this VS Code. */
export type ConnectedTools = {
	files(): Promise<readonly string[]>;
	/** Takes all of it back. @returns how many could not be. */
	disconnect(): Promise<number>;
};

/** Their parsers are a bundle of their own, loaded when it is needed. */
async function loadTools(): Promise<ConnectedTools> {
	const { createHostConnector } = await import('../../auth/connect/hostConnector.ts');
	const owner = path.dirname(vscode.extensions.getExtension(EXTENSION_ID)?.extensionPath ?? '');
	// The launcher is not needed to undo.
	const connector = createHostConnector('', owner);
	return {
		files: async () => (await connector.connections()).filter((one) => one.owner === owner).map(({ file }) => file),
		disconnect: async () => (await disconnectAll(connector, owner)).length,
	};
}

/**
 * @param consents what people decided about terminals, in this window as well
 * @param loadConnected the tools; another one in tests
 */
export async function removeData(
	service: Pick<AuthService, 'snapshot' | 'storedData'>,
	consents: Consents,
	loadConnected: () => Promise<ConnectedTools> = loadTools,
): Promise<void> {
	const tools = await loadConnected();
	const files = await tools.files();
	if (!(await confirm(service, files))) return;
	await vscode.window.withProgress(
		{ location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Removing all data of Agent Auth') },
		async () => {
			const stayed = await tools.disconnect();
			for (const { id } of await consents.list().catch(() => [])) consents.revoke(id); // Their files go in any case.
			const { left, notRevoked } = await service.storedData.remove();
			report(left, stayed, notRevoked);
		},
	);
}

async function confirm(
	service: Pick<AuthService, 'snapshot' | 'storedData'>,
	files: readonly string[],
): Promise<boolean> {
	const { accounts, strayRecords } = await service.storedData.list();
	const labels = new Map(service.snapshot().providers.map(({ provider }) => [provider.id, provider.label]));
	const lines = accounts.map(
		({ providerId, label }) => `• ${plain(labels.get(providerId) ?? providerId)}: ${plain(label)}`,
	);
	const shown = lines.slice(0, MOST_LINES);
	if (lines.length > shown.length) shown.push(vscode.l10n.t('• and {0} more accounts', lines.length - shown.length));
	if (strayRecords > 0) shown.push(vscode.l10n.t('• {0} stored sign-ins that belong to no account', strayRecords));
	for (const file of files) shown.push(vscode.l10n.t('• what was changed in {0}', plain(file)));
	shown.push(
		vscode.l10n.t('• the key of the stored sign-ins, what you allowed terminals, and the list of who got a token'),
	);
	const remove = vscode.l10n.t('Remove All Data');
	const answer = await vscode.window.showWarningMessage(
		vscode.l10n.t('Remove all data of Agent Auth? This counts for every window and cannot be undone.'),
		{
			modal: true,
			detail: [
				shown.join('\n'),
				vscode.l10n.t(
					'Services are told that the sign-ins have ended, where they can be. The settings stay, and so does what you allowed extensions: VS Code keeps that, see "Manage Trusted Extensions".',
				),
			].join('\n\n'),
		},
		remove,
	);
	return answer === remove;
}

function report(left: readonly RemovalPart[], stayed: number, notRevoked: number): void {
	const parts = left.map(partText);
	if (stayed > 0) parts.push(vscode.l10n.t('changes in files of {0} tools', stayed));
	const told =
		notRevoked === 0
			? []
			: [vscode.l10n.t('{0} sign-ins could not be ended at their service, which may accept them still.', notRevoked)];
	if (parts.length === 0) {
		const text = [vscode.l10n.t('All data of Agent Auth was removed.'), ...told].join(' ');
		void vscode.window.showInformationMessage(text);
		return;
	}
	const failed = vscode.l10n.t('Not everything could be removed: {0}. Run the command again.', parts.join(', '));
	void vscode.window.showErrorMessage([failed, ...told].join(' '));
}

function partText(part: RemovalPart): string {
	switch (part) {
		case 'accounts':
			return vscode.l10n.t('accounts');
		case 'keys':
			return vscode.l10n.t('the key');
		case 'files':
			return vscode.l10n.t('files');
		default:
			return part satisfies never;
	}
}
