/** What the program `agent-auth` is for other programs: each of its commands, with real processes and a real window. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startServer } from '../server/server.ts';
import { until } from '../support/until.ts';
import { CANARY, collect, LINUX, place } from './terminalPlace.ts';

test('exec gives the command the variables of the settings, its own environment and arguments, and its status', async (t) => {
	const { openWindow, feed, run } = place(t);
	await openWindow();
	const script = 'echo "$MODEL_KEY|$MODEL_AUTH|$MODEL_END|$NODE_OPTIONS|$(env | grep -c ELECTRON_RUN)|$1|$2"; exit 23';
	const args = ['exec', 'mapped', '--', 'sh', '-c', script, 'x', '--format', 'a b'];
	const mapped = await feed(args, '', { NODE_OPTIONS: '--max-old-space-size=99' });
	const expected = `${CANARY}-b6|Bearer ${CANARY}-b6|2030-03-17T17:46:40.000Z|--max-old-space-size=99|0|--format|a b\n`;
	assert.deepEqual([mapped.status, mapped.stdout, mapped.stderr], [23, expected, '']);
	const plain = await run(['exec', 'acme', '--bucket', 'home', 'sh', '-c', 'echo $AGENT_AUTH_TOKEN; cat']);
	assert.deepEqual([plain.status, plain.stdout], [0, `${CANARY}-b2\n`]);
	const absent = await run(['exec', 'acme', '--', 'no-such-command-here']);
	assert.deepEqual([absent.status, absent.stdout], [127, '']);
	const refused = await run(['exec', 'dead', '--', 'touch', 'made']);
	assert.equal(refused.status, 3);
	const { audit } = await (await openWindow()).report();
	assert.deepEqual(audit, []);
});

test('signals reach the command, and exec ends by the same one', { skip: !LINUX, timeout: 60_000 }, async (t) => {
	const { openWindow, start, root } = place(t);
	await openWindow();
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
		const ready = path.join(root, `ready-${signal}`);
		const script = `trap 'echo got; trap - ${signal.slice(3)}; kill -s ${signal.slice(3)} $$' ${signal.slice(3)}; : >"${ready}"; while :; do sleep 0.05; done`;
		const child = start(['exec', 'acme', '--', 'sh', '-c', script]);
		let stdout = '';
		child.stdout.on('data', (chunk) => {
			stdout += String(chunk);
		});
		await until('the command runs', () => fs.existsSync(ready));
		child.kill(signal);
		const [status, ended] = await once(child, 'close');
		assert.deepEqual([status, ended, stdout], [null, signal, 'got\n']);
	}
});

test('the token of exec is in the environment of the command alone, and in no argument', {
	skip: !LINUX,
}, async (t) => {
	const { openWindow, start, root } = place(t);
	await openWindow();
	const ready = path.join(root, 'ready');
	const child = start([
		'exec',
		'acme',
		'--',
		'sh',
		'-c',
		`echo $$ >"${ready}.new"; mv "${ready}.new" "${ready}"; exec sleep 30`,
	]);
	await until('the command runs', () => fs.existsSync(ready));
	const pid = fs.readFileSync(ready, 'utf8').trim();
	const of = (id: string | number | undefined, part: string) => fs.readFileSync(`/proc/${id}/${part}`, 'latin1');
	assert.ok(of(pid, 'environ').includes(`AGENT_AUTH_TOKEN=${CANARY}-b1`));
	for (const text of [of(pid, 'cmdline'), of(child.pid, 'cmdline'), of(child.pid, 'environ')]) {
		assert.ok(!text.includes(CANARY));
	}
	child.kill();
	await once(child, 'close');
});

test('report tells what to do, in a word and an exit code, about the last token of this terminal', async (t) => {
	const { openWindow, feed, run } = place(t);
	const window = await openWindow();
	const first = await feed(['report', 'acme', '--status', '429'], '');
	assert.equal(first.status, 7);
	await run(['token', 'acme', '--format', 'json']);
	const body = `{"error":"${'x'.repeat(100_000)}"}`;
	const cases: [number, string, string[]][] = [
		[4, 'wait 2030-03-17T17:46:40.000Z limit\n', ['--status', '429', '--retry-after', '30', '--header', 'X-Limit: 0']],
		[0, 'retry-with-new-token\n', ['--status', '401']],
		[9, 'give-up exhausted credit\n', ['--status', '402']],
		[7, 'ignored\n', ['--status', '0', '--digest', 'ab'.repeat(32)]],
	];
	for (const [status, stdout, options] of cases) {
		const result = await feed(['report', 'acme', ...options], body);
		assert.deepEqual([result.status, result.stdout, result.stderr], [status, stdout, '']);
	}
	const json = await feed(['report', 'acme', '--status', '402', '--json'], '');
	assert.deepEqual(JSON.parse(json.stdout), { advice: 'give-up', code: 'exhausted', reason: 'credit' });
	const { reports } = await window.report();
	assert.deepEqual(reports[0]?.report.headers, { 'x-limit': '0', 'retry-after': '30' });
	assert.equal(reports[0]?.report.body, body.slice(0, 8192));
});

test('a key comes on standard input only, and is in no file, argument or output', async (t) => {
	const { openWindow, feed, storage } = place(t);
	const window = await openWindow();
	const added = await feed(['add-key', 'empty', '--stdin', '--name', 'mine'], 'sk-canary-key\n');
	assert.deepEqual([added.status, added.stdout], [0, '']);
	assert.deepEqual((await window.report()).keys, [{ providerId: 'empty', key: 'sk-canary-key', name: 'mine' }]);
	assert.equal((await feed(['add-key', 'empty', '--stdin'], '')).status, 2);
	assert.equal((await feed(['add-key', 'empty', 'sk-canary-key'], '')).status, 2);
	assert.equal((await feed(['add-key', 'nobody', '--stdin'], 'x')).status, 7);
	await window.close();
	for (const file of fs.readdirSync(storage, { recursive: true, encoding: 'utf8' })) {
		const full = path.join(storage, file);
		if (fs.statSync(full).isFile()) assert.ok(!fs.readFileSync(full, 'latin1').includes('sk-canary'), file);
	}
	await openWindow({ answer: 'no' });
	assert.equal((await feed(['add-key', 'empty', '--stdin'], 'sk-canary-key')).status, 5);
});

test('status and doctor name accounts, ends and shadowing variables, and never a value', async (t) => {
	const { openWindow, feed, run, root } = place(t);
	await openWindow();
	fs.writeFileSync(path.join(root, '.env'), 'export OPENAI_API_KEY="sk-canary-env"\nCOLOUR=blue\n');
	assert.match((await run(['status'])).stdout, /acme\tThe acme\tsignedIn\tasks first\n/);
	await run(['token', 'acme']);
	const status = JSON.parse((await run(['status', '--json'])).stdout);
	const acme = status.providers.find(({ id }: { id: string }) => id === 'acme');
	assert.deepEqual(acme.buckets[0], {
		...{ name: 'work', account: 'work@example.test', state: 'ready', inForce: true },
	});
	const doctor = await feed(['doctor'], '', { ANTHROPIC_API_KEY: 'sk-canary-variable', GH_TOKEN: '' });
	assert.match(doctor.stdout, /note {4}variable ANTHROPIC_API_KEY: is set and wins/);
	assert.match(doctor.stdout, /note {4}file [^\n]+\.env: sets OPENAI_API_KEY for tools/);
	assert.match(doctor.stdout, /problem provider dead: is not signed in/);
	assert.match(doctor.stdout, /ok {6}provider acme: gives the token of work@example\.test/);
	assert.doesNotMatch(doctor.stdout, /canary|GH_TOKEN|COLOUR/);
	assert.equal(doctor.status, 8);
});

test('git itself gets the token for a host of the settings, for no other, and reports a refused one', async (t) => {
	const { openWindow, env, root, launcher, feed } = place(t);
	const window = await openWindow();
	const git = (action: string, input: string, ...options: string[]) => {
		const helper = `!'${launcher.replaceAll("'", "'\\''")}' git-credential acme ${options.join(' ')}`;
		const child = spawn(
			'git',
			['-c', 'credential.helper=', '-c', `credential.helper=${helper}`, 'credential', action],
			{
				...{ cwd: root, stdio: ['pipe', 'pipe', 'pipe'] },
				env: { ...env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1', HOME: root },
			},
		);
		child.stdin.end(input);
		return collect(child);
	};
	const filled = await git('fill', 'protocol=https\nhost=git.example.test\n\n');
	assert.equal(filled.status, 0, filled.stderr);
	assert.match(filled.stdout, new RegExp(`^username=oauth2$\\npassword=${CANARY}-b1$`, 'm'));
	// Git before 2.40 drops this line, so it is looked at where it comes from.
	const asked = await feed(['git-credential', 'acme', 'get'], 'protocol=https\nhost=git.example.test\n\n');
	assert.match(asked.stdout, /^password_expiry_utc=1900000000$/m);
	const bearer = ['protocol=https', 'host=git.example.test', 'capability[]=authtype', 'capability[]=state', '', ''];
	const newer = await feed(['git-credential', 'acme', '--bearer', 'get'], bearer.join('\n'));
	assert.equal(
		newer.stdout,
		`capability[]=authtype\nauthtype=Bearer\ncredential=${CANARY}-b1\nephemeral=1\npassword_expiry_utc=1900000000\n`,
	);
	const named = await git('fill', 'url=https://me@git.example.test/x.git\n\n');
	assert.match(named.stdout, /^username=me$/m);
	for (const input of ['protocol=http\nhost=git.example.test', 'protocol=https\nhost=other.example.test']) {
		const result = await git('fill', `${input}\n\n`);
		assert.notEqual(result.status, 0);
		assert.doesNotMatch(result.stdout + result.stderr, new RegExp(`${CANARY}|agent-auth:`));
	}
	assert.equal((await git('approve', filled.stdout)).status, 0);
	assert.deepEqual((await window.report()).reports, []);
	assert.equal((await git('reject', filled.stdout)).status, 0);
	const [report] = (await window.report()).reports;
	assert.equal(report?.report.status, 401);
	assert.ok((await window.report()).audit.some(({ use }) => use === 'git'));
});

test('kubectl and AWS tools get their forms', async (t) => {
	const { openWindow, feed } = place(t);
	await openWindow();
	const info = (version: string) =>
		JSON.stringify({
			apiVersion: `client.authentication.k8s.io/${version}`,
			kind: 'ExecCredential',
			spec: { interactive: false },
		});
	for (const version of ['v1', 'v1beta1']) {
		const result = await feed(['exec-credential', 'acme'], '', { KUBERNETES_EXEC_INFO: info(version) });
		assert.deepEqual(JSON.parse(result.stdout), {
			...{ apiVersion: `client.authentication.k8s.io/${version}`, kind: 'ExecCredential' },
			status: { token: `${CANARY}-b1`, expirationTimestamp: '2030-03-17T17:46:40.000Z' },
		});
	}
	const newer = await feed(['exec-credential', 'acme'], '', { KUBERNETES_EXEC_INFO: info('v9') });
	assert.deepEqual([newer.status, newer.stdout], [2, '']);
	const aws = await feed(['credential-process', 'acme'], '');
	assert.deepEqual([aws.status, aws.stdout], [8, '']);
	assert.doesNotMatch(aws.stderr, new RegExp(CANARY));
});

/**
 * Claude Code runs `apiKeyHelper` by a shell, takes what is on standard output as the key, again after its time to live
 * or after a 401. Codex runs `command` with `args` without a shell and with no standard input, wants exit code 0 within
 * 5 s, trims, and runs it again after a 401.
 */
