/** What the program does in a terminal, where a person sits, and leaves where only programs read. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { ENDS_AT_MS, HAS_TERMINAL, place, TOKEN } from './programPlace.ts';

const there = { skip: !HAS_TERMINAL, timeout: 60_000 };

test('a person is told what the window waits for, a program is not', there, async (t) => {
	const { openWindow, atTerminal, call } = place(t);
	await openWindow((_request, { progress }) => {
		progress('asking');
		progress('signingIn');
		return TOKEN;
	});
	const shown = await atTerminal(['token', 'acme']);
	assert.equal(shown.status, 0);
	assert.deepEqual(shown.stdout.split('\r\n'), [
		'agent-auth: waiting for your answer in the VS Code window',
		'agent-auth: waiting for the sign-in in the VS Code window',
		'canary-token',
		'',
	]);
	assert.deepEqual(await call(['token', 'acme']), { status: 0, stdout: 'canary-token\n', stderr: '' });
});

test('a step of a newer window is no line', there, async (t) => {
	const { openStrange, atTerminal } = place(t);
	const lines = ['accepted', 'dancing'].map((step) => `${JSON.stringify({ kind: 'progress', step })}\n`).join('');
	await openStrange((socket) => socket.once('data', () => socket.write(`${lines}${JSON.stringify(TOKEN)}\n`)));
	assert.equal((await atTerminal(['token', 'acme'])).stdout, 'canary-token\r\n');
});

test('a key is not typed where everybody could read it, and a report does not wait for a body', there, async (t) => {
	const { openWindow, atTerminal } = place(t);
	const asked = await openWindow({ kind: 'advice', advice: 'retry' });
	const key = await atTerminal(['add-key', 'acme', '--stdin']);
	assert.equal(key.status, 2);
	assert.match(key.stdout, /^agent-auth: pipe the key in; what is typed here would be shown\./);
	assert.equal(asked.length, 0);
	assert.deepEqual(await atTerminal(['report', 'acme', '--status', '503']), {
		...{ status: 0, stdout: 'retry\r\n', stderr: '' },
	});
	assert.ok(asked[0]?.kind === 'report' && asked[0].body === undefined);
});

test('JSON is for people where a person reads it', there, async (t) => {
	const { openWindow, atTerminal, call } = place(t);
	await openWindow({ kind: 'providers', providers: [{ id: 'a', label: 'A', state: 'signedIn' }] });
	assert.match((await atTerminal(['providers', '--json'])).stdout, /^\[\r\n {2}\{\r\n {4}"id": "a",/);
	assert.equal((await call(['providers', '--json'])).stdout.trim().split('\n').length, 1);
});

test('a terminal that holds a token says when that has ended, once, and not before', there, async (t) => {
	const { openWindow, atTerminal } = place(t);
	const ends = [Date.now() + 300, Date.now() + 300, Date.now() + 60_000, ENDS_AT_MS, undefined];
	await openWindow(() => {
		const expiresAtMs = ends.shift();
		return { kind: 'token', accessToken: 'abc', ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
	});
	const env = { PATH: '/usr/bin:/bin' };
	const exec = (...args: string[]) => atTerminal(['exec', ...args], { env });
	const [told, untold, later, farOff, endless] = [
		await exec('acme', '--notice-end', '--', 'sh', '-c', 'sleep 1; echo done'),
		await exec('acme', '--', 'sh', '-c', 'sleep 1; echo done'),
		await exec('acme', '--notice-end', '--', 'echo', 'done'),
		await exec('acme', '--notice-end', '--', 'echo', 'done'),
		await exec('acme', '--notice-end', '--', 'echo', 'done'),
	];
	assert.equal(
		told.stdout.replaceAll('\r', ''),
		'\nagent-auth: the token of acme in this terminal has expired. Open a new one.\ndone\n',
	);
	assert.deepEqual(
		[untold, later, farOff, endless].map(({ stdout }) => stdout),
		Array.from({ length: 4 }, () => 'done\r\n'),
	);
});

test(
	'an interruption typed into the terminal reaches the command alone, which decides how it ends',
	there,
	async (t) => {
		const { openWindow, startAtTerminal } = place(t);
		await openWindow(TOKEN);
		const script = 'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.05; done';
		const terminal = startAtTerminal(['exec', 'acme', '--', 'sh', '-c', script], { env: { PATH: '/usr/bin:/bin' } });
		const ended = once(terminal, 'exit').then(([status]) => status);
		let shown = '';
		for await (const chunk of terminal.stdout.setEncoding('utf8')) {
			const before = shown;
			shown += chunk;
			if (!before.includes('ready') && shown.includes('ready')) terminal.stdin.write('\u0003');
		}
		terminal.stdin.destroy();
		assert.equal(shown.replace('^C', '').replaceAll('\r', ''), 'ready\ncaught\n');
		assert.equal(await ended, 9);
	},
);
