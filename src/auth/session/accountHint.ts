/** The account that a call of VS Code is about, and which buckets and sessions belong to it. */

import { AUTOMATIC } from '../buckets/accounts.ts';
import type { BucketSnapshot, ProviderSnapshot } from '../snapshot.ts';
import type { Session } from './sessions.ts';

/** As VS Code passes it: from a session it was given, or from a stored preference, which holds only the label. */
export type AccountHint = { readonly id: string; readonly label: string };

export function isAutomatic(account: AccountHint): boolean {
	return account.id === AUTOMATIC || account.label === AUTOMATIC;
}

/** The buckets of an account, in order: by its id, else by its label. */
export function bucketsOfAccount(provider: ProviderSnapshot, account: AccountHint): readonly BucketSnapshot[] {
	const byId = provider.buckets.filter((bucket) => bucket.account.id === account.id);
	if (byId.length > 0) return byId;
	return provider.buckets.filter((bucket) => bucket.account.label === account.label);
}

/** The sessions of an account: by its id, else by its label. */
export function sessionsOfAccount(sessions: readonly Session[], account: AccountHint): readonly Session[] {
	const byId = sessions.filter((session) => session.account.id === account.id);
	return byId.length > 0 ? byId : sessions.filter((session) => session.account.label === account.label);
}
