/**
 * A laptop that sleeps: all windows stop at once, the wall clock goes on without them, and they wake together, with their
 * token long over. Nobody has asked for anything yet, and one of them renews for all.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { digest } from '../../src/auth/log.ts';
import type { Fault } from '../server/faults.ts';
import { type StrictTokenServer, startStrictTokenServer } from '../server/strictTokenServer.ts';
import { until } from '../support/until.ts';
import { createTestVault, type TestVault } from './vaults.ts';
import { type Answer, killAll, startWorkers, type Worker } from './workers.ts';

const WINDOWS = 3;
const NIGHTS = 3;
/** Together less than a day: of an account that nobody asked for in that time nothing is renewed. */
const NIGHT_MS = 7 * 3_600_000;
/** The look at the vault once a minute comes every six seconds. */
const SPEED = 10;
/** They sleep by then. */
const CUT_AFTER_MS = 1_500;
const WINDOW = join(import.meta.dirname, 'sleepWindow.ts');

const onLinux = process.platform === 'linux' ? {} : { skip: 'whether a process is stopped is read from /proc' };

describe('windows that sleep and wake together', onLinux, () => {
	let windows: Worker[] = [];
	let folder: string;
	let clockFile: string;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), 'agent-auth-sleep-'));
		clockFile = join(folder, 'ahead');
		windows = await startWorkers(WINDOWS, WINDOW);
	});
	after(async () => {
		for (const window of windows) window.signal('SIGCONT');
		await killAll(windows);
		await rm(folder, { recursive: true });
	});

	/** @param trouble of the server; it begins before there are windows, because these renew what is over at once. */
	async function world(context: TestContext, ...trouble: readonly Fault[]) {
		const server = await startStrictTokenServer({ accessTokenLifeS: 3_600, gracePeriodMs: 60_000 });
		context.after(() => server.close());
		const undo = trouble.map((fault) => server.fault(fault));
		const arrived = trouble.length === 0 ? undefined : server.next('refresh', { phase: 'arrived' });
		const vault = await createTestVault(context, server, { speed: SPEED });
		let aheadMs = 0;
		await writeFile(clockFile, String(aheadMs));
		await Promise.all(windows.map((window) => window.ask({ kind: 'open', setup: { ...vault.setup, clockFile } })));

		/** @param meanwhile what happens in the world while they sleep */
		async function sleep(meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
			for (const window of windows) window.signal('SIGSTOP');
			await until('all are stopped', () => windows.every(({ pid }) => isStopped(pid)));
			await meanwhile();
			aheadMs += NIGHT_MS;
			await writeFile(clockFile, String(aheadMs));
			for (const window of windows) window.signal('SIGCONT');
		}
		/** The server has the request and acts on it as it would; what held its answer is over. */
		const letGo = (): void => {
			for (const one of undo) one.dispose();
		};
		return { server, vault, sleep, arrived, letGo };
	}

	/** Field 3 of `/proc/<pid>/stat`, behind the name in brackets (proc(5)). */
	const isStopped = (pid: number): boolean => /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

	const tokens = (): Promise<Answer[]> =>
		Promise.all(
			windows.map((window) => window.ask({ kind: 'token', request: { ref: { providerId: 'demo', bucketId: 'b1' } } })),
		);

	async function tokenOfVault(vault: TestVault): Promise<string> {
		const reading = await vault.shelf.vault.read(vault.ref);
		assert.ok(reading.kind === 'credential', reading.kind);
		return digest(reading.credential.accessToken);
	}

	/** All have the token of the vault, and asking for it costs nothing. */
	async function assertServed(server: StrictTokenServer, vault: TestVault): Promise<void> {
		const before = server.refreshRequests();
		const expected = await tokenOfVault(vault);
		for (const answer of await tokens()) {
			assert.ok(answer.kind === 'token', JSON.stringify(answer));
			assert.deepEqual(answer.digests, [expected]);
		}
		assert.equal(server.refreshRequests(), before);
		assert.equal(server.grantsAlive().length, 1);
		assert.equal(server.reuses(), 0);
		assert.equal((await vault.bucket())?.needsSignIn, undefined);
	}

	const shown = (): Promise<Answer[]> => Promise.all(windows.map((window) => window.ask({ kind: 'shown' })));

	it('past the end of their token renew it once for all, before anybody asks', async (context) => {
		const { server, vault, sleep } = await world(context);
		await tokens();
		// From here on nothing is written that could wake anybody but the morning itself.
		await until('every window knows of the use', async () =>
			(await shown()).every((one) => one.kind === 'shown' && one.lastUsedAtMs !== undefined),
		);
		const wokeMs: number[] = [];
		for (let night = 1; night <= NIGHTS; night++) {
			const old = await tokenOfVault(vault);
			await sleep();
			const startMs = performance.now();
			await until('every window shows a new token', async () => {
				const now = await tokenOfVault(vault);
				return (
					now !== old &&
					(await shown()).every((one) => one.kind === 'shown' && one.state === 'ready' && one.digest === now)
				);
			});
			wokeMs.push(Math.round((performance.now() - startMs) * SPEED));
			assert.equal(server.refreshRequests(), night + 1);
		}
		await assertServed(server, vault);
		assert.deepEqual([server.graceReuses(), server.resent().size], [0, 0]);
		console.log(`  ${WINDOWS} windows asleep past expiry: new token ${wokeMs.join(', ')} ms after waking, unasked`);
	});

	it('while the answer to their request is on its way keep it, and nothing is sent twice', async (context) => {
		const { server, vault, sleep, arrived, letGo } = await world(context, { on: 'refresh', hold: 'after', times: 1 });
		await arrived;
		const asked = tokens();
		await sleep(async () => letGo());
		for (const answer of await asked) assert.equal(answer.kind, 'token', JSON.stringify(answer));
		// It was issued hours ago as far as anybody here can tell, so it is renewed once more.
		await until('what came in the night is renewed', async () => {
			await tokens();
			return server.refreshRequests() === 2;
		});
		await assertServed(server, vault);
		assert.deepEqual([server.graceReuses(), server.resent().size], [0, 0]);
	});

	it('while their connection is cut send the same once more, and keep the session', async (context) => {
		const { server, vault, sleep, arrived } = await world(context, {
			...{ on: 'refresh', drop: 'after', delayAfterMs: CUT_AFTER_MS, times: 1 },
		});
		await arrived;
		const asked = tokens();
		await sleep(async () => void (await server.next('refresh')));
		for (const answer of await asked) assert.equal(answer.kind, 'token', JSON.stringify(answer));
		await assertServed(server, vault);
		assert.deepEqual([...server.resent().values()], [2]);
	});
});
