/** Tokens of commands through the service: their end, a settings change under those who wait, and what is not configured. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Provider } from '../../../src/auth/provider.ts';
import type { CommandSpec } from '../../../src/auth/reference/commandReference.ts';
import type { ServiceOptions } from '../../../src/auth/service/createService.ts';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { createSharedKeys, openWindow, type Window } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';
import { createBench, printing } from '../reference/commands.ts';

/** A window whose settings a test replaces. */
async function world(context: TestContext, body: string) {
	const bench = await createBench(context);
	const folder = await tempFolder(context);
	const keys = createSharedKeys();
	let providers: readonly Provider[] = [];
	const configure = (commands: Readonly<Record<string, CommandSpec>>): void => {
		providers = [{ id: 'keys', label: 'Model Keys', kind: 'command', commands }];
	};
	const spec = await bench.script(body);
	configure({ printer: spec });
	const opened: Window[] = [];
	context.after(async () => {
		for (const window of opened) window.service.dispose();
	});
	const open = (more: Partial<ServiceOptions> = {}): Window => {
		const window = openWindow(folder, keys, [], { providers: () => providers, ...more });
		opened.push(window);
		return window;
	};
	const window = open();
	const add = (name: string) => window.service.addReference({ providerId: 'keys', command: 'printer', name });
	const token = (more: object = {}, of = window) =>
		of.service.getToken({ providerId: 'keys', deadlineMs: 20_000, purpose: 'test', ...more });
	return { bench, folder, spec, configure, open, window, add, token };
}

describe('a bucket of a command', () => {
	it('has the name of its command where the person gives none', async (context) => {
		const { add } = await world(context, printing('secret'));
		assert.equal((await add('  ')).name, 'printer');
		assert.equal((await add(' mine ')).name, 'mine');
	});

	it('gives a token with the end that the command names, and one without if it names none', async (context) => {
		const { add, token, configure, bench } = await world(context, printing('plain'));
		await add('printed');
		assert.deepEqual((await token()).token, { value: 'plain', scopes: [] });
		const expiresAtMs = Date.now() + 60 * 60_000;
		const printed = JSON.stringify({ access_token: 'ending', expires_in: 3_600 });
		configure({ printer: await bench.script(printing(printed)) });
		const ending = await token();
		assert.equal(ending.token.value, 'ending');
		assert.ok(Math.abs((ending.token.expiresAtMs ?? 0) - expiresAtMs) < 60_000);
	});

	it('asks who waits for a command that was changed meanwhile to come again, and nobody who gave up', async (context) => {
		const { bench, add, token, configure } = await world(context, 'setInterval(() => {}, 1_000);');
		await add('printed');
		const waiting = assert.rejects(token(), { code: 'transient' });
		const giving = new AbortController();
		const given = assert.rejects(token({ signal: giving.signal }), { code: 'cancelled' });
		await until('the command runs', async () => (await bench.runs()) === 1);
		giving.abort();
		await given;
		configure({ printer: await bench.script(printing('changed')) });
		assert.equal((await token()).token.value, 'changed');
		await waiting;
	});

	it('is a matter of the settings once they have no such command any more', async (context) => {
		const { add, token, configure } = await world(context, printing('secret'));
		await add('printed');
		configure({});
		await assert.rejects(token(), { code: 'configuration' });
	});

	it('is a matter of the settings where the state names no command', async (context) => {
		const { folder, add, window, open, token } = await world(context, printing('secret'));
		await add('printed');
		window.service.dispose();
		const vault = join(folder, 'vault');
		const [file] = (await readdir(vault)).filter((name) => /^state\.\d+\.rec$/.test(name));
		assert.ok(file !== undefined && existsSync(join(vault, file)));
		const state = await readFile(join(vault, file), 'utf8');
		await writeFile(join(vault, file), state.replace('"command":"printer",', '').replace(',"command":"printer"', ''));
		await assert.rejects(token({}, open()), { code: 'configuration' });
	});

	it('is one bucket also where another window changes it before its own window knows that it is written', async (context) => {
		const { window, open } = await world(context, printing('secret'));
		await window.service.loaded;
		let isFirst = true;
		const adding = open({
			disk: {
				...nodeDisk,
				async link(existing, created) {
					await nodeDisk.link(existing, created);
					if (!isFirst) return;
					isFirst = false;
					await window.service.reload();
					for (const { id } of window.service.snapshot().providers[0]?.buckets ?? [])
						await window.service.renameBucket('keys', id, 'renamed');
				},
			},
		});
		const added = await adding.service.addReference({ providerId: 'keys', command: 'printer', name: '' });
		assert.equal(added.name, 'renamed');
		assert.equal(adding.service.snapshot().providers[0]?.buckets.length, 1);
	});

	it('ends its command with the window', async (context) => {
		const { bench, add, token, window } = await world(context, 'setInterval(() => {}, 1_000);');
		await add('printed');
		const waiting = assert.rejects(token());
		await until('the command runs', async () => (await bench.runs()) === 1);
		window.service.dispose();
		await waiting;
	});
});
