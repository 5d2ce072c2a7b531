/** Signing in: first a place for the credential, then the flow (one over all windows), then the credential into its bucket. */
import type { Clock } from '../clock.ts';
import { AuthError, isAuthError } from '../errors.ts';
import type { Disposable } from '../event.ts';
import { describeError, type Logger } from '../log.ts';
import type { OAuthDeps } from '../oauth/deps.ts';
import { isOAuthProvider, type Provider } from '../provider.ts';
import type { SignInRequest } from '../service.ts';
import type { BucketSnapshot } from '../snapshot.ts';
import type { BirthOptions } from '../vault/vaultKey.ts';
import { takeIn } from './custody.ts';
import type { OpenShelf, Shelves } from './shelves.ts';

/** A whole sign-in, the person's time included. */
const SIGN_IN_DEADLINE_MS = 15 * 60_000;

/** Why no key could be had when a sign-in began. */
export type KeyTrouble =
	/** SecretStorage hangs, throws or does not keep what it is given. */
	| 'notKept'
	/** Records exist, and the place that keeps their key does not answer. */
	| 'unreadable'
	/** Records exist and their key is gone. */
	| 'missing'
	/** The same, and no other session ever found it: SecretStorage lasts only as long as a window here. */
	| 'forgotten'
	/** The folder cannot be written. */
	| 'storage';

/** What the person decides then. Only `startOver` gives up what is sealed under the lost key; the files are kept. */
export type KeyDecision = 'keyFile' | 'sessionOnly' | 'startOver' | 'retry' | 'cancel';

export type SignInsOptions = {
	readonly shelves: Shelves;
	/** The providers a flow of this window runs for; kept here, shown in the snapshot. */
	readonly signingIn: Set<string>;
	readonly disk: OpenShelf;
	/** The shelf in memory, made when it is first wanted. */
	readonly memory: () => OpenShelf;
	/** Makes sure that the folders are there; rejects with `storage`. */
	readonly prepareFolders: () => Promise<void>;
	readonly ensureKey: (birth: BirthOptions) => Promise<void>;
	/** Whether a key was born before, wherever it is now. */
	readonly isKeyClaimed: () => Promise<boolean>;
	/** Whether the key was lost by a store that never kept it. */
	readonly isKeyForgotten: () => Promise<boolean>;
	readonly loaded: Promise<void>;
	readonly clock: Clock;
	readonly log: Logger;
	readonly oauth: OAuthDeps;
	readonly ending: AbortSignal;
	readonly signInFlow: () => NonNullable<SignInRequest['flow']>;
	readonly browserOnThisMachine: () => boolean;
	/** Whether anybody sees this window, as it was at most `maxAgeMs` ago. */
	readonly isSeen: (maxAgeMs: number) => Promise<boolean>;
	readonly askAboutKey: (trouble: KeyTrouble, signal: AbortSignal) => Promise<KeyDecision>;
};

export type SignIns = {
	/** See {@link AuthService.signIn}. */
	start(provider: Provider, request: SignInRequest): Promise<BucketSnapshot>;
	/** Stores an API key; asks about the key of the vault like a sign-in. */
	addApiKey(provider: Provider, key: string, name: string, bucketId?: string): Promise<BucketSnapshot>;
};

