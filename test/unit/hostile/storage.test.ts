/** Files and texts that somebody made on purpose: each once cost an account, a minute of time, or a look outside of the folder. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createStateFile } from '../../../src/auth/buckets/state.ts';
import { isAuthError } from '../../../src/auth/errors.ts';
import { parseProviders } from '../../../src/auth/settings.ts';
import { parsePasted } from '../../../src/auth/signIn/paste.ts';
import { createKeyFile } from '../../../src/auth/vault/keyFile.ts';
import { createLedger } from '../../../src/auth/vault/ledger.ts';
import { createMemoryDisk } from '../../support/memoryDisk.ts';

const FOLDER = '/vault';

async function vaultWith(files: Readonly<Record<string, string>>) {
	const disk = createMemoryDisk();
	await disk.makeFolder(FOLDER);
	for (const [name, content] of Object.entries(files)) disk.files.set(`${FOLDER}/${name}`, Buffer.from(content));
	return { disk, ledger: createLedger(FOLDER, disk) };
}

describe('a provider', () => {
	for (const id of ['constructor', 'prototype', '__proto__']) {
		it(`cannot be called ${id}: its accounts could not be kept`, () => {
			const value: unknown = JSON.parse(`{"${id}": {"type": "apiKey"}, "good": {"type": "apiKey"}}`);
			const { providers, problems } = parseProviders(value);
			assert.deepEqual(
				providers.map((provider) => provider.id),
				['good'],
			);
			assert.deepEqual(
				problems.map(({ code }) => code),
				['id'],
			);
		});
	}
});

describe('a file in the vault', () => {
	it('of the last generation there can be: the write fails instead of vanishing', async () => {
		const { ledger, disk } = await vaultWith({ 'a.999999999999999.rec': 'planted' });
		await assert.rejects(ledger.append('a', 999_999_999_999_999, Buffer.from('x')), (error) =>
			isAuthError(error, 'storage'),
		);
		assert.deepEqual([...disk.files.keys()], [`${FOLDER}/a.999999999999999.rec`]);
	});

	for (const name of ['a.02.rec', 'a.0.rec', 'a.000000000000009.rec']) {
		it(`called ${name} is none of ours, and does not stand in the way`, async () => {
			const { ledger, disk } = await vaultWith({ 'a.1.rec': 'mine', [name]: 'planted' });
			assert.deepEqual(await ledger.read('a'), { generation: 1, bytes: Buffer.from('mine') });
			assert.equal(await ledger.append('a', 1, Buffer.from('next')), 'written');
			assert.equal((await ledger.read('a'))?.generation, 2);
			assert.ok(disk.files.has(`${FOLDER}/${name}`));
		});
	}

	it('that names a key elsewhere: nothing outside of the folder is read', async () => {
		const { disk } = await vaultWith({});
		const asked: string[] = [];
		const store = createKeyFile(FOLDER, {
			...disk,
			readFile: async (path) => {
				asked.push(path);
				return disk.readFile(path);
			},
		});
		for (const id of ['../../etc/passwd', '/etc/shadow', '..', '', 'A'.repeat(32), 'a'.repeat(33)])
			assert.deepEqual(await store.read(id), { kind: 'absent' });
		assert.deepEqual(asked, []);
	});

	it('with a number beyond all numbers: damaged and set aside, and the next state can be read', async () => {
		const planted = JSON.stringify({ schema: 1, providers: { a: { buckets: [], labels: [] } } }).replace(
			'"buckets":[]',
			'"buckets":[{"id":"b","name":"b","kind":"apiKey","account":{"id":"x","label":"x","identity":{"issuer":"x"}},"createdAtMs":1e999}]',
		);
		const { ledger, disk } = await vaultWith({ 'state.1.rec': planted });
		const file = createStateFile(ledger);
		assert.equal((await file.read()).kind, 'damaged');
		await file.update((state) => ({ ...state, providers: { zeta: { buckets: [], labels: [] } } }));
		assert.equal((await file.read()).kind, 'state');
		assert.ok([...disk.files.values()].some((bytes) => bytes.toString() === planted));
	});
});

describe('a pasted text', () => {
	it('of a million quotes is refused at once', () => {
		const startedAt = performance.now();
		for (const text of [`${'"'.repeat(1_000_000)}x`, `http://127.0.0.1/?code=${'>'.repeat(1_000_000)}x`])
			assert.equal(parsePasted(text, { url: 'https://login.example.com/', state: 's' }).kind, 'problem');
		assert.ok(performance.now() - startedAt < 500);
	});
});
