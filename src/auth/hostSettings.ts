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
import type { Provider } from './provider.ts';
import type { SignInRequest } from './service.ts';
import { parseProviders } from './settings.ts';
import type { ConsentPolicy } from './terminal/grant.ts';

export type HostSettings = Disposable & {
	/** As last read. */
	providers(): readonly Provider[];
	problems(): MergedProviders['problems'];
	/** Whether the organisation's file can be used. */
	managed(): ManagedProviders['kind'];
	signInFlow(): NonNullable<SignInRequest['flow']>;
	/** Whether terminals are asked about for this provider. */
	terminalConsent(providerId: string): ConsentPolicy;
	/** Early renewal stops for accounts nobody asked for in this time; 0 turns it off. */
	earlyRefreshIdleMs(): number;
	/** The providers were read again. */
	readonly onDidChange: Event<void>;
};

const SECTION = 'agentAuth';
const DAY_MS = 24 * 60 * 60_000;
/** A long weekend; the same as in package.json. */
const DEFAULT_IDLE_DAYS = 4;

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
		signInFlow() {
			const flow = get('signInFlow');
			return flow === 'loopback' || flow === 'device' || flow === 'paste' ? flow : 'auto';
		},
		terminalConsent(providerId) {
			const byProvider = get('terminal.consent');
			if (typeof byProvider !== 'object' || byProvider === null || !Object.hasOwn(byProvider, providerId)) return 'ask';
			const policy: unknown = Object.entries(byProvider).find(([id]) => id === providerId)?.[1];
			// What cannot be understood must not open anything; the settings editor underlines it.
			return policy === 'always' || policy === 'ask' ? policy : 'never';
		},
		earlyRefreshIdleMs() {
			const days = get('earlyRefreshIdleDays');
			return typeof days === 'number' && days >= 0 ? days * DAY_MS : DEFAULT_IDLE_DAYS * DAY_MS;
		},
		onDidChange: emitter.event,
		dispose: disposables.dispose,
	};
}

/** Only what the person or the organisation set: a workspace must not redirect a sign-in, whatever the host allows. */
function get(key: string): unknown {
	const found = vscode.workspace.getConfiguration(SECTION).inspect<unknown>(key);
	return found?.globalValue ?? found?.defaultValue;
}
