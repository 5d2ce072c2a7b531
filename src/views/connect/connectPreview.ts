/** Shows a change of a tool's file as a diff, and asks what to do with it while the diff can be read. */
import path from 'node:path';
import * as vscode from 'vscode';
import { plain } from '../localizer.ts';

export type Preview = {
	readonly file: string;
	readonly before: string;
	readonly after: string;
	/** What the question is, above the answers. */
	readonly question: string;
	/** The answer that writes. */
	readonly yes: string;
	/** To do it by hand; offered if there is one. */
	readonly line?: string;
};

const SCHEME = 'agent-auth-change';

/** @returns whether the person said yes. Copying the line counts as no. */
export async function askWithDiff(preview: Preview): Promise<boolean> {
	const { before, after } = preview;
	const [left, right] = [uriOf('before', preview.file), uriOf('after', preview.file)];
	const texts = new Map([
		[left.toString(), before],
		[right.toString(), after],
	]);
	const provider = vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
		provideTextDocumentContent: (uri) => texts.get(uri.toString()) ?? '',
	});
	try {
		const title = vscode.l10n.t('{0} (as it is ↔ with the change)', plain(path.basename(preview.file)));
		// In the lower half, because the answers come down from the upper edge and would cover the change.
		await vscode.commands.executeCommand('workbench.action.newGroupBelow');
		await vscode.commands.executeCommand('vscode.diff', left, right, title, { preview: true });
		return await ask(preview);
	} finally {
		await closeDiff(right);
		provider.dispose();
	}
}

async function ask({ question, yes, line }: Preview): Promise<boolean> {
	const copy = vscode.l10n.t('Copy the Line');
	const items: vscode.QuickPickItem[] = [
		{ label: yes },
		...(line === undefined ? [] : [{ label: copy }]),
		{ label: vscode.l10n.t('Cancel') },
	];
	const answer = await vscode.window.showQuickPick(items, { title: question, ignoreFocusOut: true });
	if (answer?.label === copy && line !== undefined) await vscode.env.clipboard.writeText(line);
	return answer?.label === yes;
}

/** The extension of the file gives the colours. A fresh address each time, because VS Code keeps what it has read. */
function uriOf(side: string, file: string): vscode.Uri {
	return vscode.Uri.from({ scheme: SCHEME, path: `/${side}/${Date.now()}/${path.basename(file)}` });
}

/** With its half of the window, where VS Code is told to keep empty ones. */
async function closeDiff(modified: vscode.Uri): Promise<void> {
	const isShown = ({ input }: vscode.Tab): boolean =>
		input instanceof vscode.TabInputTextDiff && input.modified.toString() === modified.toString();
	for (const group of vscode.window.tabGroups.all.filter(({ tabs }) => tabs.some(isShown))) {
		const { tabGroups } = vscode.window;
		await (group.tabs.every(isShown) ? tabGroups.close(group) : tabGroups.close(group.tabs.filter(isShown)));
	}
}
