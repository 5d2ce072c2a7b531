/**
 * The access view: decisions about terminals with what takes them back, connected tools, and who got a token. Extensions are
 * not in it, because a provider never learns who calls it; VS Code's own list of them is a command of the view.
 *
 * Elements stay the same objects and only what changed is redrawn: while VS Code redraws a row, it calls the command of a
 * button in it without saying which row it was.
 */
import * as vscode from 'vscode';
import { createDisposables, type Disposable } from '../../auth/event.ts';
import { describeError, type Logger } from '../../auth/log.ts';
import type { AuthService } from '../../auth/service.ts';
import type { AccessAudit } from '../../auth/terminal/audit.ts';
import type { Consents } from '../../auth/terminal/consents.ts';
import { editorProvider } from '../../auth/terminal/editorSession.ts';
import type { Ticks } from '../accounts/minuteTicks.ts';
import { setContext } from '../contextKeys.ts';
import { display } from '../display.ts';
import { ACCESS_VIEW_ID } from '../ids.ts';
import { type AccessFacts, type AccessNode, accessNodes, type ConnectedTool, changedNodes } from './accessModel.ts';

/** What commands on a node are called with. */
export type AccessElement = Pick<AccessNode, 'id' | 'consentId' | 'connectionId'>;

export type AccessTreeOptions = {
	readonly service: Pick<AuthService, 'snapshot'>;
	readonly consents: Consents;
	readonly audit: AccessAudit;
	readonly tools: () => Promise<readonly ConnectedTool[]>;
	readonly ticks: Ticks;
	readonly log: Logger;
};

export function registerAccessTree(options: AccessTreeOptions): Disposable {
	const { consents, audit, log } = options;
	const disposables = createDisposables();
	const changed = disposables.add(new vscode.EventEmitter<AccessElement[] | undefined>());
	let facts: Pick<AccessFacts, 'consents' | 'tools'> = { consents: [], tools: [] };
	let groups: readonly AccessNode[] = [];
	let elements: ReadonlyMap<string, AccessElement> = new Map();
	let ticking: Disposable | undefined;
	/** What was asked for later has the newer answer. */
	let reading = 0;

	const nodeOf = ({ id }: AccessElement): AccessNode | undefined => rows(groups).find((node) => node.id === id);
	const view = disposables.add(
		vscode.window.createTreeView<AccessElement>(ACCESS_VIEW_ID, {
			treeDataProvider: {
				onDidChangeTreeData: changed.event,
				getChildren: (element) => elementsOf(element === undefined ? groups : (nodeOf(element)?.children ?? [])),
				getParent: (element) =>
					elementsOf(groups.filter(({ children }) => children.some(({ id }) => id === element.id)))[0],
				getTreeItem: (element) => treeItem(nodeOf(element)),
			},
			canSelectMany: true,
		}),
	);

	function elementsOf(nodes: readonly AccessNode[]): AccessElement[] {
		return nodes.flatMap(({ id }) => elements.get(id) ?? []);
	}

	function draw(): void {
		const { providers } = options.service.snapshot();
		const labels = new Map(providers.map(({ provider }) => [provider.id, provider.label]));
		const all = {
			...facts,
			uses: audit.entries(),
			labelOf: (id: string) => labels.get(id) ?? editorProvider(id)?.label ?? id,
		};
		if (all.uses.length > 0) setContext('agentAuth.terminalServed', true);
		if (!view.visible) return;
		const before = groups;
		const known = elements;
		groups = accessNodes(all, display, Date.now());
		elements = new Map(rows(groups).map((node) => [node.id, known.get(node.id) ?? elementFor(node)]));
		const lines = changedNodes(before, groups);
		if (lines === undefined) changed.fire(undefined);
		else if (lines.length > 0) changed.fire(elementsOf(lines));
	}

	/** What other windows decide is not announced, so it is read whenever somebody looks. */
	async function read(): Promise<void> {
		const turn = ++reading;
		const [decided, tools] = await Promise.all([consents.list(), options.tools()]);
		if (turn !== reading) return;
		facts = { consents: decided, tools };
		draw();
	}

	function readSoon(): void {
		if (!view.visible) return;
		read().catch((error: unknown) => log.warn(`access view: ${describeError(error)}`));
	}

	function look(): void {
		if (view.visible) void audit.refresh();
		readSoon();
	}

	function show(): void {
		ticking?.dispose();
		ticking = view.visible ? options.ticks(look) : undefined;
		look();
	}

	disposables.add({ dispose: () => ticking?.dispose() });
	disposables.add(consents.onDidChange(readSoon));
	disposables.add(audit.onDidChange(draw));
	disposables.add(view.onDidChangeVisibility(show));
	show();
	return disposables;
}

function rows(groups: readonly AccessNode[]): AccessNode[] {
	return groups.flatMap((group) => [group, ...group.children]);
}

function elementFor({ id, consentId, connectionId }: AccessNode): AccessElement {
	return { id, ...(consentId !== undefined && { consentId }), ...(connectionId !== undefined && { connectionId }) };
}

function treeItem(node: AccessNode | undefined): vscode.TreeItem {
	// Gone between the question for the list and the one for its items.
	if (node === undefined) return new vscode.TreeItem('');
	const state = vscode.TreeItemCollapsibleState;
	const isOpen = node.id === 'uses' ? state.Collapsed : state.Expanded;
	const item = new vscode.TreeItem(node.label, node.kind === 'group' ? isOpen : state.None);
	item.id = node.id;
	item.description = node.description;
	item.contextValue = node.contextValue;
	if (node.tooltip.length > 0) item.tooltip = node.tooltip.join('\n');
	item.accessibilityInformation = { label: node.accessibilityLabel };
	if (node.icon !== '') item.iconPath = new vscode.ThemeIcon(node.icon);
	return item;
}
