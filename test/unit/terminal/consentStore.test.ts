import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { createConsentStore } from '../../../src/auth/terminal/consentStore.ts';
import { collectingLogger } from '../../support/terminalFakes.ts';

function place(t: TestContext) {
	const root = fs.mkdtempSync(path.join(tmpdir(), 'aa-consent-'));
	t.after(() => fs.rmSync(root, { recursive: true }));
	const folder = path.join(root, 'consents');
	const log = collectingLogger();
	return { folder, log, store: createConsentStore(folder, log), second: createConsentStore(folder, log) };
}

const KEY = { workspaceId: '/home/me/work', providerId: 'acme', side: 'terminal' } as const;
const CONSENT = { workspaceName: 'work', decision: 'allow', decidedAtMs: 5 } as const;

test('a decision is found by other windows, for its workspace, provider and side alone', async (t) => {
	const { folder, store, second } = place(t);
	assert.equal(await store.find(KEY), undefined);
	assert.deepEqual(await store.list(), []);
	await store.save(KEY, CONSENT);
	const found = await second.find(KEY);
	assert.deepEqual({ ...found, id: '' }, { id: '', providerId: 'acme', side: 'terminal', ...CONSENT });
	assert.equal(await second.find({ ...KEY, side: 'outside' }), undefined);
	assert.equal(await second.find({ ...KEY, providerId: 'other' }), undefined);
	assert.equal(await second.find({ ...KEY, workspaceId: '/home/me/work2' }), undefined);
	assert.equal(fs.statSync(folder).mode & 0o777, 0o700);
	for (const name of fs.readdirSync(folder)) {
		assert.equal(fs.statSync(path.join(folder, name)).mode & 0o777, 0o600);
		assert.ok(!fs.readFileSync(path.join(folder, name), 'utf8').includes('/home/me'));
	}
});

test('what one window takes back counts in the others at once', async (t) => {
	const { store, second } = place(t);
	await store.save(KEY, CONSENT);
	const id = (await second.find(KEY))?.id ?? assert.fail();
	assert.ok(second.has(id));
	store.remove(id);
	store.remove(id);
	store.remove('../../outside');
	assert.deepEqual([second.has(id), await second.find(KEY), await second.list()], [false, undefined, []]);
});

test('a damaged, newer or unreadable decision is none, and is told in the log', async (t) => {
	const { folder, log, store } = place(t);
	await store.save(KEY, CONSENT);
	const file = path.join(folder, fs.readdirSync(folder)[0] ?? assert.fail());
	for (const text of ['', '{', '{"schema":2}', '[]']) {
		fs.writeFileSync(file, text);
		assert.equal(await store.find(KEY), undefined, text);
	}
	fs.rmSync(file);
	fs.mkdirSync(file);
	assert.equal(await store.find(KEY), undefined);
	assert.equal(log.lines.filter((line) => line.startsWith('warn')).length, 5);
	await assert.rejects(store.save(KEY, CONSENT));
});

test('what cannot be listed is an error, and what is no decision is passed over', async (t) => {
	const { folder, store } = place(t);
	assert.deepEqual(await store.list(), []);
	await store.save(KEY, CONSENT);
	fs.writeFileSync(path.join(folder, 'notes.txt'), '');
	assert.equal((await store.list()).length, 1);
	store.remove('../notes.txt');
	fs.rmSync(folder, { recursive: true });
	fs.writeFileSync(folder, '');
	await assert.rejects(store.list(), { code: 'ENOTDIR' });
});

test('a folder that is a link or open to others takes no decision', async (t) => {
	const { folder, store } = place(t);
	fs.mkdirSync(folder, { mode: 0o700 });
	fs.chmodSync(folder, 0o777);
	await assert.rejects(store.save(KEY, CONSENT), { code: 'storage' });
	fs.rmdirSync(folder);
	fs.symlinkSync(tmpdir(), folder);
	await assert.rejects(store.save(KEY, CONSENT), { code: 'storage' });
});
