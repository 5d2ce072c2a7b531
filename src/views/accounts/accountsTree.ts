/**
 * The accounts view. It redraws only while it is visible, only what has changed, and the times in it by the minute.
 * What VS Code holds of the tree are elements that stay the same objects, so that one of them alone can be redrawn.
 */
import * as vscode from 'vscode';
import { createDisposables, type Disposable } from '../../auth/event.ts';
import type { AuthService } from '../../auth/service.ts';
import { setContext } from '../contextKeys.ts';
import { display } from '../display.ts';
import type { Failures } from '../failures.ts';
import { VIEW_ID } from '../ids.ts';
import { createAccountsDrop } from './accountsDrop.ts';
import { type AccountsNode, accountsNodes, attentionCount, viewState } from './accountsModel.ts';
import type { Ticks } from './minuteTicks.ts';

/** What commands on a node are called with. */
export type AccountsElement = Pick<AccountsNode, 'id' | 'providerId' | 'bucketId'>;

export function registerAccountsTree(service: AuthService, failures: Failures, ticks: Ticks): Disposable {
	const disposables = createDisposables();
	const changed = disposables.add(new vscode.EventEmitter<AccountsElement[] | undefined>());
	const elements = new Map<string, AccountsElement>();
	let drawn: ReadonlyMap<string, AccountsNode> = new Map();
	let ticking: Disposable | undefined;
	draw();

	const view = disposables.add(
		vscode.window.createTreeView<AccountsElement>(VIEW_ID, {
			treeDataProvider: {
				onDidChangeTreeData: changed.event,
				getChildren: (element) => childrenOf(element).map(elementOf),
				getParent: ({ providerId, bucketId }) => (bucketId === undefined ? undefined : elements.get(providerId)),
				getTreeItem: ({ id }) => treeItem(drawn.get(id)),
			},
			dragAndDropController: createAccountsDrop(service, failures),
			canSelectMany: true,
			showCollapseAll: false,
		}),
	);

	function childrenOf(element: AccountsElement | undefined): readonly AccountsNode[] {
		if (element !== undefined) return drawn.get(element.id)?.children ?? [];
		return [...drawn.values()].filter(({ kind }) => kind === 'provider');
	}

	function elementOf({ id, providerId, bucketId }: AccountsNode): AccountsElement {
		const element = elements.get(id) ?? { id, providerId, ...(bucketId === undefined ? {} : { bucketId }) };
		elements.set(id, element);
		return element;
	}

	/** The elements whose own line changed; undefined if there are others than before, or in another order. */
	function draw(): AccountsElement[] | undefined {
		const nodes = accountsNodes(service.snapshot(), display, Date.now());
		const before = drawn;
		drawn = new Map(nodes.flatMap((node) => [node, ...node.children]).map((node) => [node.id, node]));
		if ([...before.keys()].join('\n') !== [...drawn.keys()].join('\n')) return undefined;
		return [...drawn.values()].filter((node) => lineOf(node) !== lineOf(before.get(node.id))).map(elementOf);
	}

	/** Context and badge are seen while the view is closed; the list is not. */
	function update(): void {
		const snapshot = service.snapshot();
		setContext('agentAuth.view', viewState(snapshot));
		setContext('agentAuth.accountCount', snapshot.providers.flatMap(({ buckets }) => buckets).length);
		const count = attentionCount(snapshot);
		view.badge =
			count === 0
				? undefined
				: {
						value: count,
						tooltip:
							count === 1
								? vscode.l10n.t('1 account needs attention')
								: vscode.l10n.t('{0} accounts need attention', count),
					};
		if (view.visible) redraw();
	}

	function redraw(): void {
		const lines = draw();
		if (lines === undefined || lines.length > 0) changed.fire(lines);
	}

	function show(): void {
		ticking?.dispose();
		ticking = view.visible ? ticks(redraw) : undefined;
		update();
	}

	disposables.add({ dispose: () => ticking?.dispose() });
	disposables.add(service.onDidChange(update));
	disposables.add(view.onDidChangeVisibility(show));
	show();
	return disposables;
}

/** Children are lines of their own. */
function lineOf(node: AccountsNode | undefined): string {
	return JSON.stringify(node && { ...node, children: [] });
}

function treeItem(node: AccountsNode | undefined): vscode.TreeItem {
	// Gone between the question for the list and the one for its items.
	if (!node) return new vscode.TreeItem('');
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
