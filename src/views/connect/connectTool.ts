/**
 * "Connect a Tool" and "Disconnect a Tool": which tool and service, the change as a diff, the person's yes, and only then
 * the write. The parsers of all those files are a bundle of their own, loaded when one of the two is first used.
 */
import path from 'node:path';
import * as vscode from 'vscode';
import type { Connection } from '../../auth/connect/connectionRecord.ts';
import type { Connector, Plan } from '../../auth/connect/connector.ts';
import { isFileProblem } from '../../auth/connect/format.ts';
import type { Choice, Tool } from '../../auth/connect/tools.ts';
import type { ProviderSnapshot } from '../../auth/snapshot.ts';
import { display } from '../display.ts';
import { EXTENSION_ID } from '../ids.ts';
import { plain } from '../localizer.ts';
import { fileProblemText } from './connectMessages.ts';
import { askWithDiff } from './connectPreview.ts';
import { askTarget } from './connectTarget.ts';

/** @param binFolder the folder of the terminal command @param pickProvider asks which service, if there is a choice */
export async function connectTool(
	binFolder: string,
	pickProvider: () => Promise<Pick<ProviderSnapshot, 'provider'> | undefined>,
): Promise<void> {
	const connector = await loadConnector(binFolder);
	const tool = await pickTool(connector);
	if (tool === undefined) return;
	const snapshot = await pickProvider();
	if (snapshot === undefined) return;
	const { id: provider, label } = snapshot.provider;
	const file = await guarded(tool.label, undefined, () => connector.fileOf(tool));
	if (file === undefined) return;
	if (file.value === undefined) return offerLine(tool, connector.line(tool, provider, { name: '' }));
	const anyLine = lineOf(connector, tool, provider, { name: '' });
	const names = await guarded(file.value, anyLine, () => connector.names(tool));
	if (names === undefined) return;
	const choice = await askTarget(tool, names.value, snapshot.provider);
	if (choice === undefined) return;
	const line = lineOf(connector, tool, provider, choice);
	if (!(await change(connector, tool, provider, choice, file.value, line))) return;
	const undo = vscode.l10n.t('Undo');
	const done = vscode.l10n.t('{0} now asks Agent Auth for its token of {1}.', tool.label, plain(label));
	if ((await vscode.window.showInformationMessage(done, undo)) === undo) await disconnectTool(binFolder);
}

/** Until it is written, refused or given up: a file that changes while the person reads is shown again. */
async function change(
	connector: Connector,
	tool: Tool,
	provider: string,
	choice: Choice,
	file: string,
	line: string | undefined,
): Promise<boolean> {
	for (;;) {
		const planned = await guarded(file, line, () => connector.plan(tool, provider, choice));
		if (planned === undefined) return false;
		const plan = planned.value;
		if (plan.isInPlace) {
			void vscode.window.showInformationMessage(vscode.l10n.t('{0} is connected already.', tool.label));
			return false;
		}
		const question = vscode.l10n.t('Connect {0}: change {1}?', tool.label, plain(plan.file));
		const yes = vscode.l10n.t('Apply');
		const shown = { file: plan.file, before: plan.before, after: plan.after, question, yes };
		if (!(await askWithDiff({ ...shown, ...(line === undefined ? {} : { line }) }))) return false;
		if (!(await confirmReplacing(tool, plan))) return false;
		const outcome = await write(plan.file, () => connector.apply(plan));
		if (outcome !== 'changed') return outcome === 'done';
	}
}

/** A value of somebody else, or money: the second yes. */
async function confirmReplacing(tool: Tool, { replaced }: Plan): Promise<boolean> {
	const replace = vscode.l10n.t('Replace');
	const use = vscode.l10n.t('Use This Service');
	if (replaced.length > 0) {
		const answer = await vscode.window.showWarningMessage(
			vscode.l10n.t('{0} has a credential command already. Replace it?', tool.label),
			{
				modal: true,
				detail: [
					...replaced.map(plain),
					vscode.l10n.t(
						'"Disconnect a Tool" brings it back. Until then a copy of it lies in your home folder, in clear.',
					),
				].join('\n\n'),
			},
			replace,
		);
		if (answer !== replace) return false;
	}
	if (tool.id !== 'claude') return true;
	const answer = await vscode.window.showWarningMessage(
		vscode.l10n.t('Claude Code will not use your subscription while it is connected.'),
		{ modal: true, detail: vscode.l10n.t('Its requests are billed to the account behind this service.') },
		use,
	);
	return answer === use;
}

