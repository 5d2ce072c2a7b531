import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addBucket, removeBucket } from '../../../src/auth/buckets/accounts.ts';
import { createStateFile, EMPTY_STATE, updateBucket } from '../../../src/auth/buckets/state.ts';
import type { Credential } from '../../../src/auth/credential.ts';
import { isAuthError } from '../../../src/auth/errors.ts';
import { createMemoryLedger } from '../../../src/auth/vault/memoryLedger.ts';

const provider = { id: 'demo', label: 'Demo' };

function credential(identity: Partial<Credential['identity']>): Credential {
	return {
		kind: 'oauth',
		accessToken: 'a',
		scopes: [],
		obtainedAtMs: 0,
		identity: { issuer: 'https://i.example', ...identity },
	};
}

const ada = credential({ subject: '1', email: 'ada@example.test' });

describe('the state of all windows', () => {
	it('loses no update of two writers at once', async () => {
		const ledger = createMemoryLedger();
		const [one, two] = [createStateFile(ledger), createStateFile(ledger)];
		await Promise.all(
			Array.from({ length: 20 }, (_, index) =>
				(index % 2 ? one : two).update(
					(state) => addBucket(state, provider, credential({ subject: `${index}` }), { nowMs: 0 }).state,
				),
			),
		);
		const reading = await one.read();
		assert.equal(reading.kind === 'state' && reading.state.providers.demo?.buckets.length, 20);
	});

	it('is upgraded in memory, and stored in the new schema by the next write', async () => {
		const ledger = createMemoryLedger();
		await createStateFile(ledger).update((state) => addBucket(state, provider, ada, { nowMs: 0 }).state);
		const upgrades = {
			1: (older: unknown) => {
				const state = JSON.parse(JSON.stringify(older));
				for (const bucket of state.providers.demo.buckets) bucket.name = `upgraded ${bucket.name}`;
				return state;
			},
		};
		const newer = createStateFile(ledger, { schema: 2, upgrades });
		const reading = await newer.read();
		const bucket = reading.kind === 'state' ? reading.state.providers.demo?.buckets[0] : undefined;
		assert.equal(bucket?.name, 'upgraded ada@example.test');
		assert.equal(reading.kind === 'state' && reading.generation, 1);
		await newer.update((state) =>
			updateBucket(state, 'demo', bucket?.id ?? '', (present) => ({ ...present, lastUsedAtMs: 5 })),
		);
		const stored = await newer.read();
		assert.equal(stored.kind === 'state' && stored.state.providers.demo?.buckets[0]?.name, 'upgraded ada@example.test');
	});

	it('is as it was where a newer schema changes nothing of what it holds', async () => {
		const ledger = createMemoryLedger();
		const written = await createStateFile(ledger).update(
			(state) => addBucket(state, provider, ada, { nowMs: 0 }).state,
		);
		const reading = await createStateFile(ledger, { schema: 3, upgrades: { 2: (older) => older } }).read();
		assert.deepEqual(reading.kind === 'state' && reading.state, JSON.parse(JSON.stringify(written)));
	});

	it('is refused and never rewritten when a newer version wrote it', async () => {
		const ledger = createMemoryLedger();
		await createStateFile(ledger, { schema: 2, upgrades: {} }).update(
			(state) => addBucket(state, provider, ada, { nowMs: 0 }).state,
		);
		const bytes = (await ledger.read('state'))?.bytes;
		const older = createStateFile(ledger);
		assert.equal((await older.read()).kind, 'newerSchema');
		await assert.rejects(
			older.update(() => ({ ...EMPTY_STATE })),
			(error) => isAuthError(error, 'newer_schema'),
		);
		assert.deepEqual((await ledger.read('state'))?.bytes, bytes);
	});

	it('is upgraded from its own schema on, and by no step from the present one', async () => {
		const ledger = createMemoryLedger();
		await createStateFile(ledger).update((state) => addBucket(state, provider, ada, { nowMs: 0 }).state);
		const steps: number[] = [];
		const step = (from: number) => (older: unknown) => {
			steps.push(from);
			return older;
		};
		const upgrades = { 1: step(1), 2: step(2), 3: step(3) };
		assert.equal((await createStateFile(ledger, { schema: 3, upgrades }).read()).kind, 'state');
		assert.deepEqual(steps, [1, 2]);
	});

	it('is written once by each update, which answers with it, and not at all where nothing changes', async () => {
		const ledger = createMemoryLedger();
		const file = createStateFile(ledger);
		const written = await file.update((state) => addBucket(state, provider, ada, { nowMs: 0 }).state);
		const reading = await file.read();
		assert.ok(reading.kind === 'state');
		assert.deepEqual([reading.generation, reading.state], [1, written]);
		assert.deepEqual(await file.update((state) => state), written);
		assert.equal((await ledger.read('state'))?.generation, 1);
	});

	it('is damaged where it holds what it does not say, and begins anew beside what it was', async () => {
		const endless = '{"schema":1,"providers":{},"more":{"atMs":1e999}}';
		for (const text of [
			'',
			'{"prov',
			'[]',
			'{"providers":{}}',
			'{"schema":0,"providers":{}}',
			'{"schema":1}',
			endless,
		]) {
			const ledger = createMemoryLedger();
			await ledger.append('state', 0, Buffer.from(text));
			const setAside: unknown[] = [];
			const file = createStateFile({
				...ledger,
				append(name, expected, bytes, options) {
					setAside.push(options?.setAside);
					return ledger.append(name, expected, bytes, options);
				},
			});
			assert.deepEqual(await file.read(), { kind: 'damaged', generation: 1 }, text);
			let given: unknown;
			await file.update((state) => {
				given = state;
				return addBucket(state, provider, ada, { nowMs: 0 }).state;
			});
			assert.deepEqual([given, setAside], [EMPTY_STATE, [true]], text);
			await file.update((state) => ({ ...state, bindings: [] }));
			assert.deepEqual(setAside, [true, false], text);
			const reading = await file.read();
			assert.ok(reading.kind === 'state' && reading.generation === 3, text);
		}
	});

	it('that others always are faster to write is a failure of the storage', async () => {
		const ledger = createMemoryLedger();
		const file = createStateFile({ ...ledger, append: async () => 'conflict' });
		await assert.rejects(
			file.update((state) => addBucket(state, provider, ada, { nowMs: 0 }).state),
			(error) => isAuthError(error, 'storage'),
		);
	});
});

