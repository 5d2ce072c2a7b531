/** Stand-ins for what terminal access gets from the rest of a window. */
import { AuthError } from '../../src/auth/errors.ts';
import type { Logger } from '../../src/auth/log.ts';
import type { Provider, TerminalUse } from '../../src/auth/provider.ts';
import type { BucketSnapshot, BucketState, ProviderSnapshot } from '../../src/auth/snapshot.ts';
import type { TerminalService } from '../../src/auth/terminal/requestContext.ts';

export function collectingLogger(): Logger & { readonly lines: string[] } {
	const lines: string[] = [];
	const add = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
	return { lines, trace: add('trace'), debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error') };
}

export function fakeBucket(providerId: string, id: string, name: string, state: BucketState): BucketSnapshot {
	const account = { id: `account-${id}`, label: `${name}@example.test`, identity: { issuer: 'https://example.test' } };
	return {
		id,
		providerId,
		name,
		account,
		state,
		generation: 1,
		renewable: true,
		kind: 'oauth',
		sessionOnly: false,
		disabled: false,
		automatic: true,
	};
}

export function fakeProvider(
	id: string,
	buckets: readonly BucketSnapshot[],
	use: TerminalUse & { readonly kind?: 'apiKey' } = {},
): ProviderSnapshot {
	const first = buckets[0];
	const provider: Provider = { id, label: `The ${id}`, kind: 'apiKey', ...use };
	return {
		provider,
		buckets,
		signingIn: false,
		automatic: first === undefined ? { kind: 'none' } : { kind: 'inForce', bucketId: first.id },
		...(first === undefined ? {} : { inForce: first.id }),
	};
}

export type FakeService = TerminalService & {
	readonly requests: Parameters<TerminalService['getToken']>[0][];
	readonly reports: Parameters<TerminalService['report']>[0][];
	readonly keys: Parameters<TerminalService['addApiKey']>[0][];
	tokens: number;
	/** What tokens end at; moves with each refresh where they live for a time. */
	expiresAtMs: number;
};

/**
 * Provider `acme` is signed in with two buckets, `empty` has none, `dead` needs a sign-in, `twins` has two buckets of
 * one name.
 */
export function fakeService(tokenPrefix: string): FakeService {
	const ready: BucketState = { kind: 'ready' };
	const providers = [
		fakeProvider('acme', [fakeBucket('acme', 'b1', 'work', ready), fakeBucket('acme', 'b2', 'home', ready)], {
			gitHosts: ['git.example.test'],
		}),
		fakeProvider('mapped', [fakeBucket('mapped', 'b6', 'one', ready)], {
			environment: { MODEL_KEY: 'token', MODEL_AUTH: 'header', MODEL_END: 'expiresAt' },
		}),
		fakeProvider('empty', []),
		fakeProvider('dead', [fakeBucket('dead', 'b3', 'old', { kind: 'needsSignIn', reason: 'invalid_grant' })]),
		fakeProvider('twins', [fakeBucket('twins', 'b4', 'same', ready), fakeBucket('twins', 'b5', 'same', ready)]),
	];
	const service: FakeService = {
		requests: [],
		reports: [],
		keys: [],
		tokens: 0,
		expiresAtMs: 1_900_000_000_000,
		loaded: Promise.resolve(),
		snapshot: () => ({ loaded: true, providers }),
		getToken(request) {
			service.requests.push(request);
			const found = providers.find(({ provider }) => provider.id === request.providerId);
			const bucket = found?.buckets.find(({ id }) => id === (request.bucketId ?? found.inForce));
			if (bucket === undefined) return Promise.reject(new AuthError('no_account', 'none'));
			if (bucket.state.kind === 'needsSignIn') return Promise.reject(new AuthError('invalid_grant', 'ended'));
			service.tokens++;
			const value = `${tokenPrefix}-${bucket.id}`;
			return Promise.resolve({ token: { value, scopes: [], expiresAtMs: service.expiresAtMs }, bucket });
		},
		report(report) {
			service.reports.push(report);
			const { status } = report.report;
			if (status === 401) return Promise.resolve({ kind: 'retryWithNewToken' });
			if (status === 429) return Promise.resolve({ kind: 'wait', untilMs: 1_900_000_000_000, reason: 'limit' });
			if (status === 402) return Promise.resolve({ kind: 'giveUp', code: 'exhausted', reason: 'credit' });
			return Promise.resolve({ kind: 'ignored' });
		},
		addApiKey(request) {
			service.keys.push(request);
			return Promise.resolve(fakeBucket(request.providerId, 'b9', request.name, ready));
		},
	};
	return service;
}
