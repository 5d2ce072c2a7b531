import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BucketObstacle } from '../../../src/auth/errors.ts';
import type { Snapshot } from '../../../src/auth/snapshot.ts';
import { exhaustionAction, exhaustionText, newExhaustions } from '../../../src/views/buckets/exhaustion.ts';
import { clockText } from '../../../src/views/clockText.ts';
import { bucketOf, snapshotOf } from '../../support/fakeAuthService.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

const NOW = new Date(2026, 4, 5, 12, 0).getTime();
const UNTIL = NOW + 30 * 60_000;
const BUCKETS = [bucketOf('a'), bucketOf('b')];
const WORKING = snapshotOf(BUCKETS);

function exhausted(untilMs?: number, ids: readonly string[] = ['a', 'b']): Snapshot {
	const buckets: BucketObstacle[] = ids.map((id) => ({ bucketId: id, name: id, reason: 'cooling' }));
	return snapshotOf(BUCKETS, {
		automatic: { kind: 'exhausted', buckets, ...(untilMs === undefined ? {} : { untilMs }) },
	});
}

describe('an exhausted service', () => {
	it('is news when it becomes so, and not again while it stays so', () => {
		assert.equal(newExhaustions(WORKING, exhausted(UNTIL)).length, 1);
		assert.deepEqual(newExhaustions(exhausted(UNTIL), exhausted(UNTIL + 120_000)), []);
		assert.deepEqual(newExhaustions(exhausted(UNTIL), WORKING), []);
		assert.deepEqual(newExhaustions(WORKING, WORKING), []);
	});

	it('is no news to the person who has just said that nothing else may be used', () => {
		const asked = snapshotOf(BUCKETS, {
			automatic: { kind: 'decision', fromBucketId: 'a', toBucketId: 'b', buckets: [] },
		});
		const declined = snapshotOf(BUCKETS, {
			automatic: {
				kind: 'exhausted',
				untilMs: UNTIL,
				buckets: [
					{ bucketId: 'a', name: 'a', reason: 'cooling', untilMs: UNTIL },
					{ bucketId: 'b', name: 'b', reason: 'decision' },
				],
			},
		});
		assert.deepEqual(newExhaustions(asked, declined), []);
		// What could have stood in is exhausted as well meanwhile: that is news, whatever they were going to say.
		assert.equal(newExhaustions(asked, exhausted(UNTIL)).length, 1);
	});

	it('is no news to a window that finds it so', () => {
		assert.deepEqual(newExhaustions({ loaded: false, providers: [] }, exhausted(UNTIL)), []);
	});

	it('has one key for one reset time, a second earlier or later, and all windows claim it on the same bucket', () => {
		const news = [UNTIL - 1_000, UNTIL, UNTIL + 1_000, UNTIL + 120_000].flatMap((untilMs) =>
			newExhaustions(WORKING, exhausted(untilMs)),
		);
		assert.equal(new Set(news.slice(0, 3).map(({ key }) => key)).size, 1);
		assert.notEqual(news[3]?.key, news[0]?.key);
		assert.deepEqual([...new Set(news.map(({ bucketId }) => bucketId))], ['a']);
	});

	it('is said with the earliest time, and as one account where a workspace is tied to it', () => {
		const time = clockText(UNTIL, NOW, plainLocalizer);
		const text = (snapshot: Snapshot): string[] =>
			newExhaustions(WORKING, snapshot).map((news) => exhaustionText(news, NOW, plainLocalizer));
		assert.deepEqual(text(exhausted(UNTIL)), [`Every account of Acme is exhausted. The first one is back at ${time}.`]);
		assert.deepEqual(text(exhausted()), ['Every account of Acme is exhausted.']);
		assert.deepEqual(text(exhausted(UNTIL, ['b'])), [
			`The account "b" of Acme is exhausted until ${time}, and no other can stand in.`,
		]);
	});

	it('offers another account to who has one, and the list to who has several', () => {
		const one = snapshotOf([bucketOf('a')], {
			automatic: { kind: 'exhausted', buckets: [{ bucketId: 'a', name: 'a', reason: 'cooling' }] },
		});
		assert.deepEqual(newExhaustions(WORKING, one).map(exhaustionAction), ['addAccount']);
		assert.deepEqual(newExhaustions(WORKING, exhausted(UNTIL)).map(exhaustionAction), ['showAccounts']);
	});
});
