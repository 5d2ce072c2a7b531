import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasBinding, withBinding, withoutBinding } from '../../../src/views/buckets/bindingSetting.ts';

describe('the setting that ties a workspace', () => {
	it('gets one entry for each service and keeps the others', () => {
		const before = { acme: 'old', other: 'x' };
		assert.deepEqual(withBinding(before, 'acme', 'work'), { acme: 'work', other: 'x' });
		assert.deepEqual(before, { acme: 'old', other: 'x' });
		assert.deepEqual(withBinding(undefined, 'acme', 'work'), { acme: 'work' });
	});

	it('goes when its last entry goes', () => {
		assert.deepEqual(withoutBinding({ acme: 'work', other: 'x' }, 'acme'), { other: 'x' });
		assert.equal(withoutBinding({ acme: 'work' }, 'acme'), undefined);
	});

	it('may hold anything, as people edit it', () => {
		for (const value of [undefined, null, 'text', 7, ['acme']]) {
			assert.equal(hasBinding(value, 'acme'), false);
			assert.deepEqual(withBinding(value, 'acme', 'work'), { acme: 'work' });
			assert.equal(withoutBinding(value, 'acme'), undefined);
		}
		assert.equal(hasBinding({ acme: 'work' }, 'acme'), true);
		assert.equal(hasBinding({}, 'toString'), false);
	});
});
