import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type AutomaticQuestion, canAnswer, chooseAutomatic } from '../../../src/auth/buckets/automatic.ts';
import { BILLING_CLASSES, BUCKET_OWNERS, crosses } from '../../../src/auth/buckets/billing.ts';
import { availability, claimProbe, cool, endCooldown, PROBE_MS } from '../../../src/auth/buckets/cooldowns.ts';
import type { Bucket, BucketCooldown } from '../../../src/auth/buckets/state.ts';
import type { BucketSnapshot } from '../../../src/auth/snapshot.ts';
import { bucketOf, withoutToken } from '../../support/fakeAuthService.ts';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;

function cooling(untilMs?: number, probe?: BucketCooldown['probe']): BucketCooldown {
	return {
		reason: 'quota',
		rule: 'quota',
		sinceMs: NOW - MINUTE,
		times: 1,
		...(untilMs === undefined ? {} : { untilMs }),
		...(probe ? { probe } : {}),
	};
}

function ask(
	buckets: readonly BucketSnapshot[],
	cooldowns: Readonly<Record<string, BucketCooldown>> = {},
	more: Partial<AutomaticQuestion> = {},
) {
	return chooseAutomatic({
		buckets,
		cooldownOf: (id) => cooldowns[id],
		crossings: [],
		binding: undefined,
		window: 'here',
		workspace: 'workspace',
		nowMs: NOW,
		...more,
	});
}

