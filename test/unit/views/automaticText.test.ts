import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { BucketSnapshot } from '../../../src/auth/snapshot.ts';
import { automaticText } from '../../../src/views/accounts/automaticText.ts';
import { bucketOf, snapshotOf } from '../../support/fakeAuthService.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

function textFor(...buckets: readonly BucketSnapshot[]): string | undefined {
	const [provider] = snapshotOf(buckets, { automatic: { kind: 'none' } }).providers;
	assert.ok(provider);
	return automaticText(provider, 0, plainLocalizer);
}

const off = { disabled: true };
const out = { automatic: false };

it('says whether accounts are switched off or kept out of Automatic', () => {
	assert.equal(textFor(), undefined);
	assert.equal(textFor(bucketOf('a', off)), 'switched off');
	assert.equal(textFor(bucketOf('a', off), bucketOf('b', off)), 'all switched off');
	assert.equal(textFor(bucketOf('a', off), bucketOf('b', { ...off, ...out })), 'all switched off');
	assert.equal(textFor(bucketOf('a', off), bucketOf('b', out)), 'switched off: all of Automatic');
	assert.equal(textFor(bucketOf('a', out), bucketOf('b', out)), 'none in Automatic');
	assert.equal(textFor(bucketOf('a', out), bucketOf('b', { ...off, ...out })), 'none in Automatic');
});
