import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '../../../src/auth/clock.ts';
import { type ProcessIdentity, selfIdentity } from '../../../src/auth/lease/processIdentity.ts';
import { modifiedAtMs } from '../../../src/auth/terminal/atomicFile.ts';
import {
	curlConfiguration,
	LAST_LAUNCH_NAME,
	type NewDescriptor,
	publishDescriptor,
	readDescriptors,
	removeFile,
} from '../../../src/auth/terminal/descriptor.ts';
import { FOREIGN_AGE_MS, sweepDescriptors } from '../../../src/auth/terminal/sweep.ts';

async function place(t: TestContext) {
	const root = fs.mkdtempSync(path.join(tmpdir(), 'aa-descriptor-'));
	t.after(() => fs.rmSync(root, { recursive: true, force: true }));
	const folder = path.join(root, 'run');
	fs.mkdirSync(folder);
	const self = await selfIdentity();
	const example = (change: Partial<NewDescriptor> = {}): NewDescriptor => ({
		process: self,
		socket: path.join(folder, 'socket'),
		secret: '0'.repeat(64),
		workspaceFolders: ['/a b'],
		nodePath: '/usr/bin/my node',
		helperPath: '/storage/bin/helper-0123456789abcdef.cjs',
		createdAtMs: 1_000,
		...change,
	});
	const sweep = () => sweepDescriptors({ runFolder: folder, socketFolder: folder, self, clock: systemClock });
	return { root, folder, self, example, sweep };
}

/** A pid that certainly belongs to nobody any more. */
async function deadIdentity(self: ProcessIdentity): Promise<ProcessIdentity> {
	const child = spawn(process.execPath, ['-e', '']);
	await once(child, 'exit');
	return { ...self, pid: child.pid ?? assert.fail(), startTime: '1' };
}

test('a window is announced in files for its user alone and withdrawn without a trace', async (t) => {
	const { folder, example } = await place(t);
	const publication = await publishDescriptor(folder, example());
	const names = fs.readdirSync(folder);
	assert.equal(names.length, 4);
	for (const name of names) assert.equal(fs.statSync(path.join(folder, name)).mode & 0o777, 0o600, name);
	const launch = names.find((name) => name.endsWith('.path') && name !== LAST_LAUNCH_NAME) ?? assert.fail();
	const text = fs.readFileSync(path.join(folder, launch), 'utf8');
	assert.equal(text, '/usr/bin/my node\nhelper-0123456789abcdef.cjs\n');
	const [found] = await readDescriptors(folder);
	assert.ok(found?.kind === 'descriptor');
	assert.deepEqual(found.descriptor, { version: 1, ...example() });
	publication.dispose();
	publication.dispose();
	assert.deepEqual(fs.readdirSync(folder), [LAST_LAUNCH_NAME]);
});

test('new workspace folders replace the old, and an update in flight does not survive the end', async (t) => {
	const { folder, example } = await place(t);
	const publication = await publishDescriptor(folder, example());
	await publication.update(['/c']);
	const [found] = await readDescriptors(folder);
	assert.deepEqual(found?.kind === 'descriptor' && found.descriptor.workspaceFolders, ['/c']);
	const late = [publication.update(['/d']), publication.update(['/e'])];
	publication.dispose();
	await Promise.all(late);
	assert.deepEqual(await readDescriptors(folder), []);
});

test('an update that is being written when the window ends leaves nothing', async (t) => {
	const { folder, example } = await place(t);
	for (let turns = 1; turns < 6; turns++) {
		const publication = await publishDescriptor(folder, example());
		const late = publication.update(['/d']);
		for (let turn = 0; turn < turns; turn++) await nextTurn();
		publication.dispose();
		await late;
		await publication.touch(Date.now());
		assert.deepEqual(fs.readdirSync(folder), [LAST_LAUNCH_NAME]);
	}
});

test('a window that cannot announce its folders says so, and can a moment later', async (t) => {
	const { root, folder, example } = await place(t);
	const publication = await publishDescriptor(folder, example());
	const away = path.join(root, 'away');
	fs.renameSync(folder, away);
	await assert.rejects(publication.update(['/d']), { code: 'ENOENT' });
	await assert.rejects(publication.touch(Date.now()), { code: 'ENOENT' });
	fs.renameSync(away, folder);
	await publication.update(['/e']);
	const [found] = await readDescriptors(folder);
	assert.deepEqual(found?.kind === 'descriptor' && found.descriptor.workspaceFolders, ['/e']);
});

