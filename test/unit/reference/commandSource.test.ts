import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type AuthErrorCode, isAuthError } from '../../../src/auth/errors.ts';
import { describeError, digest } from '../../../src/auth/log.ts';
import { MAX_OUTPUT_BYTES } from '../../../src/auth/reference/commandRun.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { until } from '../../support/until.ts';
import { createBench, LONG_MS, printing } from './commands.ts';

const TOKEN = 'tok-4711-abcdefghij';
const request = { deadlineMs: LONG_MS };

function failsWith(code: AuthErrorCode, message: RegExp) {
	return (error: unknown): true => {
		assert.ok(isAuthError(error, code), describeError(error));
		assert.match(error.message, message);
		assert.equal(error.detail.provider, 'acme');
		assert.ok(!`${error.stack}${JSON.stringify(error.detail)}${describeError(error)}`.includes(TOKEN));
		return true;
	};
}

/** A process that is a zombie has ended: only its parent has not asked yet. */
async function isAlive(pid: number): Promise<boolean> {
	try {
		process.kill(pid, 0);
	} catch {
		return false;
	}
	const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
	return stat === undefined || !/^\d+ \(.*\) Z/s.test(stat);
}

describe('a token from a command', () => {
	it('is what it prints, with the blanks and line ends around it taken off', async (context) => {
		const bench = await createBench(context);
		const source = bench.source(await bench.script(printing(`  ${TOKEN}\r\n\n`)));
		assert.equal(source.peek(), undefined);
		const read = await source.get(request);
		assert.equal(read.token, TOKEN);
		assert.equal(read.digest, digest(TOKEN));
		assert.equal(read.expiresAtMs, undefined);
		assert.deepEqual(source.peek(), read);
	});

	it('is fetched once for 50 who ask at once, and from memory afterwards', async (context) => {
		const bench = await createBench(context);
		const source = bench.source(await bench.script(printing(TOKEN)));
		const all = await Promise.all(Array.from({ length: 50 }, () => source.get(request)));
		assert.deepEqual(new Set(all.map(({ token }) => token)), new Set([TOKEN]));
		await source.get(request);
		assert.equal(await bench.runs(), 1);
	});

	it('is fetched again when its time in the settings is over, by either clock', async (context) => {
		for (const move of ['advance', 'jump'] as const) {
			const bench = await createBench(context);
			const clock = createManualClock();
			const source = bench.source({ ...(await bench.script(printing(TOKEN))), cacheMs: 60_000 }, { clock });
			await source.get(request);
			clock[move](59_999);
			await source.get(request);
			assert.equal(await bench.runs(), 1);
			clock[move](1);
			assert.equal(source.peek(), undefined);
			await source.get(request);
			assert.equal(await bench.runs(), 2, move);
		}
	});

	it('is never kept if the settings say 0, and still fetched once for all who wait', async (context) => {
		const bench = await createBench(context);
		const source = bench.source({ ...(await bench.script(printing(TOKEN))), cacheMs: 0 });
		await Promise.all([source.get(request), source.get(request)]);
		assert.equal(await bench.runs(), 1);
		await source.get(request);
		assert.equal(await bench.runs(), 2);
	});

	it('is kept until a minute before its end, or for three quarters of a short life', async (context) => {
		for (const [lifeSeconds, keptMs] of [
			[120, 90_000],
			[250, 190_000],
		] as const) {
			const bench = await createBench(context);
			const clock = createManualClock();
			const source = bench.source(
				await bench.script(printing(JSON.stringify({ token: TOKEN, expires_in: lifeSeconds }))),
				{ clock },
			);
			const read = await source.get(request);
			assert.equal(read.expiresAtMs, read.obtainedAtMs + lifeSeconds * 1000);
			clock.advance(keptMs - 1);
			await source.get(request);
			assert.equal(await bench.runs(), 1);
			clock.advance(1);
			await source.get(request);
			assert.equal(await bench.runs(), 2);
		}
	});

	it('is fetched again for who needs more life than is left, but not in the first half of its life', async (context) => {
		const bench = await createBench(context);
		const clock = createManualClock();
		const spec = await bench.script(printing(`{"token":"${TOKEN}","expires_in":1000}`));
		const source = bench.source({ ...spec, cacheMs: 3_600_000 }, { clock });
		await source.get(request);
		clock.advance(499_000);
		await source.get({ ...request, minTtlMs: 900_000 });
		assert.equal(await bench.runs(), 1);
		clock.advance(1_000);
		await source.get({ ...request, minTtlMs: 400_000 });
		assert.equal(await bench.runs(), 1);
		await source.get({ ...request, minTtlMs: 900_000 });
		assert.equal(await bench.runs(), 2);
	});

	it('that has ended already is unavailable and not kept', async (context) => {
		const bench = await createBench(context);
		const source = bench.source(
			await bench.script(printing(`{"token":"${TOKEN}","expires_at":"2020-01-01T00:00:00Z"}`)),
		);
		await assert.rejects(source.get(request), failsWith('unavailable', /expired/));
		assert.equal(source.peek(), undefined);
	});
});

