/** Which bucket is in force in this window, by what this window alone knows: its tie, its holds, its clock. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Binding, BindingSetting } from '../../../src/auth/buckets/binding.ts';
import type { Bucket, BucketCooldown, State } from '../../../src/auth/buckets/state.ts';
import { type ChoiceOptions, createChoice } from '../../../src/auth/service/choice.ts';
import type { BucketSnapshot } from '../../../src/auth/snapshot.ts';
import { createManualClock } from '../../support/manualClock.ts';

const account = { id: 'a', label: 'a', identity: { issuer: 'https://issuer.example' } };
const plain = { disabled: false, automatic: true, sessionOnly: false, renewable: false } as const;

const shown = (id: string): BucketSnapshot => ({
	...{ id, providerId: 'keys', name: `name of ${id}`, account, kind: 'apiKey', generation: 1, ...plain },
	...{ state: { kind: 'ready' }, token: { value: `key of ${id}`, scopes: [] } },
});
const stored = (id: string, cooldown?: BucketCooldown): Bucket => ({
	...{ id, name: `name of ${id}`, kind: 'apiKey', account, createdAtMs: 1 },
	...(cooldown === undefined ? {} : { cooldown }),
});
const stateOf = (buckets: readonly Bucket[], more: Partial<State['providers'][string]> = {}): State => ({
	providers: { keys: { buckets: [...buckets], labels: [], ...more } },
});

function world(more: Partial<ChoiceOptions> = {}) {
	const clock = createManualClock(1_700_000_000_000);
	const timers = new Set<() => void>();
	const { schedule } = clock;
	clock.schedule = (delayMs, callback) => {
		timers.add(callback);
		const timer = schedule(delayMs, callback);
		return {
			dispose() {
				timers.delete(callback);
				timer.dispose();
			},
		};
	};
	const ended: number[] = [];
	const choice = createChoice({
		...{ clock, window: 'this window', workspace: () => 'w', bindingOf: () => ({ kind: 'none' }) },
		onDidEndHold: () => void ended.push(clock.now()),
		...more,
	});
	const cooling = (forMs: number): BucketCooldown => ({
		...{ reason: 'quota', rule: 'r', sinceMs: clock.now(), untilMs: clock.now() + forMs, times: 1 },
	});
	const buckets = [shown('b1'), shown('b2')];
	const choose = (...states: readonly State[]) => choice.choose('keys', buckets, states);
	return { clock, timers, ended, choice, cooling, buckets, choose };
}

describe('the choice of a window', () => {
	it('is the first that is not exhausted, in whichever place its cooldown is kept', () => {
		const { cooling, choose } = world();
		const other: State = { providers: { others: { buckets: [stored('b2', cooling(1_000))], labels: [] } } };
		assert.deepEqual(choose(other), { automatic: { kind: 'inForce', bucketId: 'b1' } });
		const states = [stateOf([stored('b2')]), stateOf([stored('b1', cooling(1_000))])];
		assert.deepEqual(choose(...states), { automatic: { kind: 'inForce', bucketId: 'b2' } });
	});

	it('knows which one may be tried first, and tells nobody else', () => {
		const { clock, choice, cooling, choose } = world();
		assert.equal(choice.probeOf('keys'), undefined);
		const states = stateOf([stored('b1', cooling(1_000)), stored('b2')]);
		choose(states);
		assert.equal(choice.probeOf('keys'), undefined);
		clock.advance(1_000);
		assert.deepEqual(choose(states), { automatic: { kind: 'inForce', bucketId: 'b2' } });
		assert.equal(choice.probeOf('keys'), 'b1');
		assert.equal(choice.probeOf('others'), undefined);
	});

	it('follows the decisions of all places about who pays', () => {
		const { cooling, choice } = world();
		const buckets = [
			{ ...shown('b1'), owner: 'work' as const },
			{ ...shown('b2'), owner: 'personal' as const },
		];
		const states = (...crossings: NonNullable<State['providers'][string]['crossings']>) => [
			stateOf([stored('b1', cooling(1_000)), stored('b2')]),
			stateOf([], { crossings }),
		];
		assert.equal(choice.choose('keys', buckets, states()).automatic.kind, 'decision');
		const yes = { from: 'b1', to: 'b2', allowed: true };
		assert.deepEqual(choice.choose('keys', buckets, states({ ...yes, workspace: 'w' })).automatic, {
			kind: 'inForce',
			bucketId: 'b2',
		});
		assert.equal(choice.choose('keys', buckets, states({ ...yes, workspace: 'other' })).automatic.kind, 'decision');
	});

	it('may change by itself at the earliest end of a cooldown, a probe or a decision that is still to come', () => {
		const { clock, choice, cooling, choose } = world();
		assert.equal(choice.nextEdgeMs(), undefined);
		choose(stateOf([stored('b1'), stored('b2')]));
		assert.equal(choice.nextEdgeMs(), undefined);
		const atMs = clock.now();
		choose(stateOf([stored('b1', cooling(5_000)), stored('b2', cooling(4_000))]));
		choice.choose('other', [], [{ providers: { other: { buckets: [stored('b3', cooling(9_000))], labels: [] } } }]);
		assert.equal(choice.nextEdgeMs(), atMs + 4_000);
		const yes = { from: 'b1', to: 'b2', allowed: true };
		const crossings = [yes, { ...yes, untilMs: atMs }, { ...yes, untilMs: atMs + 3_000 }];
		const decided = stateOf([stored('b1', cooling(5_000))], { crossings });
		choose(decided);
		assert.equal(choice.nextEdgeMs(), atMs + 3_000);
		clock.advance(3_000);
		choose(decided);
		assert.equal(choice.nextEdgeMs(), atMs + 5_000);
	});
});

describe('a hold', () => {
	const back = (clock: { advance(ms: number): void }) => clock.advance(60_001);

	it('keeps the bucket that was in force while another one comes back, until its time or its end', () => {
		for (const how of ['time', 'end'] as const) {
			const { clock, ended, choice, cooling, choose } = world();
			const atMs = clock.now();
			const exhausted = stateOf([stored('b1', cooling(1_000)), stored('b2')]);
			const mended = stateOf([stored('b1'), stored('b2')]);
			choose(exhausted);
			const held = choice.hold('keys', 'session', 60_000);
			assert.deepEqual(choose(mended).automatic, { kind: 'inForce', bucketId: 'b2' });
			choice.hold('others', 'session', 1).dispose();
			assert.deepEqual(ended, [atMs]);
			assert.deepEqual(choose(mended).automatic, { kind: 'inForce', bucketId: 'b2' });
			if (how === 'time') back(clock);
			else held.dispose();
			assert.deepEqual(ended, [atMs, how === 'time' ? atMs + 60_000 : atMs]);
			assert.deepEqual(choose(mended).automatic, { kind: 'inForce', bucketId: 'b1' });
			held.dispose();
			back(clock);
			assert.equal(ended.length, 2);
		}
	});

	it('lasts as long as one of those who hold, and none of them ends it twice', () => {
		const { ended, choice, cooling, choose } = world();
		choose(stateOf([stored('b1', cooling(1_000)), stored('b2')]));
		const mended = stateOf([stored('b1'), stored('b2')]);
		const [first, second] = ['one', 'two'].map((key) => choice.hold('keys', key, 60_000));
		first?.dispose();
		first?.dispose();
		assert.deepEqual(ended, []);
		assert.deepEqual(choose(mended).automatic, { kind: 'inForce', bucketId: 'b2' });
		second?.dispose();
		assert.equal(ended.length, 1);
		assert.deepEqual(choose(mended).automatic, { kind: 'inForce', bucketId: 'b1' });
	});

	it('is renewed by another one with the same key: neither the time nor the end of the one before ends it', () => {
		const { clock, timers, ended, choice, cooling, choose } = world();
		choose(stateOf([stored('b1', cooling(1_000)), stored('b2')]));
		const mended = stateOf([stored('b1'), stored('b2')]);
		const first = choice.hold('keys', 'session', 60_000);
		clock.advance(30_000);
		const second = choice.hold('keys', 'session', 60_000);
		assert.equal(timers.size, 1);
		clock.advance(59_999);
		first.dispose();
		assert.deepEqual(ended, []);
		assert.deepEqual(choose(mended).automatic, { kind: 'inForce', bucketId: 'b2' });
		clock.advance(1);
		assert.deepEqual(choose(mended).automatic, { kind: 'inForce', bucketId: 'b1' });
		second.dispose();
		assert.equal(ended.length, 1);
	});

	it('that was ended early ends no later one at its own time', () => {
		const { clock, timers, ended, choice, cooling, choose } = world();
		choose(stateOf([stored('b1', cooling(1_000)), stored('b2')]));
		choice.hold('keys', 'more', 200_000);
		choice.hold('keys', 'session', 60_000).dispose();
		assert.equal(timers.size, 1);
		choice.hold('keys', 'session', 200_000);
		clock.advance(60_000);
		choice.hold('keys', 'more', 1).dispose();
		assert.deepEqual(ended, []);
		assert.deepEqual(choose(stateOf([stored('b1'), stored('b2')])).automatic, { kind: 'inForce', bucketId: 'b2' });
	});

	it('holds nothing where nothing was in force', () => {
		const { choice, cooling, choose } = world();
		choose(stateOf([stored('b1', cooling(1_000)), stored('b2', cooling(2_000))]));
		choice.hold('keys', 'session', 60_000);
		assert.deepEqual(choose(stateOf([stored('b1'), stored('b2')])).automatic, { kind: 'inForce', bucketId: 'b1' });
	});
});

describe('a session that began with a bucket', () => {
	it('may go on with it while that can be used, also when another one comes back', () => {
		const { clock, choice, cooling, choose } = world();
		assert.equal(choice.canStay('keys', 'b1'), false);
		choose(stateOf([stored('b1'), stored('b2', cooling(1_000))]));
		assert.equal(choice.canStay('keys', 'b1'), true);
		assert.equal(choice.canStay('keys', 'b2'), false);
		assert.equal(choice.canStay('keys', 'absent'), false);
		choose(stateOf([stored('b1'), stored('b2')]));
		assert.equal(choice.canStay('keys', 'b2'), true);
		choose(stateOf([stored('b1', cooling(1_000)), stored('b2', cooling(60_000))]));
		assert.equal(choice.canStay('keys', 'b1'), false);
		// By the time that it is now, not that of the choice: what is over may be tried.
		clock.advance(1_000);
		assert.equal(choice.canStay('keys', 'b1'), true);
	});
});

describe('the tie of a workspace', () => {
	const binding: Binding = { providerId: 'keys', bucketName: 'name of b2', workspace: 'w', fromWorkspace: true };
	const answer = { providerId: 'keys', bucketName: 'name of b2', workspace: 'w', allowed: true };
	const bound = { kind: 'bound', bucketName: 'name of b2' } as const;
	const chosen = (setting: BindingSetting, ...states: readonly State[]) =>
		world({ bindingOf: () => setting }).choose(...states);
	const inForce = (bucketId: string) => ({ kind: 'inForce', bucketId });

	it('counts at once where the person set it', () => {
		const setting = { kind: 'bound', binding: { ...binding, fromWorkspace: false } } as const;
		assert.deepEqual(chosen(setting), { automatic: inForce('b2'), binding: bound });
	});

	it('counts from a file of the workspace only after a yes about this name, here, for this provider', () => {
		const setting = { kind: 'bound', binding } as const;
		const unconfirmed = { automatic: inForce('b1'), binding: { kind: 'unconfirmed', binding } };
		assert.deepEqual(chosen(setting, { providers: {} }), unconfirmed);
		for (const other of [{ providerId: 'others' }, { bucketName: 'name of b1' }, { workspace: 'elsewhere' }])
			assert.deepEqual(chosen(setting, { providers: {}, bindings: [{ ...answer, ...other }] }), unconfirmed);
		const states = [{ providers: {} }, { providers: {}, bindings: [answer] }];
		assert.deepEqual(chosen(setting, ...states), { automatic: inForce('b2'), binding: bound });
	});

	it('does not count after a no, and is not asked about again', () => {
		const states = { providers: {}, bindings: [{ ...answer, allowed: false }] };
		assert.deepEqual(chosen({ kind: 'bound', binding }, states), { automatic: inForce('b1') });
	});

	it('to two buckets is none', () => {
		const setting = { kind: 'conflict', names: ['one', 'two'] } as const;
		assert.deepEqual(chosen(setting), {
			automatic: { kind: 'bindingConflict', names: ['one', 'two'] },
			binding: setting,
		});
	});
});
