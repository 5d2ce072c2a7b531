/** A window that is told what requests got, over a shelf in memory; what renews a token is a function. */
import assert from 'node:assert/strict';
import type { BindingSetting } from '../../src/auth/buckets/binding.ts';
import { type Bucket, updateBucket } from '../../src/auth/buckets/state.ts';
import type { Credential } from '../../src/auth/credential.ts';
import type { FailureReport } from '../../src/auth/failover/report.ts';
import { digest } from '../../src/auth/log.ts';
import type { Provider } from '../../src/auth/provider.ts';
import { createChoice } from '../../src/auth/service/choice.ts';
import { createIssuedTokens } from '../../src/auth/service/issuedTokens.ts';
import { createReports } from '../../src/auth/service/reports.ts';
import { createShelves, type OpenShelf } from '../../src/auth/service/shelves.ts';
import type { TokenRequest, UseReport } from '../../src/auth/service.ts';
import { createMemoryShelf } from '../../src/auth/shelf.ts';
import { createManualClock } from './manualClock.ts';
import { createRecordingLog } from './recordingLog.ts';

const PROVIDER: Provider = {
	...{ id: 'demo', label: 'Demo', kind: 'oidc', issuer: 'https://issuer.example' },
	client: { clientId: 'client', scopes: [] },
};
export const identity = { issuer: 'https://issuer.example' };
export const refused = { status: 401 };
const QUOTA = { body: '{"error":{"code":"quota_exceeded"}}' };
export const HOUR_LIMIT = { ...QUOTA, headers: { 'retry-after': '3600' } };

type Setup = {
	readonly buckets?: Readonly<Record<string, Partial<Bucket>>>;
	readonly binding?: BindingSetting;
	/** What a forced renewal comes to; by default it works. */
	readonly renewal?: unknown;
};

/** A window with these buckets of one service; the token of each is `token of <id>`, and was handed out. */
export async function reportWorld({ buckets = { one: {} }, binding = { kind: 'none' }, renewal }: Setup = {}) {
	const clock = createManualClock(1_700_000_000_000);
	const log = createRecordingLog();
	const shelf = createMemoryShelf();
	const open: OpenShelf = {
		...{ shelf, sessionOnly: false },
		refresher: { refresh: () => assert.fail('a report renews nothing by itself') },
	};
	const choice = createChoice({
		...{ clock, window: 'this window', workspace: () => '', bindingOf: () => binding },
		onDidEndHold: () => undefined,
	});
	const shelves = createShelves({
		...{ clock, log, providers: () => [PROVIDER], isSigningIn: () => false, choose: choice.choose },
	});
	shelves.add(open);
	const issued = createIssuedTokens();
	const all = Object.entries(buckets).map(
		([id, more]): Bucket => ({
			...{ id, name: id, kind: 'oauth', createdAtMs: 1, account: { id, label: id, identity } },
			...more,
		}),
	);
	const write = (id: string, generation: number, value: string): Promise<number> => {
		const credential: Credential = {
			...{ accessToken: value, scopes: [], obtainedAtMs: clock.now(), identity },
			...(all.find((bucket) => bucket.id === id)?.kind === 'apiKey' ? { kind: 'apiKey' } : { kind: 'oauth' }),
		};
		return shelf.vault.write({ providerId: 'demo', bucketId: id }, generation, credential);
	};
	for (const { id, kind } of all) {
		issued.note(`token of ${id}`, { providerId: 'demo', bucketId: id });
		if (kind !== 'reference') await write(id, 0, `token of ${id}`);
	}
	await shelf.state.update(() => ({ providers: { demo: { buckets: all, labels: [] } } }));
	await shelves.readAll(open);
	const asked: TokenRequest[] = [];
	const reports = createReports({
		...{ shelves, issued, clock, log },
		tokens: {
			async get(request) {
				asked.push(request);
				if (renewal !== undefined) throw renewal;
				const bucket = shelves.bucket(request.providerId, request.bucketId ?? '');
				assert.ok(bucket);
				return { token: { value: 'renewed', scopes: [] }, bucket };
			},
		},
	});
	const change = async (id: string, how: (bucket: Bucket) => Bucket): Promise<void> => {
		await shelf.state.update((state) => updateBucket(state, 'demo', id, how));
		await shelves.readNews(open, 'state');
	};
	return {
		...{ clock, log, shelf, shelves, open, issued, asked, change },
		renewedTo: async (id: string, generation: number, value: string): Promise<void> => {
			await write(id, generation - 1, value);
			issued.note(value, { providerId: 'demo', bucketId: id });
			await shelves.readAll(open);
		},
		report: (value: string, got: Partial<FailureReport>, more: Partial<UseReport> = {}) =>
			reports.report({
				...{ providerId: 'demo', tokenDigest: digest(value), deadlineMs: 5_000 },
				report: { status: 429, headers: {}, ...got },
				...more,
			}),
		/** As the disk has it. */
		async stored(id: string): Promise<Bucket> {
			const reading = await shelf.state.read();
			assert.ok(reading.kind === 'state');
			const bucket = reading.state.providers.demo?.buckets.find((one) => one.id === id);
			assert.ok(bucket);
			return bucket;
		},
		writes: async (): Promise<number> => (await shelf.ledger.read('state'))?.generation ?? 0,
	};
}