describe('a refused token from a command', () => {
	const counting = (bench: { folder: string }): string =>
		`const n = require('node:fs').readFileSync(${JSON.stringify(join(bench.folder, 'runs'))}, 'utf8').length / 4;
		process.stdout.write('token-number-' + n);`;

	it('is dropped and fetched once for all who report it; who reports an older one gets the new one', async (context) => {
		const bench = await createBench(context);
		const source = bench.source(await bench.script(counting(bench)));
		const first = await source.get(request);
		assert.equal(first.token, 'token-number-1');
		const again = await Promise.all(
			Array.from({ length: 20 }, () => source.get({ ...request, refusedDigest: first.digest })),
		);
		assert.deepEqual(new Set(again.map(({ token }) => token)), new Set(['token-number-2']));
		assert.equal((await source.get({ ...request, refusedDigest: first.digest })).token, 'token-number-2');
		assert.equal((await source.get({ ...request, refusedDigest: digest('foreign') })).token, 'token-number-2');
		assert.equal(await bench.runs(), 2);
	});

	it('that comes out again is unavailable, and the command is then left alone for half a minute', async (context) => {
		const bench = await createBench(context);
		const clock = createManualClock();
		const source = bench.source(await bench.script(printing(TOKEN)), { clock });
		const { digest: refusedDigest } = await source.get(request);
		for (let round = 0; round < 3; round++) {
			await assert.rejects(source.get({ ...request, refusedDigest }), failsWith('unavailable', /refused token again/));
		}
		assert.equal(await bench.runs(), 2);
		clock.advance(30_000);
		await assert.rejects(source.get({ ...request, refusedDigest }), failsWith('unavailable', /refused token again/));
		assert.equal(await bench.runs(), 3);
	});

	it('makes a run count that began after the refusal, not one that was under way', async (context) => {
		const bench = await createBench(context);
		const spec = await bench.script(counting(bench));
		const source = bench.source({ ...spec, cacheMs: 0 });
		const under = source.get(request);
		const forced = source.get({ ...request, refusedDigest: digest('token-number-1') });
		assert.equal((await under).token, 'token-number-1');
		assert.equal((await forced).token, 'token-number-2');
	});
});

