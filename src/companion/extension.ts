/**
 * The companion for remote windows. Agent Auth runs on the desktop, where the browser and the keyring are; the terminals run
 * on the remote and cannot reach it there. This extension runs beside them and asks on their behalf.
 */
import * as vscode from 'vscode';
import { systemClock as clock } from '../auth/clock.ts';
import { createHostSettings } from '../auth/hostSettings.ts';
import { managedProvidersPath } from '../auth/managedProviders.ts';
import type { Advice } from '../auth/service.ts';
import { keepNothing } from '../auth/terminal/keepNothing.ts';
import { EXTENSION_ID } from '../views/ids.ts';
import { registerTerminals } from '../views/terminal/terminals.ts';
import { createBorrowedSessions, type Lender } from './borrowedSessions.ts';

export function activate(context: vscode.ExtensionContext): void {
	const log = vscode.window.createOutputChannel('Agent Auth Companion', { log: true });
	context.subscriptions.push(log);
	if (!isNeeded()) {
		log.info('Agent Auth itself runs in this extension host, so there is nothing to do');
		return;
	}
	const settings = createHostSettings(managedProvidersPath(process.platform, process.env), log);
	const service = createBorrowedSessions(lender(), settings, clock, log);
	context.subscriptions.push(
		settings,
		service,
		registerTerminals({
			...{ context, service, settings, clock, log, keeping: keepNothing() },
			signIn: service.signIn,
			onDidChangeOrphan: () => ({ dispose() {} }),
		}),
	);
}

function lender(): Lender {
	const { getAccounts, getSession, onDidChangeSessions } = vscode.authentication;
	return {
		...{ getAccounts, getSession, onDidChangeSessions },
		/** Across hosts a command is what reaches the extension that has the accounts. */
		report: (told) => vscode.commands.executeCommand<Advice | undefined>('agentAuth.report', told),
		detail: () => vscode.l10n.t('A terminal of this remote window asked for a token.'),
	};
}

/** One window must not answer twice: where Agent Auth itself runs, it has the terminals. */
function isNeeded(): boolean {
	if (vscode.workspace.getConfiguration('agentAuthCompanion').get<string>('active') === 'always') return true;
	return vscode.extensions.getExtension(EXTENSION_ID) === undefined;
}
