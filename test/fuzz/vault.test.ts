/** The vault folder: whatever became of its files, nothing is lost that could be opened, and nothing leaves the folder. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { createStateFile, type State } from '../../src/auth/buckets/state.ts';
import { systemClock } from '../../src/auth/clock.ts';
import type { OAuthCredential } from '../../src/auth/credential.ts';
import { isAuthError } from '../../src/auth/errors.ts';
import { createIntents } from '../../src/auth/refresh/intent.ts';
import type { Disk } from '../../src/auth/vault/disk.ts';
import { readClaim } from '../../src/auth/vault/keyClaim.ts';
import { createKeyFile } from '../../src/auth/vault/keyFile.ts';
import { createLedger, SET_ASIDE_FOLDER } from '../../src/auth/vault/ledger.ts';
import { isKeyUsed } from '../../src/auth/vault/recordLabel.ts';
import { keyIdOf, recordName, seal, signedOutEnvelope } from '../../src/auth/vault/sealing.ts';
import { createVault, type Vault } from '../../src/auth/vault/vault.ts';
import { createVaultKey } from '../../src/auth/vault/vaultKey.ts';
import { type Damage, damage, damaged, fuzz, type Tally } from '../support/fuzz.ts';
import { createMemoryDisk, type MemoryDisk } from '../support/memoryDisk.ts';
import { createRecordingLog } from '../support/recordingLog.ts';
import { leaveNote, processesOf } from '../support/senders.ts';

const FOLDER = '/storage/vault';
const REF = { providerId: 'acme', bucketId: 'b1' };
const OTHER = { providerId: 'acme', bucketId: 'b2' };
const KEY = Buffer.alloc(32, 7);

const credential = (refreshToken: string): OAuthCredential => ({
	kind: 'oauth',
	accessToken: `access of ${refreshToken}`,
	refreshToken,
	scopes: ['a'],
	obtainedAtMs: 1,
	identity: { issuer: 'https://login.example.com', subject: 'ada' },
});

/** Refuses every path outside of the vault folder. */
function fenced(disk: MemoryDisk): Disk {
	const inside = (path: string): string => {
		assert.ok(resolve(path) === FOLDER || resolve(path).startsWith(`${FOLDER}/`), `left the folder: ${path}`);
		return path;
	};
	return {
		readdir: async (folder) => disk.readdir(inside(folder)),
		readFile: async (path) => disk.readFile(inside(path)),
		writeNew: async (path, bytes) => disk.writeNew(inside(path), bytes),
		overwrite: async (path, bytes) => disk.overwrite(inside(path), bytes),
		writeInto: async (path, bytes) => disk.writeInto(inside(path), bytes),
		link: async (existing, created) => disk.link(inside(existing), inside(created)),
		rename: async (from, to) => disk.rename(inside(from), inside(to)),
		unlink: async (path) => disk.unlink(inside(path)),
		makeFolder: async (folder) => disk.makeFolder(inside(folder)),
		syncFolder: async (folder) => disk.syncFolder(inside(folder)),
	};
}

/** A vault with two accounts, the record of the first replaced by `bytes`. */
async function open(bytes?: Buffer, generation = 1) {
	const memory = createMemoryDisk();
	const disk = fenced(memory);
	const ledger = createLedger(FOLDER, disk);
	const log = createRecordingLog();
	await disk.makeFolder(FOLDER);
	const files = createKeyFile(FOLDER, disk);
	await files.write(keyIdOf(KEY), KEY);
	await ledger.append('key', 0, Buffer.from(JSON.stringify({ schema: 1, keyId: keyIdOf(KEY) })));
	const key = createVaultKey({
		ledger,
		stores: [files],
		copies: [],
		clock: systemClock,
		log,
		isUsed: (keyId) => isKeyUsed(ledger, keyId),
	});
	const vault = createVault({ ledger, key });
	memory.files.set(`${FOLDER}/${recordName(OTHER)}.1.rec`, seal(OTHER, 1, JSON.stringify(credential('other')), KEY));
	if (bytes !== undefined) memory.files.set(`${FOLDER}/${recordName(REF)}.${generation}.rec`, bytes);
	return { memory, disk, ledger, vault, key, log };
}

async function otherIsThere(vault: Vault): Promise<void> {
	const reading = await vault.read(OTHER);
	assert.ok(reading.kind === 'credential' && reading.credential.kind === 'oauth');
	assert.equal(reading.credential.refreshToken, 'other');
	assert.ok((await vault.listCredentials()).some(({ ref }) => ref.bucketId === OTHER.bucketId));
}

const isThere = (memory: MemoryDisk, bytes: Buffer): boolean =>
	[...memory.files.values()].some((content) => content.equals(bytes));

function faultOf(what: Damage, tally: Tally): void {
	if (what.kind !== 'none') tally.fault();
}

