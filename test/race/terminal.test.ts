/** Terminal access with real windows, shells and helpers: every process here is one. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { build } from 'esbuild';
import { bundleOptions, ROOT } from '../../scripts/build.ts';
import { until } from '../support/until.ts';
import type { WindowCommand, WindowConfig, WindowReport } from './terminalWindow.ts';

const LINUX = process.platform === 'linux';

/** Where it appears but on standard output, something leaks. */
const CANARY = 'canary-3f1c';

let shared = '';
let helperBundlePath = '';
let oddNode = '';

before(async () => {
	shared = fs.mkdtempSync(path.join(tmpdir(), 'aa-race-'));
	helperBundlePath = path.join(shared, 'helper.cjs');
	await build({
		...bundleOptions('package'),
		entryPoints: [path.join(ROOT, 'src/auth/terminal/helper.ts')],
		outfile: helperBundlePath,
	});
	// Windows run under a Node in a folder with odd characters, because the launchers are told that path.
	oddNode = path.join(shared, `no de's "$x"`, 'node');
	fs.mkdirSync(path.dirname(oddNode));
	fs.copyFileSync(process.execPath, oddNode, fs.constants.COPYFILE_FICLONE);
});

after(() => fs.rmSync(shared, { recursive: true, force: true }));

type Result = { readonly status: number | null; readonly stdout: string; readonly stderr: string; readonly ms: number };

function place(t: TestContext) {
	const root = fs.mkdtempSync(path.join(tmpdir(), 'aa-r-'));
	const storage = path.join(root, `st'or "age $x ü`);
	const env = { PATH: '/usr/bin:/bin', HOME: homedir(), XDG_RUNTIME_DIR: root, TMPDIR: root };
	const windows: ChildProcess[] = [];
	t.after(() => {
		for (const window of windows) window.kill('SIGKILL');
		fs.rmSync(root, { recursive: true, force: true });
	});

	const openWindow = async (change: Partial<WindowConfig> = {}) => {
		const child = fork(path.join(import.meta.dirname, 'terminalWindow.ts'), [], { env, execPath: oddNode });
		windows.push(child);
		const config: WindowConfig = {
			globalStoragePath: storage,
			helperBundlePath,
			tokenPrefix: CANARY,
			workspaceFolders: [],
			terminalPids: [process.pid],
			answer: 'yes',
			trusted: true,
			...change,
		};
		const send = (command: WindowCommand) => child.send(command);
		send({ kind: 'open', config });
		assert.equal((await once(child, 'message'))[0], 'opened');
		return {
			child,
			async report(): Promise<WindowReport> {
				send({ kind: 'report' });
				const [report] = await once(child, 'message');
				return report;
			},
			async close() {
				send({ kind: 'close' });
				await once(child, 'exit');
			},
			async kill() {
				child.kill('SIGKILL');
				await once(child, 'exit');
			},
		};
	};
	const launcher = path.join(storage, 'bin', 'agent-auth');
	const start = (args: readonly string[], cwd = root) =>
		spawn(launcher, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
	const run = (args: readonly string[], cwd = root) => collect(start(args, cwd));
	return { root, storage, env, launcher, openWindow, start, run };
}

async function collect(child: ReturnType<ReturnType<typeof place>['start']>): Promise<Result> {
	const startedMs = performance.now();
	let stdout = '';
	let stderr = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		stdout += text;
	});
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		stderr += text;
	});
	const [status] = await once(child, 'close');
	return { status, stdout, stderr, ms: performance.now() - startedMs };
}

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
	assert.match(providers.stdout, /^acme\tsignedIn\tThe acme\nempty\tsignedOut\t/);
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
	const open = await openWindow({ answer: 'never', workspaceFolders: [path.join(root, 'never')] });
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
		// The secret is meant to be in the descriptors, and nowhere else.
		if (fs.statSync(full).isFile())
			seen.set(`file ${file}`, fs.readFileSync(full, 'latin1').replaceAll(/"secret":"\w+"/g, ''));
	}
	assert.ok(seen.get(`${asking.pid} cmdline`)?.includes('helper-'), 'the helper was looked at');
	for (const [where, text] of seen) {
		for (const hidden of [CANARY, ...secrets]) assert.ok(!text.includes(hidden), where);
	}
	assert.match(seen.get('logs') ?? '', /token [0-9a-f]{8} of acme/);
});
