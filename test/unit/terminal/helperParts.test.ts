import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { ancestorPids, ancestorPidsLater } from '../../../src/auth/terminal/ancestors.ts';
import { parseCommandLine } from '../../../src/auth/terminal/commandLine.ts';
import type { Descriptor } from '../../../src/auth/terminal/descriptor.ts';
import { HELP } from '../../../src/auth/terminal/manual.ts';
import * as outcome from '../../../src/auth/terminal/outcome.ts';
import { completionScript } from '../../../src/auth/terminal/program/completion.ts';
import { programName } from '../../../src/auth/terminal/programName.ts';
import { orderByWorkspace } from '../../../src/auth/terminal/windowChoice.ts';
import { tempFolder } from '../../support/tempFolder.ts';

test('a command line is parsed with its defaults', () => {
	assert.deepEqual(parseCommandLine(['token', 'acme']), {
		kind: 'token',
		provider: 'acme',
		format: 'raw',
		signIn: false,
	});
	const full = ['token', 'acme', '--bucket', 'w', '--min-ttl=300', '--format', 'json', '--sign-in'];
	assert.deepEqual(parseCommandLine(full), {
		kind: 'token',
		provider: 'acme',
		bucket: 'w',
		minTtlS: 300,
		format: 'json',
		signIn: true,
	});
	assert.deepEqual(parseCommandLine(['providers']), { kind: 'providers', json: false });
	assert.deepEqual(parseCommandLine(['token', '--help']), { kind: 'help', topic: 'token' });
	for (const args of [[], ['--help'], ['-h'], ['help']]) {
		assert.deepEqual(parseCommandLine(args), { kind: 'help' }, args.join(' '));
	}
	assert.deepEqual(parseCommandLine(['help', 'exec']), { kind: 'help', topic: 'exec' });
	assert.deepEqual(parseCommandLine(['--version']), { kind: 'version' });
});

for (const line of [
	'token',
	'token a b',
	'token acme --format xml',
	'token acme --min-ttl soon',
	'token acme --min-ttl -5',
	'token acme --min-ttl 999999999',
	'token acme --bucket',
	'token acme --bucket=',
	'token acme --colour',
	'providers acme',
	'providers --format json',
	'exec acme',
	'exec acme --',
	'exec',
	'report acme',
	'report acme --status 42',
	'report acme --status 429 --header nonsense',
	'report acme --status 401 --digest abc',
	'add-key acme',
	'add-key acme --stdin sk-123',
	'status acme',
	'git-credential acme',
	'git-credential get',
	'git-credential',
	'git-credential acme get more',
	'git-credential acme get --username \u0007',
	'completion',
	'completion bash zsh',
	'token --min-ttl',
	'help token exec',
	`report acme --status 429 --retry-after ${'5'.repeat(65)}`,
	`report acme --status 429${' --header a:b'.repeat(33)}`,
	'completion tcsh',
	'help frobnicate',
	'frobnicate',
	'help --help',
	'exec-credential acme --format json',
]) {
	test(`a wrong command line is a usage error: ${line.slice(0, 60)}`, () => {
		assert.equal(parseCommandLine(line.split(' ')).kind, 'usage');
	});
}

test('completions name what takes a value, and never an option that is for our own use', () => {
	const fish = completionScript('fish').split('\n');
	const options = (name: string) =>
		fish.filter((line) => line.includes(`from ${name}'`)).map((line) => line.split(' -l ')[1]);
	assert.deepEqual(options('add-key'), ['name -x', 'stdin', 'help']);
	assert.ok(options('token').includes("format -x -a 'raw json header'"));
	assert.ok(completionScript('zsh').endsWith(completionScript('bash')));
	for (const shell of ['bash', 'zsh', 'fish'] as const) assert.doesNotMatch(completionScript(shell), /notice-end/);
});

test('every reason has one line that says what to do, and the exit code of its group', () => {
	const groups: Record<string, number> = {
		no_account: outcome.EXIT_SIGN_IN,
		invalid_grant: outcome.EXIT_SIGN_IN,
		locked: outcome.EXIT_TRY_LATER,
		timeout: outcome.EXIT_TRY_LATER,
		refused: outcome.EXIT_REFUSED,
		untrusted: outcome.EXIT_REFUSED,
		no_window: outcome.EXIT_NO_WINDOW,
		unknown_provider: outcome.EXIT_UNKNOWN,
		unknown_bucket: outcome.EXIT_UNKNOWN,
		transient: outcome.EXIT_UNAVAILABLE,
		storage: outcome.EXIT_UNAVAILABLE,
		code_of_a_newer_window: outcome.EXIT_UNAVAILABLE,
	};
	for (const [code, exitCode] of Object.entries(groups)) {
		const failure = outcome.failureOf(code);
		assert.equal(failure.exitCode, exitCode, code);
		assert.match(failure.line, /^agent-auth: [^\n]+\.$/, code);
	}
	assert.match(outcome.failureOf('transient', 0).line, /Not before 1970-01-01T00:00:00\.000Z\.$/);
});

test('the help names every exit code', () => {
	const codes = Object.values(outcome).filter((value) => typeof value === 'number');
	for (const code of codes) assert.match(HELP, new RegExp(`(^|\\s)${code}  \\S`), String(code));
});

