/** Puts every configured provider into VS Code's authentication API, and takes it out when it leaves the settings. */
import * as vscode from 'vscode';
import { isAuthError } from '../errors.ts';
import { createDisposables, type Disposable } from '../event.ts';
import { authenticationProviderId, type Provider } from '../provider.ts';
import type { Snapshot } from '../snapshot.ts';
import { createSessionProvider, type SessionProviderOptions } from './sessionProvider.ts';

/**
 * Registers at once what is configured now, because VS Code waits only 5 s for a provider that a consumer asks for, and
 * follows the settings. The ids are in no manifest: people choose them, and VS Code only logs a warning for that.
 */
export function registerAuthenticationProviders(options: SessionProviderOptions): Disposable {
	const registered = new Map<string, { readonly label: string; readonly registration: Disposable }>();

	function follow(snapshot: Snapshot): void {
		const wanted = new Map(snapshot.providers.map(({ provider }) => [provider.id, provider]));
		for (const [id, { label, registration }] of registered) {
			// A label is fixed at registration, so a new one takes a new registration.
			if (wanted.get(id)?.label === label) continue;
			registered.delete(id);
			registration.dispose();
		}
		for (const provider of wanted.values()) {
			if (registered.has(provider.id)) continue;
			registered.set(provider.id, { label: provider.label, registration: register(provider, options) });
		}
	}

	follow(options.service.snapshot());
	const subscription = options.service.onDidChange(follow);
	return {
		dispose() {
			subscription.dispose();
			for (const { registration } of registered.values()) registration.dispose();
			registered.clear();
		},
	};
}

function register(provider: Provider, options: SessionProviderOptions): Disposable {
	const disposables = createDisposables();
	const sessions = disposables.add(createSessionProvider(provider.id, options));
	disposables.add(
		vscode.authentication.registerAuthenticationProvider(
			authenticationProviderId(provider.id),
			provider.label,
			{
				onDidChangeSessions: sessions.onDidChangeSessions,
				getSessions: (scopes, { account }) => sessions.getSessions(scopes, account),
				createSession: (scopes, { account }) => quietCancel(sessions.createSession(scopes, account)),
				removeSession: (sessionId) => quietCancel(sessions.removeSession(sessionId)),
			},
			{ supportsMultipleAccounts: true },
		),
	);
	return disposables;
}

/** VS Code shows every rejection but its own kind of cancellation as an error. */
async function quietCancel<T>(work: Promise<T>): Promise<T> {
	try {
		return await work;
	} catch (error) {
		throw isAuthError(error, 'cancelled') ? new vscode.CancellationError() : error;
	}
}
