import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Consumer } from '../../../src/auth/terminal/consumer.ts';
import { createLastTokens } from '../../../src/auth/terminal/lastTokens.ts';

const BUCKET = { bucketId: 'b1', named: false };
const terminal = (pid: number, startTime: string | undefined = 'a'): Consumer => ({
	...{ kind: 'terminal', pid, startTime, name: 'sh' },
});
const digestOf = (token: string) => createHash('sha256').update(token).digest('hex');

test('the last token of a terminal is known by its digest, for that shell and provider alone', () => {
	const tokens = createLastTokens();
	tokens.remember(terminal(1), 'acme', 'one', BUCKET);
	tokens.remember(terminal(1), 'acme', 'two', { bucketId: 'b2', named: true });
	tokens.remember({ kind: 'outside' }, 'acme', 'three', BUCKET);
	assert.deepEqual(tokens.find(terminal(1), 'acme'), { digest: digestOf('two'), bucketId: 'b2', named: true });
	assert.equal(tokens.find({ kind: 'outside' }, 'acme')?.digest, digestOf('three'));
	for (const other of [terminal(2), terminal(1, 'b'), { ...terminal(1), startTime: undefined }])
		assert.equal(tokens.find(other, 'acme'), undefined);
	assert.equal(tokens.find(terminal(1), 'other'), undefined);
});

test('the oldest of very many is forgotten, and one that was given again is young', () => {
	const tokens = createLastTokens();
	for (let pid = 1; pid <= 500; pid++) tokens.remember(terminal(pid), 'acme', 'x', BUCKET);
	tokens.remember(terminal(1), 'acme', 'x', BUCKET);
	tokens.remember(terminal(501), 'acme', 'x', BUCKET);
	assert.deepEqual(
		[1, 2, 3, 501].map((pid) => tokens.find(terminal(pid), 'acme') !== undefined),
		[true, false, true, true],
	);
});