describe('the bucket in force', () => {
	const [a, b, c] = [bucketOf('a'), bucketOf('b'), bucketOf('c')];

	it('is the first in order', () => {
		assert.deepEqual(ask([a, b]), { kind: 'inForce', bucketId: 'a' });
		assert.deepEqual(ask([]), { kind: 'none' });
	});

	it('is never one that is switched off, left out of Automatic, cooling or in need of a sign-in', () => {
		assert.deepEqual(ask([{ ...a, disabled: true }, b]), { kind: 'inForce', bucketId: 'b' });
		assert.deepEqual(ask([{ ...a, automatic: false }, b]), { kind: 'inForce', bucketId: 'b' });
		assert.deepEqual(ask([a, b], { a: cooling(NOW + 1) }), { kind: 'inForce', bucketId: 'b' });
		const dead = withoutToken('a', { kind: 'needsSignIn', reason: 'invalid_grant' });
		assert.deepEqual(ask([dead, b]), { kind: 'inForce', bucketId: 'b' });
		assert.deepEqual(
			ask([
				{ ...a, disabled: true },
				{ ...b, automatic: false },
			]),
			{ kind: 'none' },
		);
	});

	it('is a command that has not run yet', () => {
		const command = bucketOf('a', { kind: 'reference', token: 'none' });
		assert.deepEqual(ask([command]), { kind: 'inForce', bucketId: 'a' });
	});

	it('says what is missing, and when the first one comes back', () => {
		const dead = withoutToken('a', { kind: 'needsSignIn', reason: 'invalid_grant' });
		assert.deepEqual(ask([dead]), { kind: 'needsSignIn', bucketId: 'a' });
		assert.deepEqual(ask([a, b, dead], { a: cooling(NOW + 2 * MINUTE), b: cooling(NOW + MINUTE) }), {
			kind: 'exhausted',
			untilMs: NOW + MINUTE,
			buckets: [
				{ bucketId: 'a', name: a.name, reason: 'cooling', untilMs: NOW + 2 * MINUTE },
				{ bucketId: 'b', name: b.name, reason: 'cooling', untilMs: NOW + MINUTE },
				{ bucketId: 'a', name: dead.name, reason: 'needsSignIn' },
			],
		});
		assert.deepEqual(ask([a], { a: cooling() }), {
			kind: 'exhausted',
			buckets: [{ bucketId: 'a', name: a.name, reason: 'cooling' }],
		});
	});

	it('comes back by one window, and to the others when that went well', () => {
		const over = { a: cooling(NOW - 1) };
		assert.deepEqual(ask([a, b], over), { kind: 'inForce', bucketId: 'b', probe: 'a' });
		const claimed = { a: cooling(NOW - 1, { window: 'here', untilMs: NOW + PROBE_MS }) };
		assert.deepEqual(ask([a, b], claimed), { kind: 'inForce', bucketId: 'a' });
		assert.deepEqual(ask([a, b], claimed, { window: 'there' }), { kind: 'inForce', bucketId: 'b' });
		const later = { window: 'there', nowMs: NOW + PROBE_MS };
		assert.deepEqual(ask([a, b], claimed, later), { kind: 'inForce', bucketId: 'a' });
		// Where nothing else can answer nobody waits for the probe.
		assert.deepEqual(ask([a], claimed, { window: 'there' }), { kind: 'inForce', bucketId: 'a' });
		assert.deepEqual(ask([a], over), { kind: 'inForce', bucketId: 'a' });
	});

	it('stays for who asked to stay, as long as it can answer', () => {
		assert.deepEqual(ask([a, b, c], {}, { stay: 'b' }), { kind: 'inForce', bucketId: 'b' });
		assert.deepEqual(ask([a, b], { a: cooling(NOW - 1) }, { stay: 'b' }), { kind: 'inForce', bucketId: 'b' });
		assert.deepEqual(ask([a, b], { b: cooling(NOW + 1) }, { stay: 'b' }), { kind: 'inForce', bucketId: 'a' });
		assert.deepEqual(ask([a, { ...b, disabled: true }], {}, { stay: 'b' }), { kind: 'inForce', bucketId: 'a' });
	});

	it('is that of the binding and no other', () => {
		const binding = { kind: 'bound', bucketName: b.name } as const;
		assert.deepEqual(ask([a, b], {}, { binding }), { kind: 'inForce', bucketId: 'b' });
		assert.deepEqual(ask([a], {}, { binding }), { kind: 'boundMissing', bucketName: b.name });
		assert.deepEqual(ask([a, b, bucketOf('d', { name: b.name })], {}, { binding }), {
			kind: 'boundMissing',
			bucketName: b.name,
		});
		const dead = withoutToken('b', { kind: 'needsSignIn', reason: 'invalid_grant' });
		const unusable = { kind: 'boundUnusable', bucketName: b.name, bucketId: 'b' };
		assert.deepEqual(ask([a, dead], {}, { binding }), unusable);
		assert.deepEqual(ask([a, { ...b, disabled: true }], {}, { binding }), unusable);
		assert.equal(ask([a, b], { b: cooling(NOW + 1) }, { binding }).kind, 'exhausted');
		// The person tied it themselves: that it is left out of Automatic, or billed otherwise, is their choice.
		const other = { ...b, automatic: false, owner: 'personal' } as const;
		assert.deepEqual(ask([a, other], {}, { binding }), { kind: 'inForce', bucketId: 'b' });
		assert.deepEqual(ask([a], {}, { binding: { kind: 'conflict', names: ['x', 'y'] } }), {
			kind: 'bindingConflict',
			names: ['x', 'y'],
		});
	});

	it('is not tied by what a workspace only wants', () => {
		const wanted = { providerId: 'acme', bucketName: b.name, workspace: 'w', fromWorkspace: true };
		const binding = { kind: 'unconfirmed', binding: wanted } as const;
		assert.deepEqual(ask([a, b], {}, { binding }), { kind: 'inForce', bucketId: 'a' });
	});

	describe('that is billed differently', () => {
		const work = { ...a, owner: 'work', billing: 'subscription' } as const;
		const home = { ...b, owner: 'personal', billing: 'metered' } as const;
		const exhausted = { a: cooling(NOW + MINUTE) };

		it('waits for the decision of the person', () => {
			assert.deepEqual(ask([work, home], exhausted), {
				kind: 'decision',
				fromBucketId: 'a',
				toBucketId: 'b',
				untilMs: NOW + MINUTE,
				buckets: [
					{ bucketId: 'a', name: a.name, reason: 'cooling', untilMs: NOW + MINUTE },
					{ bucketId: 'b', name: b.name, reason: 'decision' },
				],
			});
			assert.deepEqual(ask([work, home, { ...work, id: 'c' }], exhausted), { kind: 'inForce', bucketId: 'c' });
		});

		it('stands in where they said so, and nowhere else', () => {
			const yes = { from: 'a', to: 'b', allowed: true };
			const say = (...crossings: AutomaticQuestion['crossings']) => ask([work, home], exhausted, { crossings }).kind;
			assert.equal(say(yes), 'inForce');
			assert.equal(say({ ...yes, workspace: 'workspace' }), 'inForce');
			assert.equal(say({ ...yes, workspace: 'another' }), 'decision');
			assert.equal(say({ ...yes, untilMs: NOW + 1 }), 'inForce');
			assert.equal(say({ ...yes, untilMs: NOW }), 'decision');
			assert.equal(say({ ...yes, to: 'c' }), 'decision');
			assert.equal(say({ ...yes, from: 'c' }), 'decision');
			// A no is not asked again, and the last word counts.
			assert.equal(say({ ...yes, allowed: false }), 'exhausted');
			assert.equal(say(yes, { ...yes, allowed: false }), 'exhausted');
		});

		it('is what a key counts as of which nothing was said, beside a sign-in', () => {
			assert.equal(ask([a, bucketOf('b', { kind: 'apiKey' })], exhausted).kind, 'decision');
			assert.equal(ask([a, b], exhausted).kind, 'inForce');
			const keys = [bucketOf('a', { kind: 'apiKey' }), bucketOf('b', { kind: 'apiKey' })];
			assert.equal(ask(keys, exhausted).kind, 'inForce');
		});
	});

	it('is never one that may not answer, whatever the rest is (property)', () => {
		const bucket = fc.record({
			id: fc.constantFrom('a', 'b', 'c', 'd'),
			disabled: fc.boolean(),
			automatic: fc.boolean(),
			owner: fc.option(fc.constantFrom(...BUCKET_OWNERS), { nil: undefined }),
			billing: fc.option(fc.constantFrom(...BILLING_CLASSES), { nil: undefined }),
			dead: fc.boolean(),
			untilMs: fc.option(fc.integer({ min: NOW - 5, max: NOW + 5 }), { nil: undefined }),
			parked: fc.boolean(),
			probe: fc.option(
				fc.record({ window: fc.constantFrom('here', 'there'), untilMs: fc.constantFrom(NOW - 1, NOW + 1) }),
				{
					nil: undefined,
				},
			),
		});
		fc.assert(
			fc.property(
				fc.uniqueArray(bucket, { selector: ({ id }) => id }),
				fc.option(fc.constantFrom('a', 'b', 'z'), { nil: undefined }),
				fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
				fc.array(
					fc.record({ from: fc.constantFrom('a', 'b'), to: fc.constantFrom('b', 'c', 'd'), allowed: fc.boolean() }),
				),
				(rows, bound, stay, crossings) => {
					const buckets = rows.map(({ id, disabled, automatic, owner, billing, dead }) => ({
						...(dead ? withoutToken(id, { kind: 'needsSignIn', reason: 'invalid_grant' }) : bucketOf(id)),
						name: id,
						disabled,
						automatic,
						...(owner ? { owner } : {}),
						...(billing ? { billing } : {}),
					}));
					const cooldowns = Object.fromEntries(
						rows.flatMap(({ id, untilMs, parked, probe }) =>
							untilMs === undefined && !parked ? [] : [[id, cooling(parked ? undefined : untilMs, probe)]],
						),
					);
					const binding = bound === undefined ? undefined : ({ kind: 'bound', bucketName: bound } as const);
					const answer = ask(buckets, cooldowns, { binding, stay, crossings });
					if (answer.kind !== 'inForce') return;
					const chosen = buckets.find(({ id }) => id === answer.bucketId);
					assert.ok(chosen && !chosen.disabled && canAnswer(chosen));
					const until = cooldowns[chosen.id];
					assert.ok(until === undefined || (until.untilMs !== undefined && until.untilMs <= NOW));
					if (bound !== undefined) return assert.equal(chosen.name, bound);
					assert.ok(chosen.automatic);
					const home = buckets.find((entry) => entry.automatic && !entry.disabled);
					const said = crossings.findLast(({ from, to }) => from === home?.id && to === chosen.id);
					assert.ok(home && (!crosses(home, chosen) || said?.allowed));
				},
			),
			{ numRuns: 3_000, verbose: true },
		);
	});
});

