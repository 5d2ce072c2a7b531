/** What the person decided about terminals and still counts: of this window, and remembered for workspaces. */
import type { Event } from '../event.ts';
import type { Access, Grant } from './access.ts';
import type { ConsentStore, StoredConsent } from './consentStore.ts';

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
): Consents {
	return {
		async list() {
			const session = access.grants().map((grant) => ({ scope: 'session' as const, ...grant }));
			const stored = (await store.list()).map((consent) => ({ scope: 'workspace' as const, ...consent }));
			return [...session, ...stored];
		},
		revoke(id) {
			access.revoke(id);
			store.remove(id);
			access.announce();
		},
		onDidChange: (listener, thisArgs, disposables) =>
			access.onDidChangeGrants(() => listener.call(thisArgs), undefined, disposables),
	};
}
