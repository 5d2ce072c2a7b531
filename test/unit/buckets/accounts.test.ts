/** Whose bucket is it, what is it called, and does it join Automatic: consents and bills hang on the answers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addBucket, type BucketContent, newId, removeBucket } from '../../../src/auth/buckets/accounts.ts';
import { EMPTY_STATE, type State } from '../../../src/auth/buckets/state.ts';

const provider = { id: 'demo', label: 'Demo' };
const issuer = 'https://issuer.example';
type Identity = BucketContent['identity'];
const oauth = (identity: Partial<Identity>): BucketContent => ({ kind: 'oauth', identity: { issuer, ...identity } });

/** Adds one after the other; the bucket ids are b0, b1 and so on. */
function stateOf(...contents: readonly BucketContent[]): State {
	return contents.reduce<State>(
		(state, content, index) => addBucket(state, provider, content, { nowMs: 7, bucketId: `b${index}` }).state,
		EMPTY_STATE,
	);
}
const bucketsOf = (state: State) => state.providers.demo?.buckets ?? [];
const labelsOf = (...contents: readonly BucketContent[]) =>
	bucketsOf(stateOf(...contents)).map(({ account }) => account.label);
const without = (state: State, ...ids: readonly string[]) =>
	ids.reduce((present, id) => removeBucket(present, 'demo', id), state);
const addTo = (state: State, content: BucketContent) => addBucket(state, provider, content, { nowMs: 8 });

describe('the label of a new account', () => {
	it('is the email, else the name, else the subject, else the service', () => {
		assert.deepEqual(labelsOf(oauth({ email: 'a@example.test', name: 'A', subject: '1' })), ['a@example.test']);
		assert.deepEqual(labelsOf(oauth({ name: 'A', subject: '1' })), ['A']);
		assert.deepEqual(labelsOf(oauth({ subject: '1' })), ['1']);
		assert.deepEqual(labelsOf(oauth({})), ['Demo']);
	});

	it('of a key or a command is what the person called it, whatever its identity says', () => {
		const key: BucketContent = { kind: 'apiKey', identity: { issuer, email: 'a@example.test' } };
		const { bucket } = addBucket(EMPTY_STATE, provider, key, { nowMs: 1, name: 'My Key' });
		assert.equal(bucket.account.label, 'My Key');
		assert.equal(bucket.command, undefined);
		const command: BucketContent = { kind: 'reference', command: 'print', identity: { issuer } };
		assert.equal(addBucket(EMPTY_STATE, provider, command, { nowMs: 1, name: 'Mine' }).bucket.command, 'print');
		assert.equal('command' in addBucket(EMPTY_STATE, provider, oauth({}), { nowMs: 1 }).bucket, false);
	});

	it('is never one that is in use or was given to somebody else', () => {
		const ada = oauth({ email: 'me@example.test', subject: '1' });
		assert.deepEqual(labelsOf(ada, ada), ['me@example.test', 'me@example.test (2)']);
		const gone = without(stateOf(ada), 'b0');
		assert.equal(
			addTo(gone, oauth({ email: 'me@example.test', subject: '2' })).bucket.account.label,
			'me@example.test (2)',
		);
	});

	it('comes back with its account id to its owner: by the subject whatever the email, by the email where there is no subject', () => {
		const known = stateOf(oauth({ email: 'old@example.test', subject: '1' }), oauth({ email: 'mail@example.test' }));
		const gone = without(known, 'b0', 'b1');
		const [first, second] = bucketsOf(known);
		const bySubject = addTo(gone, oauth({ email: 'new@example.test', subject: '1' })).bucket.account;
		assert.deepEqual([bySubject.id, bySubject.label], [first?.account.id, 'old@example.test']);
		const byEmail = addTo(gone, oauth({ email: 'mail@example.test' })).bucket.account;
		assert.deepEqual([byEmail.id, byEmail.label], [second?.account.id, 'mail@example.test']);
		assert.notEqual(
			addTo(gone, oauth({ email: 'mail@example.test', subject: '9' })).bucket.account.id,
			second?.account.id,
		);
	});

	it('does not come back to somebody else of whom only another email is known', () => {
		const known = stateOf(oauth({ email: 'mail@example.test' }));
		const other = addTo(without(known, 'b0'), oauth({ email: 'other@example.test' })).bucket.account;
		assert.equal(other.label, 'other@example.test');
		assert.notEqual(other.id, bucketsOf(known)[0]?.account.id);
	});

	it('does not come back to an account that nothing is known of: it could be anybody', () => {
		const known = stateOf(oauth({}));
		const back = addTo(without(known, 'b0'), oauth({})).bucket.account;
		assert.equal(back.label, 'Demo (2)');
		assert.notEqual(back.id, bucketsOf(known)[0]?.account.id);
	});

	it('of an owner with two is the earlier one first, and the list of labels names each once', () => {
		const ada = oauth({ email: 'me@example.test', subject: '1' });
		const gone = without(stateOf(ada, ada), 'b0', 'b1');
		const back = addTo(gone, ada);
		assert.equal(back.bucket.account.label, 'me@example.test');
		assert.equal(addTo(back.state, ada).bucket.account.label, 'me@example.test (2)');
		assert.deepEqual(
			back.state.providers.demo?.labels.map(({ label }) => label),
			['me@example.test', 'me@example.test (2)'],
		);
	});
});