describe('a cooldown', () => {
	const bucket = { id: 'a' } as Bucket;
	const quota = { reason: 'quota', rule: 'quota' } as const;

	it('lasts as long as the service says, and a later answer never shortens it', () => {
		const first = cool(bucket, { ...quota, untilMs: NOW + 10 * MINUTE }, NOW);
		assert.equal(first.cooldown?.untilMs, NOW + 10 * MINUTE);
		assert.equal(cool(first, { ...quota, untilMs: NOW + 5 * MINUTE }, NOW + MINUTE), first);
		assert.equal(cool(first, quota, NOW + MINUTE), first);
		assert.equal(
			cool(first, { ...quota, untilMs: NOW + 20 * MINUTE }, NOW + MINUTE).cooldown?.untilMs,
			NOW + 20 * MINUTE,
		);
	});

	it('is forgotten when the clock was set back so far that no answer can have set its end', () => {
		const cooled = cool(bucket, { ...quota, untilMs: NOW + 10 * MINUTE }, NOW).cooldown;
		assert.equal(availability(cooled, 'here', NOW - 4 * 60 * MINUTE).kind, 'cooling');
		assert.equal(availability(cooled, 'here', NOW - 60 * 24 * 60 * MINUTE).kind, 'probeable');
	});

	it('is doubled each time in a row where the service names none, up to half an hour', () => {
		let present = bucket;
		let nowMs = NOW;
		const lengths: number[] = [];
		for (let turn = 0; turn < 7; turn++) {
			present = cool(present, quota, nowMs);
			lengths.push(((present.cooldown?.untilMs ?? 0) - nowMs) / MINUTE);
			nowMs = (present.cooldown?.untilMs ?? 0) + 1;
		}
		assert.deepEqual(lengths, [1, 2, 4, 8, 16, 30, 30]);
		const later = cool(present, quota, nowMs + 24 * 60 * MINUTE);
		assert.equal(later.cooldown?.times, 1);
	});

	it('of something that waiting does not bring back ends by the person', () => {
		const parked = cool(bucket, { reason: 'credit', rule: 'credit', parked: true }, NOW);
		assert.deepEqual(availability(parked.cooldown, 'here', NOW + 365 * 24 * 60 * MINUTE), { kind: 'cooling' });
		assert.equal(cool(parked, { ...quota, untilMs: NOW + MINUTE }, NOW), parked);
		assert.equal(endCooldown(parked).cooldown, undefined);
	});

	it('is probed by the window that claims it first', () => {
		const over = cool(bucket, { ...quota, untilMs: NOW + MINUTE }, NOW);
		assert.equal(claimProbe(over, 'here', NOW), over);
		const claimed = claimProbe(over, 'here', NOW + MINUTE);
		assert.deepEqual(claimed.cooldown?.probe, { window: 'here', untilMs: NOW + MINUTE + PROBE_MS });
		assert.equal(claimProbe(claimed, 'there', NOW + MINUTE), claimed);
		// Exhausted still: the probe is over, and nobody goes there before the new end.
		const again = cool(claimed, quota, NOW + MINUTE + 1);
		assert.equal(again.cooldown?.probe, undefined);
		assert.equal(availability(again.cooldown, 'here', NOW + 2 * MINUTE).kind, 'cooling');
	});

	it('never has a window go back and forth within seconds (property)', () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: -10_000, max: 120_000 }), { minLength: 1, maxLength: 30 }), (ends) => {
				let present = bucket;
				let nowMs = NOW;
				for (const end of ends) {
					const before = present.cooldown?.untilMs ?? 0;
					present = cool(present, { ...quota, untilMs: nowMs + end }, nowMs);
					const untilMs = present.cooldown?.untilMs ?? 0;
					assert.ok(untilMs >= nowMs + 15_000 && (before <= nowMs || untilMs >= before));
					nowMs += 1_000;
				}
			}),
		);
	});
});
