/** What is seen all the time: the two lists of the side bar and the item of the status bar. */
import type { Clock } from '../auth/clock.ts';
import { createDisposables, type Disposable } from '../auth/event.ts';
import type { Logger } from '../auth/log.ts';
import type { AuthService } from '../auth/service.ts';
import { registerAccountsTree } from './accounts/accountsTree.ts';
import { createMinuteTicks } from './accounts/minuteTicks.ts';
import { connectedTools } from './connect/connectedTools.ts';
import type { Failures } from './failures.ts';
import { registerStatusBar } from './statusBar.ts';
import { registerAccessTree } from './terminal/accessTree.ts';
import type { TerminalViews } from './terminal/terminals.ts';

export function registerSidebar(options: {
	readonly service: AuthService;
	readonly terminals: Pick<TerminalViews, 'consents' | 'audit'>;
	readonly failures: Failures;
	readonly clock: Clock;
	readonly log: Logger;
}): Disposable {
	const { service, terminals, failures, clock, log } = options;
	const disposables = createDisposables();
	const ticks = createMinuteTicks(clock);
	const { consents, audit } = terminals;
	disposables.add(registerAccountsTree(service, failures, ticks));
	disposables.add(registerAccessTree({ service, consents, audit, ticks, log, tools: connectedTools }));
	disposables.add(registerStatusBar(service));
	return disposables;
}
