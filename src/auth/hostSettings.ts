/** What VS Code's settings and the organisation's file say, read when it is needed and watched for changes. */
import * as vscode from 'vscode';
import { createDisposables, createEmitter, type Disposable, type Event } from './event.ts';
import { describeError, type Logger } from './log.ts';
import {
	type ManagedProviders,
	type MergedProviders,
	mergeProviders,
	readManagedProviders,
} from './managedProviders.ts';
import { consentPolicyOf, earlyRefreshIdleMsOf, type SignInFlow, signInFlowOf } from './preferences.ts';
import type { Provider } from './provider.ts';
import { parseProviders } from './settings.ts';
import type { ConsentPolicy } from './terminal/grant.ts';

export type HostSettings = Disposable & {
	/** As last read. */
	providers(): readonly Provider[];
	problems(): MergedProviders['problems'];
	/** Whether the organisation's file can be used. */
	managed(): ManagedProviders['kind'];
	/** Whether this provider comes from the organisation's file. */
	isManaged(providerId: string): boolean;
	signInFlow(): SignInFlow;
	/** Whether terminals are asked about for this provider. */
	terminalConsent(providerId: string): ConsentPolicy;
	/** Early renewal stops for accounts nobody asked for in this time; 0 turns it off. */
	earlyRefreshIdleMs(): number;
	/** The providers were read again. */
	readonly onDidChange: Event<void>;
};

const SECTION = 'agentAuth';

/** @param managedFile where an organisation puts providers; see `managedProvidersPath`. */
export function createHostSettings(managedFile: string, log: Logger): HostSettings {
	const disposables = createDisposables();
	const emitter = disposables.add(
		createEmitter<void>((error) => log.error(`settings listener: ${describeError(error)}`)),
	);
	let { merged, managed } = read();

	function read(): { readonly merged: MergedProviders; readonly managed: ManagedProviders } {
		const file = readManagedProviders(managedFile);
		if (file.kind === 'unreadable') log.error(`managed providers: ${describeError(file.cause)}`);
		if (file.kind === 'foreign') log.error(`managed providers are ignored: ${file.why}`);
		return { merged: mergeProviders(parseProviders(get('providers')), file), managed: file };
	}

	disposables.add(
		vscode.workspace.onDidChangeConfiguration((event) => {
			if (!event.affectsConfiguration(`${SECTION}.providers`)) return;
			({ merged, managed } = read());
			emitter.fire();
		}),
	);
	return {
		providers: () => merged.providers,
		problems: () => merged.problems,
		managed: () => managed.kind,
		isManaged: (providerId) => managed.kind === 'read' && managed.ids.includes(providerId),
		signInFlow: () => signInFlowOf(get('signInFlow')),
		terminalConsent: (providerId) => consentPolicyOf(get('terminal.consent'), providerId),
		earlyRefreshIdleMs: () => earlyRefreshIdleMsOf(get('earlyRefreshIdleDays')),
		onDidChange: emitter.event,
		dispose: disposables.dispose,
	};
}

/** Only what the person or the organisation set: a workspace must not redirect a sign-in, whatever the host allows. */
function get(key: string): unknown {
	const found = vscode.workspace.getConfiguration(SECTION).inspect<unknown>(key);
	return found?.globalValue ?? found?.defaultValue;
}