test('windows that end while they are looked for are no error', async (t) => {
	const { folder, example } = await place(t);
	const good = JSON.stringify({ version: 1, ...example() });
	for (let turns = 1; turns <= 12; turns++) {
		for (let index = 0; index < 100; index++)
			fs.writeFileSync(path.join(folder, `${index}.json`), good, { mode: 0o600 });
		const reading = readDescriptors(folder);
		for (let turn = 0; turn < turns; turn++) await nextTurn();
		for (const name of fs.readdirSync(folder)) fs.unlinkSync(path.join(folder, name));
		assert.ok((await reading).every(({ kind }) => kind === 'descriptor'));
	}
});

test('a folder that cannot be listed, and a file that cannot be removed, are errors', async (t) => {
	const { root, folder } = await place(t);
	const file = path.join(root, 'file');
	fs.writeFileSync(file, '');
	await assert.rejects(readDescriptors(file), { code: 'ENOTDIR' });
	assert.throws(() => removeFile(folder), { code: /^(EISDIR|EPERM)$/ });
	assert.equal(await modifiedAtMs(path.join(root, 'absent')), Number.POSITIVE_INFINITY);
	await assert.rejects(modifiedAtMs(path.join(file, 'x')), { code: 'ENOTDIR' });
});

test('the short cut is left out where the socket cannot be written down, and so is a folder', async (t) => {
	const { folder, example } = await place(t);
	await publishDescriptor(folder, example({ socket: '/a"b' }));
	assert.equal(fs.readdirSync(folder).filter((name) => name.endsWith('.curl')).length, 0);
	const text = curlConfiguration(example({ workspaceFolders: ['relative', '/with\nbreak', '/fine'] }));
	assert.deepEqual(text?.split('\n').slice(0, 2), ['# /fine', `unix-socket = "${example().socket}"`]);
});

test('the end of one window leaves the other announced', async (t) => {
	const { folder, example } = await place(t);
	const first = await publishDescriptor(folder, example());
	await publishDescriptor(folder, example());
	first.dispose();
	assert.equal((await readDescriptors(folder)).length, 1);
});

test('a path with a line break is refused', async (t) => {
	const { folder, example } = await place(t);
	await assert.rejects(publishDescriptor(folder, example({ nodePath: '/a\nb' })), { code: 'configuration' });
});

test('damaged, newer, open and foreign files are unusable, not errors', async (t) => {
	const { folder, example } = await place(t);
	assert.deepEqual(await readDescriptors(path.join(folder, 'absent')), []);
	const write = (name: string, text: string, mode = 0o600) => {
		fs.writeFileSync(path.join(folder, name), text);
		fs.chmodSync(path.join(folder, name), mode);
	};
	const good = JSON.stringify({ version: 1, ...example() });
	write('half.json', good.slice(0, 40));
	write('newer.json', JSON.stringify({ ...example(), version: 2 }));
	write('short.json', JSON.stringify({ version: 1, ...example({ secret: 'abc' }) }));
	write('open.json', good, 0o644);
	fs.symlinkSync(path.join(folder, 'open.json'), path.join(folder, 'link.json'));
	fs.mkdirSync(path.join(folder, 'folder.json'));
	write('.hidden.json.tmp', good);
	write('large.json', '');
	// Larger than a buffer can be; without blocks on the disk.
	fs.truncateSync(path.join(folder, 'large.json'), 3 * 2 ** 30);
	const found = await readDescriptors(folder);
	assert.equal(found.length, 7);
	assert.ok(found.every(({ kind }) => kind === 'unusable'));
});

