/** The accounts view. It redraws only while it is visible, and only when something that it shows has changed. */
import * as vscode from 'vscode';
import { createDisposables, type Disposable } from '../auth/event.ts';
import type { AuthService } from '../auth/service.ts';
import { type AccountsNode, accountsNodes, attentionCount, viewState } from './accountsModel.ts';
import { setContext } from './contextKeys.ts';
import { VIEW_ID } from './ids.ts';

export function registerAccountsTree(service: AuthService): Disposable {
	const disposables = createDisposables();
	const changed = disposables.add(new vscode.EventEmitter<void>());
	let nodes = accountsNodes(service.snapshot(), vscode.l10n);
	let drawn = JSON.stringify(nodes);

	const view = disposables.add(
		vscode.window.createTreeView<AccountsNode>(VIEW_ID, {
			treeDataProvider: {
				onDidChangeTreeData: changed.event,
				getChildren: (node) => [...(node === undefined ? nodes : node.children)],
				getParent: (node) => nodes.find((parent) => parent.children.some((child) => child.id === node.id)),
				getTreeItem: treeItem,
			},
			showCollapseAll: false,
		}),
	);

	/** Context and badge are seen while the view is closed; the list is not. */
	function update(): void {
		const snapshot = service.snapshot();
		setContext('agentAuth.view', viewState(snapshot));
		const count = attentionCount(snapshot);
		view.badge =
			count === 0 ? undefined : { value: count, tooltip: vscode.l10n.t('{0} accounts need attention', count) };
		if (!view.visible) return;
		const next = accountsNodes(snapshot, vscode.l10n);
		const text = JSON.stringify(next);
		if (text === drawn) return;
		nodes = next;
		drawn = text;
		changed.fire();
	}

	disposables.add(service.onDidChange(update));
	disposables.add(view.onDidChangeVisibility(update));
	update();
	return disposables;
}

function treeItem(node: AccountsNode): vscode.TreeItem {
	const state = vscode.TreeItemCollapsibleState;
	const item = new vscode.TreeItem(node.label, node.kind === 'provider' ? state.Expanded : state.None);
	item.id = node.id;
	item.description = node.description;
	item.contextValue = node.contextValue;
	item.tooltip = node.tooltip.join('\n');
	item.accessibilityInformation = { label: node.accessibilityLabel };
	item.iconPath =
		node.iconColor === undefined
			? new vscode.ThemeIcon(node.icon)
			: new vscode.ThemeIcon(node.icon, new vscode.ThemeColor(node.iconColor));
	return item;
}
