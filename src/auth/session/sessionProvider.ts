/**
 * What one provider answers to VS Code's authentication API, without VS Code: `authenticationProvider.ts` puts it in.
 * VS Code runs all calls of one provider id in one queue, so each of them ends in bounded time here, and what takes
 * longer goes on outside the queue.
 */
import { type Clock, withDeadline } from '../clock.ts';
import { AuthError, isAuthError } from '../errors.ts';
import { createEmitter, type Disposable, type Event } from '../event.ts';
import { describeError, type Logger } from '../log.ts';
import type { Provider } from '../provider.ts';
import type { AuthService } from '../service.ts';
import type { Account, BucketSnapshot, ProviderSnapshot } from '../snapshot.ts';
import { type AccountHint, sessionsOfAccount } from './accountHint.ts';
import { findSessions } from './sessionLookup.ts';
import {
	automaticSessionId,
	bucketIdOf,
	diffSessions,
	type Session,
	type SessionChange,
	sessionsOf,
} from './sessions.ts';
import { type InteractiveSignIn, sessionAfterSignIn, signInTarget } from './signInTarget.ts';
import { createUnmetRequests } from './unmetRequests.ts';

/** What signing out of "Automatic" shall do. VS Code forgets what extensions were allowed, except after `cancel`. */
export type AutomaticSignOut = 'revokeExtensionsOnly' | 'accounts' | 'cancel';

export type SessionProviderOptions = {
	readonly service: AuthService;
	readonly clock: Clock;
	readonly log: Logger;
	/** A sentence for people about a failure. Consumers see nothing else of it. */
	describe(error: unknown): string;
	signIn(request: InteractiveSignIn): Promise<BucketSnapshot>;
	askSignOutAutomatic(provider: Provider, accounts: readonly Account[]): Promise<AutomaticSignOut>;
	/** False in Restricted Mode, where nothing is given. */
	isTrusted(): boolean;
};

/** The calls reject with an `AuthError` whose message is the sentence of `describe`. */
export type SessionProvider = Disposable & {
	readonly onDidChangeSessions: Event<SessionChange>;
	/** Without scopes: from memory, never rejects. With scopes: as {@link findSessions}, and rejects with `timeout`. */
	getSessions(scopes: readonly string[] | undefined, account?: AccountHint): Promise<Session[]>;
	/** Signs in. Rejects with `timeout` after {@link CREATE_SESSION_LIMIT_MS}; the sign-in goes on. */
	createSession(scopes: readonly string[], account?: AccountHint): Promise<Session>;
	/** Signs out; does nothing for an id it does not know. Rejects with `cancelled` if the person wants to stay. */
	removeSession(sessionId: string): Promise<void>;
};

/** Everything else of this provider waits meanwhile, in this window. */
export const GET_SESSIONS_LIMIT_MS = 10_000;
/** Enough for a browser, a password and a second factor; the queue must not stand still for longer. */
export const CREATE_SESSION_LIMIT_MS = 240_000;
/** The question what signing out of "Automatic" means stands in the same queue. */
export const SIGN_OUT_QUESTION_LIMIT_MS = 60_000;

