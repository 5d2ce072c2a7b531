/**
 * The sessions that VS Code sees, made from what the core knows, and what changed between two such lists.
 * Pure, because VS Code's accounts menu punishes every inexact event: it drops an account when any of its sessions is
 * removed, and shows an account twice when its label changes.
 */
import { AUTOMATIC } from '../buckets/accounts.ts';
import { canAnswer } from '../buckets/automatic.ts';
import type { AccessToken, BucketSnapshot, ProviderSnapshot } from '../snapshot.ts';

/** Has the shape of `vscode.AuthenticationSession`. */
export type Session = {
	/** `<providerId>/<bucketId>` or `<providerId>/automatic`; the same before and after a refresh. */
	readonly id: string;
	readonly accessToken: string;
	readonly account: { readonly id: string; readonly label: string };
	readonly scopes: readonly string[];
};

/** Has the shape of `vscode.AuthenticationProviderAuthenticationSessionsChangeEvent`. */
export type SessionChange = {
	readonly added: readonly Session[];
	readonly removed: readonly Session[];
	readonly changed: readonly Session[];
};

export function automaticSessionId(providerId: string): string {
	return `${providerId}/automatic`;
}

/** The bucket a session id is of; undefined for "Automatic" and for ids of somebody else. */
export function bucketIdOf(providerId: string, sessionId: string): string | undefined {
	const prefix = `${providerId}/`;
	if (!sessionId.startsWith(prefix) || sessionId === automaticSessionId(providerId)) return undefined;
	return sessionId.slice(prefix.length);
}

/** True if a token of this bucket can be handed out, at once or after a refresh. */
export function isUsable(bucket: BucketSnapshot): boolean {
	return canAnswer(bucket) && !bucket.disabled;
}

/** What a list without scopes shows of a bucket whose command has not run: VS Code uses such lists for its menu only. */
const NO_TOKEN: AccessToken = { value: '', scopes: [] };

export function tokenOf(bucket: BucketSnapshot): AccessToken {
	return bucket.token ?? NO_TOKEN;
}

/** The bucket whose token the account "Automatic" has now; undefined if none can be used. */
export function bucketInForce(provider: ProviderSnapshot): BucketSnapshot | undefined {
	const bucket = provider.buckets.find((candidate) => candidate.id === provider.inForce);
	return bucket !== undefined && isUsable(bucket) ? bucket : undefined;
}

/** The session of "Automatic" with this token. */
export function automaticSession(providerId: string, token: AccessToken, scopes = token.scopes): Session {
	return {
		id: automaticSessionId(providerId),
		accessToken: token.value,
		account: { id: AUTOMATIC, label: AUTOMATIC },
		scopes,
	};
}

/** The session of the account that signed in to this bucket, with this token. */
export function accountSession(bucket: BucketSnapshot, token: AccessToken, scopes = token.scopes): Session {
	return {
		id: `${bucket.providerId}/${bucket.id}`,
		accessToken: token.value,
		account: { id: bucket.account.id, label: bucket.account.label },
		scopes,
	};
}

/** Every session of a provider with its granted scopes, "Automatic" first, then the accounts in their order. */
export function sessionsOf(provider: ProviderSnapshot | undefined): readonly Session[] {
	if (provider === undefined) return [];
	const inForce = bucketInForce(provider);
	return [
		...(inForce === undefined ? [] : [automaticSession(provider.provider.id, tokenOf(inForce))]),
		...provider.buckets.filter(isUsable).map((bucket) => accountSession(bucket, tokenOf(bucket))),
	];
}

/**
 * What VS Code has to be told to get from one list to the other. Another account or label under the same session id is
 * `removed` and `added`. When an account loses one of several sessions the others are listed as `changed`, because the
 * menu drops the whole account on `removed` and takes it back on `changed`.
 */
export function diffSessions(previous: readonly Session[], next: readonly Session[]): SessionChange {
	const before = new Map(previous.map((session) => [session.id, session]));
	const after = new Map(next.map((session) => [session.id, session]));
	const removed = previous.filter((session) => counterpart(session, after) === undefined);
	const bereaved = new Set(removed.map((session) => session.account.id));
	return {
		added: next.filter((session) => counterpart(session, before) === undefined),
		removed,
		changed: next.filter((session) => {
			const earlier = counterpart(session, before);
			if (earlier === undefined) return false;
			return bereaved.has(session.account.id) || !sameContent(earlier, session);
		}),
	};
}

/** The session of the same id and account in the other list. */
function counterpart(session: Session, others: ReadonlyMap<string, Session>): Session | undefined {
	const other = others.get(session.id);
	return other !== undefined && sameAccount(other, session) ? other : undefined;
}

function sameAccount(a: Session, b: Session): boolean {
	return a.account.id === b.account.id && a.account.label === b.account.label;
}

function sameContent(a: Session, b: Session): boolean {
	return a.accessToken === b.accessToken && sameScopes(a.scopes, b.scopes);
}

/** Compares scopes as sets. */
export function sameScopes(a: readonly string[], b: readonly string[]): boolean {
	const left = new Set(a);
	const right = new Set(b);
	return left.size === right.size && [...left].every((scope) => right.has(scope));
}