describe('a command that gives no token', () => {
	const cases: readonly (readonly [what: string, body: string, code: AuthErrorCode, message: RegExp])[] = [
		['ends with an exit code', `${printing(TOKEN)} process.exitCode = 3;`, 'transient', /exit code 3/],
		[
			'is ended by a signal',
			"process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);",
			'transient',
			/signal/,
		],
		['prints nothing', '', 'protocol', /printed nothing/],
		['prints blanks', printing(' \n\t\n'), 'protocol', /printed nothing/],
		['prints two lines', printing(`${TOKEN}\n${TOKEN}`), 'protocol', /more than one line/],
		['prints a sentence', printing('You are not signed in'), 'protocol', /no header can carry/],
		['prints bytes that are no text', 'process.stdout.write(Buffer.from([0xff, 0xfe, 0x41]));', 'protocol', /UTF-8/],
		['prints JSON without a token', printing('{"expires_in":5}'), 'protocol', /JSON without a token/],
		[
			'prints too much',
			`process.stdout.write('x'.repeat(${MAX_OUTPUT_BYTES + 1}));`,
			'protocol',
			/more than 65536 bytes/,
		],
	];
	for (const [what, body, code, message] of cases) {
		// Windows has no signals: it tells of an exit code.
		if (process.platform === 'win32' && what.includes('signal')) continue;
		it(`and ${what}: ${code}`, async (context) => {
			const bench = await createBench(context);
			const source = bench.source(await bench.script(body));
			await assert.rejects(source.get(request), failsWith(code, message));
			assert.equal(source.peek(), undefined);
			assert.ok(bench.log.lines.some((line) => line.startsWith('warn reference: acme:')));
			assert.ok(!bench.log.lines.join('\n').includes(TOKEN));
		});
	}

	it('may print as much as is allowed, in pieces', async (context) => {
		const bench = await createBench(context);
		const size = MAX_OUTPUT_BYTES;
		const source = bench.source(
			await bench.script(
				`let n = 0; const more = () => { if (n++ < 16) process.stdout.write('x'.repeat(${size / 16}), more); }; more();`,
			),
		);
		assert.equal((await source.get(request)).token.length, size);
	});

	it('is asked again by the next who asks', async (context) => {
		const bench = await createBench(context);
		const marker = JSON.stringify(join(bench.folder, 'works'));
		const source = bench.source(
			await bench.script(`if (!require('node:fs').existsSync(${marker})) process.exit(1); ${printing(TOKEN)}`),
		);
		await assert.rejects(source.get(request), failsWith('transient', /exit code 1/));
		await writeFile(join(bench.folder, 'works'), '');
		assert.equal((await source.get(request)).token, TOKEN);
	});

	it('hears the end of its input at once, so that it cannot wait for an answer', async (context) => {
		const bench = await createBench(context);
		const source = bench.source(
			await bench.script(
				`const text = require('node:fs').readFileSync(0, 'utf8'); ${printing(TOKEN)} process.exitCode = text.length;`,
			),
		);
		assert.equal((await source.get(request)).token, TOKEN);
	});
});

