/**
 * What a window shows and says by itself, and its answers to terminals. VS Code waits for the activation of an extension, and
 * for none of this: it is loaded right after it. See `docs/decisions/0010-loaded-when-it-is-needed.md`.
 */
import { createDisposables, type Disposable } from '../auth/event.ts';
import type { AuthService } from '../auth/service.ts';
import type { Failures } from './failures.ts';
import { followNotices } from './notices/notices.ts';
import type { ProviderSettings } from './providers/providerProblems.ts';
import { registerSidebar } from './sidebar.ts';
import { registerTerminals, type TerminalViewOptions, type TerminalViews } from './terminal/terminals.ts';

export type AfterActivationOptions = TerminalViewOptions & {
	readonly service: AuthService;
	readonly settings: ProviderSettings;
	readonly failures: Failures;
};

export type AfterActivation = Disposable & { readonly terminals: TerminalViews };

export function registerAfterActivation(options: AfterActivationOptions): AfterActivation {
	const disposables = createDisposables();
	const terminals = disposables.add(registerTerminals(options));
	disposables.add(registerSidebar({ ...options, terminals }));
	disposables.add(followNotices(options));
	return { terminals, dispose: disposables.dispose };
}
