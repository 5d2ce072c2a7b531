/** Where this extension host runs, seen from the person's browser. */
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { sharesLoopback } from './hostPlace.ts';

/** Whether a browser that VS Code opens reaches 127.0.0.1 of this process. */
export function browserOnThisMachine({ extensionKind }: Pick<vscode.Extension<unknown>, 'extensionKind'>): boolean {
	const { remoteName, uiKind } = vscode.env;
	const isUi = extensionKind === vscode.ExtensionKind.UI;
	return sharesLoopback({ isDesktop: uiKind === vscode.UIKind.Desktop, remoteName, isUi });
}

/** In a browser another tab can wipe SecretStorage, since each keeps a copy of all secrets and the last writer wins. */
export function secretsCanBeWiped(): boolean {
	return vscode.env.uiKind === vscode.UIKind.Web;
}

/** A question without effect that only a living window answers, and that it answers from memory: whose address is it? */
export function askWindow(): PromiseLike<unknown> {
	return vscode.env.asExternalUri(vscode.Uri.parse('https://agent-auth.invalid/'));
}

/** What commands of the settings run with: never the workspace, whose files programs may read. */
export function hostCommands(): {
	readonly home: string;
	readonly env: NodeJS.ProcessEnv;
	readonly platform: NodeJS.Platform;
	readonly workspaceFolders: () => readonly string[];
} {
	return {
		home: homedir(),
		env: process.env,
		platform: process.platform,
		workspaceFolders: () => (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
	};
}
