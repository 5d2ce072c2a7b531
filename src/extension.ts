/** Builds the parts, registers them with VS Code, and returns the API. Everything else is decided in the parts. */
import * as vscode from 'vscode';
import type { AgentAuthApi } from '../api/agentAuth.d.ts';
import { createApi } from './auth/api.ts';
import { systemClock as clock } from './auth/clock.ts';
import { createHostBindings, currentWorkspace } from './auth/hostBindings.ts';
import { askWindow, browserOnThisMachine, hostCommands, secretsCanBeWiped } from './auth/hostFacts.ts';
import { createHostSettings } from './auth/hostSettings.ts';
import { describeError } from './auth/log.ts';
import { managedProvidersPath } from './auth/managedProviders.ts';
import { createOAuthDeps } from './auth/oauth/deps.ts';
import { createAuthService } from './auth/service/createService.ts';
import { registerAuthenticationProviders } from './auth/session/authenticationProvider.ts';
import { nodeDisk } from './auth/vault/disk.ts';
import { createSecretStorageKeys } from './auth/vault/secretStorage.ts';
import { createWindowProbe } from './auth/windowProbe.ts';
import { createAccountJoining } from './views/buckets/accountJoining.ts';
import { registerCommands } from './views/commands.ts';
import { createFailures, showActivationFailure } from './views/failures.ts';
import { startLaterParts } from './views/laterParts.ts';
import { createInteractiveSignIn } from './views/signIn/interactiveSignIn.ts';
import { createSigningOut } from './views/signIn/signingOut.ts';
import { createSignInEntry } from './views/signInEntry.ts';

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
	const bindings = createHostBindings((error) => log.error(`bindings listener: ${describeError(error)}`));
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
		askAboutKey: async (trouble, signal) =>
			(await import('./views/signIn/keyQuestion.ts')).askAboutKey(trouble, signal),
		bindingOf: bindings.bindingOf,
		workspace: currentWorkspace,
		commands: hostCommands(),
	});
	const failures = createFailures(service, log);
	const { ui, runStep } = createSignInEntry(log);
	const joining = createAccountJoining(service, log);
	const signIn = createInteractiveSignIn(service, ui, joining);
	const signingOut = createSigningOut(service, failures.describe, log);
	const { askSignOutAutomatic } = signingOut;
	const session = { ...failures, service: signingOut.service, clock, log, signIn, askSignOutAutomatic, isTrusted };
	const { onDidChange: onDidChangeOrphan } = probe;
	const later = startLaterParts({ context, service, settings, failures, signIn, clock, log, onDidChangeOrphan });
	context.subscriptions.push(
		registerAuthenticationProviders(session),
		settings,
		bindings,
		bindings.onDidChange(() => service.reload()),
		secrets,
		probe,
		service,
		settings.onDidChange(() => service.reload()),
		registerCommands({
			...{ service, failures, signIn, signingOut, joining, runSignInStep: runStep, storagePath },
			showLog: () => log.show(),
			terminals: later.terminals,
		}),
		later,
	);
	return createApi(service);
}
