/** What is kept of a library's error: enough to know it by, and nothing that it holds. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { AuthError } from '../../../src/auth/errors.ts';
import { safeCause } from '../../../src/auth/oauth/safeCause.ts';

const SECRET = 'canary-4711';

/** Errors in one another, the outermost first. */
function nested(depth: number): Error {
	const cause = depth === 0 ? undefined : nested(depth - 1);
	return Object.assign(new Error(SECRET, { cause }), { name: `Level${depth}`, code: 'E_X' });
}

function depthOf(error: unknown): number {
	return error instanceof Error ? 1 + depthOf(error.cause) : 0;
}

describe('the cause that is kept of an error', () => {
	it('has its name, its code and the claim it stumbled over, and no word of its message', () => {
		const cause = { claim: 'aud', expected: SECRET, body: { access_token: SECRET } };
		const error = Object.assign(new TypeError(SECRET, { cause }), { code: 'OAUTH_CLAIM' });
		const safe = safeCause(error);
		assert.equal(safe?.name, 'TypeError');
		assert.equal(safe?.message, 'OAUTH_CLAIM aud');
		assert.ok(!inspect(safe, { depth: 9, showHidden: true }).includes(SECRET));
	});

	it('has no name and no code that may be data', () => {
		const error = Object.assign(new Error('x'), { name: `Bad ${SECRET}`, code: `${SECRET} is bad` });
		const safe = safeCause(error);
		assert.equal(safe?.name, 'Error');
		assert.ok(!inspect(safe, { depth: 9, showHidden: true }).includes(SECRET));
	});

	it('goes a few causes deep and no further, also where they go round in circles', () => {
		assert.equal(depthOf(safeCause(nested(2))), 3);
		assert.equal(depthOf(safeCause(nested(20))), 5);
		const circle: Error = new Error('x');
		circle.cause = circle;
		assert.equal(depthOf(safeCause(circle)), 5);
	});

	it('is an error of our own as it is, and nothing of what is no error', () => {
		const own = new AuthError('transient', 'x');
		assert.equal(safeCause(own), own);
		assert.equal(safeCause({ access_token: SECRET }), undefined);
	});
});
