/** The decisions about buckets at their edges, where the difference of a millisecond or of one word is somebody's bill. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AutomaticQuestion, canAnswer, chooseAutomatic } from '../../../src/auth/buckets/automatic.ts';
import { crosses } from '../../../src/auth/buckets/billing.ts';
import { availability, cool, edges, endCooldown, PROBE_MS } from '../../../src/auth/buckets/cooldowns.ts';
import {
	answerBinding,
	decide,
	describe as describeBucket,
	freeName,
	move,
	rename,
} from '../../../src/auth/buckets/edits.ts';
import {
	type Bucket,
	type BucketCooldown,
	EMPTY_STATE,
	type State,
	updateBucket,
} from '../../../src/auth/buckets/state.ts';
import { tell } from '../../../src/auth/buckets/told.ts';
import type { BucketSnapshot } from '../../../src/auth/snapshot.ts';
import { bucketOf, withoutToken } from '../../support/fakeAuthService.ts';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** No reset is further away. */
const RESET_CAP_MS = 31 * 24 * HOUR;

const cooldown = (more: Partial<BucketCooldown> = {}): BucketCooldown => ({
	reason: 'quota',
	rule: 'quota',
	sinceMs: NOW - MINUTE,
	times: 1,
	...more,
});

const bucket = (id: string, more: Partial<Bucket> = {}): Bucket => ({
	id,
	name: id,
	kind: 'oauth',
	account: { id, label: id, identity: { issuer: 'https://i.example' } },
	createdAtMs: 1,
	...more,
});

const ask = (
	buckets: readonly BucketSnapshot[],
	cooldowns: Readonly<Record<string, BucketCooldown>> = {},
	more: Partial<AutomaticQuestion> = {},
) =>
	chooseAutomatic({
		buckets,
		cooldownOf: (id) => cooldowns[id],
		crossings: [],
		binding: undefined,
		window: 'here',
		workspace: 'w',
		nowMs: NOW,
		...more,
	});

describe('Automatic at its edges', () => {
	const [a, b, c] = [bucketOf('a'), bucketOf('b'), bucketOf('c')];
	const over = cooldown({ untilMs: NOW });

	it('probes the first of several that are back, and waits for the first of several that are probed elsewhere', () => {
		assert.deepEqual(ask([a, b, c], { a: over, b: over }), { kind: 'inForce', bucketId: 'c', probe: 'a' });
		assert.deepEqual(ask([a, b], { a: over, b: over }), { kind: 'inForce', bucketId: 'a' });
		const elsewhere = cooldown({ untilMs: NOW, probe: { window: 'there', untilMs: NOW + 1 } });
		assert.deepEqual(ask([a, b], { a: elsewhere, b: elsewhere }), { kind: 'inForce', bucketId: 'a' });
	});

	it('passes over what cannot be read, and says so when nothing is left', () => {
		const damaged = withoutToken('a', { kind: 'damaged' });
		assert.deepEqual(ask([damaged, b]), { kind: 'inForce', bucketId: 'b' });
		const none = ask([damaged, b], { b: cooldown({ untilMs: NOW + 1 }) });
		assert.deepEqual(none.kind === 'exhausted' && none.buckets.map(({ reason }) => reason), ['unreadable', 'cooling']);
		const dead = withoutToken('b', { kind: 'needsSignIn', reason: 'invalid_grant' });
		assert.deepEqual(ask([damaged, dead]), { kind: 'needsSignIn', bucketId: 'b' });
		assert.deepEqual(ask([damaged]), { kind: 'needsSignIn', bucketId: 'a' });
	});

	it('counts a no of the person as a decision, not as a fault of the account', () => {
		const work: BucketSnapshot = { ...b, billing: 'metered' };
		const crossings = [{ from: 'a', to: 'b', allowed: false }];
		const none = ask([a, work], { a: cooldown({ untilMs: NOW + 1 }) }, { crossings });
		assert.deepEqual(none.kind === 'exhausted' && none.buckets.map(({ reason }) => reason), ['cooling', 'decision']);
	});

	it('asks about the first of several that need a decision, and about the first of several that need a sign-in', () => {
		const [second, third]: BucketSnapshot[] = [
			{ ...b, billing: 'metered' },
			{ ...c, billing: 'metered' },
		];
		assert.ok(second && third);
		const none = ask([a, second, third], { a: cooldown({ untilMs: NOW + 1 }) });
		assert.equal(none.kind === 'decision' && none.toBucketId, 'b');
		const dead = (id: string) => withoutToken(id, { kind: 'needsSignIn', reason: 'invalid_grant' });
		assert.deepEqual(ask([dead('a'), dead('b')]), { kind: 'needsSignIn', bucketId: 'a' });
	});

	it('tells of a bound account that is exhausted for good, or until when', () => {
		const binding = { kind: 'bound', bucketName: a.name } as const;
		const forGood = ask([a, b], { a: cooldown() }, { binding });
		assert.equal(forGood.kind, 'exhausted');
		assert.equal('untilMs' in forGood, false);
		assert.equal(forGood.kind === 'exhausted' && 'untilMs' in (forGood.buckets[0] ?? {}), false);
		const forNow = ask([a, b], { a: cooldown({ untilMs: NOW + 5 }) }, { binding });
		assert.deepEqual(forNow.kind === 'exhausted' && forNow.untilMs, NOW + 5);
	});

	it('hands out a token that is there, or what a command will print, and nothing in any other state', () => {
		assert.equal(canAnswer(a), true);
		assert.equal(canAnswer(bucketOf('a', { state: { kind: 'ready' }, token: 'none' })), false);
		assert.equal(canAnswer(bucketOf('a', { kind: 'reference', token: 'none' })), true);
		assert.equal(canAnswer(bucketOf('a', { state: { kind: 'needsSignIn', reason: 'invalid_grant' } })), false);
		assert.equal(canAnswer(bucketOf('a', { kind: 'reference', state: { kind: 'keyMissing' } })), false);
	});
});