describe('a command that does not end', () => {
	/** Starts a child that holds the pipes, tells both pids, and waits. */
	const family = (folder: string): string => `
		const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
		require('node:fs').writeFileSync(${JSON.stringify(join(folder, 'pids.tmp'))}, process.pid + ' ' + child.pid);
		require('node:fs').renameSync(${JSON.stringify(join(folder, 'pids.tmp'))}, ${JSON.stringify(join(folder, 'pids'))});
		setInterval(() => {}, 1000);`;
	const pidsOf = async (folder: string): Promise<number[]> =>
		until('the command has started its child', async () =>
			(await readFile(join(folder, 'pids'), 'utf8').catch(() => undefined))?.split(' ').map(Number),
		);
	const ended = (pids: readonly number[]): Promise<boolean> =>
		until('both have ended', async () => !(await Promise.all(pids.map(isAlive))).includes(true));

	it('is ended at its time with what it has started, and says so', async (context) => {
		const bench = await createBench(context);
		const clock = createManualClock();
		const spec = { ...(await bench.script(family(bench.folder))), timeoutMs: 7_000 };
		const waiting = bench.source(spec, { clock }).get({ deadlineMs: 60_000 });
		const refused = assert.rejects(waiting, failsWith('transient', /ended after 7000 ms/));
		const pids = await pidsOf(bench.folder);
		assert.deepEqual(await Promise.all(pids.map(isAlive)), [true, true]);
		clock.advance(7_000);
		await refused;
		assert.ok(await ended(pids));
	});

	it('is ended by the real clock, too', async (context) => {
		const bench = await createBench(context);
		const spec = { ...(await bench.script('setInterval(() => {}, 1000);')), timeoutMs: 200 };
		await assert.rejects(bench.source(spec).get(request), failsWith('transient', /ended after 200 ms/));
	});

	it('is ended when all who asked have given up, not before', async (context) => {
		const bench = await createBench(context);
		const source = bench.source(await bench.script(family(bench.folder)));
		const [first, second] = [new AbortController(), new AbortController()];
		const waiting = [first, second].map(({ signal }) => source.get({ ...request, signal }));
		const refused = Promise.all(waiting.map((promise) => assert.rejects(promise, { code: 'cancelled' })));
		const pids = await pidsOf(bench.folder);
		first.abort();
		await assert.rejects(waiting[0] ?? Promise.resolve(), { code: 'cancelled' });
		assert.deepEqual(await Promise.all(pids.map(isAlive)), [true, true]);
		second.abort();
		await refused;
		assert.ok(await ended(pids));
	});

	it('is ended when the window ends, and nobody gets anything afterwards', async (context) => {
		const bench = await createBench(context);
		const source = bench.source(await bench.script(family(bench.folder)));
		const refused = assert.rejects(source.get(request), { code: 'cancelled' });
		const pids = await pidsOf(bench.folder);
		source.dispose();
		await refused;
		assert.ok(await ended(pids));
		await assert.rejects(source.get(request), { code: 'cancelled' });
	});

	it('only loses those whose own deadline is over: it goes on, and the next gets what it prints', async (context) => {
		const bench = await createBench(context);
		const marker = join(bench.folder, 'go');
		const source = bench.source(
			await bench.script(
				`const look = () => require('node:fs').existsSync(${JSON.stringify(marker)}) ? (${printing(TOKEN).slice(0, -1)}) : setTimeout(look, 5); look();`,
			),
		);
		await assert.rejects(source.get({ deadlineMs: 20 }), { code: 'timeout' });
		await writeFile(marker, '');
		await until('the token is kept', () => source.peek());
		assert.equal((await source.get(request)).token, TOKEN);
		assert.equal(await bench.runs(), 1);
	});

	it('but has left something running that holds its output: what it printed counts', async (context) => {
		const bench = await createBench(context);
		const pidFile = JSON.stringify(join(bench.folder, 'pids'));
		const source = bench.source(
			await bench.script(`
				const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit', detached: true });
				child.unref();
				require('node:fs').writeFileSync(${pidFile}, String(child.pid));
				${printing(TOKEN)}`),
		);
		const startedAt = performance.now();
		assert.equal((await source.get(request)).token, TOKEN);
		assert.ok(performance.now() - startedAt < 10_000);
		const [pid = 0] = await pidsOf(bench.folder);
		assert.ok(await isAlive(pid));
		process.kill(pid, 'SIGKILL');
	});

	it('but whose output still comes when it has ended is read for as long as it comes', async (context) => {
		const bench = await createBench(context);
		const clock = createManualClock();
		const [pidFile, goFile, printed] = ['pids', 'go', 'printed'].map((name) => join(bench.folder, name));
		const late = `
			const fs = require('node:fs');
			const look = () => {
				if (!fs.existsSync(${JSON.stringify(goFile)})) return setTimeout(look, 5);
				fs.writeSync(1, ${JSON.stringify(TOKEN.slice(4))});
				fs.writeFileSync(${JSON.stringify(printed)}, '');
			};
			look();
			setInterval(() => {}, 1000);`;
		const source = bench.source(
			await bench.script(`
				require('node:fs').writeSync(1, ${JSON.stringify(TOKEN.slice(0, 4))});
				const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(late)}], { stdio: 'inherit', detached: true });
				require('node:fs').writeFileSync(${JSON.stringify(pidFile)}, String(child.pid));
				child.once('spawn', () => process.exit());`),
			{ clock },
		);
		const reading = source.get(request);
		const drainMs = await clock.armed((delayMs) => delayMs < 1_000);
		const [pid = 0] = await pidsOf(bench.folder);
		assert.ok(goFile && printed);
		await writeFile(goFile, '');
		await until('the rest is printed', () => existsSync(printed));
		clock.advance(drainMs);
		// Something has come since, so there is another look.
		await clock.armed((delayMs) => delayMs === 0);
		clock.advance(0);
		assert.equal((await reading).token, TOKEN);
		process.kill(pid, 'SIGKILL');
	});
});

