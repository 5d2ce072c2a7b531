/** What the program says of windows that are gone, silent or strange, and which of several it believes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { readDescriptors } from '../../../src/auth/terminal/descriptor.ts';
import { MAX_FRAME_BYTES } from '../../../src/auth/terminal/protocol.ts';
import { outputOf, place, TOKEN } from './programPlace.ts';

test('an answer that is none, or has no end, is not waited for', async (t) => {
	const { openStrange, call } = place(t);
	const answers = ['nonsense\n', '{"kind":"token","accessToken":"\\u001b"}\n', 'x'.repeat(MAX_FRAME_BYTES + 1)];
	await openStrange((socket) => socket.once('data', () => socket.write(answers.shift() ?? assert.fail())));
	while (answers.length > 0) {
		const { status, stdout, stderr } = await call(['token', 'acme']);
		assert.deepEqual([status, stdout], [8, '']);
		assert.match(stderr, /^agent-auth: the answer could not be understood\.[^\n]*\n$/);
	}
});

test('a window that closes while it works is told apart from one that is not there', async (t) => {
	const lost = place(t);
	await lost.openStrange((socket) => socket.once('data', () => socket.end('{"kind":"progress","step":"accepted"}\n')));
	const closed = await lost.call(['token', 'acme']);
	assert.deepEqual([closed.status, closed.stdout], [4, '']);
	assert.match(closed.stderr, /closed while it was working/);
	const gone = place(t);
	await gone.announce(path.join(gone.root, 'nobody'));
	assert.equal((await gone.call(['token', 'acme'])).status, 6);
});

test('a window that hangs is asked once more, when the others had nothing to say about the matter', async (t) => {
	/** @param answersAt the connection from which on it does not hang */
	const outcome = async (answersAt: number, isAlone: boolean) => {
		const { openStrange, openWindow, call } = place(t);
		if (!isAlone) await openWindow({ kind: 'error', code: 'busy' });
		let connections = 0;
		await openStrange((socket) => {
			if (++connections >= answersAt) socket.write(`${JSON.stringify(TOKEN)}\n`);
		});
		const { status, stdout, stderr } = await call(['token', 'acme']);
		return { status, said: stdout + stderr, connections };
	};
	const never = Number.POSITIVE_INFINITY;
	const [alone, inVain, late] = await Promise.all([outcome(never, true), outcome(never, false), outcome(2, false)]);
	assert.match(alone.said, /^agent-auth: the VS Code window does not answer[^\n]*\n$/);
	assert.match(inVain.said, /^agent-auth: the VS Code window has too many requests at once[^\n]*\n$/);
	assert.equal(late.said, 'canary-token\n');
	assert.deepEqual(
		[alone, inVain, late].map(({ status, connections }) => [status, connections]),
		[
			[4, 2],
			[4, 2],
			[0, 2],
		],
	);
});

test('what one window cannot say another may: trouble is passed over, an answer about the matter is not', async (t) => {
	for (const code of ['unauthorized', 'busy', 'too_slow', 'unsupported_version']) {
		const { openWindow, call } = place(t);
		await openWindow(TOKEN);
		await openWindow({ kind: 'error', code });
		assert.deepEqual(await call(['token', 'acme']), { status: 0, stdout: 'canary-token\n', stderr: '' }, code);
	}
	const { openWindow, call } = place(t);
	const second = await openWindow(TOKEN);
	await openWindow({ kind: 'error', code: 'refused' });
	assert.equal((await call(['token', 'acme'])).status, 5);
	assert.deepEqual(second, []);
});

test('a terminal of no window is asked about in the best of them, whatever trouble another one has', async (t) => {
	const { openWindow, openStrange, call } = place(t);
	await openStrange((socket) => socket.end('nonsense\n'));
	const asked = await openWindow((request) =>
		'ownOnly' in request && request.ownOnly ? { kind: 'error', code: 'not_here' } : TOKEN,
	);
	assert.equal((await call(['token', 'acme'])).stdout, 'canary-token\n');
	assert.deepEqual(
		asked.map((request) => 'ownOnly' in request && request.ownOnly),
		[true, false],
	);
});

test('a descriptor that is damaged or too large is unusable, and costs nothing where another window is announced', async (t) => {
	const { openWindow, call, run } = place(t);
	await openWindow(TOKEN);
	fs.writeFileSync(path.join(run, '9-half.json'), '{"version":1,', { mode: 0o600 });
	const large = path.join(run, '9-large.json');
	// Valid but for its size.
	const [name] = fs.readdirSync(run).filter((name) => /^\d{15}.*\.json$/.test(name));
	const whole = JSON.parse(fs.readFileSync(path.join(run, name ?? ''), 'utf8'));
	const text = JSON.stringify({ ...whole, createdAtMs: whole.createdAtMs + 1, nodePath: 'x'.repeat(2 * 2 ** 20) });
	fs.writeFileSync(large, text, { mode: 0o600 });
	const found = await readDescriptors(run);
	assert.deepEqual(found.map((entry) => [entry.kind, path.basename(entry.file)]).sort(), [
		['descriptor', name],
		['unusable', '9-half.json'],
		['unusable', '9-large.json'],
	]);
	assert.deepEqual(await call(['token', 'acme']), { status: 0, stdout: 'canary-token\n', stderr: '' });
});

test('in a folder that was removed the newest window is asked, and no workspace is named', {
	skip: process.platform === 'win32',
}, async (t) => {
	const { openWindow, program, root, run } = place(t);
	const folder = path.join(root, 'gone');
	fs.mkdirSync(folder);
	const asked = await openWindow(TOKEN);
	const script = 'rmdir "$PWD"; exec "$0" "$1" token acme';
	const child = spawn('/bin/sh', ['-c', script, process.execPath, program], {
		...{ cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { AGENT_AUTH_RUN: run } },
	});
	assert.deepEqual(await outputOf(child), { status: 0, stdout: 'canary-token\n', stderr: '' });
	const [request] = asked;
	assert.ok(request?.kind === 'token' && request.cwd === '');
});
