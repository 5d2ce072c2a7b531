/**
 * The upgrade of what is stored, between processes: at each step of a newer version's first write it is killed while
 * somebody signs in anew, nothing is lost, and no older version rewrites what the newer one wrote. The newer version is a
 * bundle of today's sources with the next number for record and state, and an upgrade that leaves its mark.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { build, type Plugin } from 'esbuild';
import { bundleOptions, ROOT } from '../../scripts/build.ts';
import { createStateFile, STATE_SCHEMA, updateBucket } from '../../src/auth/buckets/state.ts';
import { systemClock } from '../../src/auth/clock.ts';
import type { OAuthCredential } from '../../src/auth/credential.ts';
import { AuthError, isAuthError } from '../../src/auth/errors.ts';
import { digest } from '../../src/auth/log.ts';
import { takeIn } from '../../src/auth/service/custody.ts';
import type { Shelf } from '../../src/auth/shelf.ts';
import { nodeDisk } from '../../src/auth/vault/disk.ts';
import { createLedger } from '../../src/auth/vault/ledger.ts';
import { createMemoryLedger } from '../../src/auth/vault/memoryLedger.ts';
import { RECORD_SCHEMA } from '../../src/auth/vault/sealing.ts';
import { createVault, type Upgrades } from '../../src/auth/vault/vault.ts';
import { type StrictTokenServer, startStrictTokenServer } from '../server/strictTokenServer.ts';
import { createInterruptedDisk } from '../support/interruptedDisk.ts';
import { tempFolder } from '../support/tempFolder.ts';
import { until } from '../support/until.ts';
import { createTestVault, type TestVault } from './vaults.ts';
import { type Answer, killAll, startWorker, startWorkers, type Worker } from './workers.ts';

const GRACE_MS = 30_000;

/** Everything a renewal of the newer version does to the disk and the service, in order. */
const STEPS = [
	'intent.overwrite:before',
	'intent.overwrite:after',
	'record.overwrite:before',
	'record.overwrite:after',
	'send:before',
	'send:after',
	'record.writeInto:before',
	'record.writeInto:after',
	'record.link:before',
	'record.link:after',
	'record.unlink:before',
	'record.unlink:after',
] as const;

const NEXT_NUMBERS: readonly (readonly [file: string, from: string, to: string])[] = [
	[
		'src/auth/vault/sealing.ts',
		`export const RECORD_SCHEMA = ${RECORD_SCHEMA};`,
		`export const RECORD_SCHEMA = ${RECORD_SCHEMA + 1};`,
	],
	[
		'src/auth/buckets/state.ts',
		`export const STATE_SCHEMA = ${STATE_SCHEMA};`,
		`export const STATE_SCHEMA = ${STATE_SCHEMA + 1};`,
	],
];

