import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Disk } from '../../../src/auth/vault/disk.ts';
import { createKeyFile } from '../../../src/auth/vault/keyFile.ts';
import { createLedger } from '../../../src/auth/vault/ledger.ts';
import { isKeyUsed } from '../../../src/auth/vault/recordLabel.ts';
import { keyIdOf } from '../../../src/auth/vault/sealing.ts';
import { createSecretStorageKeys, READ_DEADLINE_MS } from '../../../src/auth/vault/secretStorage.ts';
import { createVault } from '../../../src/auth/vault/vault.ts';
import { createVaultKey, KEY_WAIT_MS } from '../../../src/auth/vault/vaultKey.ts';
import { createMemoryDisk } from '../../support/memoryDisk.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { createSecretWorld, type WindowSecrets } from '../../support/secretStorageDouble.ts';
import { createVirtualClock, type VirtualClock } from '../../support/virtualClock.ts';

const folder = '/vault';
const ref = { providerId: 'demo', bucketId: 'b1' };
const credential = {
	kind: 'apiKey' as const,
	accessToken: 'the token',
	scopes: [],
	obtainedAtMs: 1,
	identity: { issuer: 'demo' },
};

/** A window's part of the vault, as the composition root wires it. */
function openWindow(disk: Disk, secrets: WindowSecrets, clock: VirtualClock, keepKeyCopy = false) {
	const ledger = createLedger(folder, disk);
	const log = createRecordingLog();
	const key = createVaultKey({
		ledger,
		stores: [createSecretStorageKeys(secrets, clock), createKeyFile(folder, disk)],
		copies: keepKeyCopy ? ['keyFile'] : [],
		clock,
		log,
		isUsed: (keyId) => isKeyUsed(ledger, keyId),
	});
	return { ledger, log, key, secrets, vault: createVault({ ledger, key }) };
}

function world(kind: 'desktop' | 'web' | 'memory', keepKeyCopy = false) {
	const clock = createVirtualClock();
	const disk = createMemoryDisk();
	const secrets = createSecretWorld(kind, clock);
	return { clock, disk, secrets, open: () => openWindow(disk, secrets.open(), clock, keepKeyCopy) };
}

/** A new life of a window: a new process over the same secrets. */
function reopened(disk: Disk, secrets: WindowSecrets, clock: VirtualClock, keepKeyCopy = false) {
	secrets.reload();
	return openWindow(disk, secrets, clock, keepKeyCopy);
}

