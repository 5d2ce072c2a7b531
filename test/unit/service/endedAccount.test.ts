/** An account that was left by a window that was killed before the state said so, over real files. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import { createDiskShelf } from '../../../src/auth/shelf.ts';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { createSharedKeys, createTestLog, openWindow } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const KEYS: Provider = { id: 'keys', label: 'Model Keys', kind: 'apiKey' };

it('an account whose sign-out was cut off is gone at the next start, and its name with it', async (context) => {
	const storagePath = await tempFolder(context);
	const secrets = createSharedKeys();
	const killed = openWindow(storagePath, secrets, [KEYS]);
	const kept = await killed.service.addApiKey({ providerId: 'keys', key: 'kept', name: 'kept' });
	const left = await killed.service.addApiKey({ providerId: 'keys', key: 'left', name: 'left' });
	killed.service.dispose();
	const shelf = createDiskShelf({
		...{ storagePath, secrets, disk: nodeDisk, clock: systemClock, log: createTestLog([]), keepKeyCopy: false },
	});
	await shelf.vault.writeSignedOut({ providerId: 'keys', bucketId: left.id }, left.generation);

	const next = openWindow(storagePath, secrets, [KEYS]);
	context.after(() => next.service.dispose());
	await next.service.loaded;
	const ids = next.service.snapshot().providers[0]?.buckets.map(({ id }) => id);
	assert.deepEqual(ids, [kept.id]);
	const state = await shelf.state.read();
	assert.ok(state.kind === 'state');
	assert.deepEqual(
		state.state.providers.keys?.buckets.map(({ id }) => id),
		[kept.id],
	);
});
