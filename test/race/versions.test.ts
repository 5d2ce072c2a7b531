/**
 * Two versions of the extension alive at once, as while an update is rolled out and not every window has been reloaded:
 * bundles of today's sources, and of sources whose files carry the next version number, over one storage folder.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { build, type Plugin } from 'esbuild';
import { bundleOptions, ROOT } from '../../scripts/build.ts';
import { digest } from '../../src/auth/log.ts';
import { type StrictOptions, type StrictTokenServer, startStrictTokenServer } from '../server/strictTokenServer.ts';
import { tempFolder } from '../support/tempFolder.ts';
import { createTestVault, type TestVault } from './vaults.ts';
import { type Answer, killAll, startWorker, startWorkers, type Worker } from './workers.ts';

const GRACE_MS = 30_000;
const HOUR_MS = 3_600_000;

/** What a next version would write differently: a text of today's sources, and what would stand there. */
type Change = { readonly file: string; readonly from: string; readonly to: string };

const NEXT_OWNER: Change = {
	file: 'src/auth/lease/lockFolder.ts',
	from: 'JSON.stringify({ version: 1, process: owner, purpose })',
	to: 'JSON.stringify({ version: 2, process: owner, purpose, whatNobodyKnowsYet: true })',
};
const NEXT_STATE: Change = {
	file: 'src/auth/buckets/state.ts',
	from: 'export const STATE_SCHEMA = 1;',
	to: 'export const STATE_SCHEMA = 2;',
};
const NEXT_RECORD: Change = {
	file: 'src/auth/vault/sealing.ts',
	from: 'export const RECORD_SCHEMA = 1;',
	to: 'export const RECORD_SCHEMA = 2;',
};

function changing(changes: readonly Change[]): Plugin {
	return {
		name: 'next-version',
		setup({ onLoad }) {
			for (const { file, from, to } of changes)
				onLoad(
					{ filter: new RegExp(`${file.replaceAll('/', '[\\\\/]').replace('.ts', '\\.ts')}$`) },
					async ({ path }) => {
						const text = await readFile(path, 'utf8');
						assert.equal(text.split(from).length, 2, `not in exactly one place of ${file}: ${from}`);
						return { contents: text.replace(from, to), loader: 'ts' };
					},
				);
		},
	};
}