test('a damaged record: typed, set aside when it is written over, and the other account stays', async () => {
	const sealed: unknown = JSON.parse(seal(REF, 1, JSON.stringify(credential('mine')), KEY).toString('utf8'));
	await fuzz('vault records', damage, { cases: 500 }, async (what, tally) => {
		faultOf(what, tally);
		const bytes = damaged(sealed, what);
		const { memory, vault } = await open(bytes);
		const reading = await vault.read(REF);
		// Only what was sealed comes out.
		if (reading.kind === 'credential')
			assert.equal(reading.credential.kind === 'oauth' && reading.credential.refreshToken, 'mine');
		await otherIsThere(vault);
		const written = await vault.write(REF, 1, credential('next')).catch((error: unknown) => error);
		if (reading.kind === 'newerSchema') assert.ok(isAuthError(written, 'newer_schema'));
		else {
			assert.equal(written, 2);
			const after = await vault.read(REF);
			assert.ok(after.kind === 'credential' && after.credential.kind === 'oauth');
			assert.equal(after.credential.refreshToken, 'next');
		}
		// Superseded only if it could be opened; else kept.
		if (reading.kind !== 'credential' && reading.kind !== 'signedOut') assert.ok(isThere(memory, bytes), reading.kind);
		if (written === 2 && reading.kind === 'damaged')
			assert.ok([...memory.files.keys()].some((path) => path.startsWith(`${FOLDER}/${SET_ASIDE_FOLDER}/`)));
	});
});

test('a sign-out over a damaged record keeps it', async () => {
	const sealed: unknown = JSON.parse(signedOutEnvelope(REF, 1).toString('utf8'));
	await fuzz('records of sign-outs', damage, { cases: 150 }, async (what, tally) => {
		faultOf(what, tally);
		const bytes = damaged(sealed, what);
		const { memory, vault } = await open(bytes);
		const reading = await vault.read(REF);
		assert.notEqual(reading.kind, 'credential');
		await vault.writeSignedOut(REF, 1).catch((error: unknown) => assert.ok(isAuthError(error, 'newer_schema')));
		if (reading.kind !== 'signedOut') assert.ok(isThere(memory, bytes));
		await otherIsThere(vault);
	});
});

test('foreign files in the folder, whatever their name: the accounts stay readable and writable', async () => {
	const name = fc.oneof(
		fc
			.tuple(
				fc.constantFrom(recordName(REF), recordName(OTHER), 'state', 'key'),
				fc.oneof(
					fc.constantFrom('0', '00', '01', '0002', '1e3', '-1', '', '999999999999999', '1000000000000000'),
					fc.nat(5).map(String),
				),
				fc.constantFrom('.rec', '.0123456789abcdef.tmp', '.key', '.rec.bak', '.REC', '.intent.0123456789abcdef'),
			)
			.map((parts) => `${parts[0]}.${parts[1]}${parts[2]}`),
		fc.stringMatching(/^[a-z0-9.~-]{1,60}$/),
	);
	await fuzz(
		'foreign files',
		fc.tuple(name, fc.uint8Array({ maxLength: 60 })),
		{ cases: 400 },
		async ([file, content], tally) => {
			tally.fault();
			const mine = seal(REF, 1, JSON.stringify(credential('mine')), KEY);
			const { memory, vault } = await open(mine);
			const path = `${FOLDER}/${file}`;
			if (memory.files.has(path)) return;
			memory.files.set(path, Buffer.from(content));
			const reading = await vault.read(REF);
			// A planted higher generation is what counts, and it does not open.
			assert.ok(['credential', 'damaged'].includes(reading.kind), reading.kind);
			const outcome = await vault.write(REF, reading.generation, credential('next')).catch((error: unknown) => error);
			if (typeof outcome === 'number') {
				const after = await vault.read(REF);
				assert.ok(after.kind === 'credential' && after.credential.kind === 'oauth', after.kind);
				assert.equal(after.credential.refreshToken, 'next');
				assert.equal(after.generation, outcome);
			} else {
				// There is no generation after the last one: said, not lost.
				assert.ok(isAuthError(outcome, 'storage'), String(outcome));
				assert.ok(isThere(memory, mine));
			}
			const other = await vault.read(OTHER);
			assert.ok(['credential', 'damaged'].includes(other.kind), other.kind);
			const sealedOther = [...memory.files.values()].some((bytes) => bytes.includes('"bucket":"b2"'));
			assert.ok(sealedOther);
		},
	);
});

const STATE: State = {
	providers: {
		acme: {
			buckets: [
				{
					id: 'b1',
					name: 'ada@example.com',
					kind: 'oauth',
					account: {
						id: 'a1',
						label: 'ada@example.com',
						identity: { issuer: 'https://login.example.com', subject: 'ada' },
					},
					createdAtMs: 1,
					needsSignIn: { generation: 1, reason: 'invalid_grant' },
					failing: { generation: 1, retryAtMs: 5, attempts: 1 },
					lastUsedAtMs: 3,
				},
			],
			labels: [{ label: 'ada@example.com', accountId: 'a1', owner: 'x' }],
		},
	},
};

