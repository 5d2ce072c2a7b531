/** Tells the person that every account of a service is exhausted: one window for all, once per reset time. */
import * as vscode from 'vscode';
import type { Disposable } from '../../auth/event.ts';
import { describeError, type Logger } from '../../auth/log.ts';
import type { AuthService } from '../../auth/service.ts';
import { display } from '../display.ts';
import { type CommandId, VIEW_ID } from '../ids.ts';
import { type Exhaustion, exhaustionAction, exhaustionText, newExhaustions } from './exhaustion.ts';

export function followExhaustion(service: AuthService, log: Logger): Disposable {
	const seen = new Set<string>();
	let before = service.snapshot();

	async function tell(exhaustion: Exhaustion): Promise<void> {
		const { provider, bucketId, key } = exhaustion;
		const id = provider.provider.id;
		const known = `${id} ${key}`;
		if (seen.has(known) || !vscode.workspace.isTrusted) return;
		seen.add(known);
		if (!(await service.claimMessage(id, bucketId, key))) return;
		const action = exhaustionAction(exhaustion);
		const title = action === 'addAccount' ? vscode.l10n.t('Add Account') : vscode.l10n.t('Show Accounts');
		const text = exhaustionText(exhaustion, Date.now(), display);
		if ((await vscode.window.showWarningMessage(text, title)) !== title) return;
		const addAccount: CommandId = 'agentAuth.addAccount';
		if (action === 'addAccount') await vscode.commands.executeCommand(addAccount, { providerId: id });
		else await vscode.commands.executeCommand(`${VIEW_ID}.focus`);
	}

	return service.onDidChange((after) => {
		const news = newExhaustions(before, after);
		before = after;
		for (const exhaustion of news)
			tell(exhaustion).catch((error: unknown) => log.warn(`exhaustion notice: ${describeError(error)}`));
	});
}
