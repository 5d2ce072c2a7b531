/** "Remove All Data" of the core: all of it goes, in every window, whatever is broken, and again where it was interrupted. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { nodeDisk } from '../../../src/auth/vault/disk.ts';
import { type Server, startServer } from '../../server/server.ts';
import { createFaultyDisk, diskOperations } from '../../support/faultyDisk.ts';
import { createInterruptedDisk } from '../../support/interruptedDisk.ts';
import { createSharedKeys, demoProvider, openWindow, scriptedUi, type Window } from '../../support/serviceWindow.ts';
import { until } from '../../support/until.ts';

describe('removing all data', () => {
	let folder: string;
	let server: Server;
	let keys: ReturnType<typeof createSharedKeys>;
	const windows: Window[] = [];

	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'agent-auth-removal-'));
		server = await startServer({ accessTokenLifeS: 3600 });
		keys = createSharedKeys();
	});

	afterEach(async () => {
		for (const window of windows.splice(0)) window.service.dispose();
		await server.close();
		await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
	});

	function open(overrides: Parameters<typeof openWindow>[3] = {}, providers = [demoProvider(server.issuer)]): Window {
		const window = openWindow(folder, keys, providers, overrides);
		windows.push(window);
		return window;
	}

	const signIn = (window: Window, person: 'ada' | 'grace' = 'ada') =>
		window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person }) });
	const buckets = (window: Window) => window.service.snapshot().providers.flatMap((provider) => provider.buckets);
	const token = (window: Window) =>
		window.service.getToken({ providerId: 'demo', deadlineMs: 10_000, purpose: 'test' });

	/** All files below the storage but those that running windows hold: none but the empty state may be there. */
	async function assertNothingLeft(): Promise<void> {
		const left: string[] = [];
		for (const part of ['vault', 'consents', 'audit'])
			if (existsSync(join(folder, part)))
				for (const entry of await readdir(join(folder, part), { recursive: true, withFileTypes: true }))
					if (entry.isFile() && !entry.name.endsWith('.probe')) left.push(join(entry.parentPath, entry.name));
		for (const file of left) {
			assert.match(file, /vault\/state\.\d+\.rec$/);
			assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { providers: {}, schema: 1 });
		}
		assert.ok(left.length <= 1, left.join(' '));
		assert.equal(keys.keys.size, 0);
	}

	/** What a window of the past, a terminal and an earlier trouble have left. */
	async function litter(): Promise<void> {
		for (const part of ['consents', 'audit', 'vault/set-aside'])
			await mkdir(join(folder, part), { recursive: true, mode: 0o700 });
		await writeFile(join(folder, 'consents', `${'ab'.repeat(16)}.json`), '{}');
		await writeFile(join(folder, 'audit', '2026-01-01.jsonl'), '{}\n');
		await writeFile(join(folder, 'vault', 'set-aside', `${'cd'.repeat(32)}.1.0123456789abcdef.rec`), 'rubbish');
		await writeFile(join(folder, 'vault', `${'ef'.repeat(32)}.2.0123456789abcdef.tmp`), 'half a record');
		await writeFile(join(folder, 'vault', `${'ef'.repeat(32)}.intent`), 'a note');
	}

	it('ends every account here and at the service, in all windows, and leaves a state that names nobody', async () => {
		const [first, second] = [open(), open()];
		await signIn(first);
		await signIn(first, 'grace');
		await until('the other window has both', () => buckets(second).length === 2);
		await litter();
		assert.deepEqual((await second.service.storedData.list()).accounts.map(({ label }) => label).sort(), [
			'ada@example.test',
			'grace@example.test',
		]);
		const before = server.count('revocation');
		assert.deepEqual(await second.service.storedData.remove(), { left: [], notRevoked: 0 });
		assert.equal(server.count('revocation') - before >= 2, true);
		assert.deepEqual(buckets(second), []);
		await until('the first window has nobody', () => buckets(first).length === 0);
		await assert.rejects(token(first), { code: 'no_account' });
		await assertNothingLeft();
	});

	it('is final for an answer that is under way in another window, and a new sign-in works in both', async () => {
		const [first, second] = [open(), open()];
		const bucket = await signIn(first);
		await until('the other window has it', () => buckets(second).length === 1);
		const held = server.fault({ on: 'refresh', hold: 'after', times: 1 });
		const late = second.service.refresh('demo', bucket.id).catch((error: unknown) => error);
		await until('the service has the request', () => server.refreshRequests() === 1);
		await first.service.storedData.remove();
		held.dispose();
		await late;
		await until('the second window has nobody', () => buckets(second).length === 0);
		await assertNothingLeft();
		const again = await signIn(second);
		assert.notEqual(again.id, bucket.id);
		await until('the first window has the new one', () => buckets(first).length === 1);
		assert.ok((await token(first)).token.value);
	});

	it('needs no key', async () => {
		await signIn(open());
		keys.keys.clear();
		const later = open();
		await later.service.loaded;
		assert.equal(buckets(later)[0]?.state.kind, 'keyMissing');
		assert.equal((await later.service.storedData.list()).accounts.length, 1);
		assert.deepEqual((await later.service.storedData.remove()).left, []);
		await assertNothingLeft();
	});

	it('needs neither a service that answers nor one that is in the settings', async () => {
		await signIn(open());
		await server.down();
		const stranger = open({}, []);
		assert.deepEqual((await stranger.service.storedData.list()).accounts, [
			{ providerId: 'demo', label: 'ada@example.test' },
		]);
		assert.deepEqual(await stranger.service.storedData.remove(), { left: [], notRevoked: 1 });
		await server.up();
		await assertNothingLeft();
	});

	const damages: Readonly<Record<string, (name: string) => Promise<string> | string>> = {
		'a damaged record': (name) => (/^[0-9a-f]{64}\.\d+\.rec$/.test(name) ? 'rubbish' : ''),
		'a damaged state': (name) => (name.startsWith('state.') ? 'rubbish' : ''),
		'a damaged claim': (name) => (name.startsWith('key.') ? 'rubbish' : ''),
		'a state of a newer version': (name) => (name.startsWith('state.') ? '{"schema":99,"providers":{}}' : ''),
		'a record of a newer version': (name) =>
			/^[0-9a-f]{64}\.\d+\.rec$/.test(name) ? '{"schema":99,"provider":"demo","bucket":"b"}' : '',
	};
	for (const [what, damage] of Object.entries(damages))
		it(`takes ${what} away as well`, async () => {
			const window = open();
			await signIn(window);
			window.service.dispose();
			for (const name of await readdir(join(folder, 'vault'))) {
				const text = await damage(name);
				if (text !== '') await writeFile(join(folder, 'vault', name), text);
			}
			const next = open();
			await next.service.loaded;
			assert.deepEqual((await next.service.storedData.remove()).left, []);
			assert.deepEqual(buckets(next), []);
			await assertNothingLeft();
		});

	it('says that the key is left if its place does not answer, keeps what names it, and removes it the next time', async () => {
		const window = open();
		await signIn(window);
		const removeAll = keys.removeAll;
		keys.removeAll = async () => {
			throw new Error('the keyring says no');
		};
		assert.deepEqual((await window.service.storedData.remove()).left, ['keys']);
		assert.deepEqual(buckets(window), []);
		assert.equal(keys.keys.size, 1);
		const asked: string[] = [];
		keys.removeAll = async (keyIds) => {
			asked.push(...keyIds);
			await removeAll?.(keyIds);
		};
		const [keyId] = keys.keys.keys();
		assert.deepEqual((await window.service.storedData.remove()).left, []);
		assert.deepEqual(asked, [keyId]);
		await assertNothingLeft();
	});

	it('asks for every key that a file names, of a claim, a record and a key file, and leaves none', async () => {
		const window = open();
		await signIn(window);
		const [born] = keys.keys.keys();
		const [kept, lost] = ['ab'.repeat(16), 'cd'.repeat(16)];
		await litter();
		await writeFile(join(folder, 'vault', `${kept}.key`), 'a key');
		await writeFile(
			join(folder, 'vault', 'set-aside', `${'ee'.repeat(32)}.1.0123456789abcdef.rec`),
			`{"keyId":"${lost}"}`,
		);
		const asked: string[] = [];
		const removeAll = keys.removeAll;
		keys.removeAll = async (keyIds) => {
			asked.push(...keyIds);
			await removeAll?.(keyIds);
		};
		assert.deepEqual((await window.service.storedData.remove()).left, []);
		assert.deepEqual(asked.sort(), [born, kept, lost].sort());
		await assertNothingLeft();
	});

	it('takes what another window was faster to remove for removed', async () => {
		await signIn(open());
		await litter();
		const disk = createFaultyDisk(nodeDisk);
		const window = open({ disk });
		await window.service.loaded;
		disk.set({ operation: 'unlink', code: 'ENOENT', when: 'after', from: 1, times: Number.POSITIVE_INFINITY });
		assert.deepEqual((await window.service.storedData.remove()).left, []);
		await assertNothingLeft();
	});

	for (const operation of diskOperations)
		it(`tells the truth while ${operation} fails, and does the rest when it works again`, async () => {
			await signIn(open());
			await litter();
			const disk = createFaultyDisk(nodeDisk);
			const window = open({ disk });
			await window.service.loaded;
			disk.set({ operation, code: 'EIO', when: 'before', from: 1, times: Number.POSITIVE_INFINITY });
			const { left } = await window.service.storedData.remove();
			disk.set(undefined);
			if (left.length === 0) await assertNothingLeft();
			assert.deepEqual((await window.service.storedData.remove()).left, []);
			await assertNothingLeft();
		});

	it('can be interrupted after any operation: what is left is removed by the next one', async (context) => {
		await signIn(open());
		await litter();
		const counting = createInterruptedDisk(nodeDisk);
		for (const window of windows.splice(0)) window.service.dispose();
		const whole = await readdir(join(folder, 'vault'));
		assert.ok(whole.length > 3);
		let steps = 0;
		for (let last = false; !last; steps++) {
			const window = open({ disk: counting });
			await window.service.loaded;
			counting.endAfter(steps);
			await window.service.storedData.remove();
			last = !counting.hasEnded();
			counting.endAfter(Number.POSITIVE_INFINITY);
			window.service.dispose();
			const next = open();
			await next.service.loaded;
			assert.deepEqual((await next.service.storedData.remove()).left, []);
			await assertNothingLeft();
			await signIn(next);
			next.service.dispose();
		}
		context.diagnostic(`interrupted after each of ${steps - 1} operations`);
	});
});
