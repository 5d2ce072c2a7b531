/** A vault with one account of the strict server in it, as a sign-in would have left it, for many workers to share. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { addBucket } from '../../src/auth/buckets/accounts.ts';
import type { Bucket } from '../../src/auth/buckets/state.ts';
import { systemClock } from '../../src/auth/clock.ts';
import type { OAuthCredential } from '../../src/auth/credential.ts';
import { createDiskShelf, type DiskShelf } from '../../src/auth/shelf.ts';
import { nodeDisk } from '../../src/auth/vault/disk.ts';
import { readClaim, writeClaim } from '../../src/auth/vault/keyClaim.ts';
import type { KeyStore } from '../../src/auth/vault/keyStore.ts';
import { type BucketRef, KEY_BYTES, keyIdOf } from '../../src/auth/vault/sealing.ts';
import type { StrictTokenServer } from '../server/strictTokenServer.ts';
import { createRecordingLog } from '../support/recordingLog.ts';
import { tempFolder } from '../support/tempFolder.ts';
import type { VaultSetup } from './protocol.ts';

export type TestVault = {
	readonly setup: VaultSetup;
	readonly shelf: DiskShelf;
	readonly ref: BucketRef;
	/** What was signed in with; expired. */
	readonly credential: OAuthCredential;
	/** What the windows agree on about the account. */
	bucket(): Promise<Bucket | undefined>;
};

export async function createTestVault(
	context: Parameters<typeof tempFolder>[0],
	server: StrictTokenServer,
	options: { readonly speed?: number } = {},
): Promise<TestVault> {
	const storagePath = join(await tempFolder(context), 'storage');
	// The key is that of the first birth; workers get it as a SecretStorage that has settled would give it.
	let key = randomBytes(KEY_BYTES);
	const secrets: KeyStore = {
		name: 'secretStorage',
		read: async (keyId) => (keyIdOf(key) === keyId ? { kind: 'key', key } : { kind: 'absent' }),
		async write(_keyId, born) {
			key = Buffer.from(born);
		},
		onDidChange: () => ({ dispose() {} }),
	};
	const log = createRecordingLog();
	const shelf = createDiskShelf({
		storagePath,
		disk: nodeDisk,
		clock: systemClock,
		log,
		secrets,
		keepKeyCopy: false,
	});
	const seed = server.seed();
	const nowMs = Date.now();
	const credential: OAuthCredential = {
		kind: 'oauth',
		accessToken: seed.accessToken,
		refreshToken: seed.refreshToken,
		expiresAtMs: nowMs - 1_000,
		obtainedAtMs: nowMs - 3_601_000,
		scopes: ['api'],
		identity: { issuer: server.issuer, subject: 'person-0001' },
	};
	const ref = { providerId: 'demo', bucketId: 'b1' };
	await shelf.vault.write(ref, 0, credential);
	// The second window ever has noted that SecretStorage keeps the key; no worker writes that while a test measures or counts.
	const reading = await readClaim(shelf.ledger, log);
	if (reading.kind !== 'claim') throw new Error(`the claim is ${reading.reason}`);
	await writeClaim(shelf.ledger, reading.generation, { ...reading.claim, seenElsewhere: true });
	const provider = { id: ref.providerId, label: 'Demo', kind: 'apiKey' as const };
	await shelf.state.update((state) => addBucket(state, provider, credential, { nowMs, bucketId: ref.bucketId }).state);
	return {
		shelf,
		ref,
		credential,
		setup: {
			storagePath,
			key: key.toString('base64'),
			ref,
			issuer: server.issuer,
			tokenUrl: server.tokenUrl,
			clientId: server.clientId,
			...(options.speed === undefined ? {} : { speed: options.speed }),
		},
		async bucket() {
			const reading = await shelf.state.read();
			return reading.kind === 'state' ? reading.state.providers[ref.providerId]?.buckets[0] : undefined;
		},
	};
}
