/** Real processes: one that runs, one that ended, and one that ended and was never fetched by its parent. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { nodeProcesses } from '../../../src/auth/lease/processes.ts';
import {
	hostKey,
	judge,
	probeProcess,
	processStartTime,
	selfIdentity,
} from '../../../src/auth/lease/processIdentity.ts';
import { renamed, withoutProc } from '../../support/otherSystem.ts';
import { until } from '../../support/until.ts';

const run = promisify(execFile);
/** `nobody` on every Linux. */
const OTHER_UID = 65_534;
const source = pathToFileURL(join(import.meta.dirname, '../../../src/auth/lease/processIdentity.ts')).href;
const isLinux = process.platform === 'linux';
/** Beyond the largest pid Linux gives. */
const NO_PID = 2 ** 22 + 1;

/** A child that stays until it is killed, and what it printed first. */
async function childOf(
	context: TestContext,
	script: string,
): Promise<{ pid: number; said: string; end(): Promise<void> }> {
	const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
	const { pid } = child;
	assert.ok(pid !== undefined);
	const exited = once(child, 'exit');
	const end = async (): Promise<void> => {
		child.kill('SIGKILL');
		await exited;
	};
	context.after(end);
	const [chunk] = await once(child.stdout, 'data');
	return { pid, said: String(chunk).trim(), end };
}

