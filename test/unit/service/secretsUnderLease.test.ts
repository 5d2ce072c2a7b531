/** No refresh waits for VS Code while it holds a lease: SecretStorage can hang, and then every window would wait for it. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type LockDisk, nodeLockDisk } from '../../../src/auth/lease/lockDisk.ts';
import { nodeProcesses } from '../../../src/auth/lease/processes.ts';
import { type FolderWatch, nodeFolderWatch } from '../../../src/auth/vault/folderWatch.ts';
import type { KeyStore } from '../../../src/auth/vault/keyStore.ts';
import { startServer } from '../../server/server.ts';
import { createGate, type Gate } from '../../support/gate.ts';
import { createSharedKeys, demoProvider, openWindow, scriptedUi } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';

/** Which leases this window holds, by their purposes, as the disk sees it. */
function watchLeases(): { readonly disk: LockDisk; readonly held: ReadonlySet<string>; readonly ever: string[] } {
	const purposes = new Map<string, string>();
	const held = new Set<string>();
	const ever: string[] = [];
	const nonceOf = (path: string): string => /([0-9a-f]{32})\.(json|new)$/.exec(path)?.[1] ?? '';
	const purposeOf = (nonce: string): string => purposes.get(nonce) ?? '';
	return {
		held,
		ever,
		disk: {
			...nodeLockDisk,
			async writeNew(path, text) {
				purposes.set(nonceOf(path), JSON.parse(text).purpose);
				await nodeLockDisk.writeNew(path, text);
			},
			async place(folder, target) {
				const placed = await nodeLockDisk.place(folder, target);
				const purpose = purposeOf(nonceOf(folder));
				if (placed) {
					held.add(purpose);
					ever.push(purpose);
				}
				return placed;
			},
			async unlink(path) {
				await nodeLockDisk.unlink(path);
				held.delete(purposeOf(nonceOf(path)));
			},
		},
	};
}

/** A file system that tells nothing. */
const deaf: FolderWatch = { ...nodeFolderWatch, open: () => ({ dispose() {} }) };

async function world(context: TestContext, folderWatch = nodeFolderWatch) {
	const server = await startServer({ accessTokenLifeS: 3600 });
	context.after(() => server.close());
	const folder = await tempFolder(context);
	const shared = createSharedKeys();
	const leases = watchLeases();
	const calls: string[] = [];
	let hanging: Gate | undefined;
	let hungReads = 0;
	const secrets: KeyStore = {
		...shared,
		async read(keyId) {
			if (leases.held.has('refresh')) calls.push('read');
			if (hanging) hungReads++;
			await hanging?.passed;
			return shared.read(keyId);
		},
		async write(keyId, key) {
			if (leases.held.has('refresh')) calls.push('write');
			await hanging?.passed;
			return shared.write(keyId, key);
		},
	};
	const { service } = openWindow(folder, secrets, [demoProvider(server.issuer)], {
		system: { lockDisk: leases.disk, processes: nodeProcesses, folderWatch },
	});
	context.after(() => service.dispose());
	const bucket = await service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
	return {
		server,
		leases,
		calls,
		service,
		bucketId: bucket.id,
		announce: shared.announce,
		/** How often a key was asked for in vain. */
		reads: () => hungReads,
		hang(): Gate {
			hanging = createGate();
			return hanging;
		},
	};
}

describe('a window that holds a refresh lease', () => {
	it('does not call SecretStorage, refresh after refresh', async (context) => {
		const { service, bucketId, leases, calls } = await world(context);
		for (let count = 0; count < 3; count++) await service.refresh('demo', bucketId);
		await until('the last lease is given up', () => leases.held.size === 0);
		assert.deepEqual(
			leases.ever.filter((purpose) => purpose === 'refresh'),
			['refresh', 'refresh', 'refresh'],
		);
		assert.deepEqual(calls, []);
	});

	it('finishes and gives it up although SecretStorage begins to hang and the key is asked for anew meanwhile', async (context) => {
		const { server, service, bucketId, leases, announce, hang } = await world(context);
		const fault = server.fault({ on: 'refresh', hold: 'after', times: 1 });
		const arrived = server.next('refresh', { phase: 'arrived' });
		const refreshing = service.refresh('demo', bucketId);
		await arrived;
		assert.ok(leases.held.has('refresh'));
		const hanging = hang();
		announce();
		const reloading = service.reload();
		fault.dispose();
		await until('the lease is given up', () => leases.held.size === 0);
		hanging.open();
		await Promise.all([refreshing, reloading]);
		assert.equal(server.refreshRequests(), 1);
		assert.equal(service.snapshot().providers[0]?.buckets[0]?.state.kind, 'ready');
	});

	it('renews with the key it has while SecretStorage hangs and the key is asked for anew', async (context) => {
		const { server, service, bucketId, leases, calls, reads, hang } = await world(context);
		leases.ever.length = 0;
		const hanging = hang();
		const reloading = service.reload();
		await until('SecretStorage is asked', () => reads() > 0);
		await service.refresh('demo', bucketId);
		assert.deepEqual([leases.ever, calls, server.refreshRequests()], [['refresh'], [], 1]);
		hanging.open();
		await reloading;
	});

	it('had its key before it took the lease: who waits for SecretStorage holds nothing', async (context) => {
		// Where no event comes, nobody trusts what is remembered: the record is read before the lease is asked for.
		const { server, service, bucketId, leases, calls, reads, hang } = await world(context, deaf);
		leases.ever.length = 0;
		const hanging = hang();
		const reloading = service.reload();
		const refreshing = service.refresh('demo', bucketId);
		await until('SecretStorage is asked', () => reads() > 0);
		assert.deepEqual(leases.ever, []);
		hanging.open();
		await Promise.all([refreshing, reloading]);
		assert.deepEqual([leases.ever, calls, server.refreshRequests()], [['refresh'], [], 1]);
	});
});
