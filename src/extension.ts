/** Builds the parts, registers them with VS Code, and returns the API. Everything else is decided in the parts. */
import path from 'node:path';
import * as vscode from 'vscode';
import { type AgentAuthApi, createApi } from './auth/api.ts';
import { systemClock as clock } from './auth/clock.ts';
import { askWindow, browserOnThisMachine, secretsCanBeWiped } from './auth/hostFacts.ts';
import { createHostSettings } from './auth/hostSettings.ts';
import { describeError } from './auth/log.ts';
import { managedProvidersPath } from './auth/managedProviders.ts';
import { createOAuthDeps } from './auth/oauth/deps.ts';
import { createAuthService } from './auth/service/createService.ts';
import { registerAuthenticationProviders } from './auth/session/authenticationProvider.ts';
import { contributeTerminalEnvironment } from './auth/terminal/environment.ts';
import { createTerminalAccess } from './auth/terminal/terminalAccess.ts';
import { readTerminals } from './auth/terminal/terminals.ts';
import { nodeDisk } from './auth/vault/disk.ts';
import { createSecretStorageKeys } from './auth/vault/secretStorage.ts';
import { createWindowProbe } from './auth/windowProbe.ts';
import { registerAccountsTree } from './views/accountsTree.ts';
import { registerCommands } from './views/commands.ts';
import { followCredentialNotices } from './views/credentialNotices.ts';
import { createFailures, showActivationFailure } from './views/failures.ts';
import { createInteractiveSignIn } from './views/interactiveSignIn.ts';
import { askAboutKey } from './views/keyQuestion.ts';
import { followProviderProblems } from './views/providerProblems.ts';
import { createSignInViews } from './views/signInUi.ts';
import { askSignOutAutomatic } from './views/signOutDialogs.ts';
import { askTerminalConsent, terminalDescription } from './views/terminalConsent.ts';

export function activate(context: vscode.ExtensionContext): AgentAuthApi {
	const log = vscode.window.createOutputChannel('Agent Auth', { log: true });
	context.subscriptions.push(log);
	try {
		return start(context, log);
	} catch (error) {
		log.error(`activation: ${describeError(error)}`);
		showActivationFailure(() => log.show());
		throw error;
	}
}

function start(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): AgentAuthApi {
	const isTrusted = (): boolean => vscode.workspace.isTrusted;
	const storagePath = context.globalStorageUri.fsPath;
	const settings = createHostSettings(managedProvidersPath(process.platform, process.env), log);
	const secrets = createSecretStorageKeys(context.secrets, clock);
	const probe = createWindowProbe(askWindow, clock, log);
	const service = createAuthService({
		storagePath,
		secrets,
		keepKeyCopy: secretsCanBeWiped(),
		disk: nodeDisk,
		clock,
		log,
		oauth: createOAuthDeps({ fetch, clock, log }),
		providers: settings.providers,
		signInFlow: settings.signInFlow,
		browserOnThisMachine: () => browserOnThisMachine(context.extension),
		probe,
		earlyRefreshIdleMs: settings.earlyRefreshIdleMs,
		askAboutKey,
	});
	const failures = createFailures(service, log);
	const { ui, runStep } = createSignInViews(log);
	const signIn = createInteractiveSignIn(service, ui);
	context.subscriptions.push(
		registerAuthenticationProviders({ ...failures, service, clock, log, signIn, askSignOutAutomatic, isTrusted }),
		settings,
		secrets,
		probe,
		service,
		settings.onDidChange(() => service.reload()),
		registerAccountsTree(service),
		registerCommands({ service, failures, signIn, runSignInStep: runStep, showLog: () => log.show() }),
		followCredentialNotices(service, failures, log),
		followProviderProblems(settings, log),
	);

	const terminals = createTerminalAccess({
		service,
		globalStoragePath: storagePath,
		helperBundlePath: path.join(context.extensionPath, 'dist', 'helper.cjs'),
		log,
		clock,
		ask: askTerminalConsent,
		terminals: () => readTerminals(clock),
		isTrusted,
		workspaceFolders: () => (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
		signIn: async (providerId, bucketId, signal) => {
			await signIn({ providerId, signal, ...(bucketId === undefined ? {} : { bucketId }) });
		},
	});
	context.subscriptions.push(
		terminals,
		probe.onDidChange((orphan) => terminals.setAvailable(!orphan)),
		contributeTerminalEnvironment({ context, folders: terminals.folders, description: terminalDescription() }),
		vscode.workspace.onDidChangeWorkspaceFolders(() => terminals.workspaceFoldersChanged()),
	);
	return createApi(service);
}
