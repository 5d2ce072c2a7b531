/** Records that are whole JSON under the right name and still no credential. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { createLedger } from '../../../src/auth/vault/ledger.ts';
import { refOf } from '../../../src/auth/vault/recordLabel.ts';
import { KEY_BYTES, keyIdOf, recordName, seal } from '../../../src/auth/vault/sealing.ts';
import { createVault } from '../../../src/auth/vault/vault.ts';
import { createVaultKey } from '../../../src/auth/vault/vaultKey.ts';
import { createMemoryDisk } from '../../support/memoryDisk.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { createVirtualClock } from '../../support/virtualClock.ts';

const folder = '/vault';
const ref = { providerId: 'demo', bucketId: 'b1' };
const other = { providerId: 'demo', bucketId: 'b2' };
const credential = {
	kind: 'apiKey' as const,
	accessToken: 'the token',
	scopes: [],
	obtainedAtMs: 1,
	identity: { issuer: 'demo' },
};

async function world() {
	const disk = createMemoryDisk();
	await disk.makeFolder(folder);
	const ledger = createLedger(folder, disk);
	const secret = randomBytes(KEY_BYTES);
	const key = createVaultKey({
		ledger,
		stores: [
			{
				name: 'secretStorage',
				read: async (keyId) => (keyId === keyIdOf(secret) ? { kind: 'key', key: secret } : { kind: 'absent' }),
				write: async () => undefined,
				onDidChange: () => ({ dispose() {} }),
			},
		],
		copies: [],
		clock: createVirtualClock(),
		log: createRecordingLog(),
		isUsed: async () => false,
	});
	const put = (of: typeof ref, bytes: Buffer): void => void disk.files.set(`${folder}/${recordName(of)}.1.rec`, bytes);
	const claim = (text: string): void => void disk.files.set(`${folder}/key.1.rec`, Buffer.from(text));
	return { secret, key, put, claim, vault: createVault({ ledger, key }) };
}

describe('a record', () => {
	it('of which one byte was changed is damaged, whichever it is', async () => {
		const { vault, put, secret } = await world();
		const whole = seal(ref, 1, JSON.stringify(credential), secret);
		put(ref, whole);
		assert.equal((await vault.read(ref)).kind, 'credential');
		const envelope: Record<string, unknown> = JSON.parse(String(whole));
		for (const field of ['iv', 'tag', 'ciphertext']) {
			const bytes = Buffer.from(String(envelope[field]), 'base64');
			bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
			put(ref, Buffer.from(JSON.stringify({ ...envelope, [field]: bytes.toString('base64') })));
			assert.deepEqual(await vault.read(ref), { kind: 'damaged', generation: 1 }, field);
		}
	});

	it('that holds something else than a credential is damaged', async () => {
		const { vault, put, secret } = await world();
		for (const content of ['{}', 'null', 'not JSON', JSON.stringify({ ...credential, accessToken: ' ' })]) {
			put(ref, seal(ref, 1, content, secret));
			assert.deepEqual(await vault.read(ref), { kind: 'damaged', generation: 1 }, content);
		}
	});

	it('is listed if it opens and lies under its own name, and not after a sign-out', async () => {
		const { vault, put, secret } = await world();
		const strays = [
			Buffer.from('{"provider":1}'),
			Buffer.from('torn'),
			seal(ref, 1, JSON.stringify(credential), secret),
		];
		for (const stray of strays) {
			put(other, stray);
			assert.deepEqual(await vault.listCredentials(), []);
		}
		assert.equal(refOf(Buffer.from('{"provider":"demo"}')), undefined);
		put(ref, seal(ref, 1, JSON.stringify(credential), secret));
		assert.deepEqual(
			(await vault.listCredentials()).map((found) => found.ref),
			[ref],
		);
		await vault.writeSignedOut(ref, 1);
		assert.deepEqual(await vault.listCredentials(), []);
	});
});

describe('a claim of the key', () => {
	it('that cannot be read, or that a newer version wrote, names no key and tells of no loss', async () => {
		const { key, claim } = await world();
		assert.equal(await key.isClaimed(), false);
		assert.equal(await key.isForgotten(), false);
		for (const [text, reason] of [
			['torn', 'damaged'],
			['{"schema":99}', 'newerSchema'],
		] as const) {
			claim(text);
			assert.deepEqual(await key.find(), { kind: 'refused', reason });
			assert.equal(await key.isClaimed(), false);
			assert.equal(await key.isForgotten(), false);
		}
	});

	it('whose key no session but the first ever found tells that the store forgets', async () => {
		const { key, claim, secret } = await world();
		claim(JSON.stringify({ schema: 1, keyId: 'a'.repeat(32), bornIn: 'another session' }));
		assert.equal(await key.isForgotten(), true);
		claim(JSON.stringify({ schema: 1, keyId: 'a'.repeat(32), bornIn: 'another session', seenElsewhere: true }));
		assert.equal(await key.isForgotten(), false);
		claim(JSON.stringify({ schema: 1, keyId: keyIdOf(secret), bornIn: 'another session' }));
		assert.equal(await key.isForgotten(), false);
	});
});