const nextNumbers: Plugin = {
	name: 'next-numbers',
	setup({ onLoad }) {
		for (const [file, from, to] of NEXT_NUMBERS)
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

describe('an upgrade of what is stored', () => {
	const undo: (() => Promise<void>)[] = [];
	let newer = '';
	let survivors: Worker[] = [];
	before(async () => {
		const folder = await tempFolder({ after: (work) => void undo.push(work) });
		newer = join(folder, 'newer.cjs');
		const options = bundleOptions('package');
		await build({
			...options,
			entryPoints: [join(ROOT, 'test/race/worker.ts')],
			outfile: newer,
			plugins: [nextNumbers, ...(options.plugins ?? [])],
		});
		survivors = await startWorkers(2, newer);
	});
	after(async () => {
		await killAll(survivors);
		for (const work of undo) await work();
	});

	/** The same files as a window of the newer version sees them. */
	function newerShelf({ shelf }: TestVault): Shelf {
		const { ledger, key } = shelf;
		return {
			...shelf,
			vault: createVault({ ledger, key, schema: RECORD_SCHEMA + 1, upgrades: {} }),
			state: createStateFile(ledger, { schema: STATE_SCHEMA + 1, upgrades: {} }),
		};
	}

	function freshCredential(server: StrictTokenServer): OAuthCredential {
		const { accessToken, refreshToken } = server.seed();
		const nowMs = Date.now();
		return {
			kind: 'oauth',
			accessToken,
			refreshToken,
			expiresAtMs: nowMs + 3_600_000,
			obtainedAtMs: nowMs,
			scopes: ['api'],
			identity: { issuer: server.issuer, subject: 'person-0001' },
		};
	}

	const provider = {
		id: 'demo',
		label: 'Demo',
		kind: 'oidc',
		issuer: 'https://unused.example',
		client: { clientId: 'c', scopes: [] },
	} as const;

	for (const step of STEPS)
		for (const signsIn of ['newer', 'older'] as const)
			it(`killed at ${step} while a window of the ${signsIn} version signs in: one account, and it works`, async (context) => {
				const server = await startStrictTokenServer({ accessTokenLifeS: 3_600, gracePeriodMs: GRACE_MS });
				context.after(() => server.close());
				const vault = await createTestVault(context, server);
				const victim = await startWorker(newer);
				context.after(() => victim.kill());
				await victim.ask({ kind: 'open', setup: vault.setup, barriers: [step] });
				const asked = victim.ask({ kind: 'token', request: { ref: vault.ref } }).catch(() => undefined); // It dies first.
				await victim.reached(step);
				const credential = freshCredential(server);
				const shelf = signsIn === 'newer' ? newerShelf(vault) : vault.shelf;
				const taken = takeIn(shelf, systemClock, { provider, credential, birth: {} }).then(
					(bucketId) => ({ bucketId }),
					(error: unknown) => ({ error }),
				);
				await victim.kill();
				await asked;
				const outcome = await taken;
				if ('error' in outcome) {
					// Only what the newer version had stored already may be refused, and only by the older one.
					assert.ok(isAuthError(outcome.error, 'newer_schema'), String(outcome.error));
					assert.equal(signsIn, 'older');
				} else assert.equal(outcome.bucketId, vault.ref.bucketId);

				await Promise.all(survivors.map((worker) => worker.ask({ kind: 'open', setup: vault.setup })));
				const answers = await Promise.all(
					survivors.map((worker) => worker.ask({ kind: 'token', request: { ref: vault.ref }, callers: 2 })),
				);
				const token = oneToken(answers);
				if (!('error' in outcome)) assert.equal(token, digest(credential.accessToken));
				assert.equal(server.reuses(), 0);
				const reading = await newerShelf(vault).state.read();
				assert.ok(reading.kind === 'state');
				assert.equal(reading.state.providers.demo?.buckets.length, 1);
				assert.equal(reading.state.providers.demo?.buckets[0]?.needsSignIn, undefined);
				const aside = await readdir(join(vault.setup.storagePath, 'vault', 'set-aside')).catch(() => []);
				assert.deepEqual(aside, []);
			});

	function oneToken(answers: readonly Answer[]): string {
		const digests = answers.flatMap((answer) => {
			assert.ok(answer.kind === 'token', JSON.stringify(answer));
			return answer.digests;
		});
		const [token = '', ...others] = new Set(digests);
		assert.deepEqual(others, []);
		return token;
	}

	it('back to the older version: what the newer one wrote is refused by name, kept to the byte, and works again after an update', async (context) => {
		const server = await startStrictTokenServer({ accessTokenLifeS: 3_600 });
		context.after(() => server.close());
		const vault = await createTestVault(context, server);
		await Promise.all(survivors.map((worker) => worker.ask({ kind: 'open', setup: vault.setup })));
		const token = oneToken([await (survivors[0] ?? assert.fail()).ask({ kind: 'token', request: { ref: vault.ref } })]);
		const folder = join(vault.setup.storagePath, 'vault');
		const contents = async (): Promise<Record<string, string>> => {
			const names = (await readdir(folder)).filter((name) => name.endsWith('.rec')).sort();
			return Object.fromEntries(
				await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'base64')] as const)),
			);
		};
		// What it notes about its renewal comes after its answer.
		await until(
			'the newer version has written the state',
			async () => (await vault.shelf.state.read()).kind === 'newerSchema',
		);
		const before = await contents();
		const [older] = await startWorkers(1);
		assert.ok(older);
		context.after(() => older.kill());
		await older.ask({ kind: 'open', setup: vault.setup });
		const refused = await older.ask({ kind: 'token', request: { ref: vault.ref } });
		assert.ok(refused.kind === 'failed' && refused.code === 'newer_schema', JSON.stringify(refused));
		const signOut = await older.ask({ kind: 'signOut', ref: vault.ref });
		assert.ok(signOut.kind === 'failed' && signOut.code === 'newer_schema', JSON.stringify(signOut));
		await assert.rejects(
			takeIn(vault.shelf, systemClock, { provider, credential: freshCredential(server), birth: {} }),
			(error) => isAuthError(error, 'newer_schema'),
		);
		assert.deepEqual(await contents(), before);
		assert.equal(
			oneToken([await (survivors[1] ?? assert.fail()).ask({ kind: 'token', request: { ref: vault.ref } })]),
			token,
		);
		assert.equal(server.reuses(), 0);
	});
});