test('the chain of ancestors begins with the first pid and ends before init', () => {
	const pids = ancestorPids(process.pid, process.platform);
	assert.deepEqual(pids.slice(0, 2), [process.pid, process.ppid]);
	assert.ok(!pids.includes(1) && !pids.includes(0));
	assert.deepEqual(ancestorPids(2 ** 30, process.platform), [2 ** 30]);
	assert.deepEqual(ancestorPids(77, 'win32'), [77]);
	assert.deepEqual(ancestorPids(0, 'win32'), []);
});

test('the chain is the same by ps', { skip: !fs.existsSync('/bin/ps') }, async () => {
	const chain = ancestorPids(process.pid, process.platform);
	assert.deepEqual(ancestorPids(process.pid, 'darwin'), chain);
	assert.deepEqual(ancestorPids(2 ** 30, 'darwin'), [2 ** 30]);
	for (const platform of ['darwin', 'linux'] as const)
		assert.deepEqual(await ancestorPidsLater(process.pid, platform), chain, platform);
});

test('without an answer of ps the process itself is all that is known', {
	skip: process.platform === 'win32' || !fs.existsSync('/bin/ps'),
}, async () => {
	const file = path.join(import.meta.dirname, '../../../src/auth/terminal/ancestors.ts');
	// No file can be opened any more, so nothing can be started either.
	const program = `
		import { closeSync, openSync } from 'node:fs';
		import { ancestorPids, ancestorPidsLater } from ${JSON.stringify(pathToFileURL(file).href)};
		process.getBuiltinModule('node:child_process');
		console.log('');
		const open = [];
		try { for (;;) open.push(openSync('/dev/null')); } catch {}
		const found = [ancestorPids(7, 'darwin'), await ancestorPidsLater(8, 'darwin')];
		for (const file of open) closeSync(file);
		console.log(JSON.stringify(found));`;
	const command = `ulimit -n 100; exec "$0" --input-type=module-typescript -e "$1"`;
	const { stdout, stderr } = await promisify(execFile)('/bin/sh', ['-c', command, process.execPath, program]);
	assert.deepEqual([stdout.trim(), stderr], ['[[7],[8]]', '']);
});

test('the program of a script is the script, of everything else its own name, and of nobody none', {
	skip: process.platform !== 'linux',
}, async (t) => {
	const script = path.join(await tempFolder(t), 'my-agent\u0007.cjs');
	fs.writeFileSync(script, 'process.stdin.resume()');
	const name = async (file: string, args: readonly string[]): Promise<string | undefined> => {
		const child = spawn(file, args, { stdio: ['pipe', 'ignore', 'ignore'] });
		await once(child, 'spawn');
		const found = await programName(child.pid ?? assert.fail());
		child.kill('SIGKILL');
		await once(child, 'exit');
		return found;
	};
	assert.equal(await name(process.execPath, ['--no-warnings', script, 'canary']), 'my-agent .cjs');
	// Node names its main thread a moment after it was started.
	assert.match((await name(process.execPath, ['-e', 'process.stdin.resume()'])) ?? '', /^(node|MainThread)$/);
	assert.equal(await name('/bin/cat', []), 'cat');
	assert.equal(await programName(2 ** 30), undefined);
});

test('the window of the innermost folder around the caller is first, then the newest', (t) => {
	const root = fs.mkdtempSync(path.join(tmpdir(), 'aa-choice-'));
	t.after(() => fs.rmSync(root, { recursive: true }));
	const folder = (name: string): string => {
		fs.mkdirSync(path.join(root, name), { recursive: true });
		return path.join(root, name);
	};
	const inner = folder('a/inner');
	folder('a/inner/deep');
	folder('a/inner-other');
	fs.symlinkSync(path.join(root, 'a'), path.join(root, 'link'));
	const named = (socket: string, ...workspaceFolders: string[]): Descriptor => ({
		version: 1,
		process: undefined,
		socket,
		secret: '',
		workspaceFolders,
		nodePath: '',
		helperPath: '',
		createdAtMs: 0,
	});
	const windows = [
		named('newest', folder('b')),
		named('empty'),
		named('relative', 'a', path.basename(import.meta.dirname), '.'),
		named('outer', path.join(root, 'link')),
		named('inner', inner),
	];
	const order = (cwd: string): string[] => orderByWorkspace(windows, cwd).map(({ socket }) => socket);
	assert.deepEqual(order(path.join(inner, 'deep')), ['inner', 'outer', 'newest', 'empty', 'relative']);
	assert.deepEqual(order(path.join(root, 'a/inner-other')), ['outer', 'newest', 'empty', 'relative', 'inner']);
	assert.deepEqual(order('/'), ['newest', 'empty', 'relative', 'outer', 'inner']);
	assert.deepEqual(order(process.cwd()), ['newest', 'empty', 'relative', 'outer', 'inner']);
	assert.deepEqual(order(''), ['newest', 'empty', 'relative', 'outer', 'inner']);
	assert.deepEqual(order(path.join(root, 'a/inner/deleted')), ['inner', 'outer', 'newest', 'empty', 'relative']);
});