describe('a new bucket', () => {
	it('joins Automatic unless it is another person than all who are there', () => {
		const joins = (...contents: readonly BucketContent[]) =>
			bucketsOf(stateOf(...contents)).map(({ automatic }) => automatic !== false);
		const [ada, grace] = [oauth({ subject: '1' }), oauth({ subject: '2' })];
		const key: BucketContent = { kind: 'apiKey', identity: { issuer } };
		assert.deepEqual(joins(ada, grace), [true, false]);
		assert.deepEqual(joins(ada, ada), [true, true]);
		assert.deepEqual(joins(ada, grace, ada), [true, false, true]);
		assert.deepEqual(joins(ada, key), [true, true]);
		assert.deepEqual(joins(key, grace), [true, true]);
		// Signing in with less known of one is no proof that it is the same.
		assert.deepEqual(joins(ada, oauth({})), [true, false]);
	});

	it('is the last in order, with a name of its own, and as new as it is', () => {
		const state = stateOf(oauth({ subject: '1' }), oauth({ subject: '2' }));
		const { bucket } = addBucket(state, provider, oauth({ subject: '3' }), { nowMs: 9, name: '1' });
		assert.deepEqual([bucket.name, bucket.createdAtMs, bucket.lastUsedAtMs, bucket.kind], ['1 (2)', 9, 9, 'oauth']);
		assert.match(bucket.id, /^[0-9a-f]{20}$/);
		assert.notEqual(newId(), newId());
	});

	it('of one service leaves the others alone', () => {
		const state = stateOf(oauth({ subject: '1' }));
		const next = addBucket(state, { id: 'other', label: 'Other' }, oauth({ subject: '1' }), { nowMs: 1 }).state;
		assert.equal(next.providers.demo, state.providers.demo);
		assert.deepEqual(next.providers.other?.buckets.length, 1);
	});
});

describe('removing a bucket', () => {
	it('takes that one only and keeps its label', () => {
		const state = stateOf(oauth({ subject: '1' }), oauth({ subject: '2' }));
		const next = removeBucket(state, 'demo', 'b0');
		assert.deepEqual(
			bucketsOf(next).map(({ id }) => id),
			['b1'],
		);
		assert.equal(next.providers.demo?.labels.length, 2);
	});

	it('changes nothing if there is none, so that nothing is written', () => {
		const state = stateOf(oauth({ subject: '1' }));
		assert.equal(removeBucket(state, 'demo', 'nobody'), state);
		assert.equal(removeBucket(state, 'other', 'b0'), state);
	});
});
