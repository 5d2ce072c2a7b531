import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BucketSnapshot, ProviderSnapshot } from '../../../src/auth/snapshot.ts';
import {
	type CrossingPair,
	crossingChoices,
	crossingKey,
	crossingPairs,
	crossingText,
	isOutdated,
	pendingCrossing,
} from '../../../src/views/buckets/crossingText.ts';
import { clockText } from '../../../src/views/clockText.ts';
import { bucketOf, snapshotOf } from '../../support/fakeAuthService.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

const NOW = Date.now();
const COOLDOWN = { reason: 'quota', rule: 'r', sinceMs: NOW - 1_000, untilMs: NOW + 60_000 } as const;
const WORK = bucketOf('a', { name: 'A', owner: 'work', billing: 'subscription', cooldown: COOLDOWN });
const PERSONAL = bucketOf('b', { name: 'B', owner: 'personal', billing: 'metered' });

function waiting(from: BucketSnapshot = WORK, to: BucketSnapshot = PERSONAL): ProviderSnapshot {
	const [provider] = snapshotOf([from, to], {
		automatic: { kind: 'decision', fromBucketId: from.id, toBucketId: to.id, buckets: [] },
	}).providers;
	assert.ok(provider);
	return provider;
}

function pairOf(provider: ProviderSnapshot): CrossingPair {
	const pair = pendingCrossing(provider);
	assert.ok(pair);
	return pair;
}

describe('the question about an account that is billed differently', () => {
	it('names both accounts, who pays for the other one, and the time', () => {
		const until = clockText(COOLDOWN.untilMs, NOW, plainLocalizer);
		assert.equal(
			crossingText(pairOf(waiting()), NOW, plainLocalizer),
			`A is exhausted until ${until}. Use B (personal, metered) meanwhile?`,
		);
	});

	it('says so when the billing is not known, and when no time is', () => {
		const { untilMs: _none, ...parked } = COOLDOWN;
		const text = crossingText(pairOf(waiting(bucketOf('a', { cooldown: parked }), bucketOf('b'))), NOW, plainLocalizer);
		assert.equal(text, 'a@acme.example is exhausted. Use b@acme.example (billing not known) meanwhile?');
	});

	it('cannot be made a link by a name', () => {
		const evil = bucketOf('b', { name: '[x](command:evil)' });
		assert.ok(!crossingText(pairOf(waiting(WORK, evil)), NOW, plainLocalizer).includes(']('));
	});

	it('has a yes for this time, for this workspace, for always, and a no', () => {
		const choices = crossingChoices(pairOf(waiting()), { hasWorkspace: true, nowMs: NOW }, plainLocalizer);
		assert.deepEqual(
			choices.map(({ title, allowed, scope }) => [title, allowed, scope]),
			[
				['Until It Is Back', true, 'untilReset'],
				['In This Workspace', true, 'workspace'],
				['Always', true, 'always'],
				['No', false, 'untilReset'],
			],
		);
	});

	it('offers no workspace where there is none, and a day where no time is known', () => {
		const { untilMs: _none, ...parked } = COOLDOWN;
		const pair = pairOf(waiting(bucketOf('a', { cooldown: parked })));
		const titles = crossingChoices(pair, { hasWorkspace: false, nowMs: NOW }, plainLocalizer).map(({ title }) => title);
		assert.deepEqual(titles, ['For One Day', 'Always', 'No']);
	});

	it('has the same key for one exhaustion, also when its end moves, and another for the next', () => {
		const key = (cooldown: typeof COOLDOWN | object): string =>
			crossingKey(pairOf(waiting({ ...WORK, cooldown: { ...COOLDOWN, ...cooldown } })));
		assert.equal(key({ untilMs: NOW + 90_000 }), key({}));
		assert.notEqual(key({ sinceMs: NOW }), key({}));
	});

	it('does not take a yes for this time after this time is over', () => {
		const pair = pairOf(waiting());
		const [now, , always] = crossingChoices(pair, { hasWorkspace: true, nowMs: NOW }, plainLocalizer);
		assert.ok(now && always);
		const { cooldown: _over, ...back } = WORK;
		const [after] = snapshotOf([back, PERSONAL]).providers;
		assert.equal(isOutdated(now, pair, waiting()), false);
		assert.equal(isOutdated(now, pair, after), true);
		assert.equal(isOutdated(always, pair, after), false);
	});
});

describe('the pairs that can be decided about', () => {
	it('are those that wait, then every account that differs from the first one', () => {
		const third = bucketOf('c', { owner: 'work', billing: 'metered' });
		const provider = { ...waiting(), buckets: [WORK, third, PERSONAL] };
		const pairs = crossingPairs({ loaded: true, providers: [provider] }, NOW);
		assert.deepEqual(
			pairs.map(({ from, to }) => [from.id, to.id]),
			[
				['a', 'b'],
				['a', 'c'],
			],
		);
	});

	it('are none where everything is billed in one way', () => {
		assert.deepEqual(crossingPairs(snapshotOf([bucketOf('a'), bucketOf('b')]), NOW), []);
		assert.equal(pendingCrossing({ ...waiting(), automatic: { kind: 'none' } }), undefined);
	});
});
