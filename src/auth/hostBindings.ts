/** The setting `agentAuth.bindings` as VS Code reads it for this window: which bucket each folder is tied to. */
import { createHash } from 'node:crypto';
import * as vscode from 'vscode';
import type { BindingSetting } from './buckets/binding.ts';
import { bindingSettingOf, type FolderValues } from './buckets/folderBindings.ts';
import { createEmitter, type Disposable, type Event } from './event.ts';

const SETTING = 'agentAuth.bindings';

export type HostBindings = Disposable & {
	bindingOf(providerId: string): BindingSetting;
	/** Settings or folders changed. */
	readonly onDidChange: Event<void>;
};

/** Stands for the folders of this window, without naming them; '' if there are none. */
export function currentWorkspace(): string {
	const { workspaceFile, workspaceFolders } = vscode.workspace;
	const names = workspaceFile ? [workspaceFile.toString()] : (workspaceFolders ?? []).map(({ uri }) => uri.toString());
	if (names.length === 0) return '';
	return createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 32);
}

export function createHostBindings(onError: (error: unknown) => void): HostBindings {
	const emitter = createEmitter<void>(onError);
	const subscriptions = [
		vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration(SETTING) && emitter.fire()),
		vscode.workspace.onDidChangeWorkspaceFolders(() => emitter.fire()),
	];
	return {
		bindingOf: (providerId) => bindingSettingOf(providerId, foldersOf().map(valuesOf), currentWorkspace()),
		onDidChange: emitter.event,
		dispose() {
			emitter.dispose();
			for (const subscription of subscriptions) subscription.dispose();
		},
	};
}

function foldersOf(): readonly (vscode.Uri | undefined)[] {
	const folders = vscode.workspace.workspaceFolders ?? [];
	return folders.length === 0 ? [undefined] : folders.map(({ uri }) => uri);
}

function valuesOf(folder: vscode.Uri | undefined): FolderValues {
	const found = vscode.workspace.getConfiguration(undefined, folder ?? null).inspect<unknown>(SETTING);
	return { folder: found?.workspaceFolderValue, workspace: found?.workspaceValue, own: found?.globalValue };
}
