import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { createStateFile, updateBucket } from '../../../src/auth/buckets/state.ts';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import { createLedger } from '../../../src/auth/vault/ledger.ts';
import { KEY_BYTES, keyIdOf, recordName, seal } from '../../../src/auth/vault/sealing.ts';
import { createVault, type Upgrades } from '../../../src/auth/vault/vault.ts';
import type { VaultKey } from '../../../src/auth/vault/vaultKey.ts';
import { createFaultyDisk, diskOperations } from '../../support/faultyDisk.ts';
import { createMemoryDisk } from '../../support/memoryDisk.ts';

const folder = '/vault';
const ref = { providerId: 'demo', bucketId: 'b1' };
const credential: OAuthCredential = {
	kind: 'oauth',
	accessToken: 'access',
	refreshToken: 'refresh',
	scopes: ['api'],
	obtainedAtMs: 1,
	identity: { issuer: 'https://demo', subject: 's' },
};

function fixture(options: { schema?: number; upgrades?: Upgrades } = {}) {
	const memory = createMemoryDisk();
	const disk = createFaultyDisk(memory);
	const ledger = createLedger(folder, disk);
	const secret = randomBytes(KEY_BYTES);
	const keyId = keyIdOf(secret);
	let present: 'ready' | 'missing' | 'unreadable' = 'ready';
	const key: VaultKey = {
		find: async () => ({ kind: 'ready', key: secret, keyId }),
		async findById(id) {
			if (present === 'unreadable') return { kind: 'unreadable', keyId: id, cause: undefined };
			return present === 'ready' && id === keyId
				? { kind: 'ready', key: secret, keyId }
				: { kind: 'missing', keyId: id };
		},
		ensure: async () => secret,
		forget: () => undefined,
	};
	return {
		memory,
		disk,
		ledger,
		secret,
		path: (generation: number) => `${folder}/${recordName(ref)}.${generation}.rec`,
		setKey(next: typeof present) {
			present = next;
		},
		vault: createVault({ ledger, key, ...options }),
		vaultOf: (other: { schema?: number; upgrades?: Upgrades }) => createVault({ ledger, key, ...other }),
	};
}

