/** What the person decided about terminals and still counts: of this window, and remembered for workspaces. */
import type { Event } from '../event.ts';
import type { Access } from './access.ts';
import type { ConsentStore, StoredConsent } from './consentStore.ts';
import type { TerminalProcess } from './consumer.ts';
import type { Grant } from './grant.ts';
import type { TerminalConsentStore } from './terminalConsentStore.ts';

export type Consent =
	/** Until the terminal is closed; for the outside, or without a workspace, until the window is. */
	({ readonly scope: 'session' } & Grant) | ({ readonly scope: 'workspace' } & StoredConsent);

export type Consents = {
	/** Those of all workspaces; sessions only of this window. */
	list(): Promise<readonly Consent[]>;
	/** Counts from the next request on, in every window. One that is gone is no error. */
	revoke(id: string): void;
	/** Another window's changes are not announced: list again. */
	readonly onDidChange: Event<void>;
};

export function createConsents(
	access: Pick<Access, 'grants' | 'revoke' | 'onDidChangeGrants' | 'announce'>,
	store: ConsentStore,
	terminalStore: TerminalConsentStore,
	terminals: () => Promise<readonly TerminalProcess[]>,
): Consents {
	return {
		async list() {
			const [kept, open] = await Promise.all([terminalStore.list(), terminals()]);
			const known = access.grants();
			// What was decided before the window was loaded, and not asked for since.
			const earlier = kept.filter(
				({ id, consumer }) =>
					!known.some((grant) => grant.id === id) &&
					open.some(({ pid }) => consumer.kind === 'terminal' && consumer.pid === pid),
			);
			const session = [...known, ...earlier].map((grant) => ({ scope: 'session' as const, ...grant }));
			const stored = (await store.list()).map((consent) => ({ scope: 'workspace' as const, ...consent }));
			return [...session, ...stored];
		},
		revoke(id) {
			access.revoke(id);
			store.remove(id);
			terminalStore.remove(id);
			access.announce();
		},
		onDidChange: (listener, thisArgs, disposables) =>
			access.onDidChangeGrants(() => listener.call(thisArgs), undefined, disposables),
	};
}