describe('who pays', () => {
	it('is another one by owner or by class; a key of which nothing was said is metered', () => {
		assert.equal(crosses({ kind: 'oauth' }, { kind: 'oauth' }), false);
		assert.equal(crosses({ kind: 'oauth', owner: 'work' }, { kind: 'oauth' }), true);
		assert.equal(crosses({ kind: 'oauth' }, { kind: 'apiKey' }), true);
		assert.equal(crosses({ kind: 'oauth', billing: 'metered' }, { kind: 'apiKey' }), false);
		assert.equal(crosses({ kind: 'apiKey' }, { kind: 'apiKey', billing: 'metered' }), false);
		assert.equal(crosses({ kind: 'reference' }, { kind: 'apiKey' }), true);
		assert.equal(crosses({ kind: 'reference' }, { kind: 'oauth' }), false);
	});
});

describe('a cooldown at its edges', () => {
	const kindOf = (more: Partial<BucketCooldown>) => availability(cooldown(more), 'here', NOW).kind;

	it('is over at its time, and where nobody can have set it', () => {
		assert.equal(kindOf({ untilMs: NOW + 1 }), 'cooling');
		assert.equal(kindOf({ untilMs: NOW }), 'probeable');
		assert.equal(kindOf({ untilMs: NOW + RESET_CAP_MS }), 'cooling');
		assert.equal(kindOf({ untilMs: NOW + RESET_CAP_MS + 1 }), 'probeable');
	});

	it('is tried by one window until its probe ends', () => {
		const probed = (window: string, untilMs: number) => kindOf({ untilMs: NOW, probe: { window, untilMs } });
		assert.equal(probed('there', NOW + 1), 'probedElsewhere');
		assert.equal(probed('there', NOW), 'usable');
		assert.equal(probed('there', NOW + PROBE_MS), 'probedElsewhere');
		assert.equal(probed('there', NOW + PROBE_MS + 1), 'usable');
		assert.equal(probed('here', NOW + 1), 'usable');
	});

	it('changes by itself at its end and at the end of its probe, if they are to come', () => {
		assert.deepEqual(edges(undefined, NOW), []);
		assert.deepEqual(edges(cooldown(), NOW), []);
		assert.deepEqual(edges(cooldown({ untilMs: NOW }), NOW), []);
		assert.deepEqual(edges(cooldown({ untilMs: NOW - 1, probe: { window: 'w', untilMs: NOW + 7 } }), NOW), [NOW + 7]);
		assert.deepEqual(edges(cooldown({ untilMs: NOW + 5 }), NOW), [NOW + 5]);
	});

	const quota = { reason: 'quota', rule: 'r' } as const;
	const lasts = (present: Bucket, more: { untilMs?: number; parked?: boolean } = {}) => {
		const found = cool(present, { ...quota, ...more }, NOW).cooldown;
		return found?.untilMs === undefined ? undefined : found.untilMs - NOW;
	};

	it('lasts a minute where the service names no time, twice as long each time in a row, and half an hour at most', () => {
		assert.equal(lasts(bucket('a')), MINUTE);
		const again = (times: number) => bucket('a', { cooldown: cooldown({ untilMs: NOW - 1, times }) });
		assert.deepEqual(
			[1, 2, 3, 4, 5, 40].map((times) => lasts(again(times))),
			[2, 4, 8, 16, 30, 30].map((m) => m * MINUTE),
		);
	});

	it('begins anew when the bucket has worked for six hours, and also after one without end', () => {
		const ended = (agoMs: number) => bucket('a', { cooldown: cooldown({ untilMs: NOW - agoMs, times: 3 }) });
		assert.equal(cool(ended(6 * HOUR), quota, NOW).cooldown?.times, 4);
		assert.equal(cool(ended(6 * HOUR + 1), quota, NOW).cooldown?.times, 1);
		assert.equal(cool(ended(0), quota, NOW).cooldown?.times, 4);
		assert.equal(cool(ended(0), quota, NOW).cooldown?.sinceMs, NOW);
	});

	it('lasts a quarter of a minute at least, as long as the service says, and is never shortened', () => {
		assert.equal(lasts(bucket('a'), { untilMs: NOW + 1 }), 15_000);
		assert.equal(lasts(bucket('a'), { untilMs: NOW + 15_001 }), 15_001);
		const pending = bucket('a', { cooldown: cooldown({ untilMs: NOW + HOUR, times: 2 }) });
		assert.equal(cool(pending, { ...quota, untilMs: NOW + MINUTE }, NOW), pending);
		assert.equal(cool(pending, quota, NOW), pending);
		const longer = cool(pending, { ...quota, untilMs: NOW + 2 * HOUR }, NOW).cooldown;
		assert.deepEqual([longer?.untilMs, longer?.times, longer?.sinceMs], [NOW + 2 * HOUR, 2, NOW - MINUTE]);
	});

	it('is ended once: where there is none nothing is written', () => {
		const whole = bucket('a');
		assert.equal(endCooldown(whole), whole);
		assert.deepEqual(endCooldown(bucket('a', { cooldown: cooldown() })), whole);
	});

	it('without end stays so, and comes in the place of one with an end', () => {
		const parked = bucket('a', { cooldown: cooldown() });
		assert.equal(cool(parked, { ...quota, untilMs: NOW + HOUR }, NOW), parked);
		const pending = bucket('a', { cooldown: cooldown({ untilMs: NOW + HOUR, times: 2 }) });
		const next = cool(pending, { ...quota, parked: true }, NOW).cooldown;
		assert.deepEqual([next?.untilMs, next?.times, next?.sinceMs], [undefined, 2, NOW - MINUTE]);
		assert.deepEqual(cool(bucket('a'), { ...quota, parked: true }, NOW).cooldown, { ...quota, sinceMs: NOW, times: 1 });
	});
});