describe('vault', () => {
	it('tells apart: absent, signed out, a credential, damaged, key missing, key unreadable, newer', async () => {
		const { vault, vaultOf, memory, path, setKey } = fixture();
		assert.deepEqual(await vault.read(ref), { kind: 'absent', generation: 0 });
		assert.equal(await vault.write(ref, 0, credential), 1);
		const reading = await vault.read(ref);
		assert.ok(reading.kind === 'credential' && reading.credential.accessToken === 'access');
		setKey('missing');
		assert.deepEqual(await vault.read(ref), { kind: 'keyMissing', generation: 1 });
		setKey('unreadable');
		assert.deepEqual(await vault.read(ref), { kind: 'keyUnreadable', generation: 1 });
		setKey('ready');
		assert.equal((await vault.read(ref)).kind, 'credential');
		assert.equal(await vault.writeSignedOut(ref, 1), 2);
		assert.deepEqual(await vault.read(ref), { kind: 'signedOut', generation: 2 });
		memory.files.set(path(2), Buffer.from('{"schema":1'));
		assert.deepEqual(await vault.read(ref), { kind: 'damaged', generation: 2 });
		assert.equal(await vaultOf({ schema: 7 }).write(ref, 2, credential), 3);
		assert.deepEqual(await vault.read(ref), { kind: 'newerSchema', generation: 3 });
	});

	it('keeps all of a credential, and nothing of it is on the disk in the clear', async () => {
		const { vault, memory } = fixture();
		const whole = { ...credential, expiresAtMs: 5, refreshExpiresAtMs: 6, idToken: 'id-token' };
		await vault.write(ref, 0, whole);
		const reading = await vault.read(ref);
		assert.ok(reading.kind === 'credential');
		assert.deepEqual({ ...reading.credential }, whole);
		for (const bytes of memory.files.values())
			for (const secret of ['access', 'refresh', 'id-token']) assert.ok(!bytes.includes(`"${secret}"`));
	});

	it('sets a record that it cannot open aside at the next write, and keeps it to the byte', async () => {
		for (const trouble of ['damaged', 'missing', 'unreadable', 'exchanged'] as const) {
			const { vault, memory, path, setKey, secret } = fixture();
			await vault.write(ref, 0, credential);
			if (trouble === 'damaged') memory.files.set(path(1), Buffer.from('garbage'));
			if (trouble === 'exchanged')
				memory.files.set(path(1), seal({ ...ref, bucketId: 'other' }, 1, JSON.stringify(credential), secret));
			if (trouble === 'missing' || trouble === 'unreadable') setKey(trouble);
			const kept = memory.files.get(path(1));
			assert.equal(await vault.write(ref, 1, credential), 2);
			const aside = [...memory.files].filter(([file]) => file.includes('set-aside'));
			assert.deepEqual(
				aside.map(([, bytes]) => bytes),
				[kept],
				trouble,
			);
			// A readable one is superseded without a trace.
			setKey('ready');
			await vault.write(ref, 2, credential);
			assert.equal([...memory.files.keys()].filter((file) => file.includes('set-aside')).length, 1);
		}
	});

	it('signs out a record that it cannot open, and keeps it', async () => {
		const { vault, memory, setKey } = fixture();
		await vault.write(ref, 0, credential);
		setKey('missing');
		assert.equal(await vault.writeSignedOut(ref, 1), 2);
		assert.deepEqual(await vault.read(ref), { kind: 'signedOut', generation: 2 });
		assert.equal([...memory.files.keys()].filter((file) => file.includes('set-aside')).length, 1);
	});

	it('never rewrites a record of a newer version', async () => {
		const { vault, vaultOf, memory } = fixture();
		await vaultOf({ schema: 2 }).write(ref, 0, credential);
		const before = new Map(memory.files);
		await assert.rejects(vault.write(ref, 1, credential), { code: 'newer_schema' });
		await assert.rejects(vault.writeSignedOut(ref, 1), { code: 'newer_schema' });
		assert.equal(await vault.promoteLeftover(ref, 1), 'none');
		assert.deepEqual(memory.files, before);
	});

	it('reads what an older version wrote through every upgrade in order, and writes nothing by reading', async () => {
		const upgrades: Upgrades = {
			1: (older) => ({ ...Object(older), scopes: ['from 1'] }),
			2: (older) => ({ ...Object(older), scopes: [...Object(older).scopes, 'from 2'] }),
		};
		const { vault, vaultOf, memory } = fixture();
		await vault.write(ref, 0, credential);
		const before = new Map(memory.files);
		const newer = vaultOf({ schema: 3, upgrades });
		const reading = await newer.read(ref);
		assert.ok(reading.kind === 'credential');
		assert.deepEqual(reading.credential.scopes, ['from 1', 'from 2']);
		assert.deepEqual(memory.files, before);
		// Killed here, everything is as it was; the older version still opens it.
		assert.equal((await vault.read(ref)).kind, 'credential');
		// The next write is of the new schema, once.
		await newer.write(ref, 1, reading.credential);
		const again = await newer.read(ref);
		assert.ok(again.kind === 'credential');
		assert.deepEqual(again.credential.scopes, ['from 1', 'from 2']);
		assert.equal((await vault.read(ref)).kind, 'newerSchema');
	});

	it('survives an upgrade killed or failing at any operation of its write', async () => {
		const upgrades: Upgrades = { 1: (older) => ({ ...Object(older), scopes: ['upgraded'] }) };
		for (const operation of diskOperations) {
			for (const nth of [1, 2, 3, 4]) {
				const { vault, vaultOf, disk, ledger } = fixture();
				await vault.write(ref, 0, credential);
				const newer = vaultOf({ schema: 2, upgrades });
				disk.set({ operation, code: 'EIO', when: 'before', from: nth, times: Number.POSITIVE_INFINITY });
				await newer.write(ref, 1, credential).catch(() => undefined);
				disk.set(undefined);
				const reading = await newer.read(ref);
				assert.equal(reading.kind, 'credential', `${operation} ${nth}`);
				await newer.write(ref, (await ledger.read(recordName(ref)))?.generation ?? 0, credential);
			}
		}
	});

	it('calls a record damaged whose upgrade fails, and keeps it', async () => {
		const { vault, vaultOf, memory } = fixture();
		await vault.write(ref, 0, credential);
		const newer = vaultOf({
			schema: 2,
			upgrades: {
				1() {
					throw new TypeError('cannot');
				},
			},
		});
		assert.equal((await newer.read(ref)).kind, 'damaged');
		await newer.write(ref, 1, credential);
		assert.equal([...memory.files.keys()].filter((file) => file.includes('set-aside')).length, 1);
	});

	it('finishes a complete record that a dead writer left, and leaves a torn one alone', async () => {
		const { vault, memory, secret } = fixture();
		await vault.write(ref, 0, credential);
		const temp = (nonce: string): string => `${folder}/${recordName(ref)}.2.${nonce.repeat(16)}.tmp`;
		const whole = seal(ref, 2, JSON.stringify({ ...credential, accessToken: 'finished' }), secret);
		memory.files.set(temp('a'), whole.subarray(0, whole.length / 2));
		memory.files.set(temp('b'), Buffer.alloc(0));
		memory.files.set(temp('c'), seal({ ...ref, bucketId: 'other' }, 2, JSON.stringify(credential), secret));
		memory.files.set(temp('d'), seal(ref, 3, JSON.stringify(credential), secret));
		assert.equal(await vault.promoteLeftover(ref, 1), 'none');
		memory.files.set(temp('e'), whole);
		assert.equal(await vault.promoteLeftover(ref, 1), 'finished');
		const reading = await vault.read(ref);
		assert.ok(reading.kind === 'credential' && reading.generation === 2);
		assert.equal(reading.credential.accessToken, 'finished');
		assert.deepEqual(
			[...memory.files.keys()].filter((file) => file.endsWith('.tmp')),
			[],
		);
	});

	it('does not finish the record of a writer without the lease, who may live: it would write it once more, after what came of it', async () => {
		const { vault, memory } = fixture();
		await vault.write(ref, 0, credential);
		const signedIn = { ...credential, accessToken: 'signed in', refreshToken: 'new' };
		for (const finishable of [false, true]) {
			// Looked at by the holder of the lease just before its writer puts it in place.
			const promoted: string[] = [];
			const { link } = memory;
			memory.link = async (existing, created) => {
				memory.link = link;
				promoted.push(await vault.promoteLeftover(ref, finishable ? 2 : 1));
				return link(existing, created);
			};
			const writing = vault.write(ref, finishable ? 2 : 1, signedIn, { finishable });
			if (finishable) await assert.rejects(writing, { code: 'conflict' });
			else assert.equal(await writing, 2);
			assert.deepEqual(promoted, [finishable ? 'finished' : 'none']);
		}
		assert.deepEqual(
			[...memory.files.keys()].filter((file) => file.endsWith('.tmp')),
			[],
		);
	});

	it('says conflict to the second of two writers, whatever each of them writes', async () => {
		const { vault } = fixture();
		await vault.write(ref, 0, credential);
		const outcomes = await Promise.allSettled([
			vault.write(ref, 1, credential),
			vault.writeSignedOut(ref, 1),
			vault.write(ref, 1, credential),
		]);
		const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
		assert.equal(refused.length, 2);
		for (const outcome of refused) assert.equal(outcome.reason.code, 'conflict');
		await assert.rejects(vault.write(ref, 0, credential), { code: 'conflict' });
		await assert.rejects(vault.write(ref, 9, credential), { code: 'conflict' });
	});

	it('stores a refresh under the key that opened the record, without asking for it again', async () => {
		const { vault, setKey } = fixture();
		await vault.write(ref, 0, credential);
		await vault.read(ref);
		setKey('unreadable');
		await vault.write(ref, 1, { ...credential, accessToken: 'second' });
		setKey('ready');
		const reading = await vault.read(ref);
		assert.ok(reading.kind === 'credential' && reading.credential.accessToken === 'second');
	});
});

