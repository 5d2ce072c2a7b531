import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BILLING_CLASSES, BUCKET_OWNERS } from '../../../src/auth/buckets/billing.ts';
import type { AutomaticState, CooldownReason } from '../../../src/auth/snapshot.ts';
import { automaticText } from '../../../src/views/accounts/automaticText.ts';
import { billedText, bucketTitle, coolingText } from '../../../src/views/accounts/bucketWords.ts';
import { nameProblem } from '../../../src/views/buckets/bucketName.ts';
import { unsaidOf } from '../../../src/views/buckets/joiningAccounts.ts';
import { clockText } from '../../../src/views/clockText.ts';
import { bucketOf, snapshotOf } from '../../support/fakeAuthService.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

const NOW = new Date(2026, 4, 5, 12, 0).getTime();
const LATER = new Date(2026, 4, 5, 14, 5).getTime();
const DAY_MS = 24 * 60 * 60_000;

describe('a bucket in words', () => {
	it('is called by its name, and by its account beside it where they differ', () => {
		assert.equal(bucketTitle(bucketOf('a')), 'a@acme.example');
		assert.equal(bucketTitle(bucketOf('a', { name: 'work' })), 'work (a@acme.example)');
	});

	it('says who pays and how, as far as that was said', () => {
		const texts = [undefined, ...BUCKET_OWNERS].flatMap((owner) =>
			[undefined, ...BILLING_CLASSES].map((billing) =>
				billedText({ ...(owner && { owner }), ...(billing && { billing }) }, plainLocalizer),
			),
		);
		assert.equal(new Set(texts).size, 12);
		assert.equal(texts[0], '');
		assert.ok(texts.includes('personal, metered'));
	});

	it('says until when it is exhausted and why, each reason in words of its own', () => {
		const reasons: Record<CooldownReason, true> = {
			quota: true,
			rate_limit: true,
			credit: true,
			entitlement: true,
			refused: true,
		};
		const texts = Object.keys(reasons).map((reason) =>
			coolingText({ reason: reason as CooldownReason, rule: 'r', sinceMs: 0, untilMs: LATER }, NOW, plainLocalizer),
		);
		assert.equal(new Set(texts).size, texts.length);
		assert.ok(texts.every((text) => text.startsWith(`back ${clockText(LATER, NOW, plainLocalizer)}: `)));
		assert.equal(
			coolingText({ reason: 'credit', rule: 'r', sinceMs: 0 }, NOW, plainLocalizer),
			'parked: credit used up',
		);
	});

	it('names the date of a time that is not today', () => {
		assert.match(clockText(LATER, NOW, plainLocalizer), /5/);
		assert.ok(!clockText(LATER, NOW, plainLocalizer).includes('2026'));
		assert.ok(clockText(LATER + DAY_MS, NOW, plainLocalizer).includes('2026'));
	});
});

describe('a provider of which no account answers', () => {
	it('says why in words of its own for each reason, and nothing while one answers', () => {
		const untilMs = LATER;
		const states: readonly AutomaticState[] = [
			{ kind: 'none' },
			{ kind: 'needsSignIn', bucketId: 'a' },
			{ kind: 'exhausted', untilMs, buckets: [] },
			{ kind: 'exhausted', buckets: [] },
			{ kind: 'exhausted', untilMs, buckets: [{ bucketId: 'a', name: 'work', reason: 'cooling', untilMs }] },
			{ kind: 'exhausted', buckets: [{ bucketId: 'a', name: 'work', reason: 'cooling' }] },
			{ kind: 'decision', fromBucketId: 'a', toBucketId: 'b', buckets: [] },
			{ kind: 'boundMissing', bucketName: 'work' },
			{ kind: 'boundUnusable', bucketName: 'work', bucketId: 'a' },
			{ kind: 'bindingConflict', names: ['a', 'b'] },
		];
		const texts = states.map((automatic) => {
			const [provider] = snapshotOf([bucketOf('a')], { automatic }).providers;
			return provider && automaticText(provider, NOW, plainLocalizer);
		});
		assert.ok(texts.every((text) => text !== undefined && text !== ''));
		assert.equal(new Set(texts).size, texts.length);
		const [working] = snapshotOf([bucketOf('a')]).providers;
		const [empty] = snapshotOf([]).providers;
		assert.ok(working && empty);
		assert.equal(automaticText(working, NOW, plainLocalizer), undefined);
		assert.equal(automaticText(empty, NOW, plainLocalizer), undefined);
	});
});

describe('the name of a bucket', () => {
	it('must not be blank, taken, or too long to be read from a setting', () => {
		assert.equal(nameProblem('  ', []), 'blank');
		assert.equal(nameProblem(' work ', ['work']), 'taken');
		assert.equal(nameProblem('Work', ['work']), undefined);
		assert.equal(nameProblem('x'.repeat(200), []), undefined);
		assert.equal(nameProblem('x'.repeat(201), []), 'long');
	});
});

describe('what is asked when an account joins', () => {
	const [only] = snapshotOf([bucketOf('a')]).providers;
	const said = { owner: 'work', billing: 'metered' } as const;
	const [three] = snapshotOf([bucketOf('a', said), bucketOf('b', { owner: 'work' }), bucketOf('c')]).providers;

	it('is nothing about the first one', () => {
		assert.ok(only);
		assert.deepEqual(unsaidOf(only, 'a'), []);
	});

	it('is what was never said, about the new one first', () => {
		assert.ok(three);
		assert.deepEqual(
			unsaidOf(three, 'c').map(({ bucket, owner, billing }) => [bucket.id, owner, billing]),
			[
				['c', true, true],
				['b', false, true],
			],
		);
	});
});