describe('what a person changes', () => {
	const state: State = { providers: { demo: { buckets: [bucket('a'), bucket('b'), bucket('c')], labels: [] } } };
	const ids = (of: State) => of.providers.demo?.buckets.map(({ id }) => id).join('');

	it('moves a bucket to a place, within the others', () => {
		assert.equal(ids(move(state, 'demo', 'c', 0)), 'cab');
		assert.equal(ids(move(state, 'demo', 'a', 1)), 'bac');
		assert.equal(ids(move(state, 'demo', 'a', 99)), 'bca');
		assert.equal(ids(move(state, 'demo', 'b', -5)), 'bac');
		assert.equal(ids(move(state, 'demo', 'a', 1.9)), 'bac');
		assert.equal(move(state, 'demo', 'b', 1), state);
		assert.equal(move(state, 'demo', 'x', 1), state);
		assert.equal(move(state, 'other', 'a', 1), state);
	});

	it('names a bucket as no other one is named', () => {
		assert.equal(rename(state, 'demo', 'a', ' x ').providers.demo?.buckets[0]?.name, 'x');
		assert.equal(rename(state, 'demo', 'a', 'a'), state);
		assert.equal(rename(state, 'gone', 'a', 'x'), state);
		assert.equal(rename(state, 'demo', 'gone', 'x'), state);
		for (const name of ['', '  ', 'b', ' b '])
			assert.throws(() => rename(state, 'demo', 'a', name), { code: 'configuration' });
		assert.equal(freeName([bucket('x'), bucket('x (2)')], 'x'), 'x (3)');
		assert.equal(freeName([bucket('x')], 'y'), 'y');
	});

	it('writes nothing where nothing changes', () => {
		assert.equal(describeBucket(state, 'demo', 'a', {}), state);
		assert.equal(describeBucket(state, 'demo', 'a', { owner: 'work' }).providers.demo?.buckets[0]?.owner, 'work');
		assert.equal(
			updateBucket(state, 'demo', 'x', () => assert.fail()),
			state,
		);
		assert.equal(
			updateBucket(state, 'other', 'a', () => assert.fail()),
			state,
		);
		assert.equal(
			updateBucket(state, 'demo', 'a', (present) => present),
			state,
		);
		const told = tell(bucket('a'), 'exhausted', 1);
		assert.equal(tell(told, 'exhausted', 1), told);
	});

	it('replaces the answer about the same two in the same place, and leaves the others', () => {
		const ask = { providerId: 'demo', fromBucketId: 'a', toBucketId: 'b', allowed: true, scope: 'always' } as const;
		const crossings = (of: State) => of.providers.demo?.crossings ?? [];
		const once = decide(state, ask, 'w', NOW);
		assert.deepEqual(crossings(once), [{ from: 'a', to: 'b', allowed: true }]);
		assert.deepEqual(crossings(decide(once, { ...ask, allowed: false }, 'w', NOW)), [
			{ from: 'a', to: 'b', allowed: false },
		]);
		for (const other of [
			{ ...ask, toBucketId: 'c' },
			{ ...ask, fromBucketId: 'c' },
			{ ...ask, scope: 'workspace' } as const,
		])
			assert.equal(crossings(decide(once, other, 'w', NOW)).length, 2);
		assert.deepEqual(crossings(decide(state, { ...ask, scope: 'workspace' }, 'w', NOW))[0]?.workspace, 'w');
		assert.deepEqual(crossings(decide(state, { ...ask, scope: 'untilReset' }, 'w', NOW))[0]?.untilMs, NOW + 24 * HOUR);
		const cooling = updateBucket(state, 'demo', 'a', (one) => ({ ...one, cooldown: cooldown({ untilMs: NOW + 3 }) }));
		assert.deepEqual(crossings(decide(cooling, { ...ask, scope: 'untilReset' }, 'w', NOW))[0]?.untilMs, NOW + 3);
		assert.equal(decide(state, { ...ask, providerId: 'other' }, 'w', NOW), state);
	});

	it('is remembered for 500 answers, the oldest go first', () => {
		let crossed = state;
		let bound: State = EMPTY_STATE;
		for (let index = 0; index <= 500; index++) {
			const crossing = {
				providerId: 'demo',
				fromBucketId: 'a',
				toBucketId: `${index}`,
				allowed: true,
				scope: 'always',
			} as const;
			crossed = decide(crossed, crossing, 'w', NOW);
			bound = answerBinding(bound, { providerId: 'demo', bucketName: 'a', workspace: `${index}`, allowed: true });
		}
		assert.deepEqual(
			[crossed.providers.demo?.crossings?.length, crossed.providers.demo?.crossings?.[0]?.to],
			[500, '1'],
		);
		assert.deepEqual([bound.bindings?.length, bound.bindings?.[0]?.workspace], [500, '1']);
	});

	it('about the binding of a workspace replaces that about the same account there', () => {
		const answer = { providerId: 'demo', bucketName: 'a', workspace: 'w', allowed: true };
		const once = answerBinding(EMPTY_STATE, answer);
		assert.deepEqual(answerBinding(once, { ...answer, allowed: false }).bindings, [{ ...answer, allowed: false }]);
		assert.equal(answerBinding(once, { ...answer, bucketName: 'b' }).bindings?.length, 2);
		assert.equal(answerBinding(once, { ...answer, workspace: 'v' }).bindings?.length, 2);
		assert.equal(answerBinding(once, { ...answer, providerId: 'other' }).bindings?.length, 2);
	});
});
