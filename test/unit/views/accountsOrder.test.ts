import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { movesFor } from '../../../src/views/accounts/accountsOrder.ts';
import { bucketOf } from '../../support/fakeAuthService.ts';

const IDS = ['a', 'b', 'c', 'd', 'e'];
const provider = (ids: readonly string[]) => ({ buckets: ids.map((id) => bucketOf(id)) });

/** As the service moves. */
function moved(ids: readonly string[], dragged: readonly string[], target: string | undefined): string {
	let order = [...ids];
	for (const { bucketId, index } of movesFor(provider(ids), dragged, target)) {
		order = order.filter((id) => id !== bucketId).toSpliced(index, 0, bucketId);
	}
	return order.join('');
}

describe('accounts that are dragged', () => {
	it('take the place of the one they are dropped on', () => {
		assert.equal(moved(IDS, ['d'], 'b'), 'adbce');
		assert.equal(moved(IDS, ['b'], 'd'), 'acdbe');
		assert.equal(moved(IDS, ['a'], 'e'), 'bcdea');
	});

	it('come first when they are dropped on the service', () => assert.equal(moved(IDS, ['c', 'e'], undefined), 'ceabd'));

	it('stay where they are on themselves, on what is not there, and among another kind', () => {
		assert.deepEqual(movesFor(provider(IDS), ['b', 'c'], 'c'), []);
		assert.deepEqual(movesFor(provider(IDS), ['b'], 'gone'), []);
		assert.deepEqual(movesFor(provider(IDS), ['foreign'], 'b'), []);
		const buckets = [bucketOf('a'), bucketOf('b'), bucketOf('s', { sessionOnly: true })];
		assert.deepEqual(movesFor({ buckets }, ['s'], 'a'), []);
		assert.deepEqual(movesFor({ buckets }, ['a'], 's'), []);
	});

	it('stay together in their order, whatever is dragged where, and nobody else changes places', () => {
		fc.assert(
			fc.property(fc.subarray(IDS, { minLength: 1 }), fc.constantFrom(...IDS), (dragged, target) => {
				const after = moved(IDS, dragged, target);
				if (dragged.includes(target)) return after === IDS.join('');
				const others = IDS.filter((id) => !dragged.includes(id)).join('');
				return after.includes(dragged.join('')) && [...after].filter((id) => !dragged.includes(id)).join('') === others;
			}),
		);
	});
});
