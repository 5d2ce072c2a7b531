/** The setting `agentAuth.bindings` as VS Code reads it for this window: which bucket each folder is tied to. */
import { createHash } from 'node:crypto';
import * as vscode from 'vscode';
import type { BindingSetting } from './buckets/binding.ts';
import { createEmitter, type Disposable, type Event } from './event.ts';

const SETTING = 'agentAuth.bindings';

/** More than any label that a person chooses. */
const LONGEST_NAME = 200;

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
		bindingOf(providerId) {
			const found = foldersOf().flatMap((folder) => readFolder(folder, providerId));
			const names = [...new Set(found.map(({ bucketName }) => bucketName))];
			const [first, second] = names;
			if (first === undefined) return { kind: 'none' };
			if (second !== undefined) return { kind: 'conflict', names };
			const fromWorkspace = found.some((entry) => entry.fromWorkspace);
			return {
				kind: 'bound',
				binding: { providerId, bucketName: first, workspace: currentWorkspace(), fromWorkspace },
			};
		},
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

/** A folder's own word goes before that of the workspace, and that before the person's. */
function readFolder(
	folder: vscode.Uri | undefined,
	providerId: string,
): readonly { readonly bucketName: string; readonly fromWorkspace: boolean }[] {
	const found = vscode.workspace.getConfiguration(undefined, folder ?? null).inspect<unknown>(SETTING);
	for (const value of [found?.workspaceFolderValue, found?.workspaceValue]) {
		const bucketName = nameIn(value, providerId);
		if (bucketName !== undefined) return [{ bucketName, fromWorkspace: true }];
	}
	const own = nameIn(found?.globalValue, providerId);
	return own === undefined ? [] : [{ bucketName: own, fromWorkspace: false }];
}

function nameIn(value: unknown, providerId: string): string | undefined {
	if (typeof value !== 'object' || value === null || !Object.hasOwn(value, providerId)) return undefined;
	const name: unknown = (value as Record<string, unknown>)[providerId];
	return typeof name === 'string' && name !== '' && name.length <= LONGEST_NAME ? name : undefined;
}
