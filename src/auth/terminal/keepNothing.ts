/**
 * For a window on a machine where nothing of the person may stay: what was decided lives in the memory of the window, and who
 * got what stands in its log alone.
 */
import { createEmitter } from '../event.ts';
import type { AuditEntry, AuditLog } from './audit.ts';
import type { ConsentStore } from './consentStore.ts';
import type { Keeping } from './terminalAccess.ts';
import type { TerminalConsentStore } from './terminalConsentStore.ts';

/** Nothing is found in it. A window that keeps decisions for no workspace has nothing to save here. */
const store: ConsentStore = {
	find: async () => undefined,
	save: async () => undefined,
	has: () => false,
	remove: () => undefined,
	list: async () => [],
};

/** That nothing was kept is said, and the decision stays in memory. */
const terminalStore: TerminalConsentStore = {
	find: async () => undefined,
	save: async () => undefined,
	has: () => false,
	remove: () => undefined,
	list: async () => [],
	sweep: async () => 0,
};

function createAudit(): AuditLog {
	const changes = createEmitter<readonly AuditEntry[]>(() => undefined);
	return {
		record: () => undefined,
		entries: () => [],
		onDidChange: changes.event,
		refresh: async () => undefined,
		dispose: changes.dispose,
	};
}

export function keepNothing(): Keeping {
	return { store, terminalStore, audit: createAudit() };
}