describe('the label of an account', () => {
	it('is unique, never Automatic, and comes back to its owner only', () => {
		let state = EMPTY_STATE;
		const labels: string[] = [];
		for (const identity of [
			{ subject: '1', email: 'me@example.test' },
			{ subject: '2', email: 'me@example.test' },
			{ subject: '3', name: 'Automatic' },
		]) {
			const added = addBucket(state, provider, credential(identity), { nowMs: 0 });
			state = added.state;
			labels.push(added.bucket.account.label);
		}
		assert.deepEqual(labels, ['me@example.test', 'me@example.test (2)', 'Automatic (2)']);
		const [first, second] = state.providers.demo?.buckets ?? [];
		state = removeBucket(removeBucket(state, 'demo', first?.id ?? ''), 'demo', second?.id ?? '');
		const stranger = addBucket(state, provider, credential({ subject: '4', email: 'me@example.test' }), { nowMs: 0 });
		assert.equal(stranger.bucket.account.label, 'me@example.test (3)');
		const back = addBucket(stranger.state, provider, credential({ subject: '2', email: 'me@example.test' }), {
			nowMs: 0,
		});
		assert.equal(back.bucket.account.label, 'me@example.test (2)');
		assert.equal(back.bucket.account.id, second?.account.id);
	});
});
