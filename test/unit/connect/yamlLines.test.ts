/** What we write into a kubeconfig is read again as what it was, by a reader of YAML 1.2 and one of 1.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import type { Value } from '../../../src/auth/connect/format.ts';
import { yamlLines } from '../../../src/auth/connect/yamlLines.ts';

const text = fc.oneof(
	fc.string({ unit: 'binary', maxLength: 12 }),
	fc.string({ unit: fc.constantFrom(...'aZ09 _/.:-#\'"\\\n\t%@[]{}?*&!|>=~,`'), maxLength: 8 }),
	fc.constantFrom(
		'null',
		'True',
		'off',
		'y',
		'<<',
		'1e3',
		'0x1f',
		'12:30',
		'2026-01-01',
		'.inf',
		'- a',
		'a: b',
		'a #b',
		'',
	),
);
const { value: values } = fc.letrec<{ value: Value }>((tie) => ({
	value: fc.oneof(
		{ maxDepth: 3 },
		text,
		fc.integer(),
		fc.boolean(),
		fc.array(tie('value'), { maxLength: 3 }),
		fc.dictionary(
			text.filter((key) => key !== '__proto__'),
			tie('value'),
			{ maxKeys: 3 },
		),
	),
}));

describe('a value in YAML', () => {
	for (const version of ['1.1', '1.2'] as const)
		it(`means the same to a reader of version ${version}`, () => {
			fc.assert(
				fc.property(values, (value) => {
					const written = `${yamlLines(value).join('\n')}\n`;
					// Not through JSON: V8 13.6 reads the key `"\n"` as `"\\"` if it has parsed an object like it with that key before.
					assert.deepEqual(parse(written, { version, merge: false }), structuredClone(value), written);
				}),
				{ numRuns: 1500 },
			);
		});

	it('stands in block style, without quotes where none are needed', () => {
		const lines = yamlLines({
			exec: { command: '/a b/c', args: ['x', 'yes', '# b'], env: [{ name: 'A', value: '' }], none: [] },
		});
		assert.deepEqual(lines, [
			'exec:',
			'  command: /a b/c',
			'  args:',
			'    - x',
			'    - "yes"',
			'    - "# b"',
			'  env:',
			'    - name: A',
			'      value: ""',
			'  none: []',
		]);
	});
});