describe('where a command is found and runs', { skip: process.platform === 'win32' && 'sh' }, () => {
	it('its working directory is the home, not that of this process', async (context) => {
		const bench = await createBench(context);
		const home = join(await realpath(bench.folder), 'home');
		await mkdir(home);
		const spec = await bench.script('process.stdout.write(Buffer.from(process.cwd()).toString("hex"));');
		const read = await bench.source(spec, { home }).get(request);
		assert.equal(Buffer.from(read.token, 'hex').toString(), home);
		assert.notEqual(process.cwd(), home);
	});

	it('entries of PATH that mean the working directory or lie in a workspace are passed over', async (context) => {
		const bench = await createBench(context);
		const [home, repository, tools] = ['home', 'repository', 'tools'].map((name) => join(bench.folder, name));
		assert.ok(home && repository && tools);
		for (const folder of [home, tools, join(home, 'bin'), join(repository, 'node_modules', '.bin')])
			await mkdir(folder, { recursive: true });
		for (const folder of [home, join(home, 'bin'), join(repository, 'node_modules', '.bin')])
			await bench.program(folder, 'print-token', 'from-the-wrong-place');
		await bench.program(tools, 'print-token', 'from-the-right-place');
		await symlink(join(repository, 'node_modules', '.bin'), join(bench.folder, 'link'));
		const spec = { command: 'print-token', args: [], cacheMs: 0, timeoutMs: LONG_MS };
		const path = ['', '.', 'bin', './bin', join(repository, 'node_modules', '.bin'), join(bench.folder, 'link')];
		const deps = { home, workspaceFolders: () => [repository] };
		const found = bench.source(spec, { ...deps, env: { PATH: [...path, tools, '/bin'].join(':') } });
		assert.equal((await found.get(request)).token, 'from-the-right-place');
		const none = bench.source(spec, { ...deps, env: { PATH: [...path, '/bin'].join(':') } });
		await assert.rejects(none.get(request), failsWith('configuration', /no such program on PATH/));
		assert.equal(
			await none.get(request).catch((error: unknown) => isAuthError(error) && error.detail.field),
			'acme.command',
		);
	});

	it('a workspace that the home itself lies in is no foreign repository', async (context) => {
		const bench = await createBench(context);
		const tools = join(bench.folder, '.local', 'bin');
		await mkdir(tools, { recursive: true });
		await bench.program(tools, 'print-token', TOKEN);
		const spec = { command: 'print-token', args: [], cacheMs: 0, timeoutMs: LONG_MS };
		const source = bench.source(spec, { env: { PATH: `${tools}:/bin` }, workspaceFolders: () => [bench.folder] });
		assert.equal((await source.get(request)).token, TOKEN);
	});

	it('a path that is neither absolute nor a bare name is refused, and so is a file that is not there or no program', async (context) => {
		const bench = await createBench(context);
		await writeFile(join(bench.folder, 'text'), 'no program');
		for (const [command, message] of [
			['./print-token', /absolute path or a bare name/],
			['bin/print-token', /absolute path or a bare name/],
			[join(bench.folder, 'absent'), /no such program/],
			[join(bench.folder, 'text'), /no such program/],
			[bench.folder, /no such program/],
		] as const) {
			const source = bench.source({ command, args: [], cacheMs: 0, timeoutMs: LONG_MS });
			await assert.rejects(source.get(request), failsWith('configuration', message), command);
		}
	});

	it('a program whose interpreter is missing cannot be started', async (context) => {
		const bench = await createBench(context);
		const file = join(bench.folder, 'broken');
		await writeFile(file, '#!/no/such/interpreter\n');
		await chmod(file, 0o700);
		const source = bench.source({ command: file, args: [], cacheMs: 0, timeoutMs: LONG_MS });
		await assert.rejects(source.get(request), failsWith('configuration', /cannot be started \(ENOENT\)/));
	});

	it('its arguments reach it as they are: no shell looks at them', async (context) => {
		const bench = await createBench(context);
		const spec = await bench.script(
			'process.stdout.write(Buffer.from(JSON.stringify(process.argv.slice(2))).toString("hex"));',
		);
		const args = ['$HOME', '`id`', '; echo x', 'a b', '"', "'", '*', '%PATH%', ''];
		const read = await bench.source({ ...spec, args: [...spec.args, ...args] }).get(request);
		assert.deepEqual(JSON.parse(Buffer.from(read.token, 'hex').toString()), args);
	});

	it('its environment is what programs need and what the settings name, and nothing of the extension host', async (context) => {
		const bench = await createBench(context);
		const spec = await bench.script('process.stdout.write(Buffer.from(JSON.stringify(process.env)).toString("hex"));');
		const env = {
			...{ PATH: ':.:/usr/bin:/bin', HOME: '/home/me', LANG: 'C', https_proxy: 'http://proxy' },
			...{
				ELECTRON_RUN_AS_NODE: '1',
				NODE_OPTIONS: '--no-warnings',
				VSCODE_PID: '1',
				OPENAI_API_KEY: 'sk-x',
				OP_ACCOUNT: 'me',
			},
		};
		const read = await bench.source({ ...spec, env: ['OP_ACCOUNT', 'ABSENT', 'PATH'] }, { env }).get(request);
		// macOS gives the first to every process, and Node the second to every child while coverage is counted.
		const {
			__CF_USER_TEXT_ENCODING: _,
			NODE_V8_COVERAGE: _coverage,
			...passed
		} = JSON.parse(Buffer.from(read.token, 'hex').toString());
		assert.deepEqual(passed, {
			...{ PATH: '/usr/bin:/bin', HOME: '/home/me', LANG: 'C', https_proxy: 'http://proxy', OP_ACCOUNT: 'me' },
		});
	});
});

