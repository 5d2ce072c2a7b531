import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BucketSnapshot, ProviderSnapshot } from '../../../src/auth/snapshot.ts';
import { homeOf, placeOf, standingOf } from '../../../src/views/accounts/bucketStanding.ts';
import { bucketOf, snapshotOf } from '../../support/fakeAuthService.ts';

const NOW = 1_000_000;

function providerOf(
	buckets: readonly BucketSnapshot[],
	options: Parameters<typeof snapshotOf>[1] = {},
): ProviderSnapshot {
	const [provider] = snapshotOf(buckets, options).providers;
	assert.ok(provider);
	return provider;
}

function standing(id: string, provider: ProviderSnapshot) {
	const bucket = provider.buckets.find((entry) => entry.id === id);
	assert.ok(bucket);
	return standingOf(bucket, provider, NOW);
}

describe('the standing of a bucket', () => {
	it('is cooling until its time is up, and for ever without a time', () => {
		const cooldown = { reason: 'quota', rule: 'r', sinceMs: 1 } as const;
		const provider = providerOf([
			bucketOf('past', { cooldown: { ...cooldown, untilMs: NOW } }),
			bucketOf('future', { cooldown: { ...cooldown, untilMs: NOW + 1 } }),
			bucketOf('parked', { cooldown }),
		]);
		const cooling = provider.buckets.filter(({ id }) => standing(id, provider).cooling !== undefined);
		assert.deepEqual(
			cooling.map(({ id }) => id),
			['future', 'parked'],
		);
	});

	it('crosses where owner or billing differ from the first one of Automatic, not from one that is left out', () => {
		const work = { owner: 'work', billing: 'subscription' } as const;
		const provider = providerOf([
			bucketOf('off', { disabled: true, owner: 'personal', billing: 'metered' }),
			bucketOf('out', { automatic: false, owner: 'personal', billing: 'metered' }),
			bucketOf('home', work),
			bucketOf('same', work),
			bucketOf('metered', { ...work, billing: 'metered' }),
			bucketOf('personal', { ...work, owner: 'personal' }),
		]);
		assert.equal(homeOf(provider)?.id, 'home');
		const crossing = provider.buckets.filter(({ id }) => standing(id, provider).crosses).map(({ id }) => id);
		assert.deepEqual(crossing, ['metered', 'personal']);
	});

	it('tells what waits for a decision from what was declined', () => {
		const [a, b] = [bucketOf('a'), bucketOf('b')];
		const obstacles = [
			{ bucketId: 'a', name: a.name, reason: 'cooling' },
			{ bucketId: 'b', name: b.name, reason: 'decision' },
		] as const;
		const asked = providerOf([a, b], {
			automatic: { kind: 'decision', fromBucketId: 'a', toBucketId: 'b', buckets: obstacles },
		});
		assert.deepEqual([standing('b', asked).needsDecision, standing('b', asked).isDeclined], [true, false]);
		assert.equal(standing('a', asked).needsDecision, false);
		const declined = providerOf([a, b], { automatic: { kind: 'exhausted', buckets: obstacles } });
		assert.deepEqual([standing('b', declined).needsDecision, standing('b', declined).isDeclined], [false, true]);
		assert.equal(standing('a', declined).isDeclined, false);
	});

	it('is bound only when the binding is in force', () => {
		const binding = { providerId: 'acme', bucketName: 'work', workspace: 'w', fromWorkspace: true };
		const buckets = [bucketOf('a', { name: 'work' })];
		assert.equal(standing('a', providerOf(buckets, { binding: { kind: 'bound', bucketName: 'work' } })).isBound, true);
		assert.equal(standing('a', providerOf(buckets, { binding: { kind: 'unconfirmed', binding } })).isBound, false);
	});

	it('counts the place among those that are kept in the same way', () => {
		const provider = providerOf([bucketOf('a'), bucketOf('b'), bucketOf('c', { sessionOnly: true })]);
		assert.deepEqual(
			provider.buckets.map((bucket) => placeOf(bucket, provider)),
			[
				{ place: 0, count: 2 },
				{ place: 1, count: 2 },
				{ place: 0, count: 1 },
			],
		);
		assert.deepEqual([standing('b', provider).isFirst, standing('b', provider).isLast], [false, true]);
		assert.deepEqual([standing('c', provider).isFirst, standing('c', provider).isLast], [true, true]);
	});
});