describe('two versions at once', () => {
	const undo: (() => Promise<void>)[] = [];
	/** Bundles of the worker: as it is, with other notes beside the record, and with another record. */
	const bundles = { today: '', otherNotes: '', otherRecord: '' };
	before(async () => {
		const folder = await tempFolder({ after: (work) => void undo.push(work) });
		const make = async (name: string, changes: readonly Change[]): Promise<string> => {
			const options = bundleOptions('package');
			const outfile = join(folder, `${name}.cjs`);
			await build({
				...options,
				entryPoints: [join(ROOT, 'test/race/worker.ts')],
				outfile,
				plugins: [changing(changes), ...(options.plugins ?? [])],
			});
			return outfile;
		};
		bundles.today = await make('today', []);
		bundles.otherNotes = await make('otherNotes', [NEXT_OWNER, NEXT_STATE]);
		bundles.otherRecord = await make('otherRecord', [NEXT_OWNER, NEXT_STATE, NEXT_RECORD]);
	});
	after(async () => {
		for (const work of undo) await work();
	});

	async function world(
		context: TestContext,
		newerBundle: string,
		options: StrictOptions = {},
	): Promise<{ server: StrictTokenServer; vault: TestVault; older: Worker[]; newer: Worker[] }> {
		const server = await startStrictTokenServer({ accessTokenLifeS: 3_600, ...options });
		context.after(() => server.close());
		const vault = await createTestVault(context, server);
		const older = await startWorkers(3, bundles.today);
		const newer = await startWorkers(3, newerBundle);
		context.after(() => killAll([...older, ...newer]));
		await Promise.all([...older, ...newer].map((worker) => worker.ask({ kind: 'open', setup: vault.setup })));
		return { server, vault, older, newer };
	}

	const tokenOf = (worker: Worker, vault: TestVault): Promise<Answer> =>
		worker.ask({ kind: 'token', request: { ref: vault.ref }, callers: 3 });

	function oneTokenOf(answers: readonly Answer[], before: string): string {
		const digests = new Set(
			answers.flatMap((answer) => {
				assert.ok(answer.kind === 'token', JSON.stringify(answer));
				return answer.digests;
			}),
		);
		assert.equal(digests.size, 1);
		const [only = ''] = digests;
		assert.notEqual(only, before);
		return only;
	}

	/** Each version renews; the other one adopts. */
	it('share one refresh per expiry, although they write different notes and one cannot read the state of the other', async (context) => {
		const { server, vault, older, newer } = await world(context, bundles.otherNotes);
		let token = digest(vault.credential.accessToken);
		const orders = [
			[...newer, ...older],
			[...older, ...newer],
			[...newer, ...older],
		];
		for (const [round, [first, ...others]] of orders.entries()) {
			assert.ok(first);
			server.fault({ on: 'refresh', times: 1, delayBeforeMs: 200 });
			const arrived = server.next('refresh', { phase: 'arrived' });
			const asked = tokenOf(first, vault);
			await arrived;
			token = oneTokenOf(await Promise.all([asked, ...others.map((worker) => tokenOf(worker, vault))]), token);
			assert.deepEqual([server.refreshRequests(), server.refreshes(), server.reuses()], [round + 1, round + 1, 0]);
			const offsetMs = (round + 1) * 2 * HOUR_MS;
			await Promise.all([...older, ...newer].map((worker) => worker.ask({ kind: 'clock', offsetMs })));
		}
		// The newer version has noted its renewals, and the older one renewed all the same.
		assert.equal((await vault.shelf.state.read()).kind, 'newerSchema');
		assert.equal(server.grantsAlive().length, 1);
	});

	for (const [dead, alive] of [
		['newer', 'older'],
		['older', 'newer'],
	] as const)
		it(`leave the survivors of the ${alive} one with a token when a holder of the ${dead} one is killed, after one resend`, async (context) => {
			const { server, vault, ...windows } = await world(context, bundles.otherNotes, { gracePeriodMs: GRACE_MS });
			const victim = await startWorker(dead === 'newer' ? bundles.otherNotes : bundles.today);
			context.after(() => victim.kill());
			await victim.ask({ kind: 'open', setup: vault.setup, barriers: ['send:after'] });
			tokenOf(victim, vault).catch(() => undefined); // It dies before it can answer.
			await victim.reached('send:after');
			const survivors = Promise.all(windows[alive].map((worker) => tokenOf(worker, vault)));
			await victim.kill();
			oneTokenOf(await survivors, digest(vault.credential.accessToken));
			assert.deepEqual([server.refreshRequests(), server.graceReuses(), server.reuses()], [2, 1, 0]);
		});

	it('adopt from the older one; once the newer one has stored, the older one says `newer_schema`, sends nothing and rewrites nothing', async (context) => {
		const { server, vault, older, newer } = await world(context, bundles.otherRecord);
		const all = [...older, ...newer];
		const [first] = older;
		assert.ok(first);
		server.fault({ on: 'refresh', times: 1, delayBeforeMs: 200 });
		const arrived = server.next('refresh', { phase: 'arrived' });
		const asked = tokenOf(first, vault);
		await arrived;
		const answers = [asked, ...all.filter((worker) => worker !== first).map((worker) => tokenOf(worker, vault))];
		const token = oneTokenOf(await Promise.all(answers), digest(vault.credential.accessToken));
		assert.equal(server.refreshRequests(), 1);

		// Everybody reports the same token as refused at once; whoever is first, there is one renewal.
		const report = (worker: Worker): Promise<Answer> =>
			worker.ask({ kind: 'token', request: { ref: vault.ref, refusedDigest: token } });
		const [newest] = newer;
		assert.ok(newest);
		const next = oneTokenOf([await report(newest)], token);
		for (const answer of await Promise.all(older.map(report)))
			assert.ok(answer.kind === 'failed' && answer.code === 'newer_schema', JSON.stringify(answer));
		assert.equal(oneTokenOf(await Promise.all(newer.map(report)), token), next);
		assert.deepEqual([server.refreshRequests(), server.refreshes(), server.reuses()], [2, 2, 0]);
		assert.deepEqual(await vault.shelf.vault.read(vault.ref), { kind: 'newerSchema', generation: 3 });
		assert.equal(server.grantsAlive().length, 1);
	});

	it('cost one refresh whoever is first, and nobody the session', async (context) => {
		const { server, vault, older, newer } = await world(context, bundles.otherRecord);
		const answers = await Promise.all([...older, ...newer].map((worker) => tokenOf(worker, vault)));
		const [fromOlder, fromNewer] = [answers.slice(0, older.length), answers.slice(older.length)];
		const token = oneTokenOf(fromNewer, digest(vault.credential.accessToken));
		for (const answer of fromOlder)
			if (answer.kind === 'token') assert.deepEqual(answer.digests, [token]);
			else assert.ok(answer.kind === 'failed' && answer.code === 'newer_schema', JSON.stringify(answer));
		assert.deepEqual([server.refreshRequests(), server.refreshes(), server.reuses()], [1, 1, 0]);
		assert.equal(server.grantsAlive().length, 1);
	});
});