test('the contracts of Claude Code and Codex are kept with tokens that live 60 s', async (t) => {
	const { openWindow, env, root, launcher, run } = place(t);
	const server = await startServer({ accessTokenLifeS: 60 });
	t.after(() => server.close());
	const window = await openWindow({ issuer: server.issuer });
	const quoted = `'${launcher.replaceAll("'", "'\\''")}' token acme --min-ttl 30`;
	const claude = () => collect(spawn('/bin/sh', ['-c', quoted], { env, cwd: root, stdio: ['ignore', 'pipe', 'pipe'] }));
	const codex = () => run(['token', 'acme', '--min-ttl', '30']);
	const [first, same] = [await claude(), await codex()];
	assert.deepEqual([first.status, first.stderr], [0, '']);
	assert.equal(first.stdout.trim(), same.stdout.trim());
	await window.pass(45_000);
	const before = server.count('refresh');
	const crowd = await Promise.all(Array.from({ length: 50 }, (_, index) => (index % 2 ? claude() : codex())));
	assert.deepEqual(new Set(crowd.map(({ status }) => status)), new Set([0]));
	const tokens = new Set(crowd.map(({ stdout }) => stdout.trim()));
	assert.equal(tokens.size, 1);
	assert.ok(!tokens.has(first.stdout.trim()));
	assert.equal(server.count('refresh') - before, 1);
	assert.equal((await window.report()).asked.length, 1);
	for (const { ms } of [first, same]) assert.ok(ms < 5_000);
});

