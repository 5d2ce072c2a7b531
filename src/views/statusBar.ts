/** The item in the status bar: the account in force, a warning where none is, and a click that leads to the remedy. */
import * as vscode from 'vscode';
import { createDisposables, type Disposable } from '../auth/event.ts';
import type { AuthService } from '../auth/service.ts';
import { display } from './display.ts';
import { VIEW_ID } from './ids.ts';
import { type StatusCommand, statusItem } from './statusBarModel.ts';

/** Left of the items of the editor, where those about the person are. */
const PRIORITY = 0;

const SECTION = 'agentAuth.statusBar';

export function registerStatusBar(service: AuthService): Disposable {
	const disposables = createDisposables();
	const item = disposables.add(
		vscode.window.createStatusBarItem('agentAuth.account', vscode.StatusBarAlignment.Left, PRIORITY),
	);
	item.name = vscode.l10n.t('Agent Auth: Account');
	let drawn = '';

	function update(): void {
		const enabled = vscode.workspace.getConfiguration(SECTION).get('enabled', true);
		const next = enabled ? statusItem(service.snapshot(), display, Date.now()) : undefined;
		const text = JSON.stringify(next ?? null);
		if (text === drawn) return;
		drawn = text;
		if (!next) {
			item.hide();
			return;
		}
		item.text = next.text;
		item.tooltip = next.tooltip.join('\n');
		item.accessibilityInformation = { label: next.accessibilityLabel };
		item.command = commandOf(next.click);
		item.backgroundColor = next.needsAttention ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
		item.show();
	}

	disposables.add(service.onDidChange(update));
	disposables.add(
		vscode.workspace.onDidChangeConfiguration((event) => {
			if (event.affectsConfiguration(SECTION)) update();
		}),
	);
	update();
	return disposables;
}

function commandOf(click: StatusCommand): vscode.Command {
	if (click.command === 'showAccounts') return { command: `${VIEW_ID}.focus`, title: '' };
	return { command: click.command, title: '', arguments: [click.target] };
}
