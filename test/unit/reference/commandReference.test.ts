import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { referenceSchema } from '../../../src/auth/reference/commandReference.ts';

describe('a reference in the settings', () => {
	it('is an argument vector, with a time to keep what it prints and a time to print it in', () => {
		assert.deepEqual(v.parse(referenceSchema, { command: ['op', 'read', 'op://vault/key'] }), {
			...{ command: 'op', args: ['read', 'op://vault/key'], cacheMs: 300_000, timeoutMs: 10_000 },
		});
		assert.deepEqual(
			v.parse(referenceSchema, {
				command: ['pass', ''],
				cacheSeconds: 0,
				timeoutSeconds: 1.5,
				env: ['PASSWORD_STORE_DIR'],
			}),
			{ command: 'pass', args: [''], cacheMs: 0, timeoutMs: 1_500, env: ['PASSWORD_STORE_DIR'] },
		);
	});

	const command = ['op'];
	for (const [field, entry] of [
		['command', {}],
		['command', { command: 'op read' }],
		['command', { command: [] }],
		['command', { command: [''] }],
		['command', { command: [' op'] }],
		['command.1', { command: ['op', 7] }],
		['command.1', { command: ['op', 'a\0b'] }],
		['command.0', { command: ['x'.repeat(4097)] }],
		['command', { command: Array.from({ length: 65 }, () => 'x') }],
		['cacheSeconds', { command, cacheSeconds: -1 }],
		['cacheSeconds', { command, cacheSeconds: 86_401 }],
		['cacheSeconds', { command, cacheSeconds: Number.NaN }],
		['cacheSeconds', { command, cacheSeconds: '5' }],
		['timeoutSeconds', { command, timeoutSeconds: 0 }],
		['timeoutSeconds', { command, timeoutSeconds: 121 }],
		['env.0', { command, env: ['A=b'] }],
		['env.0', { command, env: [''] }],
		['env', { command, env: { A: 'b' } }],
		['cwd', { command, cwd: '/' }],
	] as const) {
		it(`has a wrong ${field} if it is ${JSON.stringify(entry).slice(0, 60)}`, () => {
			const result = v.safeParse(referenceSchema, entry);
			assert.equal(result.success, false);
			assert.deepEqual(
				result.issues?.map((issue) => issue.path?.map(({ key }) => key).join('.')),
				[field],
			);
		});
	}
});