describe('birth of the vault key', () => {
	it('does not happen by reading', async () => {
		const { clock, disk, open } = world('desktop');
		const window = open();
		assert.deepEqual(await clock.settle(window.vault.read(ref)), { kind: 'absent', generation: 0 });
		assert.deepEqual(await clock.settle(window.key.find()), { kind: 'none' });
		assert.equal(disk.files.size, 0);
	});

	for (const count of [2, 5, 16]) {
		it(`ends with one key for ${count} windows that begin at once on the desktop`, async () => {
			const { clock, open, secrets } = world('desktop');
			const windows = Array.from({ length: count }, open);
			const keys = await clock.settle(Promise.all(windows.map(({ key }) => key.ensure())));
			for (const key of keys) assert.deepEqual(key, keys[0]);
			await clock.advance(1_000);
			assert.deepEqual([...secrets.persisted().values()], [keys[0]?.toString('base64')]);
		});

		it(`ends with one key for ${count} tabs that begin at once on the web`, async () => {
			const { clock, open } = world('web', true);
			const windows = Array.from({ length: count }, open);
			const keys = await clock.settle(Promise.all(windows.map(({ key }) => key.ensure())));
			for (const key of keys) assert.deepEqual(key, keys[0]);
		});
	}

	it('ends with one key when each window begins at another moment of the first one’s birth', async () => {
		for (const stepMs of [1, 20, 90, 150, 210, 400]) {
			const { clock, open } = world('desktop');
			const births: Promise<Buffer>[] = [];
			for (let count = 0; count < 6; count++) {
				births.push(open().key.ensure());
				await clock.advance(stepMs);
			}
			const keys = await clock.settle(Promise.all(births));
			for (const key of keys) assert.deepEqual(key, keys[0]);
		}
	});

	it('ends with one key although the first window’s store waits behind a dialog for longer than others wait', async () => {
		for (const ms of [KEY_WAIT_MS / 2, KEY_WAIT_MS + 5_000, KEY_WAIT_MS * 3]) {
			const { clock, open, disk } = world('desktop');
			const slow = open();
			slow.secrets.trouble = { kind: 'dialog', ms };
			const first = slow.key.ensure();
			await clock.advance(10);
			const others = [open(), open()].map(({ key }) => key.ensure());
			const keys = await clock.settle(Promise.all([first, ...others]));
			for (const key of keys) assert.deepEqual(key, keys[0], `dialog of ${ms} ms`);
			const claim = [...disk.files].find(([path]) => path.startsWith(`${folder}/key.`));
			assert.ok(claim?.[1].includes(keyIdOf(keys[0] ?? Buffer.alloc(0))), 'the claim names another key');
		}
	});

	it('is waited for: nothing is sealed before a store has given the key back', async () => {
		const { clock, open, disk } = world('desktop');
		const slow = open();
		slow.secrets.trouble = { kind: 'dialog', ms: 3_000 };
		const write = slow.vault.write(ref, 0, credential);
		await clock.advance(2_900);
		assert.deepEqual([...disk.files.keys()], [`${folder}/key.1.rec`]);
		await clock.settle(write);
		assert.equal((await clock.settle(slow.vault.read(ref))).kind, 'credential');
	});

	for (const trouble of ['hangs', 'throws', 'drops'] as const) {
		it(`ends in key_unreadable when SecretStorage ${trouble}; the claim is taken back and the next try works`, async () => {
			const { clock, open, disk } = world('desktop');
			const window = open();
			window.secrets.trouble = { kind: trouble };
			await assert.rejects(clock.settle(window.vault.write(ref, 0, credential)), { code: 'key_unreadable' });
			assert.deepEqual(await clock.settle(window.key.find()), { kind: 'none' });
			assert.ok(![...disk.files.values()].some((bytes) => bytes.includes('sealed')));

			// A hanging call blocks the window's queue for ever; only its next life is free of it.
			window.secrets.trouble = undefined;
			window.secrets.reload();
			assert.equal(await clock.settle(window.vault.write(ref, 0, credential)), 1);
			await clock.advance(1_000);
			assert.equal((await clock.settle(open().vault.read(ref))).kind, 'credential');
		});
	}

	it('gives up on a SecretStorage that hangs after one read, and claims nothing', async () => {
		const { clock, open, disk } = world('desktop');
		const window = open();
		window.secrets.trouble = { kind: 'hangs' };
		const refused = assert.rejects(window.key.ensure(), { code: 'key_unreadable' });
		await clock.advance(READ_DEADLINE_MS + 10);
		await refused;
		assert.equal(disk.files.size, 0);
		assert.equal(await window.key.isClaimed(), false);
	});

	it('goes on in the key file when the claimed key cannot be read and nothing was sealed under it', async () => {
		const { clock, open } = world('desktop');
		await clock.settle(open().key.ensure());
		await clock.advance(1_000);
		const blind = open();
		blind.secrets.trouble = { kind: 'hangs' };
		await assert.rejects(clock.settle(blind.key.ensure()), { code: 'key_unreadable' });
		await clock.settle(blind.key.ensure({ keep: 'keyFile' }));
		assert.equal(await clock.settle(blind.vault.write(ref, 0, credential)), 1);
	});

	it('ends in key_unreadable for those who wait for a window whose SecretStorage fails, and a healthy one takes over', async () => {
		const { clock, open } = world('desktop');
		const broken = open();
		broken.secrets.trouble = { kind: 'throws' };
		const outcomes = await clock.settle(
			Promise.allSettled([broken.key.ensure(), open().key.ensure(), open().key.ensure()]),
		);
		assert.deepEqual(
			outcomes.map(({ status }) => status),
			['rejected', 'fulfilled', 'fulfilled'],
		);
	});

	it('is begun anew when the claimer died before it had stored the key', async () => {
		const { clock, open, disk } = world('desktop');
		await disk.makeFolder(folder);
		disk.files.set(`${folder}/key.1.rec`, Buffer.from(JSON.stringify({ schema: 1, keyId: '0'.repeat(32) })));
		const keys = await clock.settle(Promise.all([open().key.ensure(), open().key.ensure()]));
		assert.deepEqual(keys[0], keys[1]);
	});

	it('does not happen when the key of existing records is gone: key_missing, and the records stay', async () => {
		const { clock, open, disk, secrets } = world('desktop');
		const window = open();
		await clock.settle(window.vault.write(ref, 0, credential));
		await clock.advance(1_000);
		const kept = new Map(secrets.persisted());
		secrets.wipe();
		const before = new Map(disk.files);
		const blind = reopened(disk, window.secrets, clock);
		assert.deepEqual(await clock.settle(blind.vault.read(ref)), { kind: 'keyMissing', generation: 1 });
		await assert.rejects(clock.settle(blind.key.ensure()), { code: 'key_missing' });
		await assert.rejects(clock.settle(blind.vault.write({ ...ref, bucketId: 'b2' }, 0, credential)), {
			code: 'key_missing',
		});
		assert.deepEqual(disk.files, before);

		// The keyring is unlocked: everything opens again.
		for (const [name, value] of kept) await clock.settle(Promise.resolve(blind.secrets.store(name, value)));
		blind.vault.forgetKey();
		assert.equal((await clock.settle(blind.vault.read(ref))).kind, 'credential');
	});

	it('does not happen when SecretStorage hangs or throws and records exist: key_unreadable', async () => {
		for (const trouble of ['hangs', 'throws'] as const) {
			const { clock, open, disk } = world('desktop');
			const window = open();
			await clock.settle(window.vault.write(ref, 0, credential));
			await clock.advance(1_000);
			const before = new Map(disk.files);
			const blind = open();
			blind.secrets.trouble = { kind: trouble };
			assert.deepEqual(await clock.settle(blind.vault.read(ref)), { kind: 'keyUnreadable', generation: 1 });
			await assert.rejects(clock.settle(blind.key.ensure()), { code: 'key_unreadable' });
			assert.deepEqual(disk.files, before);
		}
	});

	it('says unreadable, not missing, of an earlier key too', async () => {
		const { clock, open, disk, secrets } = world('desktop');
		const window = open();
		await clock.settle(window.vault.write(ref, 0, credential));
		await clock.advance(1_000);
		await clock.settle(window.key.ensure({ startOver: true }));
		await clock.advance(1_000);
		assert.equal(secrets.persisted().size, 2);
		const blind = reopened(disk, window.secrets, clock);
		await clock.settle(blind.key.find());
		blind.secrets.trouble = { kind: 'throws' };
		assert.deepEqual(await clock.settle(blind.vault.read(ref)), { kind: 'keyUnreadable', generation: 1 });
	});

	it('forgotten at reload (memory only): key_missing and never a second key without the person', async () => {
		const { clock, open, disk } = world('memory');
		const window = open();
		await clock.settle(window.vault.write(ref, 0, credential));
		const next = reopened(disk, window.secrets, clock);
		await assert.rejects(clock.settle(next.key.ensure()), { code: 'key_missing' });
	});

	it('starts over by the person’s decision: a new key, the old record set aside and readable when its key returns', async () => {
		const { clock, open, disk, secrets } = world('desktop');
		const window = open();
		await clock.settle(window.vault.write(ref, 0, credential));
		await clock.advance(1_000);
		const old = [...disk.files].find(([path]) => !path.includes('key.'));
		assert.ok(old);
		secrets.wipe();
		const blind = reopened(disk, window.secrets, clock);
		await clock.settle(blind.key.ensure({ startOver: true }));
		assert.equal(await clock.settle(blind.vault.write(ref, 1, { ...credential, accessToken: 'second' })), 2);
		const reading = await clock.settle(blind.vault.read(ref));
		assert.ok(reading.kind === 'credential' && reading.credential.accessToken === 'second');
		const aside = [...disk.files].filter(([path]) => path.includes('set-aside'));
		assert.deepEqual(
			aside.map(([, bytes]) => bytes),
			[old[1]],
		);
	});

	it('ends with one key when several windows start over at once', async () => {
		const { clock, open, disk, secrets } = world('desktop');
		const first = open();
		await clock.settle(first.vault.write(ref, 0, credential));
		await clock.advance(1_000);
		secrets.wipe();
		const windows = [open(), open(), open()];
		const keys = await clock.settle(Promise.all(windows.map(({ key }) => key.ensure({ startOver: true }))));
		for (const key of keys) assert.deepEqual(key, keys[0]);
		assert.equal([...disk.files.keys()].filter((path) => path.startsWith(`${folder}/key.`)).length, 1);
	});

	it('gets over a damaged claim by starting over; the claim is set aside, and until then nothing is written', async () => {
		const { clock, open, disk } = world('desktop');
		const window = open();
		await clock.settle(window.vault.write(ref, 0, credential));
		await clock.advance(1_000);
		disk.files.set(`${folder}/key.1.rec`, Buffer.from('torn'));
		const next = open();
		// The record names its key itself.
		assert.equal((await clock.settle(next.vault.read(ref))).kind, 'credential');
		await assert.rejects(clock.settle(next.key.ensure()), { code: 'damaged' });
		await clock.settle(next.key.ensure({ startOver: true }));
		const aside = [...disk.files].filter(([path]) => path.includes('set-aside'));
		assert.deepEqual(
			aside.map(([, bytes]) => bytes.toString()),
			['torn'],
		);
	});

	it('refuses a claim of a newer version, also when starting over', async () => {
		for (const claim of [
			{ schema: 2, keyId: 'x' },
			{ schema: 2, keyId: { another: 'shape' } },
		]) {
			const { clock, open, disk } = world('desktop');
			await disk.makeFolder(folder);
			disk.files.set(`${folder}/key.1.rec`, Buffer.from(JSON.stringify(claim)));
			const before = new Map(disk.files);
			for (const startOver of [false, true])
				await assert.rejects(clock.settle(open().key.ensure({ startOver })), { code: 'newer_schema' });
			assert.deepEqual(disk.files, before);
		}
	});

	it('detaches a caller that gives up, and only that one', async () => {
		const { clock, open } = world('desktop');
		const slow = open();
		slow.secrets.trouble = { kind: 'dialog', ms: 3_000 };
		const giving = new AbortController();
		const gone = slow.key.ensure({ signal: giving.signal });
		const staying = slow.key.ensure();
		await clock.advance(100);
		giving.abort();
		await assert.rejects(gone, { code: 'cancelled' });
		assert.ok(await clock.settle(staying));
		await assert.rejects(slow.key.ensure({ signal: giving.signal }), { code: 'cancelled' });
	});

	it('does not give a caller who starts over the refusal of one who does not', async () => {
		const { clock, open, disk, secrets } = world('desktop');
		const window = open();
		await clock.settle(window.vault.write(ref, 0, credential));
		await clock.advance(1_000);
		secrets.wipe();
		const blind = reopened(disk, window.secrets, clock);
		const refused = assert.rejects(blind.key.ensure(), { code: 'key_missing' });
		const over = blind.key.ensure({ startOver: true });
		await clock.settle(Promise.all([refused, over]));
	});

	it('leaves no timer behind', async () => {
		const { clock, open } = world('desktop');
		await clock.settle(Promise.all([open(), open(), open()].map(({ key }) => key.ensure())));
		await clock.advance(1_000);
		assert.equal(clock.pending(), 0);
	});
});

