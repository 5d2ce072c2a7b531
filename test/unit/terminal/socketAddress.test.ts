import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import {
	chooseSocketAddress,
	MAX_SOCKET_PATH_BYTES,
	type SocketAddressOptions,
} from '../../../src/auth/terminal/socketAddress.ts';

function place(t: TestContext) {
	const root = fs.mkdtempSync(path.join(tmpdir(), 'aa-address-'));
	t.after(() => fs.rmSync(root, { recursive: true, force: true }));
	const runtime = path.join(root, 'runtime');
	const temporary = path.join(root, 'temporary');
	fs.mkdirSync(runtime, { mode: 0o700 });
	fs.mkdirSync(temporary, { mode: 0o700 });
	const options: SocketAddressOptions = {
		storagePath: '/home/somebody/storage',
		platform: 'linux',
		runtimeFolder: runtime,
		temporaryFolder: temporary,
	};
	return { root, runtime, temporary, options };
}

test('the runtime folder is preferred, in a private folder, under a random name', async (t) => {
	const { runtime, options } = place(t);
	const address = await chooseSocketAddress(options);
	const folder = path.dirname(address);
	assert.equal(path.dirname(folder), runtime);
	assert.match(path.basename(folder), /^agent-auth-[0-9a-f]{8}$/);
	assert.equal(fs.statSync(folder).mode & 0o777, 0o700);
	const other = await chooseSocketAddress(options);
	assert.equal(path.dirname(other), folder);
	assert.notEqual(other, address);
	const elsewhere = await chooseSocketAddress({ ...options, storagePath: '/other' });
	assert.notEqual(path.dirname(elsewhere), folder);
});

test('a runtime folder that is open, a link or absent is passed over', async (t) => {
	const { root, runtime, temporary, options } = place(t);
	const link = path.join(root, 'link');
	fs.symlinkSync(runtime, link);
	for (const runtimeFolder of [undefined, link, path.join(root, 'absent'), 'relative']) {
		const address = await chooseSocketAddress({ ...options, runtimeFolder });
		assert.equal(path.dirname(path.dirname(address)), temporary, String(runtimeFolder));
	}
	fs.chmodSync(runtime, 0o755);
	assert.equal(path.dirname(path.dirname(await chooseSocketAddress(options))), temporary);
});

test('a temporary folder of another user is passed over', { skip: process.platform === 'win32' }, async (t) => {
	const { temporary, options } = place(t);
	const choose = () => chooseSocketAddress({ ...options, runtimeFolder: undefined });
	assert.equal(path.dirname(path.dirname(await choose())), temporary);
	// Only root can give a folder away.
	if (process.getuid?.() !== 0) return;
	fs.chownSync(temporary, 65_534, 65_534);
	const address = await choose();
	fs.rmdirSync(path.dirname(address));
	assert.equal(path.dirname(path.dirname(address)), '/tmp');
});

test('a socket folder that is a link, a file or open to others is refused and left as it is', async (t) => {
	const { root, options } = place(t);
	const folder = path.dirname(await chooseSocketAddress(options));
	const refused = () => assert.rejects(chooseSocketAddress(options), { code: 'storage' });

	for (const mode of [0o777, 0o770, 0o701]) {
		fs.chmodSync(folder, mode);
		await refused();
		assert.equal(fs.statSync(folder).mode & 0o777, mode);
	}
	fs.rmdirSync(folder);
	const target = path.join(root, 'target');
	fs.mkdirSync(target, { mode: 0o700 });
	fs.symlinkSync(target, folder);
	await refused();
	fs.unlinkSync(folder);
	fs.symlinkSync(path.join(root, 'dangling'), folder);
	await refused();
	fs.unlinkSync(folder);
	fs.writeFileSync(folder, '');
	await refused();
});

test('a socket folder that belongs to another user is refused', { skip: process.getuid?.() !== 0 }, async (t) => {
	const { options } = place(t);
	const folder = path.dirname(await chooseSocketAddress(options));
	fs.chownSync(folder, 65_534, 65_534);
	await assert.rejects(chooseSocketAddress(options), { code: 'storage' });
});

test('a folder of another user cannot be entered', { skip: process.getuid?.() !== 0 }, async (t) => {
	const { root, runtime, options } = place(t);
	// Everything above is open, so that only the socket folder itself keeps the other user out.
	fs.chmodSync(root, 0o755);
	const address = await chooseSocketAddress(options);
	fs.chmodSync(runtime, 0o755);
	fs.writeFileSync(address, 'x', { mode: 0o666 });
	const program = `process.setgid(65534); process.setuid(65534);
		try { require('fs').readFileSync(${JSON.stringify(address)}); process.exit(1) }
		catch (error) { process.exit(error.code === 'EACCES' ? 0 : 2) }`;
	const { status } = spawnSync(process.execPath, ['-e', program], { cwd: '/' });
	assert.equal(status, 0);
});

test('a temporary folder in which others may rename is passed over', async (t) => {
	const { temporary, options } = place(t);
	fs.chmodSync(temporary, 0o777);
	const address = await chooseSocketAddress({ ...options, runtimeFolder: undefined });
	t.after(() => fs.rmSync(path.dirname(address), { recursive: true, force: true }));
	assert.equal(path.dirname(path.dirname(address)), '/tmp');
	fs.chmodSync(temporary, 0o1777);
	const sticky = await chooseSocketAddress({ ...options, runtimeFolder: undefined });
	assert.equal(path.dirname(path.dirname(sticky)), temporary);
});

test('a place too deep for a socket is passed over', async (t) => {
	const { root, options } = place(t);
	const deep = path.join(root, 'd'.repeat(100));
	fs.mkdirSync(deep, { mode: 0o700 });
	const address = await chooseSocketAddress({ ...options, runtimeFolder: deep, temporaryFolder: deep });
	t.after(() => fs.rmSync(path.dirname(address), { recursive: true, force: true }));
	assert.ok(Buffer.byteLength(address) <= MAX_SOCKET_PATH_BYTES);
	assert.equal(path.dirname(path.dirname(address)), '/tmp');
	assert.deepEqual(fs.readdirSync(deep), []);
});

test('on Windows it is a random pipe name', async (t) => {
	const options: SocketAddressOptions = { ...place(t).options, platform: 'win32' };
	const address = await chooseSocketAddress(options);
	assert.match(address, /^\\\\\.\\pipe\\agent-auth-[0-9a-f]{32}$/);
	assert.notEqual(await chooseSocketAddress(options), address);
});
