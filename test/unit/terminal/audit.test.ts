import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import {
	type AuditedUse,
	createAuditLog,
	MAX_AGE_MS,
	MAX_ENTRIES,
	MERGE_MS,
} from '../../../src/auth/terminal/audit.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { collectingLogger } from '../../support/terminalFakes.ts';

const USE: AuditedUse = {
	consumer: 'terminal',
	terminal: 'zsh',
	terminalPid: 7,
	program: 'agent',
	providerId: 'acme',
	use: 'token',
	outcome: 'given',
};

function place(t: TestContext) {
	const root = fs.mkdtempSync(path.join(tmpdir(), 'aa-audit-'));
	t.after(() => fs.rmSync(root, { recursive: true }));
	const folder = path.join(root, 'audit');
	const clock = createManualClock();
	const log = collectingLogger();
	const open = () => {
		const audit = createAuditLog({ folder, clock, log });
		t.after(() => audit.dispose());
		return audit;
	};
	return { folder, clock, log, open };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

test('uses of one kind within a minute are one entry with a count, others are their own', async (t) => {
	const { clock, open } = place(t);
	const audit = open();
	const sizes: number[] = [];
	audit.onDidChange((entries) => sizes.push(entries.length));
	for (let count = 0; count < 3; count++) {
		audit.record(USE);
		clock.advance(1_000);
	}
	audit.record({ ...USE, use: 'git' });
	assert.deepEqual(
		audit.entries().map(({ use, count, lastAtMs, atMs }) => [use, count, lastAtMs - atMs]),
		[
			['git', 1, 0],
			['token', 3, 2_000],
		],
	);
	clock.advance(MERGE_MS);
	audit.record(USE);
	assert.deepEqual(
		audit.entries().map(({ use, count }) => `${use} ${count}`),
		['token 1', 'git 1', 'token 3'],
	);
	assert.deepEqual(sizes, [1, 1, 1, 2, 3]);
});

test('entries of another window and of an earlier one are read, none is counted twice, and files are private', async (t) => {
	const { folder, clock, open } = place(t);
	const first = open();
	first.record(USE);
	first.record(USE);
	clock.advance(MERGE_MS);
	first.record({ ...USE, providerId: 'other' });
	await first.refresh();
	const total = (entries: readonly { count: number }[]) => entries.reduce((sum, { count }) => sum + count, 0);
	assert.equal(total(first.entries()), 3);
	const second = open();
	assert.deepEqual(second.entries(), []);
	await second.refresh();
	assert.equal(total(second.entries()), 3);
	for (const name of fs.readdirSync(folder)) {
		assert.match(name, /^\d{4}-\d{2}-\d{2}\.jsonl$/);
		assert.equal(fs.statSync(path.join(folder, name)).mode & 0o777, 0o600);
	}
});

test('what was removed from the disk is forgotten by every window, and does not come back', async (t) => {
	const { folder, clock, open } = place(t);
	const [first, second] = [open(), open()];
	first.record(USE);
	first.record(USE);
	second.record({ ...USE, terminalPid: 8 });
	await Promise.all([first.refresh(), second.refresh()]);
	assert.deepEqual([first.entries().length, second.entries().length], [2, 2]);
	for (const file of fs.readdirSync(folder)) fs.unlinkSync(path.join(folder, file));
	// The second window is about to write what its use was repeated by since; the first has already looked.
	second.record({ ...USE, terminalPid: 8 });
	await first.refresh();
	await clock.advance(MERGE_MS);
	await second.refresh();
	assert.deepEqual([first.entries(), second.entries(), fs.readdirSync(folder)], [[], [], []]);
	first.record(USE);
	await first.refresh();
	await second.refresh();
	assert.deepEqual([first.entries().map(({ count }) => count), second.entries().length], [[1], 1]);
});

test('it is bounded in number and in age, and files of old days go', async (t) => {
	const { folder, clock, open } = place(t);
	const audit = open();
	audit.record(USE);
	await audit.refresh();
	clock.advance(MAX_AGE_MS + 2 * 24 * 60 * 60_000);
	for (let index = 0; index < MAX_ENTRIES + 50; index++) audit.record({ ...USE, providerId: `p${index}` });
	assert.equal(audit.entries().length, MAX_ENTRIES);
	assert.equal(fs.readdirSync(folder).length, 1);
	await audit.refresh();
	assert.equal(audit.entries().length, MAX_ENTRIES);
	assert.deepEqual(fs.readdirSync(folder).length, 1);
	const second = open();
	await second.refresh();
	assert.equal(second.entries().length, MAX_ENTRIES);
	assert.ok(second.entries().every(({ providerId }) => providerId !== 'acme'));
});

test('a day that has told enough takes no more, and one that somebody blew up is not read', async (t) => {
	const { folder, clock, open } = place(t);
	const audit = open();
	audit.record(USE);
	await audit.refresh();
	const file = path.join(folder, fs.readdirSync(folder)[0] ?? assert.fail());
	const line = fs.readFileSync(file, 'utf8');
	fs.appendFileSync(file, ' '.repeat(513 * 1024));
	const { size } = fs.statSync(file);
	audit.record({ ...USE, use: 'git' });
	await audit.refresh();
	assert.equal(fs.statSync(file).size, size);
	assert.equal(audit.entries().length, 2);
	const second = open();
	await second.refresh();
	assert.equal(second.entries().length, 1);
	clock.advance(24 * 60 * 60_000);
	const tomorrow = path.join(folder, `${new Date(clock.now()).toISOString().slice(0, 10)}.jsonl`);
	fs.writeFileSync(tomorrow, line + ' '.repeat(1025 * 1024));
	fs.rmSync(file);
	await second.refresh();
	assert.deepEqual(second.entries(), []);
});

test('an old day that cannot be removed hides no other, and is told in the log', async (t) => {
	const { folder, log, open } = place(t);
	const audit = open();
	await audit.refresh();
	assert.deepEqual([audit.entries(), log.lines, fs.existsSync(folder)], [[], [], false]);
	audit.record(USE);
	await audit.refresh();
	fs.mkdirSync(path.join(folder, '2001-01-01.jsonl'));
	fs.writeFileSync(path.join(folder, '2001-01-02.jsonl'), '');
	fs.writeFileSync(path.join(folder, 'notes.txt'), '');
	const second = open();
	await second.refresh();
	assert.equal(second.entries().length, 1);
	assert.deepEqual(fs.readdirSync(folder).slice(0, 1), ['2001-01-01.jsonl']);
	assert.equal(fs.readdirSync(folder).length, 3);
	assert.equal(log.lines.filter((line) => line.startsWith('warn audit:')).length, 1);
});

test('a removed day is forgotten whole, with all that still grows, and a window that has ended tells nobody', async (t) => {
	const { folder, clock, open } = place(t);
	const audit = open();
	for (const use of ['token', 'git', 'exec']) audit.record({ ...USE, use });
	audit.record({ consumer: 'outside', providerId: 'acme', use: 'token', outcome: 'refused' });
	await audit.refresh();
	assert.equal(audit.entries().length, 4);
	for (const file of fs.readdirSync(folder)) fs.unlinkSync(path.join(folder, file));
	await audit.refresh();
	assert.deepEqual(audit.entries(), []);
	clock.advance(MERGE_MS);
	await audit.refresh();
	assert.deepEqual(fs.readdirSync(folder), []);
	let told = 0;
	audit.onDidChange(() => told++);
	const late = audit.refresh();
	audit.dispose();
	await late;
	assert.equal(told, 0);
});

test('half a line, a foreign line and a folder that cannot be used cost nothing but a warning', async (t) => {
	const { folder, log, open } = place(t);
	const audit = open();
	audit.record(USE);
	await audit.refresh();
	const file = path.join(folder, fs.readdirSync(folder)[0] ?? assert.fail());
	fs.appendFileSync(file, '{"atMs":1}\n{"atMs":');
	const second = open();
	await second.refresh();
	assert.equal(second.entries().length, 1);
	fs.rmSync(folder, { recursive: true });
	fs.writeFileSync(folder, '');
	const third = open();
	third.record(USE);
	await third.refresh();
	await settled();
	assert.equal(third.entries().length, 1);
	assert.ok(log.lines.some((line) => line.startsWith('warn')));
});