test('the sweep takes what is proved dead, its launch file and its socket, and nothing else', async (t) => {
	const { folder, self, example, sweep } = await place(t);
	const live = path.join(folder, 'live');
	const server = net.createServer().listen(live);
	await once(server, 'listening');
	t.after(() => server.close());
	const deadSocket = await abandonedSocket(path.join(folder, 'dead'));
	const refusing = await abandonedSocket(path.join(folder, 'refusing'));
	const foreign = path.join(folder, 'not-a-socket');
	fs.writeFileSync(foreign, '');
	const dead = await deadIdentity(self);

	await publishDescriptor(folder, example({ process: dead, socket: deadSocket, createdAtMs: 1 }));
	await publishDescriptor(folder, example({ process: dead, socket: foreign, createdAtMs: 2 }));
	await publishDescriptor(folder, example({ process: { ...self, startTime: '1' }, createdAtMs: 3 }));
	await publishDescriptor(folder, example({ socket: refusing, createdAtMs: 4 }));
	await publishDescriptor(folder, example({ socket: live, createdAtMs: 5 }));
	// Pids of another machine or container say nothing here.
	await publishDescriptor(folder, example({ process: { ...dead, host: 'elsewhere', machine: '' }, createdAtMs: 6 }));
	await publishDescriptor(folder, example({ process: { ...dead, pidNamespace: 'elsewhere' }, createdAtMs: 7 }));
	fs.writeFileSync(path.join(folder, 'odd.json'), '{}', { mode: 0o600 });
	// Nobody can say whose it is.
	const nobody = JSON.stringify({ version: 1, ...example(), process: { pid: 1 }, createdAtMs: 8 });
	fs.writeFileSync(path.join(folder, 'nobody.json'), nobody, { mode: 0o600 });

	assert.equal(await sweep(), 4);
	const left = await readDescriptors(folder);
	const times = left.map((entry) => (entry.kind === 'descriptor' ? entry.descriptor.createdAtMs : undefined));
	assert.deepEqual(times, [8, 7, 6, 5, undefined]);
	assert.equal(fs.readdirSync(folder).filter((name) => name.endsWith('.path')).length, 4);
	assert.deepEqual(
		[deadSocket, refusing, foreign, live].map((file) => fs.existsSync(file)),
		[false, false, true, true],
	);
	assert.equal(await sweep(), 0);
});

/** A socket file as a killed window leaves it: it is there and nobody listens. */
async function abandonedSocket(file: string): Promise<string> {
	const program = `require('net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`;
	await once(spawn(process.execPath, ['-e', program]), 'exit');
	assert.ok(fs.existsSync(file));
	return file;
}

test('a socket outside the folder of sockets, or where none can be, is left alone', async (t) => {
	const { root, folder, self, example, sweep } = await place(t);
	const dead = await deadIdentity(self);
	const elsewhere = await abandonedSocket(path.join(root, 'elsewhere'));
	const here = await abandonedSocket(path.join(folder, 'here'));
	await publishDescriptor(folder, example({ process: dead, socket: elsewhere }));
	await publishDescriptor(folder, example({ process: dead, socket: path.join(folder, 'absent') }));
	assert.equal(await sweep(), 2);
	await publishDescriptor(folder, example({ process: dead, socket: here }));
	assert.equal(await sweepDescriptors({ runFolder: folder, self, clock: systemClock }), 1);
	const file = path.join(folder, 'file');
	fs.writeFileSync(file, '');
	await publishDescriptor(folder, example({ process: dead, socket: path.join(file, 'x') }));
	assert.equal(await sweepDescriptors({ runFolder: folder, socketFolder: file, self, clock: systemClock }), 1);
	assert.deepEqual([fs.existsSync(elsewhere), fs.existsSync(here), fs.existsSync(file)], [true, true, true]);
});

test('what a window on another machine left goes when nobody touched it for a fortnight, and not before', async (t) => {
	const { folder, self, example, sweep } = await place(t);
	const elsewhere = { ...self, host: 'another machine', machine: 'another machine', pid: 1 };
	const publication = await publishDescriptor(folder, example({ process: elsewhere }));
	await publication.touch(Date.now() - FOREIGN_AGE_MS + 60_000);
	assert.equal(await sweep(), 0);
	await publication.touch(Date.now() - FOREIGN_AGE_MS - 60_000);
	assert.equal(await sweep(), 1);
	assert.deepEqual(fs.readdirSync(folder), [LAST_LAUNCH_NAME]);
});