test('every command has its page, and completions are scripts that the shells take', async (t) => {
	const { openWindow, run, root } = place(t);
	await openWindow();
	for (const name of ['token', 'exec', 'report', 'doctor', 'git-credential']) {
		const page = await run([name, '--help']);
		assert.deepEqual([page.status, page.stderr], [0, '']);
		assert.match(page.stdout, new RegExp(`^Usage: agent-auth ${name}`));
		assert.equal((await run(['help', name])).stdout, page.stdout);
	}
	assert.match((await run(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
	const script = path.join(root, 'completion.bash');
	fs.writeFileSync(script, (await run(['completion', 'bash'])).stdout);
	const complete = `source '${script}'; COMP_WORDS=(agent-auth gi); COMP_CWORD=1; _agent_auth; echo "\${COMPREPLY[@]}"; COMP_WORDS=(agent-auth token acme --f); COMP_CWORD=3; _agent_auth; echo "\${COMPREPLY[@]}"`;
	const bash = await collect(spawn('bash', ['-euc', complete], { stdio: ['ignore', 'pipe', 'pipe'] }));
	assert.deepEqual([bash.status, bash.stdout, bash.stderr], [0, 'git-credential\n--format\n', '']);
	assert.equal((await run(['completion', 'zsh'])).status, 0);
	assert.equal((await run(['completion', 'fish'])).status, 0);
});
