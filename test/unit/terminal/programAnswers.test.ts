/** What the program prints about the answers of a window, and what it says when there is none. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { FinalReply } from '../../../src/auth/terminal/protocol.ts';
import { ENDS_AT, ENDS_AT_MS, outputOf, place, TOKEN } from './programPlace.ts';

const STATUS: FinalReply = {
	...{ kind: 'status', version: '1.2.3\u001b[2J', pid: 77, terminal: 'terminal' },
	providers: [
		{
			...{ id: 'acme', label: 'Acme\u0007', state: 'signedIn', allowed: true },
			buckets: [
				{ name: 'work', account: 'a@example.test', state: 'ready', inForce: true, expiresAtMs: ENDS_AT_MS },
				{ name: 'key', account: 'b', state: 'ready', inForce: false },
				{ name: 'odd', account: 'c', state: 'ready', inForce: false, expiresAtMs: 1e300 },
			],
		},
		{ id: 'other', label: 'Other', state: 'signedOut', allowed: false },
	],
};

test('status shows the accounts of this terminal, without what could steer it', async (t) => {
	const { openWindow, call } = place(t);
	await openWindow(STATUS);
	const shown = await call(['status']);
	assert.deepEqual(shown, {
		status: 0,
		stdout:
			'VS Code window: pid 77, Agent Auth 1.2.3 [2J; this terminal is one of its own\n' +
			`acme\tAcme \tsignedIn\tallowed here\n  * work\ta@example.test\tready\ttoken until ${ENDS_AT}\n` +
			'    key\tb\tready\n    odd\tc\tready\nother\tOther\tsignedOut\tasks first\n',
		stderr: '',
	});
	const json = JSON.parse((await call(['status', '--json'])).stdout);
	assert.deepEqual(json.providers[0].buckets[0].expiresAt, ENDS_AT);
	assert.equal('expiresAt' in json.providers[0].buckets[1], false);
	assert.equal(json.providers[1].buckets, undefined);
});

test('providers are listed as lines or as JSON, and status says that a terminal is none of the window', async (t) => {
	const { openWindow, call } = place(t);
	const providers = [{ id: 'acme', label: 'Acme', state: 'signedIn' }];
	await openWindow(({ kind }) =>
		kind === 'providers' ? { kind, providers } : { ...STATUS, terminal: 'outside', providers: [] },
	);
	assert.equal((await call(['providers'])).stdout, 'acme\tsignedIn\tAcme\n');
	assert.deepEqual(JSON.parse((await call(['providers', '--json'])).stdout), providers);
	assert.match((await call(['status'])).stdout, /; this is none of its terminals\n$/);
});

test('an answer of the wrong kind gives nothing, and is no token', async (t) => {
	const { openWindow, call } = place(t);
	await openWindow(({ kind }) => (kind === 'token' ? { kind: 'pong', pid: 1 } : TOKEN));
	const none = { status: 1, stdout: '', stderr: /a window answered a question that was not asked/ };
	for (const args of [['token', 'acme'], ['status'], ['exec', 'acme', '--', 'echo', 'ran']]) {
		const { status, stdout, stderr } = await call(args);
		assert.deepEqual([status, stdout], [none.status, none.stdout], args[0]);
		assert.match(stderr, none.stderr);
		assert.doesNotMatch(stderr, /canary/);
	}
});

test('a refusal of the window is one line and an exit code in every command', async (t) => {
	const { openWindow, call } = place(t);
	await openWindow({ kind: 'error', code: 'untrusted', retryAtMs: ENDS_AT_MS });
	const git = 'protocol=https\nhost=git.example.test\n';
	for (const [args, input] of [
		[['token', 'acme'], ''],
		[['exec', 'acme', '--', 'echo', 'ran'], ''],
		[['status'], ''],
		[['providers'], ''],
		[['report', 'acme', '--status', '401'], ''],
		[['add-key', 'acme', '--stdin'], 'sk-1'],
		[['credential-process', 'acme'], ''],
		[['exec-credential', 'acme'], ''],
		[['git-credential', 'acme', 'get'], git],
	] as const) {
		const { status, stdout, stderr } = await call(args, { input });
		assert.deepEqual([status, stdout], [5, ''], args[0]);
		assert.match(
			stderr,
			new RegExp(`^agent-auth: [^\\n]*Restricted Mode[^\\n]* Not before ${ENDS_AT}\\.\\n$`),
			args[0],
		);
	}
});

test('a token is asked for with what the command line says, and a time that no calendar has is none', async (t) => {
	const { openWindow, call, root } = place(t);
	const asked = await openWindow({ kind: 'token', accessToken: 'abc', expiresAtMs: 1e300 });
	const wanted = ['--bucket', 'work', '--min-ttl', '60', '--scope', 'repo', '--scope', 'user', '--sign-in'];
	const given = await call(['token', 'acme', ...wanted, '--format', 'json']);
	assert.deepEqual(given, { status: 0, stdout: '{"accessToken":"abc"}\n', stderr: '' });
	const [request] = asked;
	assert.ok(request?.kind === 'token');
	assert.deepEqual(
		[request.bucket, request.minTtlS, request.scopes, request.signIn, request.cwd, request.use],
		['work', 60, ['repo', 'user'], true, fs.realpathSync(root), 'token'],
	);
	const late = place(t);
	await late.openWindow({ kind: 'error', code: 'transient', retryAtMs: -1e300 });
	assert.match((await late.call(['token', 'acme'])).stderr, /Try again later\.\n$/);
	assert.equal((await call(['token', 'acme', '--format', 'header'])).stdout, 'Authorization: Bearer abc\n');
});

test('advice is a word that scripts know, with time and reason, and the exit code of its kind', async (t) => {
	const { openWindow, call } = place(t);
	const advices: FinalReply[] = [];
	const asked = await openWindow(() => advices.shift() ?? assert.fail());
	for (const [advice, status, stdout] of [
		[{ advice: 'retry' }, 0, 'retry\n'],
		[{ advice: 'retryWithNewToken' }, 0, 'retry-with-new-token\n'],
		[{ advice: 'signIn', reason: 'it\nended' }, 3, 'sign-in it ended\n'],
		[{ advice: 'wait', untilMs: ENDS_AT_MS, reason: 'limit' }, 4, `wait ${ENDS_AT} limit\n`],
		[{ advice: 'ignored' }, 7, 'ignored\n'],
		[{ advice: 'giveUp', code: 'exhausted' }, 9, 'give-up exhausted\n'],
		[{ advice: 'giveUp' }, 8, 'give-up\n'],
		// Of a newer window.
		[{ advice: 'dance\u0007' }, 8, 'dance \n'],
	] as const) {
		advices.push({ kind: 'advice', ...advice });
		assert.deepEqual(await call(['report', 'acme', '--status', '503']), { status, stdout, stderr: '' });
	}
	advices.push({ kind: 'advice', advice: 'ignored' });
	const digest = 'AB'.repeat(32);
	await call(['report', 'acme', '--status', '0', '--digest', digest, '--retry-after', '7', '--header', 'X-A: b'], {
		input: 'body',
	});
	const request = asked.at(-1);
	assert.ok(request?.kind === 'report');
	assert.deepEqual(
		[request.tokenDigest, request.retryAfter, request.headers, request.body],
		[digest.toLowerCase(), '7', [['X-A', 'b']], 'body'],
	);
});

test('a stored key is told by the name that it got, and what is no key is never sent', async (t) => {
	const { openWindow, call } = place(t);
	const asked = await openWindow({ kind: 'added', name: 'Team\u001b' });
	const added = await call(['add-key', 'acme', '--stdin'], { input: '  sk-1\n' });
	assert.deepEqual(added, { status: 0, stdout: '', stderr: 'agent-auth: the key was stored as "Team ".\n' });
	const [request] = asked;
	assert.ok(request?.kind === 'addKey');
	assert.deepEqual([request.key, request.name], ['sk-1', undefined]);
	for (const input of ['', 'two words', 'x'.repeat(8193), 'kéy']) {
		assert.equal((await call(['add-key', 'acme', '--stdin'], { input })).status, 2);
	}
	assert.equal(asked.length, 1);
	await call(['add-key', 'acme', '--stdin', '--name', 'mine'], { input: 'sk-2' });
	assert.ok(asked[1]?.kind === 'addKey' && asked[1].name === 'mine');
});

test('a body is read to its limit, and one that does not end costs no more than a moment', async (t) => {
	const { openWindow, start, call } = place(t);
	const asked = await openWindow({ kind: 'advice', advice: 'wait', untilMs: ENDS_AT_MS, code: 'c', reason: 'r' });
	const endless = start(['report', 'acme', '--status', '503', '--json']);
	endless.stdin.write('begin');
	const { status, stdout } = await outputOf(endless);
	endless.stdin.destroy();
	assert.deepEqual([status, JSON.parse(stdout)], [4, { advice: 'wait', until: ENDS_AT, code: 'c', reason: 'r' }]);
	await call(['report', 'acme', '--status', '503'], { input: 'x'.repeat(100_000) });
	assert.deepEqual(
		asked.map((request) => request.kind === 'report' && request.body),
		['begin', 'x'.repeat(8192)],
	);
});

test('a folder that cannot be looked at is an error without a stack or a path', async (t) => {
	const { call } = place(t);
	const env = { AGENT_AUTH_RUN: `/${'x'.repeat(300)}` };
	const { status, stdout, stderr } = await call(['token', 'acme'], { env });
	assert.deepEqual([status, stdout], [1, '']);
	assert.equal(stderr, 'agent-auth: it failed ENAMETOOLONG. The log "Agent Auth" in VS Code may say more.\n');
});

test('without a folder, or without windows in it, it says so; one that is open to others is not used', async (t) => {
	const { call, run, root } = place(t);
	const none = /no VS Code window with Agent Auth is open/;
	for (const AGENT_AUTH_RUN of [path.join(root, 'absent'), path.join(root, 'bin', 'helper.cjs', 'x'), '']) {
		const { status, stderr } = await call(['token', 'acme'], { env: { AGENT_AUTH_RUN } });
		assert.equal(status, 6, AGENT_AUTH_RUN);
		assert.match(stderr, none);
	}
	fs.chmodSync(run, 0o755);
	const open = await call(['token', 'acme']);
	assert.equal(open.status, 8);
	assert.match(open.stderr, /other users can write to the folder/);
});

test('the folder beside the program is that of the windows where no variable names one', async (t) => {
	const { openWindow, call } = place(t);
	await openWindow(TOKEN);
	assert.equal((await call(['token', 'acme'], { env: { AGENT_AUTH_RUN: '' } })).stdout, 'canary-token\n');
});

test('the manual and a wrong command line need no window', async (t) => {
	const { call, root } = place(t);
	const env = { AGENT_AUTH_RUN: path.join(root, 'absent') };
	const help = await call(['help', 'exec'], { env });
	assert.deepEqual([help.status, help.stderr], [0, '']);
	assert.match(help.stdout, /^Usage: agent-auth exec <provider>/);
	assert.match((await call([], { env })).stdout, /^agent-auth: access tokens for programs in terminals/);
	assert.match((await call(['--version'], { env })).stdout, /^(\d+\.\d+\.\d+|development)\n$/);
	assert.match((await call(['completion', 'fish'], { env })).stdout, /^# Load with: /);
	assert.deepEqual(await call(['token', 'acme', '--canary'], { env }), {
		...{ status: 2, stdout: '' },
		stderr: 'agent-auth: unknown option, or an option without its value. See "agent-auth --help".\n',
	});
});

test('whoever stops reading gets no stack', async (t) => {
	const { start } = place(t);
	const child = start(['completion', 'bash']);
	child.stdin.end();
	child.stdout.destroy();
	let stderr = '';
	for await (const chunk of child.stderr) stderr += String(chunk);
	assert.equal(stderr, '');
});
