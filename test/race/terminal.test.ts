/** Terminal access with real windows, shells and helpers: every process here is one. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { CANARY, collect, LINUX, place } from './terminalPlace.ts';

test('a token comes out alone, as JSON and as a header, for the terminal that was allowed once', async (t) => {
	const { openWindow, run } = place(t);
	const window = await openWindow();
	const raw = await run(['token', 'acme', '--min-ttl', '60']);
	assert.deepEqual([raw.status, raw.stdout, raw.stderr], [0, `${CANARY}-b1\n`, '']);
	const json = await run(['token', 'acme', '--bucket', 'home', '--format', 'json']);
	assert.deepEqual(JSON.parse(json.stdout), { accessToken: `${CANARY}-b2`, expiresAt: '2030-03-17T17:46:40.000Z' });
	const header = await run(['token', 'acme', '--format=header']);
	assert.equal(header.stdout, `Authorization: Bearer ${CANARY}-b1\n`);
	const providers = await run(['providers']);
	assert.match(providers.stdout, /^acme\tsignedIn\tThe acme\nmapped\t[^\n]+\nempty\tsignedOut\t/);
	assert.deepEqual((await window.report()).asked, ['terminal']);
});

test('every "no" has its exit code, one line on stderr and nothing on stdout', async (t) => {
	const { openWindow, run } = place(t);
	const window = await openWindow();
	const expected: [number, string[]][] = [
		[2, ['token']],
		[2, ['frobnicate']],
		[3, ['token', 'empty']],
		[3, ['token', 'dead']],
		[7, ['token', 'nobody']],
		[7, ['token', 'acme', '--bucket', 'none']],
		[7, ['token', 'twins', '--bucket', 'same']],
	];
	for (const [status, args] of expected) {
		const result = await run(args);
		assert.deepEqual([result.status, result.stdout], [status, ''], args.join(' '));
		assert.match(result.stderr, /^agent-auth: [^\n]+\n$/, args.join(' '));
	}
	await window.close();
	await openWindow({ answer: 'no' });
	assert.equal((await run(['token', 'acme'])).status, 5);
});

test('in Restricted Mode nothing is given', async (t) => {
	const { openWindow, run } = place(t);
	const window = await openWindow({ trusted: false });
	const result = await run(['token', 'acme']);
	assert.deepEqual([result.status, result.stdout], [5, '']);
	assert.match(result.stderr, /Restricted Mode/);
	assert.deepEqual(await window.report().then(({ asked, tokens }) => [asked, tokens]), [[], 0]);
});

test('twenty helpers of one terminal at once ask the person once and all get the token', async (t) => {
	const { openWindow, run } = place(t);
	const window = await openWindow();
	const results = await Promise.all(Array.from({ length: 20 }, () => run(['token', 'acme'])));
	assert.deepEqual(new Set(results.map(({ status, stdout }) => `${status} ${stdout}`)), new Set([`0 ${CANARY}-b1\n`]));
	assert.deepEqual((await window.report()).asked, ['terminal']);
});

test('what a terminal was allowed counts for the next host of its window, for no other service and not outside', async (t) => {
	const { openWindow, run } = place(t);
	const before = await openWindow();
	assert.equal((await run(['token', 'acme'])).status, 0);
	await before.kill();
	const reloaded = await openWindow({ answer: 'no' });
	assert.deepEqual((await run(['token', 'acme'])).stdout, `${CANARY}-b1\n`);
	assert.deepEqual((await reloaded.report()).asked, []);
	assert.equal((await run(['token', 'mapped'])).status, 5);
	assert.deepEqual((await reloaded.report()).asked, ['terminal']);
	await reloaded.close();
	const other = await openWindow({ answer: 'no', terminalPids: [] });
	assert.equal((await run(['token', 'acme'])).status, 5);
	assert.deepEqual((await other.report()).asked, ['outside']);
});

test('a process of no terminal is asked about as outside', async (t) => {
	const { openWindow, run } = place(t);
	const window = await openWindow({ terminalPids: [] });
	assert.equal((await run(['token', 'acme'])).status, 0);
	assert.equal((await run(['token', 'acme'])).status, 0);
	assert.deepEqual((await window.report()).asked, ['outside']);
});

test('the window of the workspace is preferred, the newest serves the rest, and another takes over', async (t) => {
	const { root, openWindow, run } = place(t);
	const folder = (name: string): string => {
		fs.mkdirSync(path.join(root, name, 'src'), { recursive: true });
		return path.join(root, name);
	};
	const one = await openWindow({ tokenPrefix: 'one', workspaceFolders: [folder('w 1')] });
	await openWindow({ tokenPrefix: 'two', workspaceFolders: [folder('w 2')] });
	const at = async (cwd: string) => (await run(['token', 'acme'], cwd)).stdout.trim();
	assert.equal(await at(path.join(root, 'w 1', 'src')), 'one-b1');
	assert.equal(await at(path.join(root, 'w 2')), 'two-b1');
	assert.equal(await at(root), 'two-b1');
	await one.kill();
	assert.equal(await at(path.join(root, 'w 1', 'src')), 'two-b1');
});

test('a terminal is asked about in its own window, whatever folder it is in and whichever window is newer', async (t) => {
	const { root, openWindow, run } = place(t);
	const elsewhere = path.join(root, 'elsewhere');
	fs.mkdirSync(elsewhere);
	const owner = await openWindow({ tokenPrefix: 'own' });
	const newer = await openWindow({ tokenPrefix: 'newer', terminalPids: [], workspaceFolders: [elsewhere] });
	// What a window may not give or does not know is no answer for a terminal of another one.
	const restricted = await openWindow({ tokenPrefix: 'restricted', terminalPids: [], trusted: false });
	for (const cwd of [elsewhere, root, elsewhere]) assert.equal((await run(['token', 'acme'], cwd)).stdout, 'own-b1\n');
	assert.deepEqual((await owner.report()).asked, ['terminal']);
	assert.deepEqual([(await newer.report()).asked, (await restricted.report()).asked], [[], []]);
});

test('a process that is no window’s terminal is asked about once, in the window of its folder', async (t) => {
	const { root, openWindow, run } = place(t);
	const folder = path.join(root, 'here');
	fs.mkdirSync(folder);
	const here = await openWindow({ tokenPrefix: 'here', terminalPids: [], workspaceFolders: [folder] });
	const newer = await openWindow({ tokenPrefix: 'newer', terminalPids: [] });
	for (let call = 0; call < 2; call++) assert.equal((await run(['token', 'acme'], folder)).stdout, 'here-b1\n');
	assert.deepEqual([(await here.report()).asked, (await newer.report()).asked], [['outside'], []]);
});

test('a shell of yesterday works with the window of today, whether the old one ended or was killed', async (t) => {
	const { openWindow, run } = place(t);
	const ended = await openWindow({ tokenPrefix: 'ended' });
	await ended.close();
	const killed = await openWindow({ tokenPrefix: 'killed' });
	assert.equal((await run(['token', 'acme'])).stdout, 'killed-b1\n');
	await killed.kill();
	const today = await openWindow({ tokenPrefix: 'today' });
	assert.equal((await run(['token', 'acme'])).stdout, 'today-b1\n');
	await today.close();
});

test('an old window that ends after the new one began leaves it alone', async (t) => {
	const { openWindow, run } = place(t);
	const old = await openWindow({ tokenPrefix: 'old' });
	await openWindow({ tokenPrefix: 'new' });
	await old.close();
	assert.equal((await run(['token', 'acme'])).stdout, 'new-b1\n');
});

test('without a window it says so within a second, after an orderly end and after a kill', async (t) => {
	const { storage, openWindow, run } = place(t);
	const killed = [await openWindow(), await openWindow(), await openWindow()];
	for (const window of killed) await window.kill();
	const afterKill = await run(['token', 'acme']);
	const window = await openWindow();
	const announced = () => fs.readdirSync(path.join(storage, 'run')).filter((name) => name.endsWith('.json')).length;
	await until('the killed windows are swept away', () => announced() === 1);
	await window.close();
	assert.equal(announced(), 0);
	const afterEnd = await run(['token', 'acme']);
	for (const result of [afterKill, afterEnd]) {
		assert.deepEqual([result.status, result.stdout], [6, '']);
		assert.match(result.stderr, /no VS Code window with Agent Auth is open/);
		assert.ok(result.ms < 1_000, `${result.ms} ms`);
	}
	assert.equal((await run(['--help'])).status, 0);
});

test('a new window sweeps what killed ones left, descriptors and sockets, and keeps the living', async (t) => {
	const { root, storage, openWindow } = place(t);
	for (let count = 0; count < 3; count++) await (await openWindow()).kill();
	const living = await openWindow();
	const files = (suffix: string) => fs.readdirSync(path.join(storage, 'run')).filter((name) => name.endsWith(suffix));
	const sockets = () => {
		const folder = fs.readdirSync(root).find((name) => name.startsWith('agent-auth-')) ?? assert.fail();
		return fs.readdirSync(path.join(root, folder));
	};
	await until('the sweep is done', () => files('.json').length === 1 && sockets().length === 1);
	await openWindow();
	assert.equal(files('.json').length, 2);
	await living.close();
	assert.deepEqual([files('.json').length, sockets().length], [1, 1]);
});

test('a stopped window is passed over for one that answers', { skip: !LINUX }, async (t) => {
	const { root, openWindow, run } = place(t);
	const stopped = await openWindow({ tokenPrefix: 'stopped', workspaceFolders: [root], terminalPids: [] });
	await openWindow({ tokenPrefix: 'awake' });
	stopped.child.kill('SIGSTOP');
	assert.equal((await run(['token', 'acme'])).stdout, 'awake-b1\n');
	stopped.child.kill('SIGCONT');
	const dropped = async () => (await stopped.report()).log.some((line) => line.includes('its sender has gone'));
	await until('the window has seen the request of a helper that has gone', dropped);
	assert.deepEqual((await stopped.report()).asked, []);
});

test('the secret of another window, as after a replaced descriptor, is not accepted', async (t) => {
	const { storage, openWindow, run } = place(t);
	const window = await openWindow();
	const runFolder = path.join(storage, 'run');
	const name = fs.readdirSync(runFolder).find((entry) => entry.endsWith('.json')) ?? assert.fail();
	const descriptor = JSON.parse(fs.readFileSync(path.join(runFolder, name), 'utf8'));
	fs.writeFileSync(path.join(runFolder, name), JSON.stringify({ ...descriptor, secret: 'f'.repeat(64) }));
	const result = await run(['token', 'acme']);
	assert.deepEqual([result.status, result.stdout], [8, '']);
	assert.deepEqual((await window.report()).asked, []);
});

test('a discovery folder that is open to others is not used', async (t) => {
	const { storage, openWindow, run } = place(t);
	await openWindow();
	fs.chmodSync(path.join(storage, 'run'), 0o777);
	const result = await run(['token', 'acme']);
	assert.deepEqual([result.status, result.stdout], [8, '']);
	assert.match(result.stderr, /0700/);
});

test('a discovery folder that is a link is not used', async (t) => {
	const { storage, openWindow, run } = place(t);
	await openWindow();
	fs.renameSync(path.join(storage, 'run'), path.join(storage, 'elsewhere'));
	fs.symlinkSync(path.join(storage, 'elsewhere'), path.join(storage, 'run'));
	const result = await run(['token', 'acme']);
	assert.deepEqual([result.status, result.stdout], [8, '']);
});

test('a descriptor of a window that has ended opens nothing, also when it is put back', async (t) => {
	const { storage, openWindow, run } = place(t);
	const old = await openWindow({ tokenPrefix: 'old' });
	const runFolder = path.join(storage, 'run');
	const kept = fs.readdirSync(runFolder).map((name) => [name, fs.readFileSync(path.join(runFolder, name))] as const);
	await old.close();
	const window = await openWindow({ tokenPrefix: 'new' });
	for (const [name, content] of kept) fs.writeFileSync(path.join(runFolder, name), content, { mode: 0o600 });
	assert.equal((await run(['token', 'acme'])).stdout, 'new-b1\n');
	await window.close();
	const result = await run(['token', 'acme']);
	assert.deepEqual([result.status, result.stdout], [6, '']);
});

test('the short cut gives what is allowed and at hand, and a revoked or refused terminal nothing', async (t) => {
	const { env, openWindow, root, run, storage } = place(t);
	const window = await openWindow({ answer: 'workspace', workspaceFolders: [root] });
	assert.equal((await run(['token', 'acme'])).stdout, `${CANARY}-b1\n`);
	// With a helper that cannot start, only curl can answer.
	const bin = path.join(storage, 'bin');
	const bundle = fs.readdirSync(bin).find((name) => name.endsWith('.cjs')) ?? assert.fail();
	const helper = fs.readFileSync(path.join(bin, bundle));
	fs.writeFileSync(path.join(bin, bundle), 'process.exit(77)');
	assert.deepEqual((await run(['token', 'acme'])).stdout, `${CANARY}-b1\n`);
	assert.equal((await run(['token', 'mapped'])).status, 77);
	const proxied = spawn(path.join(bin, 'agent-auth'), ['token', 'acme'], {
		...{ cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
		env: { ...env, http_proxy: 'http://127.0.0.1:1', ALL_PROXY: 'http://127.0.0.1:1' },
	});
	assert.equal((await collect(proxied)).stdout, `${CANARY}-b1\n`);
	for (const name of fs.readdirSync(path.join(storage, 'consents'))) fs.rmSync(path.join(storage, 'consents', name));
	assert.equal((await run(['token', 'acme'])).status, 77);
	fs.writeFileSync(path.join(bin, bundle), helper);
	assert.equal((await run(['token', 'acme'])).status, 0);
	assert.equal((await window.report()).asked.length, 2);
});

test('another user reaches neither descriptor nor socket', { skip: process.getuid?.() !== 0 }, async (t) => {
	const { root, storage, openWindow } = place(t);
	await openWindow();
	// Everything above is opened, so that only our own folders keep the other user out.
	for (const folder of [root, storage]) fs.chmodSync(folder, 0o755);
	const runFolder = path.join(storage, 'run');
	const name = fs.readdirSync(runFolder).find((entry) => entry.endsWith('.json')) ?? assert.fail();
	const file = path.join(runFolder, name);
	const { socket } = JSON.parse(fs.readFileSync(file, 'utf8'));
	const program = `
		process.setgroups([]); process.setgid(65534); process.setuid(65534);
		let code; try { require('fs').readFileSync(${JSON.stringify(file)}) } catch (error) { code = error.code }
		require('net').connect(${JSON.stringify(socket)})
			.on('connect', () => process.exit(1))
			.on('error', (error) => process.exit(code === 'EACCES' && error.code === 'EACCES' ? 0 : 2));`;
	const [status] = await once(spawn(process.execPath, ['-e', program], { cwd: '/' }), 'exit');
	assert.equal(status, 0);
});

test('token and secret are in no argument, environment, file, log or error', { skip: !LINUX }, async (t) => {
	const { root, storage, openWindow, start, run } = place(t);
	const open = await openWindow({ answer: 'silence', workspaceFolders: [path.join(root, 'never')] });
	fs.mkdirSync(path.join(root, 'never'));
	const asking = start(['token', 'acme'], path.join(root, 'never'));
	t.after(() => asking.kill('SIGKILL'));
	await until('the person is asked', async () => (await open.report()).asked.length > 0);
	const window = await openWindow();
	const given = await run(['token', 'acme', '--format', 'json']);
	assert.match(given.stdout, new RegExp(CANARY));
	const failed = await run(['token', 'dead']);

	const runFolder = path.join(storage, 'run');
	const descriptors = fs.readdirSync(runFolder).filter((name) => name.endsWith('.json'));
	const secrets = descriptors.map((name) =>
		String(JSON.parse(fs.readFileSync(path.join(runFolder, name), 'utf8')).secret),
	);
	assert.equal(secrets.length, 2);
	const seen = new Map<string, string>();
	for (const pid of [asking.pid, open.child.pid, window.child.pid]) {
		for (const part of ['cmdline', 'environ'])
			seen.set(`${pid} ${part}`, fs.readFileSync(`/proc/${pid}/${part}`, 'latin1'));
	}
	seen.set('stderr', given.stderr + failed.stderr);
	seen.set('logs', [...(await open.report()).log, ...(await window.report()).log].join('\n'));
	for (const file of fs.readdirSync(root, { recursive: true, encoding: 'utf8' })) {
		seen.set(`name ${file}`, file);
		const full = path.join(root, file);
		// The secret is meant to be in the descriptors and what curl reads, and nowhere else.
		if (fs.statSync(full).isFile()) {
			const text = fs.readFileSync(full, 'latin1').replaceAll(/"secret":"\w+"|request-target = "\/\w+"/g, '');
			seen.set(`file ${file}`, text);
		}
	}
	assert.ok(seen.get(`${asking.pid} cmdline`)?.includes('helper-'), 'the helper was looked at');
	for (const [where, text] of seen) {
		for (const hidden of [CANARY, ...secrets]) assert.ok(!text.includes(hidden), where);
	}
	assert.match(seen.get('logs') ?? '', /token [0-9a-f]{8} of acme/);
});