describe('what a command says beside its token', () => {
	it('is in the log only when it failed, without the token and what looks like one', async (context) => {
		const bench = await createBench(context);
		const other = 'Zm9vYmFyMTIzNDU2Nzg5MA';
		const body = (exit: number): string =>
			`process.stderr.write('debug: sent ${TOKEN} and ${other}\\n\\u001b[31mcannot reach the vault\\n'); ${printing(TOKEN)} process.exitCode = ${exit};`;
		const source = bench.source({ ...(await bench.script(body(0))), cacheMs: 0 });
		await source.get(request);
		assert.ok(!bench.log.lines.join('\n').includes('vault'));
		const failing = bench.source(await bench.script(body(1)));
		await assert.rejects(failing.get(request), failsWith('transient', /exit code 1/));
		const text = bench.log.lines.join('\n');
		assert.match(
			text,
			/debug reference: acme: the command said: debug: sent \[removed\] and \[removed\].*cannot reach the vault/,
		);
		assert.ok(!text.includes(TOKEN) && !text.includes(other) && !text.includes('\u001b'));
	});

	it('is taken up to a bound, however much it is, and half a token at the cut is not shown', async (context) => {
		const bench = await createBench(context);
		const source = bench.source(
			await bench.script(`process.stderr.write('secretword '.repeat(50000) + 'the end', () => process.exit(1));`),
		);
		await assert.rejects(source.get(request), failsWith('transient', /exit code 1/));
		const said = bench.log.lines.find((line) => line.includes('the command said'));
		assert.match(said ?? '', /the end$/);
		assert.ok((said?.length ?? 0) < 400);
	});

	it('a token printed earlier is recognised in what a later, failing run says', async (context) => {
		const bench = await createBench(context);
		const short = 'abcDEF';
		const source = bench.source({
			...(await bench.script(
				`const n = require('node:fs').readFileSync(${JSON.stringify(join(bench.folder, 'runs'))}, 'utf8').length / 4;
				if (n === 1) { ${printing(short)} } else { process.stderr.write('refused ' + '${short}'); process.exitCode = 1; }`,
			)),
			cacheMs: 0,
		});
		await source.get(request);
		await assert.rejects(source.get(request), failsWith('transient', /exit code 1/));
		assert.ok(bench.log.lines.some((line) => line.endsWith('said: refused [removed]')));
		assert.ok(!bench.log.lines.join('\n').includes(short));
	});
});
