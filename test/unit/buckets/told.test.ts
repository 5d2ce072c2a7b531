/** What the person was told of a bucket is told by one window, once, and again when it is news. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Bucket } from '../../../src/auth/buckets/state.ts';
import { tell } from '../../../src/auth/buckets/told.ts';

const bucket: Bucket = {
	...{ id: 'b1', name: 'one', kind: 'oauth', createdAtMs: 1 },
	account: { id: 'a', label: 'a', identity: { issuer: 'https://issuer.example' } },
};

describe('a message about a bucket', () => {
	it('is noted, and known from then on whatever else was said', () => {
		const first = tell(bucket, 'invalid_grant', 3);
		assert.deepEqual(first, { ...bucket, told: [{ generation: 3, reason: 'invalid_grant' }] });
		assert.equal(tell(first, 'invalid_grant', 3), first);
		const second = tell(first, 'cooling', 3);
		assert.deepEqual(second.told, [
			{ generation: 3, reason: 'invalid_grant' },
			{ generation: 3, reason: 'cooling' },
		]);
		assert.equal(tell(second, 'invalid_grant', 3), second);
		assert.equal(tell(second, 'cooling', 3), second);
	});

	it('about a credential is news again after the next sign-in, and any other is not', () => {
		for (const reason of ['invalid_grant', 'unknown_outcome', 'unavailable']) {
			const told = tell(bucket, reason, 3);
			assert.deepEqual(tell(told, reason, 4).told?.at(-1), { generation: 4, reason });
		}
		const told = tell(bucket, 'cooling until 7', 3);
		assert.equal(tell(told, 'cooling until 7', 4), told);
		assert.notEqual(tell(told, 'cooling until 8', 3), told);
	});

	it('is remembered before many others, and the oldest is forgotten first', () => {
		let told = bucket;
		for (let count = 0; count < 40; count++) told = tell(told, `message ${count}`, 1);
		assert.equal(tell(told, 'message 39', 1), told);
		assert.equal(tell(told, 'message 30', 1), told);
		assert.notEqual(tell(told, 'message 0', 1), told);
		assert.ok((told.told?.length ?? 0) < 40);
	});
});