describe('an upgrade of the state', () => {
	const upgrades: Upgrades = {
		[STATE_SCHEMA]: (older) => {
			const state = JSON.parse(JSON.stringify(older));
			for (const bucket of state.providers.demo.buckets) bucket.billing = 'subscription';
			return state;
		},
	};
	const schema = STATE_SCHEMA + 1;
	const bucket = (id: string) => ({
		id,
		name: id,
		kind: 'apiKey' as const,
		account: { id, label: id, identity: { issuer: 'https://i.example' } },
		createdAtMs: 1,
	});
	const initial = { providers: { demo: { buckets: [bucket('b1'), bucket('b2')], labels: [] } } };

	it('that is killed after any operation of the disk loses nothing, and is made by the next one', async (context) => {
		let interrupted = 0;
		for (let steps = 0, ended = true; ended; steps++) {
			const folder = join(await tempFolder(context), 'vault');
			const disk = createInterruptedDisk(nodeDisk);
			const ledger = createLedger(folder, disk);
			await createStateFile(ledger).update(() => initial);
			disk.endAfter(steps);
			const note = (lastUsedAtMs: number) =>
				createStateFile(ledger, { schema, upgrades }).update((state) =>
					updateBucket(state, 'demo', 'b1', (present) => ({ ...present, lastUsedAtMs })),
				);
			await note(5).catch((error: unknown) => assert.ok(error instanceof AuthError && error.code === 'storage'));
			ended = disk.hasEnded();
			interrupted += ended ? 1 : 0;
			disk.endAfter(Number.POSITIVE_INFINITY);
			// A window of the older version that is still open either reads all of it or says that it is newer.
			const older = await createStateFile(ledger).read();
			assert.ok(
				older.kind === 'newerSchema' || (older.kind === 'state' && older.state.providers.demo?.buckets.length === 2),
			);
			await note(6);
			const newest = await createStateFile(ledger, { schema, upgrades }).read();
			assert.ok(newest.kind === 'state');
			assert.deepEqual(
				newest.state.providers.demo?.buckets.map(({ id, billing, lastUsedAtMs }) => [id, billing, lastUsedAtMs]),
				[
					['b1', 'subscription', 6],
					['b2', 'subscription', undefined],
				],
			);
		}
		assert.ok(interrupted > 5, `${interrupted} interruptions`);
		context.diagnostic(`killed after each of ${interrupted} operations`);
	});

	it('of two windows at once is made once, and the change of neither is lost', async () => {
		const ledger = createMemoryLedger();
		await createStateFile(ledger).update(() => initial);
		const windows = Array.from({ length: 8 }, () => createStateFile(ledger, { schema, upgrades }));
		await Promise.all(
			windows.map((window, index) =>
				window.update((state) =>
					updateBucket(state, 'demo', index % 2 ? 'b1' : 'b2', (present) => ({
						...present,
						told: [...(present.told ?? []), { generation: index, reason: randomBytes(2).toString('hex') }],
					})),
				),
			),
		);
		const reading = await createStateFile(ledger, { schema, upgrades }).read();
		assert.ok(reading.kind === 'state');
		assert.deepEqual(
			reading.state.providers.demo?.buckets.map(({ told }) => told?.length),
			[4, 4],
		);
		assert.deepEqual(
			reading.state.providers.demo?.buckets.map(({ billing }) => billing),
			['subscription', 'subscription'],
		);
	});
});