export function createSessionProvider(providerId: string, options: SessionProviderOptions): SessionProvider {
	const { service, clock, log } = options;
	const emitter = createEmitter<SessionChange>((error) => log.error(`session listener: ${describeError(error)}`));
	const unmet = createUnmetRequests();
	let announced = sessionsOf(current());
	let pendingFlush: Disposable | undefined;
	const subscription = service.onDidChange(() => {
		pendingFlush ??= clock.schedule(0, flush);
	});

	function current(): ProviderSnapshot | undefined {
		return service.snapshot().providers.find((entry) => entry.provider.id === providerId);
	}

	/** Tells VS Code what changed since the last time: once per turn, because every event makes consumers ask again. */
	function flush(): void {
		pendingFlush?.dispose();
		pendingFlush = undefined;
		const provider = current();
		const next = sessionsOf(provider);
		const change = diffSessions(announced, next);
		announced = next;
		if (change.added.length + change.removed.length + change.changed.length === 0) return;
		emitter.fire({ ...change, added: [...change.added, ...unmet.meet(provider, change)] });
	}

	/** Before the vault was read nothing is known, and an empty answer would start a sign-in. */
	async function whenLoaded(): Promise<ProviderSnapshot> {
		if (!service.snapshot().loaded) await withDeadline(clock, service.loaded, GET_SESSIONS_LIMIT_MS);
		const provider = current();
		if (provider === undefined) throw new AuthError('unknown_provider', `no provider ${providerId}`);
		return provider;
	}

	function requireTrust(): void {
		if (!options.isTrusted()) throw new AuthError('untrusted', 'the workspace is not trusted');
	}

	/** The log gets names and codes, the consumer the sentence and no cause: causes may hold a server's whole answer. */
	function readable(verb: string, error: unknown): AuthError {
		log.warn(`${verb} ${providerId}: ${describeError(error)}`);
		const message = options.describe(error);
		return isAuthError(error)
			? new AuthError(error.code, message, { detail: error.detail })
			: new AuthError('transient', message);
	}

	async function sessionsInMemory(account: AccountHint | undefined): Promise<Session[]> {
		try {
			await whenLoaded();
		} catch (error) {
			// What is known so far is the answer; the rest is announced as soon as it was read.
			log.debug(`getSessions ${providerId}: ${describeError(error)}`);
		}
		const sessions = sessionsOf(current());
		return [...(account === undefined ? sessions : sessionsOfAccount(sessions, account))];
	}

	async function sessionsWithScopes(scopes: readonly string[], account?: AccountHint): Promise<Session[]> {
		requireTrust();
		const startedAtMs = clock.monotonic();
		await whenLoaded();
		const deadlineMs = Math.max(0, GET_SESSIONS_LIMIT_MS - (clock.monotonic() - startedAtMs));
		const sessions = await findSessions({ service, clock, providerId, scopes, account, deadlineMs });
		if (sessions.length === 0) unmet.add(scopes);
		return sessions;
	}

	async function signIn(scopes: readonly string[], account?: AccountHint): Promise<Session> {
		requireTrust();
		const work = options.signIn(signInTarget(await whenLoaded(), scopes, account));
		const bucket = await withDeadline(clock, work, CREATE_SESSION_LIMIT_MS);
		flush();
		return sessionAfterSignIn(current(), bucket, scopes, account);
	}

	async function signOutAutomatic(): Promise<void> {
		const provider = current();
		if (provider === undefined) return;
		const buckets = provider.buckets.filter((bucket) => bucket.state.kind !== 'signedOut');
		const accounts = buckets.map((bucket) => bucket.account);
		const answered = options.askSignOutAutomatic(provider.provider, accounts).then(async (choice) => {
			if (choice === 'cancel') throw new AuthError('cancelled', 'not signed out');
			if (choice === 'revokeExtensionsOnly') return;
			await Promise.all(buckets.map((bucket) => service.signOut(providerId, bucket.id)));
		});
		// The answer counts however late it comes; only the queue does not wait for it.
		await withDeadline(clock, answered, SIGN_OUT_QUESTION_LIMIT_MS);
	}

	async function signOut(sessionId: string): Promise<void> {
		if (sessionId === automaticSessionId(providerId)) await signOutAutomatic();
		const bucketId = bucketIdOf(providerId, sessionId);
		const bucket = current()?.buckets.find((entry) => entry.id === bucketId);
		if (bucket !== undefined) await service.signOut(providerId, bucket.id);
		flush();
	}

	return {
		onDidChangeSessions: emitter.event,
		getSessions(scopes, account) {
			if (scopes === undefined) return sessionsInMemory(account);
			return orReadable('getSessions', sessionsWithScopes(scopes, account));
		},
		createSession: (scopes, account) => orReadable('createSession', signIn(scopes, account)),
		removeSession: (sessionId) => orReadable('removeSession', signOut(sessionId)),
		dispose() {
			subscription.dispose();
			pendingFlush?.dispose();
			emitter.dispose();
		},
	};

	function orReadable<T>(verb: string, work: Promise<T>): Promise<T> {
		return work.catch((error: unknown) => Promise.reject(readable(verb, error)));
	}
}