test('a damaged state: empty or right, set aside, and readable after every write', async () => {
	await fuzz('state', damage, { cases: 500 }, async (what, tally) => {
		faultOf(what, tally);
		const memory = createMemoryDisk();
		const ledger = createLedger(FOLDER, fenced(memory));
		await memory.makeFolder(FOLDER);
		const bytes = damaged({ ...STATE, schema: 1 }, what);
		memory.files.set(`${FOLDER}/state.1.rec`, bytes);
		const file = createStateFile(ledger);
		const reading = await file.read();
		const add = (state: State): State => ({
			...state,
			providers: { ...state.providers, zeta: { buckets: [], labels: [] } },
		});
		const outcome = await file.update(add).catch((error: unknown) => error);
		if (reading.kind === 'newerSchema') {
			assert.ok(isAuthError(outcome, 'newer_schema'));
			assert.ok(isThere(memory, bytes));
			return;
		}
		if (reading.kind === 'damaged') assert.ok(isThere(memory, bytes));
		const after = await file.read();
		assert.equal(after.kind, 'state');
		if (reading.kind !== 'state' || after.kind !== 'state') return;
		// What was there before is there after.
		assert.deepEqual(Object.keys(after.state.providers).sort(), Object.keys(add(reading.state).providers).sort());
		for (const [id, provider] of Object.entries(reading.state.providers))
			assert.equal(after.state.providers[id]?.buckets.length, provider.buckets.length);
	});
});

test('a damaged claim never makes a second key while records wait for the first', async () => {
	const claim = { schema: 1, keyId: keyIdOf(KEY), bornIn: 'session', seenElsewhere: true };
	await fuzz('claims of the key', damage, { cases: 250 }, async (what, tally) => {
		faultOf(what, tally);
		const { memory, vault, key, ledger, log } = await open();
		memory.files.set(`${FOLDER}/key.1.rec`, damaged(claim, what));
		const reading = await readClaim(ledger, log);
		const state = await key.find();
		assert.ok(['ready', 'none', 'missing', 'unreadable', 'refused'].includes(state.kind));
		if (reading.kind === 'refused') assert.equal(state.kind, 'refused');
		// The record names its key itself, so it opens whatever became of the claim.
		await otherIsThere(vault);
	});
});

test('a damaged key file is unreadable or absent, and is not written over', async () => {
	const content = fc.oneof(
		fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
		fc.nat(44).map((length) => Buffer.from(KEY.toString('base64').slice(0, length))),
		fc.constant(Buffer.from(`\ufeff${KEY.toString('base64')}\n`)),
		fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(Buffer.from(bytes).toString('base64'))),
	);
	await fuzz('key files', content, { cases: 200 }, async (bytes, tally) => {
		tally.fault();
		const { memory, disk, vault } = await open();
		const path = `${FOLDER}/${keyIdOf(KEY)}.key`;
		memory.files.set(path, bytes);
		const reading = await createKeyFile(FOLDER, disk).read(keyIdOf(KEY));
		if (reading.kind === 'key') assert.ok(reading.key.equals(KEY));
		else assert.equal(reading.kind, 'unreadable');
		const record = await vault.read(OTHER);
		assert.ok(['credential', 'keyUnreadable'].includes(record.kind));
		assert.ok(memory.files.get(path)?.equals(bytes));
	});
});

test('a key id that leads elsewhere is not followed', async () => {
	const keyId = fc.oneof(
		fc.constantFrom('../../../etc/passwd', '/etc/shadow', '..', 'a/b', 'a\0b', '', '..\\..\\x', '%2e%2e/x'),
		fc.string({ unit: 'binary', maxLength: 300 }),
	);
	await fuzz('key ids', keyId, { cases: 250 }, async (id, tally) => {
		tally.fault();
		const sealed: Record<string, unknown> = JSON.parse(seal(REF, 1, '{}', KEY).toString('utf8'));
		const { memory, vault, key } = await open(Buffer.from(JSON.stringify({ ...sealed, keyId: id })));
		memory.files.set(`${FOLDER}/key.1.rec`, Buffer.from(JSON.stringify({ schema: 1, keyId: id })));
		const reading = await vault.read(REF);
		assert.ok(['keyMissing', 'damaged'].includes(reading.kind), reading.kind);
		assert.ok(['missing', 'refused'].includes((await key.find()).kind));
	});
});

test('a damaged intent counts as one sending at most', async () => {
	const intent = { generation: 1, refreshTokenDigest: 'd', attempt: 1, correlationId: 'c' };
	await fuzz('intents', damage, { cases: 300 }, async (what, tally) => {
		faultOf(what, tally);
		const memory = createMemoryDisk();
		await memory.makeFolder(FOLDER);
		memory.files.set(`${FOLDER}/${recordName(REF)}.intent`, damaged(intent, what));
		const intents = createIntents(FOLDER, fenced(memory), processesOf(1));
		const attempts = (await intents.read(REF))(1, 'd');
		assert.ok(typeof attempts === 'number' && Number.isSafeInteger(attempts) && attempts >= 0, String(attempts));
		await leaveNote(intents, REF, { ...intent, attempt: 2 });
		assert.equal((await intents.read(REF))(1, 'd'), 2);
	});
});
