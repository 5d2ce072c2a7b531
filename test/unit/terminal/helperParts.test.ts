import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ancestorPids } from '../../../src/auth/terminal/ancestors.ts';
import { parseCommandLine } from '../../../src/auth/terminal/commandLine.ts';
import type { Descriptor } from '../../../src/auth/terminal/descriptor.ts';
import { HELP } from '../../../src/auth/terminal/manual.ts';
import * as outcome from '../../../src/auth/terminal/outcome.ts';
import { orderByWorkspace } from '../../../src/auth/terminal/windowChoice.ts';

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
	'completion tcsh',
	'help frobnicate',
	'exec-credential acme --format json',
]) {
	test(`a wrong command line is a usage error: ${line}`, () => {
		assert.equal(parseCommandLine(line.split(' ')).kind, 'usage');
	});
}

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
});

test('the chain is the same by ps', { skip: !fs.existsSync('/bin/ps') }, () => {
	assert.deepEqual(ancestorPids(process.pid, 'darwin'), ancestorPids(process.pid, process.platform));
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
		named('outer', path.join(root, 'link')),
		named('inner', inner),
	];
	const order = (cwd: string): string[] => orderByWorkspace(windows, cwd).map(({ socket }) => socket);
	assert.deepEqual(order(path.join(inner, 'deep')), ['inner', 'outer', 'newest', 'empty']);
	assert.deepEqual(order(path.join(root, 'a/inner-other')), ['outer', 'newest', 'empty', 'inner']);
	assert.deepEqual(order('/'), ['newest', 'empty', 'outer', 'inner']);
	assert.deepEqual(order(''), ['newest', 'empty', 'outer', 'inner']);
	assert.deepEqual(order(path.join(root, 'a/inner/deleted')), ['inner', 'outer', 'newest', 'empty']);
});
