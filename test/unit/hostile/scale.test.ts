/** 200 services with 1,000 accounts: slower than one, but nothing that a person would call a hang. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { addBucket } from '../../../src/auth/buckets/accounts.ts';
import { EMPTY_STATE, type State } from '../../../src/auth/buckets/state.ts';
import { systemClock } from '../../../src/auth/clock.ts';
import type { Credential } from '../../../src/auth/credential.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import { parseProviders } from '../../../src/auth/settings.ts';
import { createDiskShelf } from '../../../src/auth/shelf.ts';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { accountsNodes } from '../../../src/views/accounts/accountsModel.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { createSharedKeys, openWindow } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const PROVIDERS = 200;
const BUCKETS_EACH = 5;

/** Ten times what an idle machine takes: what grows with the square of the accounts takes more than that. */
const LIMIT_MS = { settings: 1_000, load: 20_000, publish: 500, tree: 500, token: 200 } as const;

describe(`${PROVIDERS} services with ${PROVIDERS * BUCKETS_EACH} accounts`, () => {
	it('are read, shown and served in time', async (context) => {
		const storagePath = join(await tempFolder(context), 'storage');
		const took = (what: keyof typeof LIMIT_MS, startedMs: number): void => {
			const ms = performance.now() - startedMs;
			context.diagnostic(`${what}: ${ms.toFixed(0)} ms`);
			assert.ok(ms < LIMIT_MS[what], `${what} took ${ms.toFixed(0)} ms`);
		};
		const settings = Object.fromEntries(
			Array.from({ length: PROVIDERS }, (_, index) => [`p${index}`, { type: 'apiKey', label: `Service ${index}` }]),
		);
		let startedMs = performance.now();
		const parsed = parseProviders(settings);
		took('settings', startedMs);
		assert.deepEqual(parsed.problems, []);
		const providers: readonly Provider[] = parsed.providers;
		assert.equal(providers.length, PROVIDERS);

		const keys = createSharedKeys();
		const shelf = createDiskShelf({
			storagePath,
			// Making the accounts is not what is measured.
			disk: { ...nodeDisk, writeNew: nodeDisk.overwrite },
			clock: systemClock,
			log: createRecordingLog(),
			secrets: keys,
			keepKeyCopy: false,
		});
		await shelf.prepare();
		let state: State = EMPTY_STATE;
		for (const provider of providers)
			for (let index = 0; index < BUCKETS_EACH; index++) {
				const credential: Credential = {
					kind: 'apiKey',
					accessToken: `key-${provider.id}-${index}`,
					scopes: [],
					obtainedAtMs: 1,
					identity: { issuer: provider.id },
				};
				const added = addBucket(state, provider, credential, { nowMs: 1, name: `key ${index}` });
				state = added.state;
				await shelf.vault.write({ providerId: provider.id, bucketId: added.bucket.id }, 0, credential);
			}
		const whole = state;
		await shelf.state.update(() => whole);

		startedMs = performance.now();
		const { service } = openWindow(storagePath, keys, providers);
		context.after(() => service.dispose());
		await service.loaded;
		took('load', startedMs);
		const snapshot = service.snapshot();
		assert.equal(snapshot.providers.flatMap(({ buckets }) => buckets.filter(({ token }) => token)).length, 1_000);

		startedMs = performance.now();
		const [first] = snapshot.providers[199]?.buckets ?? [];
		assert.ok(first);
		const published = new Promise<void>((resolve) => service.onDidChange(() => resolve()));
		const hold = service.hold('p199', 'session', 60_000);
		hold.dispose();
		await published;
		took('publish', startedMs);

		startedMs = performance.now();
		assert.equal(accountsNodes(service.snapshot(), plainLocalizer, Date.now()).length, PROVIDERS);
		took('tree', startedMs);

		startedMs = performance.now();
		const issued = await service.getToken({ providerId: 'p199', deadlineMs: 1_000, purpose: 'test' });
		took('token', startedMs);
		assert.equal(issued.token.value, 'key-p199-0');
	});
});
