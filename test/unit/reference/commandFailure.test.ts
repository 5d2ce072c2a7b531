/** What is said of a command that could not be run or ended badly. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { isAuthError } from '../../../src/auth/errors.ts';
import { runFailure } from '../../../src/auth/reference/commandFailure.ts';
import { killWithGroup } from '../../../src/auth/reference/processGroup.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createBench, LONG_MS, printing } from './commands.ts';

const TOKEN = 'tok-4711-abcdefghij';
const request = { deadlineMs: LONG_MS };

describe('a command that cannot be started', () => {
	const place = { providerId: 'acme', field: 'acme.command' };
	const stderr = Buffer.alloc(0);

	it('is tried again if the system is only out of something, and is wrong in the settings otherwise', () => {
		for (const code of ['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']) {
			const failure = runFailure(place, { kind: 'notStarted', code, stderr }, 1);
			assert.ok(isAuthError(failure, 'transient') && failure.message.includes(code));
			assert.equal(failure.detail.field, undefined);
		}
		const failure = runFailure(place, { kind: 'notStarted', code: 'EACCES', stderr }, 1);
		assert.ok(isAuthError(failure, 'configuration') && failure.detail.field === 'acme.command');
	});

	it('is wrong in the settings if an argument is one that no program can be given', async (context) => {
		const bench = await createBench(context);
		const spec = await bench.script(printing(TOKEN));
		const source = bench.source({ ...spec, args: [...spec.args, 'a\0b'] });
		await assert.rejects(
			source.get(request),
			(error) => isAuthError(error, 'configuration') && error.detail.field === 'acme.command',
		);
		assert.equal(await bench.runs(), 0);
	});

	it('is not looked up anywhere without a PATH', async (context) => {
		const bench = await createBench(context);
		const source = bench.source({ command: 'node', args: [], cacheMs: 0, timeoutMs: LONG_MS }, { env: {} });
		await assert.rejects(
			source.get(request),
			(error) => isAuthError(error, 'configuration') && /no such program on PATH/.test(error.message),
		);
	});
});

describe('who wants nothing any more', () => {
	it('starts no command: not before it is asked for, and not while it is looked up', async (context) => {
		const bench = await createBench(context);
		const source = bench.source(await bench.script(printing(TOKEN)));
		await assert.rejects(source.get({ ...request, signal: AbortSignal.abort() }), { code: 'cancelled' });
		const giveUp = new AbortController();
		const asked = source.get({ ...request, signal: giveUp.signal });
		giveUp.abort();
		await assert.rejects(asked, { code: 'cancelled' });
		assert.equal(await bench.runs(), 0);
		assert.equal((await source.get(request)).token, TOKEN);
		assert.equal(await bench.runs(), 1);
	});

	it('does not end the run of another who asked after that', async (context) => {
		const bench = await createBench(context);
		const source = bench.source(await bench.script(printing(TOKEN)));
		const giveUp = new AbortController();
		const first = source.get({ ...request, signal: giveUp.signal });
		giveUp.abort();
		const second = source.get(request);
		await assert.rejects(first, { code: 'cancelled' });
		assert.equal((await second).token, TOKEN);
	});

	it('is nobody who has its token: a signal that ends later ends nothing', async (context) => {
		const bench = await createBench(context);
		const source = bench.source(await bench.script(printing(TOKEN)), { clock: createManualClock() });
		const later = new AbortController();
		const read = await source.get({ ...request, signal: later.signal });
		later.abort();
		assert.deepEqual(source.peek(), read);
	});
});

describe('what a failing command says', () => {
	it('is not shown if it is one word that was cut: it may be half a token', async (context) => {
		const bench = await createBench(context);
		const source = bench.source(await bench.script("process.stderr.write('x'.repeat(40_000), () => process.exit(1));"));
		await assert.rejects(source.get(request), (error) => isAuthError(error, 'transient'));
		assert.ok(bench.log.lines.every((line) => !line.includes('the command said')));
	});
});

describe('a process that has ended', { skip: process.platform === 'win32' && 'signals' }, () => {
	it('is not ended again: its id may be somebody else’s by now', async () => {
		const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore', detached: true });
		const { pid } = child;
		await once(child, 'exit');
		// Whoever has the id now: here a process of our own, in the place of a stranger's.
		const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
			stdio: 'ignore',
			detached: true,
		});
		await once(stranger, 'spawn');
		Object.defineProperty(child, 'pid', { value: stranger.pid });
		killWithGroup(child, process.platform, undefined);
		assert.equal(stranger.exitCode, null);
		const ended = once(stranger, 'exit');
		killWithGroup(stranger, process.platform, undefined);
		assert.deepEqual(await ended, [null, 'SIGKILL']);
		assert.notEqual(pid, stranger.pid);
	});
});