describe('a process', () => {
	it('is the same one as long as it runs, by its pid and when it started', async (context) => {
		const child = await childOf(context, 'echo ready; exec sleep 60');
		const startTime = await processStartTime(child.pid);
		assert.ok(startTime !== undefined && startTime !== '');
		assert.deepEqual(await probeProcess(child.pid), { kind: 'alive', startTime });
		const self = await selfIdentity();
		const owner = { ...self, pid: child.pid, startTime };
		assert.equal(await judge(owner, self), 'alive');
		// Where one of the two is not told when it started nothing speaks against it.
		assert.equal(await judge({ ...owner, startTime: '' }, self), 'alive');
		assert.equal(await judge(owner, self, async () => ({ kind: 'alive', startTime: '' })), 'alive');
		assert.equal(await judge({ ...owner, startTime: `${startTime}0` }, self), 'dead');
		assert.equal(nodeProcesses.exists(child.pid), true);
		await child.end();
		assert.equal(await judge(owner, self), 'dead');
		assert.equal(await processStartTime(child.pid), undefined);
	});

	it('that does not exist is dead, and has no start', async () => {
		assert.deepEqual(await probeProcess(NO_PID), { kind: 'dead' });
		assert.equal(await processStartTime(NO_PID), undefined);
		assert.equal(nodeProcesses.exists(NO_PID), false);
	});

	it('that ended is dead also while its parent does not ask for it', {
		skip: !isLinux && 'needs /proc',
	}, async (context) => {
		const { said } = await childOf(context, 'sleep 0.2 & echo $!; exec sleep 60');
		const zombie = Number(said);
		await until('it is a zombie', async () => / Z /.test(await readFile(`/proc/${zombie}/stat`, 'utf8')));
		assert.equal(nodeProcesses.exists(zombie), true);
		assert.deepEqual(await probeProcess(zombie), { kind: 'dead' });
	});

	it('of another user is alive to who may not signal it, and the same one', {
		skip: !(isLinux && process.getuid?.() === 0) && 'needs a second user',
	}, async () => {
		const program = `
			import { probeProcess } from ${JSON.stringify(source)};
			process.setgid(${OTHER_UID});
			process.setuid(${OTHER_UID});
			console.log(JSON.stringify(await probeProcess(${process.pid})));`;
		const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program]);
		assert.deepEqual(JSON.parse(stdout), await probeProcess(process.pid));
	});

	it('of another host, boot or pid namespace is judged only where that can be', async () => {
		const self = { ...(await selfIdentity()), machine: 'm', boot: 'b' };
		const nameless = { ...self, machine: '' };
		assert.equal(await judge({ ...self, machine: 'another' }, self), 'unknown');
		assert.equal(await judge({ ...self, boot: 'earlier' }, self), 'dead');
		// A clone of this machine has its id, and neither its name nor its boot.
		assert.equal(await judge({ ...self, boot: 'earlier', host: 'another' }, self), 'unknown');
		assert.equal(await judge({ ...nameless, boot: 'earlier' }, self), 'unknown');
		assert.equal(await judge({ ...self, boot: 'earlier' }, nameless), 'unknown');
		assert.equal(await judge({ ...self, pidNamespace: 'another' }, self), 'unknown');
		assert.equal(await judge(self, self), 'alive');
	});

	it('is on the same host in the same boot of a machine, whatever that is called; else the name counts', async () => {
		const self = { ...(await selfIdentity()), machine: 'm', boot: 'b' };
		const gone = { ...self, pid: NO_PID };
		const noMachine = { machine: '' };
		const noBoot = { boot: '' };
		assert.equal(await judge({ ...self, host: 'another' }, self), 'alive');
		assert.equal(await judge({ ...gone, host: 'another' }, self), 'dead');
		for (const missing of [noMachine, noBoot, { ...noMachine, ...noBoot }]) {
			for (const [owner, observer] of [
				[missing, {}],
				[{}, missing],
				[missing, missing],
			]) {
				const observing = { ...self, ...observer };
				const about = JSON.stringify([owner, observer]);
				assert.equal(await judge({ ...self, ...owner }, observing), 'alive', about);
				assert.equal(await judge({ ...gone, ...owner }, observing), 'dead', about);
				assert.equal(await judge({ ...gone, ...owner, host: 'another' }, observing), 'unknown', about);
			}
		}
	});

	it('on a machine with another name is still itself to all others', async () => {
		const self = await selfIdentity();
		const program = `
			import { judge, hostKey, selfIdentity } from ${JSON.stringify(source)};
			const self = await selfIdentity();
			const other = JSON.parse(process.env.OTHER);
			console.log(JSON.stringify([self, hostKey(self), await judge(other, self)]));`;
		const { stdout } = await run(
			process.execPath,
			[...renamed('name-of-another-network'), '--input-type=module', '-e', program],
			{ env: { ...process.env, OTHER: JSON.stringify(self) } },
		);
		const [renamedSelf, key, verdict] = JSON.parse(stdout);
		assert.notEqual(renamedSelf.host, self.host);
		if (self.machine === '' || self.boot === '') return assert.equal(verdict, 'unknown');
		assert.equal(verdict, 'alive');
		assert.deepEqual(key, hostKey(self));
	});

	for (const kind of ['absent', 'foreign'] as const)
		it(`is alive as long as signals find it where /proc is ${kind}`, { skip: !isLinux && 'needs /proc' }, async () => {
			const program = `
				import { hostKey, judge, probeProcess, selfIdentity } from ${JSON.stringify(source)};
				const self = await selfIdentity();
				const owner = { ...self, pid: ${process.pid} };
				const gone = await judge({ ...self, pid: ${NO_PID} }, self);
				console.log(JSON.stringify([await probeProcess(owner.pid), await judge(owner, self), gone]));`;
			const options = [...withoutProc(kind), '--input-type=module', '-e', program];
			const { stdout } = await run(process.execPath, options);
			assert.deepEqual(JSON.parse(stdout), [{ kind: 'alive', startTime: '' }, 'alive', 'dead']);
		});

	it('knows itself, by what no other process has', async () => {
		const self = await selfIdentity();
		assert.equal(self.pid, process.pid);
		assert.equal(await selfIdentity(), self);
		assert.match(self.host, /^[0-9a-f]{32}$/);
		if (isLinux) assert.ok(self.boot !== '' && self.startTime !== '' && self.pidNamespace !== '');
	});
});
