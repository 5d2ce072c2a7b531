/** A workspace's own file names an account: it counts after the person said so, once for each workspace. */
import * as vscode from 'vscode';
import { createDisposables, type Disposable } from '../../auth/event.ts';
import { describeError, type Logger } from '../../auth/log.ts';
import type { AuthService } from '../../auth/service.ts';
import type { ProviderSnapshot } from '../../auth/snapshot.ts';
import { plain } from '../localizer.ts';

export function followBindings(service: AuthService, log: Logger): Disposable {
	/** Asked in this window. Who closes the question without an answer is asked again in the next one. */
	const asked = new Set<string>();

	async function consider({ provider, buckets, binding }: ProviderSnapshot): Promise<void> {
		if (binding?.kind !== 'unconfirmed' || !vscode.workspace.isTrusted) return;
		const { bucketName, workspace, fromWorkspace } = binding.binding;
		if (!fromWorkspace) return;
		const key = JSON.stringify([provider.id, bucketName, workspace]);
		if (asked.has(key)) return;
		asked.add(key);
		const [account, label] = [plain(bucketName), plain(provider.label)];
		const text = buckets.some(({ name }) => name === bucketName)
			? vscode.l10n.t('This workspace wants to use the account "{0}" of {1}.', account, label)
			: vscode.l10n.t(
					'This workspace wants to use the account "{0}" of {1}, which you do not have. If you agree, it gets no other one.',
					account,
					label,
				);
		const use = vscode.l10n.t('Use It');
		const decline = vscode.l10n.t("Don't");
		const answer = await vscode.window.showInformationMessage(text, use, decline);
		if (answer === undefined) return;
		await service.confirmBinding({ providerId: provider.id, bucketName, workspace }, answer === use);
	}

	function look(): void {
		const { loaded, providers } = service.snapshot();
		// Before that it is not known what was answered.
		if (!loaded) return;
		for (const provider of providers)
			consider(provider).catch((error: unknown) => log.warn(`binding question: ${describeError(error)}`));
	}

	const disposables = createDisposables();
	disposables.add(service.onDidChange(look));
	disposables.add(vscode.workspace.onDidGrantWorkspaceTrust(look));
	look();
	return disposables;
}
