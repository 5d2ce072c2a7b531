/** What `agent-auth doctor` finds: windows, accounts, variables and files, and never a value. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { envFileFindings, variableFindings } from '../../../src/auth/terminal/program/doctor.ts';
import type { Status } from '../../../src/auth/terminal/program/status.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { ENDS_AT, ENDS_AT_MS, place, TOKEN } from './programPlace.ts';

const OK = { id: 'acme', label: 'Acme', state: 'signedIn', allowed: true };
const BUCKET = { name: 'work', account: 'a@example.test', state: 'ready', inForce: true };

const statusOf = (...providers: Status['providers']): Status => ({
	...{ kind: 'status', version: '0.0.1', pid: 77, terminal: 'terminal', providers },
});

test('where nothing is wrong the exit code is 0, and JSON says the same as the lines', async (t) => {
	const { openWindow, call, bin } = place(t);
	await openWindow(statusOf({ ...OK, buckets: [{ ...BUCKET, expiresAtMs: ENDS_AT_MS }] }));
	const env = { PATH: `:${bin}/../bin:/usr/bin` };
	const lines = await call(['doctor'], { env });
	assert.deepEqual([lines.status, lines.stderr], [0, '']);
	assert.match(lines.stdout, /^ok {6}PATH: has the folder of agent-auth$/m);
	assert.match(lines.stdout, /^ok {6}window \(no folder\): is asked first, pid 77, Agent Auth 0\.0\.1$/m);
	assert.match(lines.stdout, /^note {4}window \(no folder\): runs another version than this command/m);
	assert.match(
		lines.stdout,
		new RegExp(`^ok {6}provider acme: gives the token of a@example\\.test, until ${ENDS_AT}$`, 'm'),
	);
	const json = await call(['doctor', '--json'], { env });
	const findings: { level: string; subject: string; text: string }[] = JSON.parse(json.stdout);
	assert.equal(json.status, 0);
	assert.equal(
		findings.map(({ level, subject, text }) => `${level.padEnd(7)} ${subject}: ${text}\n`).join(''),
		lines.stdout,
	);
});

test('each provider is told by what a request would get now', async (t) => {
	const { openWindow, call } = place(t);
	const end = (expiresAtMs: number) => [{ ...BUCKET, expiresAtMs }];
	const version = (await call(['--version'])).stdout.trim();
	await openWindow({
		...statusOf(
			{ ...OK, id: 'ended', buckets: end(0) },
			{ ...OK, id: 'endless', buckets: [BUCKET] },
			{ ...OK, id: 'odd', buckets: end(1e300) },
			{ ...OK, id: 'none', buckets: [{ ...BUCKET, inForce: false }] },
			{ ...OK, id: 'asks', allowed: false, environment: { SET_HERE: 'token', NOT_SET: 'token' } },
			{ ...OK, id: 'out', state: 'needsSignIn' },
		),
		version,
	});
	const { status, stdout } = await call(['doctor'], { env: { SET_HERE: 'canary' } });
	assert.equal(status, 8);
	assert.deepEqual(
		stdout.split('\n').filter((line) => line.includes(' provider ')),
		[
			'ok      provider ended: gives the token of a@example.test, expired 1970-01-01T00:00:00.000Z, renewed at the next request',
			'ok      provider endless: gives the token of a@example.test, no known end',
			'ok      provider odd: gives the token of a@example.test, no known end',
			'problem provider none: has no account that can be used now',
			'note    provider asks: asks you at the first request of this terminal',
			'note    provider asks: SET_HERE is set here already; only "exec" replaces it',
			'problem provider out: is not signed in. Use the Agent Auth view',
		],
	);
	assert.doesNotMatch(stdout, /another version/);
	assert.match(stdout, /^note {4}PATH: lacks the folder of agent-auth/m);
	assert.doesNotMatch(stdout, /canary/);
});

test('of several windows the first that answers is told in full, and trouble of the others by its reason', async (t) => {
	const { openWindow, announce, call, root } = place(t);
	await openWindow(statusOf(OK), { workspaceFolders: ['/a/second', '/b/b\u0007'] });
	await openWindow({ ...statusOf(OK), terminal: 'outside' }, { workspaceFolders: ['/first'] });
	await openWindow(TOKEN, { workspaceFolders: ['/strange'] });
	await openWindow({ kind: 'error', code: 'untrusted' }, { workspaceFolders: ['/restricted'] });
	await announce(path.join(root, 'nobody'), { workspaceFolders: ['/gone'] });
	const { status, stdout } = await call(['doctor']);
	assert.equal(status, 8);
	assert.deepEqual(
		stdout
			.split('\n')
			.filter((line) => line.includes(' window (') && !line.includes('another version'))
			.map((line) => line.slice(0, 60)),
		[
			'note    window (gone): is gone; what it left is cleared away',
			'problem window (restricted): the workspace is in Restricted ',
			'problem window (strange): a window answered a question that ',
			'ok      window (first): is asked first, pid 77, Agent Auth 0',
			'note    window (first): does not know this terminal: the que',
			'ok      window (second, b ): answers, pid 77, Agent Auth 0.0',
		],
	);
	assert.equal(stdout.match(/ provider acme: /g)?.length, 1);
	assert.doesNotMatch(stdout, /canary/);
});

test('no window, a window that has gone and a folder that is open to others are problems', async (t) => {
	const { announce, call, run, root } = place(t);
	const none = 'problem windows: no VS Code window with Agent Auth is open. Open one and try again.';
	const said = async (env: NodeJS.ProcessEnv = {}) => {
		const { status, stdout } = await call(['doctor'], { env });
		assert.equal(status, 8);
		return stdout.split('\n').filter((line) => line.includes(' windows: ') && !line.includes('are looked for'));
	};
	assert.deepEqual(await said({ AGENT_AUTH_RUN: path.join(root, 'absent') }), [none]);
	assert.deepEqual(await said(), [none]);
	await announce(path.join(root, 'nobody'));
	assert.deepEqual(await said(), [none]);
	fs.chmodSync(run, 0o770);
	assert.deepEqual(await said(), [
		'problem windows: other users can write to the folder of AGENT_AUTH_RUN. Correct its mode to 0700.',
	]);
});

test('variables that win are named if they hold something, with who reads them', () => {
	const findings = variableFindings({ OPENAI_API_KEY: 'canary', GH_TOKEN: '', OTHER: 'x' });
	assert.deepEqual(
		findings.map(({ level, subject }) => [level, subject]),
		[['note', 'variable OPENAI_API_KEY']],
	);
	assert.doesNotMatch(JSON.stringify(findings), /canary/);
});

test('files with credentials are named here and above, by the names in them', async (t) => {
	const root = await tempFolder(t);
	const here = path.join(root, 'a', 'b');
	fs.mkdirSync(path.join(here, '.env.local'), { recursive: true });
	fs.writeFileSync(path.join(here, '.env'), 'COLOUR=blue\n# OPENAI_API_KEY=x\n');
	fs.writeFileSync(path.join(here, '.gemini'), '');
	fs.writeFileSync(path.join(root, 'a', '.env'), ' export GH_TOKEN = canary\nGH_TOKEN=canary\nGEMINI_API_KEY=\n');
	fs.symlinkSync('.env.local', path.join(root, 'a', '.env.local'));
	fs.writeFileSync(path.join(root, '.env'), `GH_TOKEN=1\n${'x'.repeat(256 * 1024)}`);
	const findings = envFileFindings(here).filter(({ subject }) => subject.includes(root));
	assert.deepEqual(findings, [
		{
			level: 'note',
			subject: `file ${path.join(root, 'a', '.env')}`,
			text: 'sets GH_TOKEN, GEMINI_API_KEY for tools that read it',
		},
		// A link to itself, and a file too long to be one that tools read.
		{ level: 'note', subject: `file ${path.join(root, 'a', '.env.local')}`, text: 'cannot be read' },
		{ level: 'note', subject: `file ${path.join(root, '.env')}`, text: 'cannot be read' },
	]);
	assert.deepEqual(envFileFindings(''), []);
});
