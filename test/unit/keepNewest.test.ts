import assert from 'node:assert/strict';
import { it } from 'node:test';
import { keepNewest } from '../../src/auth/keepNewest.ts';

it('what was added last is kept, as many as there may be', () => {
	const map = new Map([1, 2, 3, 4].map((key) => [key, 'x']));
	keepNewest(map, 4);
	assert.equal(map.size, 4);
	map.delete(2);
	map.set(2, 'again');
	keepNewest(map, 2);
	assert.deepEqual([...map.keys()], [4, 2]);
	keepNewest(map, 0);
	assert.equal(map.size, 0);
});