describe('state file', () => {
	const bucket = {
		id: 'b1',
		name: 'b1',
		kind: 'oauth' as const,
		account: { id: 'a', label: 'a', identity: { issuer: 'i', subject: 's' } },
		createdAtMs: 1,
	};

	it('loses no update of many windows at once', async () => {
		const memory = createMemoryDisk();
		const windows = Array.from({ length: 8 }, () => createStateFile(createLedger(folder, memory)));
		await windows[0]?.update((state) => ({ ...state, providers: { demo: { buckets: [bucket], labels: [] } } }));
		await Promise.all(
			windows.map(async (window) => {
				for (let count = 0; count < 5; count++)
					await window.update((state) =>
						updateBucket(state, 'demo', 'b1', (present) => ({
							...present,
							lastUsedAtMs: (present.lastUsedAtMs ?? 0) + 1,
						})),
					);
			}),
		);
		const reading = await windows[0]?.read();
		assert.ok(reading?.kind === 'state');
		assert.equal(reading.state.providers.demo?.buckets[0]?.lastUsedAtMs, 40);
	});

	it('is set aside when damaged, and never rewritten when newer', async () => {
		const memory = createMemoryDisk();
		const ledger = createLedger(folder, memory);
		const state = createStateFile(ledger);
		await ledger.append('state', 0, Buffer.from('torn'));
		assert.equal((await state.read()).kind, 'damaged');
		await state.update((present) => ({ ...present, providers: { demo: { buckets: [bucket], labels: [] } } }));
		assert.ok([...memory.files].some(([file, bytes]) => file.includes('set-aside') && bytes.toString() === 'torn'));
		await ledger.append('state', 2, Buffer.from(JSON.stringify({ schema: 99, providers: 'unknown' })));
		assert.equal((await state.read()).kind, 'newerSchema');
		await assert.rejects(
			state.update((present) => ({ ...present, providers: {} })),
			{ code: 'newer_schema' },
		);
		assert.equal((await ledger.read('state'))?.generation, 3);
	});

	it('is not written by an update that changes nothing', async () => {
		const memory = createMemoryDisk();
		await createStateFile(createLedger(folder, memory)).update((present) => present);
		assert.equal(memory.files.size, 0);
	});
});
