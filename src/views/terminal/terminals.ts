/** Terminal access as VS Code sees it: windows, terminals, settings and questions for the parts in `src/auth/terminal/`. */
import path from 'node:path';
import * as vscode from 'vscode';
import type { Clock } from '../../auth/clock.ts';
import { createDisposables, type Disposable, type Event } from '../../auth/event.ts';
import { currentWorkspace } from '../../auth/hostBindings.ts';
import type { HostSettings } from '../../auth/hostSettings.ts';
import type { Logger } from '../../auth/log.ts';
import type { ProviderSnapshot } from '../../auth/snapshot.ts';
import { createEditorSessions } from '../../auth/terminal/editorSessions.ts';
import { contributeTerminalEnvironment } from '../../auth/terminal/environment.ts';
import type { TerminalService } from '../../auth/terminal/requestContext.ts';
import { createTerminalAccess, type Keeping, type TerminalAccess } from '../../auth/terminal/terminalAccess.ts';
import { readTerminals } from '../../auth/terminal/terminals.ts';
import { askTerminalConsent, confirmTerminalKey, terminalDescription } from './terminalConsent.ts';
import { createTokenTerminals } from './tokenTerminal.ts';

export type TerminalViewOptions = {
	readonly context: vscode.ExtensionContext;
	readonly service: TerminalService;
	readonly settings: Pick<HostSettings, 'terminalConsent'>;
	/** Signs in with the person; absent where nobody can. */
	readonly signIn?: (request: {
		readonly providerId: string;
		readonly bucketId?: string;
		readonly signal: AbortSignal;
	}) => Promise<unknown>;
	/** See {@link TerminalAccessOptions.keeping}. */
	readonly keeping?: Keeping;
	/** Fires true when nobody is at this window any more. */
	readonly onDidChangeOrphan: Event<boolean>;
	readonly clock: Clock;
	readonly log: Logger;
};

export type TerminalViews = Disposable &
	/** For the view that shows who may and who got what. */
	Pick<TerminalAccess, 'consents' | 'audit'> & {
		openTokenTerminal(provider: ProviderSnapshot): Promise<void>;
		/** Whether terminals get an answer here; `off` by the setting. */
		answer(): Promise<'answers' | 'off' | 'silent'>;
	};

export function registerTerminals(options: TerminalViewOptions): TerminalViews {
	const { context, service, signIn, clock, log } = options;
	const disposables = createDisposables();
	const access = disposables.add(
		createTerminalAccess({
			...{ service, clock, log },
			...(options.keeping && { keeping: options.keeping }),
			globalStoragePath: context.globalStorageUri.fsPath,
			helperBundlePath: path.join(context.extensionPath, 'dist', 'helper.cjs'),
			version: String(context.extension.packageJSON.version),
			ask: askTerminalConsent,
			confirmKey: confirmTerminalKey,
			policy: options.settings.terminalConsent,
			workspace: workspaceIdentity,
			terminals: () => readTerminals(clock),
			isTrusted: () => vscode.workspace.isTrusted,
			workspaceFolders: () => (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
			editorSessions: createEditorSessions(clock),
			...(signIn && {
				signIn: async (providerId: string, bucketId: string | undefined, signal: AbortSignal) => {
					await signIn({ providerId, signal, ...(bucketId === undefined ? {} : { bucketId }) });
				},
			}),
		}),
	);
	const { folders, consents, audit, expect } = access;
	const tokenTerminals = disposables.add(createTokenTerminals({ bin: folders.bin, expect, audit, clock }));
	disposables.add(options.onDidChangeOrphan((orphan) => access.setAvailable(!orphan)));
	disposables.add(contributeTerminalEnvironment({ context, folders, description: terminalDescription() }));
	disposables.add(vscode.workspace.onDidChangeWorkspaceFolders(() => access.workspaceFoldersChanged()));
	const answer = async (): Promise<'answers' | 'off' | 'silent'> => {
		if (!vscode.workspace.getConfiguration('agentAuth.terminal').get('enabled', true)) return 'off';
		return (await access.ping()) ? 'answers' : 'silent';
	};
	return { consents, audit, answer, openTokenTerminal: tokenTerminals.open, dispose: disposables.dispose };
}

/** A window without a folder has nothing to remember a decision for. */
function workspaceIdentity(): { readonly id: string; readonly name: string } | undefined {
	const id = currentWorkspace();
	return id === '' ? undefined : { id, name: (vscode.workspace.name ?? '').slice(0, 512) };
}
