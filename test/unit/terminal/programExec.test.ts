/** `agent-auth exec`: the environment of the command, and how it ends. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { childEnvironment } from '../../../src/auth/terminal/program/exec.ts';
import { ENDS_AT, ENDS_AT_MS, outputOf, place, TOKEN } from './programPlace.ts';

test('the command gets its own environment back, the variables of the settings, and none that nobody knows', () => {
	const reply = { kind: 'token', accessToken: 'abc', expiresAtMs: ENDS_AT_MS } as const;
	const env = {
		...{ HOME: '/h', NODE_OPTIONS: 'hook', ELECTRON_RUN_AS_NODE: '1' },
		...{ AGENT_AUTH_NODE_OPTIONS: '--own', AGENT_AUTH_RUN_AS_NODE: '0' },
	};
	assert.deepEqual(childEnvironment(env, reply), {
		...{ HOME: '/h', NODE_OPTIONS: '--own', ELECTRON_RUN_AS_NODE: '0', AGENT_AUTH_TOKEN: 'abc' },
	});
	assert.deepEqual(childEnvironment({ ELECTRON_RUN_AS_NODE: '1' }, reply), { AGENT_AUTH_TOKEN: 'abc' });
	const environment = { A: 'token', B: 'header', C: 'expiresAt', D: 'ofANewerWindow', E: 'constructor' };
	assert.deepEqual(childEnvironment({ D: 'own' }, { ...reply, environment }), {
		...{ A: 'abc', B: 'Bearer abc', C: ENDS_AT, D: 'own' },
	});
	assert.deepEqual(childEnvironment({}, { kind: 'token', accessToken: 'abc', environment: { C: 'expiresAt' } }), {});
});

test('it ends with the status of the command, or says that there is none and that it cannot be run', async (t) => {
	const { openWindow, call, root } = place(t);
	await openWindow(TOKEN);
	const env = { PATH: '/usr/bin:/bin' };
	const file = path.join(root, 'not-executable');
	fs.writeFileSync(file, 'x', { mode: 0o600 });
	const exec = (...command: string[]) => call(['exec', 'acme', ...command], { env });
	assert.deepEqual(await exec('--', 'sh', '-c', 'echo $AGENT_AUTH_TOKEN; exit 7'), {
		...{ status: 7, stdout: 'canary-token\n', stderr: '' },
	});
	assert.deepEqual(await exec('--', 'no-such-command'), {
		...{ status: 127, stdout: '', stderr: 'agent-auth: the command cannot be run: not found.\n' },
	});
	assert.deepEqual(await exec(file), {
		...{ status: 126, stdout: '', stderr: 'agent-auth: the command cannot be run.\n' },
	});
});

test('it ends by the signal that ended the command', { skip: process.platform === 'win32' }, async (t) => {
	const { openWindow, start } = place(t);
	await openWindow(TOKEN);
	const env = { PATH: '/usr/bin:/bin' };
	const child = start(['exec', 'acme', 'sh', '-c', 'kill -s KILL $$'], { env });
	const [status, signal] = await once(child, 'close');
	assert.deepEqual([status, signal], [null, 'SIGKILL']);
});

test('options behind the provider and its command are those of the command', async (t) => {
	const { openWindow, start } = place(t);
	const asked = await openWindow(TOKEN);
	const env = { PATH: '/usr/bin:/bin' };
	const child = start(['exec', '--bucket', 'work', 'acme', '--min-ttl=5', 'echo', '--bucket', '--', 'b'], { env });
	assert.equal((await outputOf(child)).stdout, '--bucket -- b\n');
	const [request] = asked;
	assert.ok(request?.kind === 'token');
	assert.deepEqual([request.provider, request.bucket, request.minTtlS, request.use], ['acme', 'work', 5, 'exec']);
});