export function createSignIns(options: SignInsOptions): SignIns {
	const { shelves, clock, log } = options;
	const running = new Map<string, Promise<BucketSnapshot>>();

	function start(provider: Provider, request: SignInRequest): Promise<BucketSnapshot> {
		const present = running.get(provider.id);
		if (present) return present;
		const flight = run(provider, request).finally(() => {
			running.delete(provider.id);
			options.signingIn.delete(provider.id);
			shelves.publish();
		});
		running.set(provider.id, flight);
		options.signingIn.add(provider.id);
		shelves.publish();
		return flight;
	}

	async function run(provider: Provider, request: SignInRequest): Promise<BucketSnapshot> {
		if (!isOAuthProvider(provider))
			throw new AuthError('configuration', 'this provider has keys, not a sign-in', {
				detail: { provider: provider.id },
			});
		return request.ui.run(provider, async (session) => {
			const signal = AbortSignal.any([session.signal, options.ending, ...(request.signal ? [request.signal] : [])]);
			session.report({ kind: 'preparing' });
			await options.loaded;
			refuseNewer(provider.id, request.bucketId);
			const { open, birth } = await findPlace(signal);
			const [{ runSignIn }, { signInOnce }] = [
				await import('../signIn/signIn.ts'),
				await import('../signIn/signInOnce.ts'),
			];
			const expected =
				request.bucketId === undefined ? undefined : shelves.find(provider.id, request.bucketId)?.bucket.account;
			const naming = request.bucketName === undefined ? {} : { name: request.bucketName };
			const again = request.bucketId === undefined ? {} : { bucketId: request.bucketId };
			const flow = async (mayGoOn: AbortSignal): Promise<string> => {
				let bucketId: string | undefined;
				await runSignIn({
					provider,
					scopes: request.scopes ?? [],
					flow: request.flow ?? options.signInFlow(),
					browserOnThisMachine: options.browserOnThisMachine(),
					...(expected ? { expected } : {}),
					session: { ...session, signal: AbortSignal.any([signal, mayGoOn]) },
					deps: options.oauth,
					deadlineMs: SIGN_IN_DEADLINE_MS,
					async store(credential) {
						// Cancelled between the answer and the store: nothing is kept.
						if (signal.aborted || mayGoOn.aborted) throw new AuthError('cancelled', 'the sign-in was cancelled');
						bucketId = await takeIn(open.shelf, clock, { provider, credential, birth, ...naming, ...again });
					},
				});
				if (bucketId === undefined) throw new AuthError('storage', 'the account was not stored');
				return bucketId;
			};
			if (open.sessionOnly) return added(open, provider, await flow(signal));
			let choices: Disposable | undefined;
			const bucketId = await signInOnce(open.shelf.leases, open.shelf.ledger, {
				providerId: provider.id,
				signal,
				clock,
				isSeen: options.isSeen,
				onWait(takeOver) {
					session.report({ kind: 'waitingForOtherWindow' });
					choices ??= session.onChoice((choice) => choice === 'here' && takeOver());
				},
				flow(mayGoOn) {
					choices?.dispose();
					return flow(mayGoOn);
				},
			});
			return added(open, provider, bucketId);
		});
	}

	/** What a newer version wrote is not replaced, so nobody is sent through a sign-in for it. */
	function refuseNewer(providerId: string, bucketId: string | undefined): void {
		if (bucketId === undefined || shelves.bucket(providerId, bucketId)?.state.kind !== 'newerSchema') return;
		throw new AuthError('newer_schema', 'the record was written by a newer version', {
			detail: { provider: providerId },
		});
	}

	async function added(open: OpenShelf, provider: Provider, bucketId: string): Promise<BucketSnapshot> {
		await shelves.readAll(open);
		const bucket = shelves.bucket(provider.id, bucketId);
		if (!bucket) throw new AuthError('no_account', 'the account is gone again');
		return bucket;
	}

	/** Decided before the person signs in, so that nothing is lost afterwards. */
	async function findPlace(signal: AbortSignal): Promise<{ open: OpenShelf; birth: BirthOptions }> {
		let birth: BirthOptions = { signal };
		for (;;) {
			let trouble: KeyTrouble;
			try {
				await options.prepareFolders();
				await options.ensureKey(birth);
				return { open: options.disk, birth: { signal } };
			} catch (error) {
				trouble = await troubleOf(error);
				log.warn(`sign-in: no place for a credential: ${trouble} (${describeError(error)})`);
			}
			const decision = await options.askAboutKey(trouble, signal);
			log.info(`sign-in: the person chose ${decision}`);
			if (decision === 'cancel') throw new AuthError('cancelled', 'the sign-in was cancelled');
			if (decision === 'sessionOnly') return { open: options.memory(), birth: { signal } };
			birth = {
				signal,
				...(decision === 'keyFile' ? { keep: 'keyFile' } : {}),
				// What is sealed under a forgotten key stays closed, and is kept all the same.
				...(decision === 'startOver' || (trouble === 'forgotten' && decision === 'keyFile') ? { startOver: true } : {}),
			};
		}
	}

	/** Rethrows what is no trouble with the place. */
	async function troubleOf(error: unknown): Promise<KeyTrouble> {
		if (isAuthError(error, 'key_unreadable')) return (await options.isKeyClaimed()) ? 'unreadable' : 'notKept';
		if (isAuthError(error, 'key_missing')) return (await options.isKeyForgotten()) ? 'forgotten' : 'missing';
		if (isAuthError(error, 'storage')) return 'storage';
		throw error;
	}

	return {
		start,
		async addApiKey(provider, key, name, bucketId) {
			await options.loaded;
			const { open, birth } = await findPlace(options.ending);
			const credential = {
				kind: 'apiKey' as const,
				accessToken: key.trim(),
				scopes: [],
				obtainedAtMs: clock.now(),
				identity: { issuer: provider.id },
			};
			const replacing = bucketId === undefined ? {} : { bucketId };
			return added(
				open,
				provider,
				await takeIn(open.shelf, clock, { provider, credential, name, birth, ...replacing }),
			);
		},
	};
}
