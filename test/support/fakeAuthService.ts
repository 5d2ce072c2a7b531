/** The face of the core with scripted answers: a snapshot that tests replace, and tokens that they hand out. */
import { AuthError } from '../../src/auth/errors.ts';
import { createEmitter } from '../../src/auth/event.ts';
import type { Provider } from '../../src/auth/provider.ts';
import type { AuthService, IssuedToken, TokenRequest } from '../../src/auth/service.ts';
import type { AccessToken, BucketSnapshot, BucketState, ProviderSnapshot, Snapshot } from '../../src/auth/snapshot.ts';
import { createDeferred } from './deferred.ts';

export const ACME: Provider = {
	id: 'acme',
	label: 'Acme',
	kind: 'oidc',
	issuer: 'https://login.acme.example',
	client: { clientId: 'client', scopes: ['openid', 'email'] },
};

export const KEYS: Provider = { id: 'keys', label: 'Model Keys', kind: 'apiKey' };

/** A bucket of its own account; the token's name is the bucket's unless it is given. */
export function bucketOf(
	id: string,
	options: Partial<Omit<BucketSnapshot, 'token'>> & { token?: Partial<AccessToken> | 'none' } = {},
): BucketSnapshot {
	const { token, ...rest } = options;
	const label = `${id}@acme.example`;
	return {
		id,
		providerId: 'acme',
		name: label,
		account: { id: `account-${id}`, label, identity: { issuer: 'https://login.acme.example', subject: id } },
		state: { kind: 'ready' },
		generation: 1,
		renewable: true,
		kind: 'oauth',
		sessionOnly: false,
		disabled: false,
		automatic: true,
		...(token === 'none' ? {} : { token: { value: `token-${id}`, scopes: ['openid', 'email'], ...token } }),
		...rest,
	};
}

export function withoutToken(id: string, state: BucketState): BucketSnapshot {
	return bucketOf(id, { state, token: 'none', renewable: false });
}

/** The first usable bucket is in force. */
export function snapshotOf(
	buckets: readonly BucketSnapshot[],
	options: Partial<Omit<Snapshot, 'providers'>> &
		Partial<Pick<ProviderSnapshot, 'automatic' | 'binding' | 'signingIn' | 'provider' | 'inForce'>> = {},
): Snapshot {
	const { provider = ACME, signingIn = false, inForce, automatic, binding, ...rest } = options;
	const usable = inForce ?? buckets.find(({ state, token }) => state.kind === 'ready' && token !== undefined)?.id;
	return {
		loaded: true,
		...rest,
		providers: [
			{
				provider,
				buckets,
				signingIn,
				automatic: automatic ?? (usable === undefined ? { kind: 'none' } : { kind: 'inForce', bucketId: usable }),
				...(binding === undefined ? {} : { binding }),
				...(usable === undefined || (automatic && automatic.kind !== 'inForce') ? {} : { inForce: usable }),
			},
		],
	};
}

export type FakeAuthService = AuthService & {
	/** Replaces the snapshot and announces it. */
	set(next: Snapshot): void;
	finishLoading(): void;
	/** How `getToken` answers; by default with the token in the snapshot. */
	answer: (request: TokenRequest) => Promise<IssuedToken>;
	readonly tokenRequests: TokenRequest[];
	readonly signedOut: string[];
};

export function createFakeAuthService(initial: Snapshot): FakeAuthService {
	let snapshot = initial;
	const emitter = createEmitter<Snapshot>((error) => {
		throw error;
	});
	const loading = createDeferred<void>();
	if (initial.loaded) loading.resolve();
	const fake: FakeAuthService = {
		tokenRequests: [],
		signedOut: [],
		set(next) {
			snapshot = next;
			emitter.fire(next);
		},
		finishLoading: () => loading.resolve(),
		async answer({ providerId, bucketId }) {
			const provider = snapshot.providers.find((entry) => entry.provider.id === providerId);
			const bucket = provider?.buckets.find(({ id }) => id === (bucketId ?? provider.inForce));
			if (bucket?.token === undefined) throw new AuthError('no_account', 'no token in the fake');
			return { bucket, token: bucket.token };
		},
		snapshot: () => snapshot,
		onDidChange: emitter.event,
		loaded: loading.promise,
		getToken(request) {
			fake.tokenRequests.push(request);
			return fake.answer(request);
		},
		signIn: () => Promise.reject(new Error('not scripted')),
		addApiKey: () => Promise.reject(new Error('not scripted')),
		async signOut(_providerId, bucketId) {
			fake.signedOut.push(bucketId);
		},
		refresh: async () => undefined,
		report: async () => ({ kind: 'ignored' }),
		endSessionAddress: async () => undefined,
		addReference: () => Promise.reject(new Error('not scripted')),
		renameBucket: async () => undefined,
		moveBucket: async () => undefined,
		describeBucket: async () => undefined,
		endCooldown: async () => undefined,
		decideCrossing: async () => undefined,
		confirmBinding: async () => undefined,
		hold: () => ({ dispose: () => undefined }),
		claimMessage: async () => true,
		claimReminder: async () => true,
		storedData: {
			list: async () => ({ accounts: [], strayRecords: 0 }),
			remove: async () => ({ left: [], notRevoked: 0 }),
		},
		examine: async () => [],
		diagnose: () => Promise.reject(new Error('not scripted')),
		reload: async () => undefined,
		dispose: () => emitter.dispose(),
	};
	return fake;
}
