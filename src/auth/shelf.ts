/**
 * Where credentials lie: the vault on the disk, shared by all windows, or the memory of this one. Both have the same parts,
 * so that everything above works the same on either.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createStateFile, type StateFile } from './buckets/state.ts';
import type { Clock } from './clock.ts';
import { createLeases, type Leases } from './lease/lease.ts';
import { createLocalLeases } from './lease/localLeases.ts';
import { type LockDisk, nodeLockDisk } from './lease/lockDisk.ts';
import { nodeProcesses, type Processes } from './lease/processes.ts';
import type { Logger } from './log.ts';
import { createIntents, type Intents } from './refresh/intent.ts';
import { REFRESH_PURPOSE } from './refresh/refresher.ts';
import type { Disk } from './vault/disk.ts';
import { type FolderWatch, nodeFolderWatch } from './vault/folderWatch.ts';
import { createKeyFile } from './vault/keyFile.ts';
import type { KeyStore } from './vault/keyStore.ts';
import { createLedger, type Ledger } from './vault/ledger.ts';
import { createLedgerWatch, type LedgerWatch } from './vault/ledgerWatch.ts';
import { createMemoryLedger } from './vault/memoryLedger.ts';
import { isKeyUsed } from './vault/recordLabel.ts';
import { KEY_BYTES, keyIdOf } from './vault/sealing.ts';
import { createVault, type Vault } from './vault/vault.ts';
import { type ClaimedVaultKey, createVaultKey, type VaultKey } from './vault/vaultKey.ts';

export type Shelf = {
	readonly vault: Vault;
	readonly state: StateFile;
	readonly leases: Leases;
	readonly intents: Intents;
	readonly ledger: Ledger;
};

/** What a shelf needs of the system besides the files of the vault. */
export type ShelfSystem = {
	readonly lockDisk: LockDisk;
	readonly processes: Processes;
	readonly folderWatch: FolderWatch;
};

const nodeSystem: ShelfSystem = { lockDisk: nodeLockDisk, processes: nodeProcesses, folderWatch: nodeFolderWatch };

export type DiskShelfOptions = {
	/** The extension's global storage folder: one per machine, user and flavour of VS Code. */
	readonly storagePath: string;
	readonly disk: Disk;
	readonly clock: Clock;
	readonly log: Logger;
	readonly secrets: KeyStore;
	/** Keep a recovery copy of the key beside the vault: on web hosts another tab can wipe SecretStorage. */
	readonly keepKeyCopy: boolean;
	/** The real one unless a test simulates it. */
	readonly system?: ShelfSystem;
};

export type DiskShelf = Shelf & {
	readonly key: ClaimedVaultKey;
	readonly watch: LedgerWatch;
	/** Makes sure that the folders are there and private. Rejects with `storage`. */
	prepare(): Promise<void>;
	/** There is something to renew: has ready what can be, so that whoever waits for it waits less. Never rejects. */
	expectRefresh(): Promise<void>;
	/** Removes what was made ready. Never rejects. */
	end(): Promise<void>;
};

export function createDiskShelf(options: DiskShelfOptions): DiskShelf {
	const { storagePath, disk, clock, log } = options;
	const { lockDisk, processes, folderWatch } = options.system ?? nodeSystem;
	const folder = join(storagePath, 'vault');
	const ledger = createLedger(folder, disk);
	const key = createVaultKey({
		ledger,
		stores: [options.secrets, createKeyFile(folder, disk)],
		copies: options.keepKeyCopy ? ['keyFile'] : [],
		clock,
		log,
		isUsed: (keyId) => isKeyUsed(ledger, keyId),
	});
	const leases = createLeases({ folder: join(storagePath, 'lease'), clock, log, disk: lockDisk, processes });
	return {
		ledger,
		key,
		vault: createVault({ ledger, key }),
		state: createStateFile(ledger),
		leases,
		intents: createIntents(folder, disk, processes),
		watch: createLedgerWatch(ledger, clock, log, folderWatch),
		async prepare() {
			await lockDisk.ensurePrivateFolder(storagePath);
			await lockDisk.ensurePrivateFolder(folder);
			// Who needs a lease hears of it if that fails.
			leases.prepare().catch(() => undefined);
		},
		expectRefresh: () => leases.expect(REFRESH_PURPOSE),
		end: leases.end,
	};
}

export function createMemoryShelf(): Shelf {
	const ledger = createMemoryLedger();
	const attempts = new Map<string, number>();
	const secret = randomBytes(KEY_BYTES);
	const keyId = keyIdOf(secret);
	const key: VaultKey = {
		find: async () => ({ kind: 'ready', key: secret, keyId }),
		// Nothing that another key sealed gets here.
		findById: async () => ({ kind: 'ready', key: secret, keyId }),
		ensure: async () => secret,
		forget: () => undefined,
	};
	return {
		ledger,
		vault: createVault({ ledger, key }),
		state: createStateFile(ledger),
		leases: createLocalLeases(),
		intents: {
			read: async () => (_generation, sent) => attempts.get(sent) ?? 0,
			begin: async (_ref, intent) => void attempts.set(intent.refreshTokenDigest, intent.attempt),
			clear: async () => attempts.clear(),
			settle: async (_ref, { refreshTokenDigest }, count) => void attempts.set(refreshTokenDigest, count),
		},
	};
}
