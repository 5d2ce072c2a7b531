/** A heartbeat that is under way while the lease is given back. Over the real disk and the library's real timers. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import { createLeases } from '../../../src/auth/lease/lease.ts';
import { nodeLockDisk } from '../../../src/auth/lease/lockDisk.ts';
import { nodeProcesses } from '../../../src/auth/lease/processes.ts';
import { createGate } from '../../support/gate.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { tempFolder } from '../../support/tempFolder.ts';

it('a heartbeat that finds the lease given back is no loss of it', async (context) => {
	const folder = join(await tempFolder(context), 'lease');
	const log = createRecordingLog();
	const [beating, released] = [createGate(), createGate()];
	let looked: Promise<string[]> | undefined;
	const leases = createLeases({
		folder,
		clock: systemClock,
		log,
		processes: nodeProcesses,
		disk: {
			...nodeLockDisk,
			async readdir(path) {
				if (!path.endsWith('.lock') || looked !== undefined) return nodeLockDisk.readdir(path);
				beating.open();
				looked = released.passed.then(() => nodeLockDisk.readdir(path));
				return looked;
			},
		},
	});
	let signal: AbortSignal | undefined;
	// A lock of its own is not looked at before it is had: the first look at it is that of the first heartbeat.
	await leases.expect('refresh');
	await leases.run('a lease', { patienceMs: 5_000, purpose: 'refresh' }, async (lease) => {
		signal = lease.signal;
		await beating.passed;
	});
	released.open();
	await assert.rejects(async () => looked, { code: 'ENOENT' });
	await new Promise((resolve) => setImmediate(resolve));
	assert.equal(signal?.aborted, false);
	assert.deepEqual(
		log.lines.filter((line) => line.startsWith('warn')),
		[],
	);
	await leases.end();
});
