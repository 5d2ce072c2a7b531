/** What becomes of an answer: it is stored for as long as that takes, and had by those who wait as soon as may be. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OAuthCredential } from '../../../src/auth/credential.ts';
import { fingerprint } from '../../../src/auth/log.ts';
import { createJournal } from '../../../src/auth/refresh/journal.ts';
import type { RefreshResult } from '../../../src/auth/refresh/refresher.ts';
import { createStoring } from '../../../src/auth/refresh/storing.ts';
import { createLedger } from '../../../src/auth/vault/ledger.ts';
import { NO_ROOM } from '../../../src/auth/vault/room.ts';
import { recordName } from '../../../src/auth/vault/sealing.ts';
import { createVault } from '../../../src/auth/vault/vault.ts';
import { createFaultyDisk } from '../../support/faultyDisk.ts';
import { createMemoryDisk } from '../../support/memoryDisk.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';
import { createVirtualClock } from '../../support/virtualClock.ts';

const ref = { providerId: 'demo', bucketId: 'b1' };
const name = recordName(ref);
const credential: OAuthCredential = {
	...{ kind: 'oauth', accessToken: 'access', refreshToken: 'refresh', scopes: [], obtainedAtMs: 1 },
	identity: { issuer: 'https://demo', subject: 's' },
};

/** A bucket of generation 1, whose holder has got an answer. */
async function world() {
	const clock = createVirtualClock();
	const disk = createFaultyDisk(createMemoryDisk());
	const key = Buffer.alloc(32, 7);
	const found = { kind: 'ready', key, keyId: 'k' } as const;
	const vault = createVault({
		ledger: createLedger('/vault', disk),
		key: { find: async () => found, findById: async () => found, ensure: async () => key, forget: () => undefined },
	});
	await vault.write(ref, 0, { ...credential, accessToken: 'first' });
	const log = createRecordingLog();
	const journal = createJournal(clock, log);
	const ending = new AbortController();
	const storing = createStoring({ vault, clock, log, journal, ending: ending.signal });
	const landed: RefreshResult[] = [];
	const store = (land: (result: RefreshResult) => void = (result) => void landed.push(result)) =>
		storing.store(ref, 1, credential, NO_ROOM, 'c1', land);
	const files = (): Promise<string[]> => disk.readdir('/vault');
	const refuse = (times: number): void =>
		disk.set({ operation: 'link', code: 'ENOSPC', when: 'before', from: 1, times, path: new RegExp(`${name}\\.2`) });
	return { clock, disk, vault, log, journal, ending, storing, landed, store, files, refuse };
}

describe('storing an answer', () => {
	it('hands it out when it is there to stay, before what it supersedes is gone', async () => {
		const { clock, disk, journal, store, files, log } = await world();
		const seen: RefreshResult[] = [];
		let removed = 0;
		const land = (result: RefreshResult): void => {
			seen.push(result);
			removed = disk.calls.get('unlink') ?? 0;
		};
		disk.set(undefined);
		assert.deepEqual(await clock.settle(store(land)), { generation: 2, credential });
		assert.deepEqual(seen, [{ generation: 2, credential }]);
		assert.equal(removed, 0);
		assert.deepEqual(await files(), [`${name}.2.rec`]);
		const [entry, ...more] = journal.entries(ref);
		assert.equal(entry?.text, `stored generation 2 (${fingerprint('access')})`);
		assert.deepEqual([more, log.lines.length], [[], 1]);
	});

	it('can be finished by the next holder if this one dies midway', async () => {
		const { clock, disk, vault, store } = await world();
		// Neither put in place nor tidied up, as after a kill.
		disk.set({ operation: 'link', code: 'EIO', when: 'before', from: 1, times: 1 });
		const dying = store((result) => {
			if (result.unsaved) throw new RangeError('killed');
		});
		const unlink = disk.unlink;
		Object.assign(disk, {
			async unlink(path: string) {
				if (!path.endsWith('.tmp')) await unlink(path);
			},
		});
		await assert.rejects(clock.settle(dying), RangeError);
		assert.equal(await vault.promoteLeftover(ref, 1), 'finished');
		const reading = await vault.read(ref);
		assert.ok(reading.kind === 'credential' && reading.generation === 2);
		assert.equal(reading.credential.accessToken, 'access');
	});

	it('goes on while the disk refuses, less and less often, and serves this window from memory meanwhile', async () => {
		const { clock, storing, refuse, store, landed, log, disk } = await world();
		const refusals = 8;
		refuse(refusals);
		const startMs = clock.monotonic();
		const tries: number[] = [];
		const link = disk.link;
		Object.assign(disk, {
			link(existing: string, created: string) {
				tries.push(clock.monotonic() - startMs);
				return link(existing, created);
			},
		});
		const stored = store();
		await clock.advance(0);
		const unsaved = { generation: 2, credential, unsaved: true };
		assert.deepEqual(landed, [unsaved]);
		assert.deepEqual(storing.unsaved(ref), unsaved);
		assert.equal(storing.unsaved({ ...ref, bucketId: 'b2' }), undefined);
		assert.deepEqual(await clock.settle(stored), { generation: 2, credential });
		// 250 ms, doubled each time, five seconds at most.
		assert.deepEqual(tries, [0, 250, 750, 1_750, 3_750, 7_750, 12_750, 17_750, 22_750]);
		assert.deepEqual(landed, [...Array(refusals).fill(unsaved), { generation: 2, credential }]);
		assert.equal(storing.unsaved(ref), undefined);
		const errors = log.lines.filter((line) => line.startsWith('error'));
		assert.equal(errors.length, refusals);
		assert.match(errors[0] ?? '', /^error refresh c1: the new token could not be stored, trying again \(.*ENOSPC/);
		assert.ok(!log.lines.join('\n').includes('access'));
	});

	it('gives way to who wrote meanwhile', async () => {
		const { clock, vault, store, landed, log } = await world();
		await vault.write(ref, 1, { ...credential, accessToken: 'theirs' });
		assert.equal(await clock.settle(store()), undefined);
		const reading = await vault.read(ref);
		assert.ok(reading.kind === 'credential' && reading.credential.accessToken === 'theirs');
		assert.deepEqual([landed, log.lines], [[], []]);
	});

	it('ends with the window, and then serves nobody', async () => {
		const { clock, ending, storing, refuse, store } = await world();
		refuse(Number.POSITIVE_INFINITY);
		const stored = store();
		await clock.advance(0);
		assert.notEqual(storing.unsaved(ref), undefined);
		ending.abort();
		await assert.rejects(clock.settle(stored), { code: 'cancelled' });
		assert.equal(storing.unsaved(ref), undefined);
	});
});