/** @param id of the connection, if it was chosen already; see `ConnectedTool`. */
export async function disconnectTool(binFolder: string, id?: string): Promise<void> {
	const connector = await loadConnector(binFolder);
	const connections = await guarded(vscode.l10n.t('The list of connections'), undefined, () => connector.connections());
	if (connections === undefined) return;
	if (connections.value.length === 0) {
		void vscode.window.showInformationMessage(vscode.l10n.t('No tool is connected.'));
		return;
	}
	const chosen = connections.value.find((connection) => connection.id === id);
	if (chosen !== undefined) return undo(connector, chosen);
	const items = connections.value.toReversed().map((connection) => ({
		label: labelOf(connector, connection),
		description: connection.provider,
		detail: connection.file,
		connection,
	}));
	const picked = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('Which connection?') });
	if (picked !== undefined) await undo(connector, picked.connection);
}

async function undo(connector: Connector, connection: Connection): Promise<void> {
	const { file } = connection;
	for (;;) {
		const planned = await guarded(file, undefined, () => connector.planUndo(connection));
		if (planned === undefined) return;
		const plan = planned.value;
		const question = plan.removesFile
			? vscode.l10n.t('Disconnect {0}: remove {1}?', labelOf(connector, connection), plain(file))
			: vscode.l10n.t('Disconnect {0}: change {1}?', labelOf(connector, connection), plain(file));
		const preview = { file, before: plan.before, after: plan.after, question, yes: vscode.l10n.t('Apply') };
		if (!plan.isGone && !(await askWithDiff(preview))) return;
		const outcome = await write(file, () => connector.undo(plan));
		if (outcome === 'changed') continue;
		if (outcome === 'done') {
			void vscode.window.showInformationMessage(
				plan.left > 0
					? vscode.l10n.t('Disconnected. What you changed yourself in {0} was left as it is.', plain(file))
					: vscode.l10n.t('Disconnected.'),
			);
		}
		return;
	}
}

async function pickTool({ tools, fileOf }: Connector): Promise<Tool | undefined> {
	const items = await Promise.all(
		tools.map(async (tool) => {
			// A file that cannot be looked at is told of when the tool was chosen.
			const file = await fileOf(tool).catch(() => undefined);
			return { label: tool.label, detail: file ?? vscode.l10n.t('Shows the line to use.'), tool };
		}),
	);
	const placeHolder = vscode.l10n.t('Which tool shall get its token from Agent Auth?');
	return (await vscode.window.showQuickPick(items, { placeHolder }))?.tool;
}

async function offerLine(tool: Tool, line: string): Promise<void> {
	const copy = vscode.l10n.t('Copy the Line');
	const text = vscode.l10n.t(
		'{0} cannot ask a command for its token. Start it in a terminal with: {1}',
		tool.label,
		line,
	);
	if ((await vscode.window.showInformationMessage(text, copy)) === copy) await vscode.env.clipboard.writeText(line);
}

/** The path of the command may be one that the tool cannot be given at all. */
function lineOf(connector: Connector, tool: Tool, provider: string, choice: Choice): string | undefined {
	try {
		return connector.line(tool, provider, choice);
	} catch (error) {
		if (isFileProblem(error)) return undefined;
		throw error;
	}
}

/** The result, or undefined after the person was told why there is none. */
async function guarded<T>(
	file: string,
	line: string | undefined,
	work: () => Promise<T>,
): Promise<{ readonly value: T } | undefined> {
	try {
		return { value: await work() };
	} catch (error) {
		if (!isFileProblem(error)) throw error;
		const copy = vscode.l10n.t('Copy the Line');
		const text = fileProblemText(error, file, display);
		const answer = await vscode.window.showErrorMessage(text, ...(line === undefined ? [] : [copy]));
		if (answer === copy && line !== undefined) await vscode.env.clipboard.writeText(line);
		return undefined;
	}
}

async function write(file: string, work: () => Promise<void>): Promise<'done' | 'changed' | 'failed'> {
	try {
		await work();
		return 'done';
	} catch (error) {
		if (!isFileProblem(error)) throw error;
		void vscode.window.showErrorMessage(fileProblemText(error, file, display));
		return error.code === 'changed' ? 'changed' : 'failed';
	}
}

function labelOf({ tools }: Connector, { tool, name }: Connection): string {
	const label = tools.find(({ id }) => id === tool)?.label ?? tool;
	return name === '' ? label : `${label} (${plain(name)})`;
}

async function loadConnector(binFolder: string): Promise<Connector> {
	const { createHostConnector } = await import('../../auth/connect/hostConnector.ts');
	const extensionPath = vscode.extensions.getExtension(EXTENSION_ID)?.extensionPath ?? '';
	return createHostConnector(binFolder, path.dirname(extensionPath));
}