describe('places of the vault key', () => {
	it('keeps it in the key file when the person chose that, and opens with it in every later window', async () => {
		for (const trouble of ['hangs', 'throws', 'drops'] as const) {
			const { clock, open, disk } = world('desktop');
			const window = open();
			window.secrets.trouble = { kind: trouble };
			await clock.settle(window.key.ensure({ keep: 'keyFile' }));
			await clock.settle(window.vault.write(ref, 0, credential));
			const next = open();
			next.secrets.trouble = { kind: trouble };
			assert.equal((await clock.settle(next.vault.read(ref))).kind, 'credential');
			assert.ok([...disk.files.keys()].some((path) => path.endsWith('.key')));
		}
	});

	it('opens at once with the key file while SecretStorage hangs', async () => {
		const { clock, open } = world('web', true);
		await clock.settle(open().vault.write(ref, 0, credential));
		const blind = open();
		blind.secrets.trouble = { kind: 'hangs' };
		const reading = blind.vault.read(ref);
		await clock.advance(10);
		assert.equal((await reading).kind, 'credential');
	});

	it('writes no key file unless it was asked to', async () => {
		const { clock, open, disk } = world('desktop');
		await clock.settle(open().vault.write(ref, 0, credential));
		await clock.advance(5_000);
		assert.ok(![...disk.files.keys()].some((path) => path.endsWith('.key')));
	});

	it('heals SecretStorage on the web from the copy when another tab wiped it', async () => {
		const { clock, open, disk, secrets } = world('web', true);
		const first = open();
		const other = open();
		await clock.settle(first.vault.write(ref, 0, credential));
		// The other tab's snapshot is older; its next write wipes the key.
		await clock.settle(Promise.resolve(other.secrets.store('someone else', 'x')));
		assert.deepEqual([...secrets.persisted().keys()], ['someone else']);
		const next = reopened(disk, first.secrets, clock, true);
		assert.equal((await clock.settle(next.vault.read(ref))).kind, 'credential');
		await clock.advance(100);
		assert.equal(secrets.persisted().size, 2);
	});

	it('heals the copy on the web when the file is gone', async () => {
		const { clock, open, disk } = world('web', true);
		const first = open();
		await clock.settle(first.vault.write(ref, 0, credential));
		for (const path of disk.files.keys()) if (path.endsWith('.key')) disk.files.delete(path);
		const next = reopened(disk, first.secrets, clock, true);
		assert.equal((await clock.settle(next.vault.read(ref))).kind, 'credential');
		await clock.advance(100);
		assert.ok([...disk.files.keys()].some((path) => path.endsWith('.key')));
	});

	it('opens for a second browser, which has no secrets, by the copy', async () => {
		const { clock, open, disk } = world('web', true);
		await clock.settle(open().vault.write(ref, 0, credential));
		const elsewhere = createSecretWorld('web', clock);
		const other = openWindow(disk, elsewhere.open(), clock, true);
		assert.equal((await clock.settle(other.vault.read(ref))).kind, 'credential');
	});

	it('writes no key, token or foreign error text to the log', async () => {
		const { clock, open } = world('desktop');
		const window = open();
		window.secrets.trouble = { kind: 'throws' };
		await assert.rejects(clock.settle(window.key.ensure()));
		window.secrets.trouble = undefined;
		const key = await clock.settle(window.key.ensure());
		await clock.settle(window.vault.write(ref, 0, credential));
		const text = window.log.lines.join('\n');
		for (const secret of [key.toString('base64'), key.toString('hex'), 'the token', 'the keyring says no'])
			assert.ok(!text.includes(secret), text);
	});
});
