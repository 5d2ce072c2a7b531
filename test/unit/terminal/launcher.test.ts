import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import { curlConfiguration } from '../../../src/auth/terminal/descriptor.ts';
import { installLauncher, LAUNCHERS, UNUSED_BUNDLE_MS } from '../../../src/auth/terminal/launcher.ts';

/** Stands for Node and the helper at once: says how it was called. */
const ECHO = `#!/bin/sh
echo "node=$ELECTRON_RUN_AS_NODE options=\${NODE_OPTIONS-none} run=$AGENT_AUTH_RUN helper=$1"
shift
for arg in "$@"; do echo "<$arg>"; done
exit 5
`;

function place(t: TestContext) {
	const parent = fs.mkdtempSync(path.join(tmpdir(), 'aa-launcher-'));
	t.after(() => fs.rmSync(parent, { recursive: true }));
	const root = path.join(parent, `it's a "$HOME" \\ \`x\` ü;&`);
	const options = {
		binFolder: path.join(root, 'bin'),
		runFolder: path.join(root, 'run'),
		helperBundlePath: path.join(root, 'dist.cjs'),
		clock: systemClock,
	};
	fs.mkdirSync(options.binFolder, { recursive: true });
	fs.mkdirSync(options.runFolder);
	fs.writeFileSync(options.helperBundlePath, '// one');
	const node = path.join(root, 'no de');
	fs.writeFileSync(node, ECHO, { mode: 0o755 });
	const announce = (name: string, nodePath: string, helper: string) =>
		fs.writeFileSync(path.join(options.runFolder, `${name}.path`), `${nodePath}\n${path.basename(helper)}\n`);
	const run = (
		args: readonly string[],
		env: NodeJS.ProcessEnv = {},
		command = path.join(options.binFolder, 'agent-auth'),
	) => spawnSync(command, args, { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', ...env } });
	return { root, node, options, announce, run };
}

test('installing twice changes nothing, and everything is for the user alone', async (t) => {
	const { options } = place(t);
	const helper = await installLauncher(options);
	const inodes = () =>
		fs.readdirSync(options.binFolder).map((name) => `${name} ${fs.statSync(path.join(options.binFolder, name)).ino}`);
	const before = inodes();
	assert.deepEqual(
		before.map((line) => line.split(' ')[0]).sort(),
		[...LAUNCHERS.keys(), path.basename(helper)].sort(),
	);
	assert.equal(await installLauncher(options), helper);
	assert.deepEqual(inodes(), before);
	for (const name of fs.readdirSync(options.binFolder)) {
		const executable = name.startsWith('agent-auth');
		assert.equal(fs.statSync(path.join(options.binFolder, name)).mode & 0o777, executable ? 0o700 : 0o600, name);
	}
});

test('a damaged launcher or helper is put right', async (t) => {
	const { options } = place(t);
	const helper = await installLauncher(options);
	const launcher = path.join(options.binFolder, 'agent-auth');
	fs.writeFileSync(launcher, 'exit 0');
	fs.writeFileSync(helper, '// harm');
	await installLauncher(options);
	assert.equal(fs.readFileSync(launcher, 'utf8'), LAUNCHERS.get('agent-auth'));
	assert.equal(fs.readFileSync(helper, 'utf8'), '// one');
	fs.chmodSync(launcher, 0o600);
	await installLauncher(options);
	assert.equal(fs.statSync(launcher).mode & 0o777, 0o700);
});

test('bundles that nobody has used for a week go; one that a window names stays', async (t) => {
	const { options, announce, node } = place(t);
	const age = (file: string) => {
		const oldS = (Date.now() - UNUSED_BUNDLE_MS - 60_000) / 1000;
		fs.utimesSync(file, oldS, oldS);
	};
	const versions: string[] = [];
	for (const text of ['// one', '// two', '// three', '// four']) {
		fs.writeFileSync(options.helperBundlePath, text);
		versions.push(await installLauncher(options));
	}
	const [unused, named, young, current] = versions;
	assert.ok(unused && named && young && current);
	for (const file of [unused, named, current]) age(file);
	announce('000-1-a', node, named);
	await installLauncher(options);
	assert.deepEqual(
		versions.map((file) => fs.existsSync(file)),
		[false, true, true, true],
	);
});

test('links that lead nowhere stop nothing, and what stands in the place of the launcher is not removed', async (t) => {
	const { options } = place(t);
	const loop = `helper-${'0'.repeat(16)}.cjs`;
	fs.symlinkSync(loop, path.join(options.binFolder, loop));
	fs.symlinkSync('absent', path.join(options.binFolder, `helper-${'1'.repeat(16)}.cjs`));
	fs.symlinkSync('absent', path.join(options.runFolder, 'gone.path'));
	fs.mkdirSync(path.join(options.runFolder, 'folder.json'));
	const helper = await installLauncher(options);
	assert.ok(fs.existsSync(helper));
	assert.equal(fs.readdirSync(options.binFolder).length, 5);
	const later = { ...systemClock, now: () => Date.now() + UNUSED_BUNDLE_MS + 60_000 };
	await installLauncher({ ...options, clock: later });
	assert.equal(fs.readdirSync(options.binFolder).length, 3);
	const launcher = path.join(options.binFolder, 'agent-auth');
	fs.rmSync(launcher);
	fs.mkdirSync(launcher);
	await assert.rejects(installLauncher(options), { code: 'EISDIR' });
	assert.ok(fs.statSync(launcher).isDirectory());
});

test('arguments, paths with every odd character and the exit code come through sh', async (t) => {
	const { root, options, announce, run, node } = place(t);
	const helper = await installLauncher(options);
	announce('000-1-a', node, helper);
	const args = ['token', `a 'b" $c`, '', '*', '\\'];
	const { status, stdout, stderr } = run(args, { NODE_OPTIONS: '--require /nowhere' });
	assert.equal(stderr, '');
	assert.equal(status, 5);
	const bin = path.join(root, 'bin');
	assert.equal(
		stdout,
		`node=1 options=none run=${bin}/../run helper=${helper}\n${args.map((arg) => `<${arg}>\n`).join('')}`,
	);
});

test('the launcher works through links, through PATH and from a folder named by the variable', async (t) => {
	const { root, options, announce, run, node } = place(t);
	announce('000-1-a', node, await installLauncher(options));
	const link = path.join(root, 'link');
	const second = path.join(root, 'second');
	fs.symlinkSync('bin/agent-auth', link);
	fs.symlinkSync(link, second);
	assert.equal(run(['x'], {}, second).status, 5);
	assert.equal(run(['agent-auth'], { PATH: `${options.binFolder}:/usr/bin:/bin` }, '/usr/bin/env').status, 5);
	const elsewhere = path.join(root, 'elsewhere');
	fs.renameSync(options.runFolder, elsewhere);
	assert.equal(run(['x']).status, 6);
	assert.equal(run(['x'], { AGENT_AUTH_RUN: elsewhere }).status, 5);
});

test('the newest launch file whose Node and helper exist is taken', async (t) => {
	const { root, options, announce, run, node } = place(t);
	const helper = await installLauncher(options);
	const old = path.join(root, 'old node');
	fs.writeFileSync(old, '#!/bin/sh\nexit 42\n', { mode: 0o755 });
	announce('0-last', old, helper);
	assert.equal(run([]).status, 42);
	announce('000000001-9-a', node, helper);
	assert.equal(run([]).status, 5);
	announce('000000002-9-a', path.join(root, 'uninstalled'), helper);
	announce('000000003-9-a', old, 'helper-gone.cjs');
	fs.writeFileSync(path.join(options.runFolder, '000000004-9-a.path'), 'half a fi');
	assert.equal(run([]).status, 5);
});

test('without any window it says so, with its exit code', async (t) => {
	const { options, run } = place(t);
	await installLauncher(options);
	const { status, stdout, stderr } = run(['token', 'acme']);
	assert.equal(status, 6);
	assert.equal(stdout, '');
	assert.match(stderr, /^agent-auth: no VS Code window with Agent Auth is open\. [^\n]+\n$/);
});

/** Stands for curl: says how it was called and what configuration it was given, then does as it is told. */
const CURL = `#!/bin/sh
for arg in "$@"; do echo "<$arg>"; done >>"$CURL_SAID"
exit "$CURL_STATUS"
`;

function withCurl(t: TestContext) {
	const made = place(t);
	const tools = path.join(made.root, 'tools');
	const said = path.join(made.root, 'said');
	fs.mkdirSync(tools);
	fs.writeFileSync(path.join(tools, 'curl'), CURL, { mode: 0o755 });
	fs.chmodSync(made.options.runFolder, 0o700);
	const config = (name: string, ...folders: string[]) => {
		const text = [...folders.map((folder) => `# ${folder}`), 'request-target = "/SECRET"', ''].join('\n');
		fs.writeFileSync(path.join(made.options.runFolder, `${name}.curl`), text, { mode: 0o600 });
	};
	const call = (args: readonly string[], status: number, cwd = made.root) => {
		fs.rmSync(said, { force: true });
		const env = { PATH: `${tools}:/usr/bin:/bin`, CURL_SAID: said, CURL_STATUS: String(status) };
		const result = spawnSync(path.join(made.options.binFolder, 'agent-auth'), args, { encoding: 'utf8', env, cwd });
		return { ...result, said: fs.existsSync(said) ? fs.readFileSync(said, 'utf8') : undefined };
	};
	return { ...made, config, call };
}

test('the plain call goes through curl, which reads the secret by itself', async (t) => {
	const { options, announce, node, config, call } = withCurl(t);
	announce('000-1-a', node, await installLauncher(options));
	config('000-1-a');
	const { status, said, stdout } = call(['token', 'acme-2'], 0);
	assert.deepEqual([status, stdout], [0, '']);
	const file = path.join(options.binFolder, '..', 'run', '000-1-a.curl');
	const lines = (said ?? '').split('\n').map((line) => line.slice(1, -1));
	assert.deepEqual(lines.slice(0, 5), ['-q', '-sf', '-m', '3', '-K']);
	assert.equal(path.resolve(lines[5] ?? ''), path.resolve(file));
	assert.match(said ?? '', /<-H>\n<Agent-Auth: token acme-2 \d+>\n/);
	assert.doesNotMatch(said ?? '', /SECRET/);
});

test('where curl gets no token the helper is asked, and every other call goes to it at once', async (t) => {
	const { options, announce, node, config, call } = withCurl(t);
	announce('000-1-a', node, await installLauncher(options));
	config('000-1-a');
	const refused = call(['token', 'acme'], 22);
	assert.equal(refused.status, 5);
	assert.match(refused.stdout, /<token>\n<acme>\n$/);
	assert.notEqual(refused.said, undefined);
	for (const args of [
		['token', 'acme', '--sign-in'],
		['token'],
		['providers'],
		['token', '--help'],
		['token', '../acme'],
		['token', 'acme\nx: y'],
		['exec', 'acme'],
	]) {
		const result = call(args, 0);
		assert.deepEqual([result.status, result.said], [5, undefined], args.join(' '));
	}
	fs.chmodSync(options.runFolder, 0o750);
	assert.deepEqual([call(['token', 'acme'], 0).said, call(['token', 'acme'], 0).status], [undefined, 5]);
});

test('curl is given the window of the innermost folder, else the newest', async (t) => {
	const { root, options, announce, node, config, call } = withCurl(t);
	announce('000-1-a', node, await installLauncher(options));
	const folder = (name: string): string => {
		fs.mkdirSync(path.join(root, name), { recursive: true });
		return path.join(fs.realpathSync(root), name);
	};
	const inner = folder('a/inner');
	config('001', folder('a'));
	config('002', folder('b'), inner);
	config('003', folder('a/inn'));
	config('004');
	const chosen = (cwd: string): string => /(\d+)\.curl>/.exec(call(['token', 'acme'], 0, cwd).said ?? '')?.[1] ?? '';
	assert.equal(chosen(inner), '002');
	assert.equal(chosen(folder('a')), '001');
	assert.equal(chosen(folder('a/other')), '001');
	assert.equal(chosen('/'), '004');
	fs.symlinkSync(inner, path.join(root, 'link'));
	assert.equal(chosen(path.join(root, 'link')), '002');
});

test('the real curl takes what a window writes', { skip: !fs.existsSync('/usr/bin/curl') }, (t) => {
	const { root } = place(t);
	const text = curlConfiguration({
		...{ process: SELF, secret: 'ab'.repeat(32), nodePath: '', helperPath: '', createdAtMs: 0 },
		socket: path.join(fs.mkdtempSync(path.join(tmpdir(), 'aa-')), "s o'ck ü"),
		workspaceFolders: [root, 'relative', '/with\nbreak'],
	});
	const file = path.join(root, 'config');
	fs.writeFileSync(file, text ?? assert.fail());
	const { status, stderr } = spawnSync('curl', ['-q', '-sS', '-K', file], { encoding: 'utf8' });
	// It understood all of it and found nobody at the socket.
	assert.equal(status, 7, stderr);
	assert.deepEqual(
		(text ?? '').split('\n').filter((line) => line.startsWith('#')),
		[`# ${fs.realpathSync(root)}`],
	);
	assert.equal(curlConfiguration({ ...WINDOW, socket: '/tmp/a"b' }), undefined);
});

const SELF = { host: '', machine: '', boot: '', pidNamespace: '', pid: 1, startTime: '' };
const WINDOW = { process: SELF, secret: '', nodePath: '', helperPath: '', createdAtMs: 0, workspaceFolders: [] };
