/** The parts of terminal access together, with real files and sockets. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../../../src/auth/clock.ts';
import { readDescriptors } from '../../../src/auth/terminal/descriptor.ts';
import { keepNothing } from '../../../src/auth/terminal/keepNothing.ts';
import { createTerminalAccess, type TerminalAccessOptions } from '../../../src/auth/terminal/terminalAccess.ts';
import { askWindow } from '../../../src/auth/terminal/windowClient.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { collectingLogger, fakeService } from '../../support/terminalFakes.ts';
import { until } from '../../support/until.ts';

const DAY_MS = 24 * 60 * 60_000;

async function place(t: TestContext, change: Partial<TerminalAccessOptions> = {}) {
	const root = await tempFolder(t);
	const globalStoragePath = path.join(root, 'storage');
	const helperBundlePath = path.join(root, 'helper.cjs');
	fs.writeFileSync(helperBundlePath, '// helper');
	const log = collectingLogger();
	const world = { folders: ['/one'] };
	const open = () => {
		const access = createTerminalAccess({
			...{ globalStoragePath, helperBundlePath, log, clock: systemClock, version: 'test' },
			service: fakeService('canary'),
			ask: () => Promise.resolve('no'),
			policy: () => 'ask',
			workspace: () => undefined,
			terminals: () => Promise.resolve([]),
			isTrusted: () => true,
			workspaceFolders: () => world.folders,
			...change,
		});
		t.after(() => access.dispose());
		return access;
	};
	const announced = async () =>
		(await readDescriptors(path.join(globalStoragePath, 'run'))).map((entry) => {
			assert.ok(entry.kind === 'descriptor');
			return { ...entry.descriptor, file: entry.file };
		});
	return { root, globalStoragePath, log, world, open, announced };
}

test('a window can be asked from its start to its end, but not while it is unavailable', async (t) => {
	const { open, announced, world } = await place(t);
	const access = open();
	assert.equal(await access.ping(), false);
	await access.started;
	assert.equal(await access.ping(), true);
	const [first] = await announced();
	assert.deepEqual(first?.workspaceFolders, ['/one']);
	world.folders = ['/two'];
	access.workspaceFoldersChanged();
	await until('the new folder is announced', async () => (await announced())[0]?.workspaceFolders[0] === '/two');
	access.setAvailable(false);
	await until('the window has withdrawn', async () => (await announced()).length === 0);
	assert.equal(await access.ping(), false);
	access.workspaceFoldersChanged();
	access.setAvailable(false);
	access.setAvailable(true);
	access.setAvailable(true);
	const back = await until('the window is back', async () => (await announced())[0]);
	assert.notEqual(back.socket, first?.socket);
	await until('it answers', () => access.ping());
	access.dispose();
	assert.deepEqual([await announced(), fs.existsSync(back.socket), await access.ping()], [[], false, false]);
});

test('a window that ends while it starts, or is told to come back after its end, leaves nothing', async (t) => {
	const { open, announced, log } = await place(t);
	const access = open();
	access.dispose();
	await assert.rejects(access.started, { code: 'cancelled' });
	access.setAvailable(true);
	access.setAvailable(false);
	const second = open();
	await second.started;
	assert.equal((await announced()).length, 1);
	assert.deepEqual(
		log.lines.filter((line) => line.startsWith('error')),
		[],
	);
});

test('where nothing can be written the start fails with its reason, and works once it can', async (t) => {
	const { globalStoragePath, log, open, announced } = await place(t);
	fs.writeFileSync(globalStoragePath, '');
	const access = open();
	await assert.rejects(access.started, { code: 'storage' });
	assert.match(log.lines.join('\n'), /^error terminal access: /m);
	fs.rmSync(globalStoragePath);
	access.setAvailable(true);
	await until('the window is there', async () => (await announced()).length === 1);
});

test('a window says every day that it lives, also where that fails once', async (t) => {
	const clock = createManualClock();
	const { open, announced, log } = await place(t, { clock: withRealDelays(clock) });
	await open().started;
	const [found] = await announced();
	assert.ok(found);
	const touchedAtMs = () => Math.round(fs.statSync(found.file).mtimeMs);
	const away = `${found.file}.away`;
	fs.renameSync(found.file, away);
	clock.advance(DAY_MS);
	await until('the failure is noted', () => log.lines.some((line) => line.startsWith('debug touching: ')));
	fs.renameSync(away, found.file);
	clock.advance(DAY_MS);
	await until('the file is touched', () => Math.abs(touchedAtMs() - clock.now()) < 1_000);
});

/** What takes less than a day passes by itself. */
function withRealDelays(clock: Clock): Clock {
	return {
		...clock,
		schedule: (delayMs, callback) => (delayMs < DAY_MS ? systemClock : clock).schedule(delayMs, callback),
	};
}

test('a folder of consents or windows that cannot be cleared away is a warning, and the window works', async (t) => {
	const { globalStoragePath, log, open } = await place(t);
	fs.mkdirSync(globalStoragePath);
	fs.writeFileSync(path.join(globalStoragePath, 'terminalConsents'), '');
	const access = open();
	await access.started;
	await until('it is told', () => log.lines.some((line) => line.startsWith('warn sweeping consents: ')));
	assert.equal(await access.ping(), true);
});

for (const answer of ['session', 'workspace', 'never'] as const) {
	test(`a window that keeps nothing leaves no word of what was decided (${answer}) or given, and decides it once all the same`, async (t) => {
		const asked: (string | undefined)[] = [];
		const { globalStoragePath, open, announced } = await place(t, {
			keeping: keepNothing(),
			workspace: () => ({ id: '/one', name: 'the workspace' }),
			terminals: () => Promise.resolve([{ pid: process.pid, name: 'terminal' }]),
			ask({ workspaceName }) {
				asked.push(workspaceName);
				return Promise.resolve(answer);
			},
		});
		const access = open();
		await access.started;
		const [found] = await announced();
		assert.ok(found);
		const ask = () =>
			askWindow({
				...{ socket: found.socket, secret: found.secret, acceptMs: 10_000, answerMs: 10_000 },
				request: { kind: 'token', provider: 'acme', ancestors: [process.pid], cwd: '/one' },
				onProgress: () => undefined,
			});
		const given = [await ask(), await ask()].map((result) => result.kind === 'reply' && result.reply.kind);
		assert.deepEqual(given, answer === 'never' ? ['error', 'error'] : ['token', 'token']);
		// No workspace is named, so that nothing is offered for one.
		assert.deepEqual(asked, [undefined]);
		await access.audit.refresh();
		assert.deepEqual(access.audit.entries(), []);
		access.dispose();
		assert.deepEqual(fs.readdirSync(globalStoragePath).sort(), ['bin', 'run']);
	});
}
