import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostKey, processStartTime } from '../../../src/auth/lease/processIdentity.ts';
import type { Consumer } from '../../../src/auth/terminal/consumer.ts';
import { createTerminalConsentStore } from '../../../src/auth/terminal/terminalConsentStore.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { collectingLogger } from '../../support/terminalFakes.ts';

const DAY_MS = 24 * 60 * 60_000;
const ALLOWED = { decision: 'allow', grantedAtMs: 5 } as const;

async function place(t: TestContext) {
	const folder = path.join(await tempFolder(t), 'terminalConsents');
	const log = collectingLogger();
	return {
		folder,
		log,
		store: createTerminalConsentStore(folder, log),
		second: createTerminalConsentStore(folder, log),
	};
}

/** A process that lives until the test ends, as a terminal's shell. */
async function shell(t: TestContext) {
	const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
	await once(child, 'spawn');
	const end = async (): Promise<void> => {
		if (child.exitCode !== null || child.signalCode !== null) return;
		child.kill('SIGKILL');
		await once(child, 'exit');
	};
	t.after(end);
	const pid = child.pid ?? assert.fail();
	const startTime = await processStartTime(pid);
	const terminal: Consumer = { kind: 'terminal', pid, startTime, name: 'bash' };
	return { terminal, end };
}

test('a decision is found by the next host, for its shell and provider alone', async (t) => {
	const { folder, store, second } = await place(t);
	const { terminal } = await shell(t);
	assert.equal(await store.find(terminal, 'acme'), undefined);
	const saved = await store.save(terminal, 'acme', ALLOWED);
	const renamed = { ...terminal, name: 'claude' };
	const found = await second.find(renamed, 'acme');
	assert.deepEqual(found, { id: saved?.id, ...ALLOWED, consumer: renamed, providerId: 'acme' });
	assert.equal(await second.find(terminal, 'other'), undefined);
	assert.equal(await second.find({ ...terminal, startTime: 'another' }, 'acme'), undefined);
	assert.equal(await second.find({ kind: 'outside' }, 'acme'), undefined);
	assert.deepEqual(await second.list(), [saved]);
	if (process.platform === 'win32') return;
	assert.equal(fs.statSync(folder).mode & 0o777, 0o700);
	for (const name of fs.readdirSync(folder)) assert.equal(fs.statSync(path.join(folder, name)).mode & 0o777, 0o600);
});

test('nothing is kept for the outside, or for a shell that cannot be told from a later one', async (t) => {
	const { folder, store } = await place(t);
	const { terminal } = await shell(t);
	assert.equal(await store.save({ kind: 'outside' }, 'acme', ALLOWED), undefined);
	assert.equal(await store.save({ ...terminal, startTime: undefined }, 'acme', ALLOWED), undefined);
	assert.equal(fs.existsSync(folder), false);
});

test('what one window takes back counts in the others at once', async (t) => {
	const { store, second } = await place(t);
	const { terminal } = await shell(t);
	const { id } = (await store.save(terminal, 'acme', ALLOWED)) ?? assert.fail();
	assert.equal(second.has(id), true);
	store.remove(id);
	store.remove(id);
	store.remove('../elsewhere');
	assert.equal(second.has(id), false);
	assert.equal(await second.find(terminal, 'acme'), undefined);
});

test('it ends with the shell: not listed any more, and swept; that of a living one stays', async (t) => {
	const { folder, store } = await place(t);
	const [one, two] = [await shell(t), await shell(t)];
	await store.save(one.terminal, 'acme', ALLOWED);
	const kept = await store.save(two.terminal, 'acme', ALLOWED);
	await one.end();
	assert.deepEqual(await store.list(), [kept]);
	assert.equal(await store.sweep(100 * DAY_MS), 1);
	assert.deepEqual(fs.readdirSync(folder), [`${kept?.id}.json`]);
});

test('what is damaged, foreign or under another name is no decision, and never stops the others', async (t) => {
	const { folder, log, store } = await place(t);
	const { terminal } = await shell(t);
	const saved = (await store.save(terminal, 'acme', ALLOWED)) ?? assert.fail();
	const file = path.join(folder, `${saved.id}.json`);
	const text = fs.readFileSync(file, 'utf8');
	const other = path.join(folder, `${'0'.repeat(32)}.json`);
	fs.copyFileSync(file, other);
	assert.deepEqual(await store.list(), [saved]);
	for (const bad of ['', '{', text.replace('"allow"', '"all"'), text.replace('"schema":1', '"schema":2')]) {
		fs.writeFileSync(file, bad);
		assert.equal(await store.find(terminal, 'acme'), undefined);
	}
	assert.ok(log.lines.some((line) => line.includes('cannot be understood')));
	assert.equal(await store.sweep(6), 2);
	assert.deepEqual(fs.readdirSync(folder), []);
});

test('what cannot be read is no decision and told in the log; what cannot be listed is an error', async (t) => {
	const { folder, log, store } = await place(t);
	const { terminal } = await shell(t);
	assert.deepEqual(await store.list(), []);
	const saved = (await store.save(terminal, 'acme', ALLOWED)) ?? assert.fail();
	fs.writeFileSync(path.join(folder, 'notes.txt'), '');
	assert.deepEqual(await store.list(), [saved]);
	const file = path.join(folder, `${saved.id}.json`);
	fs.rmSync(file);
	fs.mkdirSync(file);
	assert.equal(await store.find(terminal, 'acme'), undefined);
	assert.match(log.lines.join('\n'), /^warn consent of a terminal: /);
	store.remove('../notes.txt');
	fs.rmSync(folder, { recursive: true });
	fs.writeFileSync(folder, '');
	await assert.rejects(store.list(), { code: 'ENOTDIR' });
	await assert.rejects(store.sweep(0), { code: 'ENOTDIR' });
});

test('that of another machine is kept for a month, because nobody here can look', async (t) => {
	const { folder, store } = await place(t);
	const { terminal } = await shell(t);
	const saved = (await store.save(terminal, 'acme', ALLOWED)) ?? assert.fail();
	const kept = JSON.parse(fs.readFileSync(path.join(folder, `${saved.id}.json`), 'utf8'));
	store.remove(saved.id);
	const { createHash } = await import('node:crypto');
	const far = { ...kept, shell: { ...kept.shell, host: 'another', machine: 'another' } };
	const { pidNamespace, pid, startTime } = far.shell;
	const parts = JSON.stringify([...hostKey(far.shell), pidNamespace, pid, startTime, 'acme']);
	const id = createHash('sha256').update(parts).digest('hex').slice(0, 32);
	fs.writeFileSync(path.join(folder, `${id}.json`), JSON.stringify(far));
	assert.equal(await store.find(terminal, 'acme'), undefined);
	assert.equal(await store.sweep(29 * DAY_MS), 0);
	assert.equal(await store.sweep(31 * DAY_MS), 1);
});
