import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseEnvFile } from '../../../src/auth/import/envFile.ts';

const pairs = (text: string): [string, string][] =>
	parseEnvFile(text).variables.map(({ name, value }) => [name, value]);

describe('a .env file', () => {
	it('is lines NAME=value, with comments, blank lines, export and blanks around the sign', () => {
		const text = '# keys\n\nA=1\nexport B=2\n  C = 3  \nD=4 # four\nE=5#five\nF=\nG=a=b\n#H=8\n';
		assert.deepEqual(pairs(text), [
			...[
				['A', '1'],
				['B', '2'],
				['C', '3'],
				['D', '4'],
				['E', '5#five'],
				['F', ''],
				['G', 'a=b'],
			],
		]);
		assert.deepEqual(parseEnvFile(text).problems, []);
	});

	it('may have a byte order mark and line ends of any system', () => {
		assert.deepEqual(pairs('\uFEFFA=1\r\nB=2\rC="x\r\ny"\n'), [
			['A', '1'],
			['B', '2'],
			['C', 'x\ny'],
		]);
	});

	it('has quotes: double ones with escapes, single ones and backquotes as they stand, over several lines', () => {
		assert.deepEqual(
			pairs(
				`A="a\\nb\\"c\\\\d\\te\\x # no" # yes\nB='a\\nb"c # no'\nC=\`it's\`\nD="one\n# two\nthree"\nE=x"y"\nF=''\n`,
			),
			[
				...[
					['A', 'a\nb"c\\d\te\\x # no'],
					['B', 'a\\nb"c # no'],
					['C', "it's"],
					['D', 'one\n# two\nthree'],
					['E', 'x"y"'],
					['F', ''],
				],
			],
		);
	});

	it('names the lines that are no assignment, and reads on behind them', () => {
		const file = parseEnvFile('A: 1\nB="open\nC=3\n1D=4\nE="5" six\nF=7\n=8\nG H=9\n');
		assert.deepEqual(
			file.variables.map(({ name, value, line }) => [name, value, line]),
			[
				['C', '3', 3],
				['F', '7', 6],
			],
		);
		assert.deepEqual(
			file.problems.map(({ line, code }) => [line, code]),
			[
				[1, 'notAnAssignment'],
				[2, 'openQuote'],
				[4, 'notAnAssignment'],
				[5, 'textAfterQuote'],
				[7, 'notAnAssignment'],
				[8, 'notAnAssignment'],
			],
		);
	});

	it('expands and runs nothing, and marks the values that ask for it', () => {
		const text = [
			...[
				'A=$B',
				'A=$' + '{B}x',
				'A="$B"',
				'A=$(id)',
				'A="`id`"',
				'A=`id`',
				"A='$B'",
				'A="\\$B"',
				'A=a$',
				'A="100 $"',
				'A=$1',
			],
		].join('\n');
		assert.deepEqual(
			parseEnvFile(text).variables.map(({ value, refers }) => [value, refers]),
			[
				...[
					['$B', true],
					['$' + '{B}x', true],
					['$B', true],
					['$(id)', true],
					['`id`', true],
					['id', false],
				],
				...[
					['$B', false],
					['$B', false],
					['a$', false],
					['100 $', false],
					['$1', true],
				],
			],
		);
	});

	it('never makes the parser throw, whatever it holds', () => {
		const scrap = fc.constantFrom(
			'A',
			'=',
			'"',
			"'",
			'`',
			'\\',
			'\n',
			'\r',
			'#',
			' ',
			'$',
			'{',
			'export ',
			'\uFEFF',
			'\0',
		);
		fc.assert(
			fc.property(
				fc.oneof(
					fc.string({ unit: 'binary' }),
					fc.array(scrap, { maxLength: 60 }).map((parts) => parts.join('')),
				),
				(text) => {
					const { variables, problems } = parseEnvFile(text);
					const lines = text.split(/\r\n?|\n/).length;
					for (const { line } of [...variables, ...problems]) assert.ok(line >= 1 && line <= lines);
					for (const { name } of variables) assert.match(name, /^[A-Za-z_][\w.-]*$/);
				},
			),
			{ numRuns: 500 },
		);
	});

	it('gives back what was written into it, however it was written', () => {
		const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,12}$/);
		const plain = fc.stringMatching(/^[\w./+:@%-]{0,30}$/).map((value) => ({ value, written: value, refers: false }));
		const single = fc.string({ unit: 'grapheme' }).filter((value) => !/['\r]/.test(value));
		const double = fc.string({ unit: 'grapheme' });
		const written = fc.oneof(
			plain,
			single.map((value) => ({ value, written: `'${value}'`, refers: false })),
			double.map((value) => ({
				value,
				written: `"${value
					.replaceAll(/[\\"$]/g, '\\$&')
					.replaceAll('\n', '\\n')
					.replaceAll('\r', '\\r')}"`,
				refers: value.includes('`'),
			})),
		);
		const variable = fc.record({
			...{
				name,
				written,
				prefix: fc.constantFrom('', 'export ', '  '),
				suffix: fc.constantFrom('', ' ', ' # note "x'),
			},
			before: fc.array(fc.constantFrom('', '# A=1', '   ', '#"'), { maxLength: 3 }),
		});
		fc.assert(
			fc.property(
				fc.array(variable, { maxLength: 8 }),
				fc.constantFrom('\n', '\r\n'),
				fc.boolean(),
				(all, end, mark) => {
					const lines = all.flatMap(({ before, prefix, name, written, suffix }) => [
						...before,
						`${prefix}${name}=${written.written}${suffix}`,
					]);
					// Line ends inside of single quotes are read as one kind.
					const file = parseEnvFile((mark ? '\uFEFF' : '') + lines.join('\n').replaceAll('\n', end));
					assert.deepEqual(file.problems, []);
					assert.deepEqual(
						file.variables.map(({ name, value, refers }) => ({ name, value, refers })),
						all.map(({ name, written: { value, refers } }) => ({ name, value, refers })),
					);
				},
			),
			{ numRuns: 300 },
		);
	});

	it('takes time in proportion to its size, also if every line opens a quote', () => {
		const time = (lines: number): number => {
			const text = `A='x\nB="y\n`.repeat(lines);
			const startedAt = performance.now();
			parseEnvFile(text);
			return performance.now() - startedAt;
		};
		time(1_000);
		assert.ok(time(30_000) < 5_000);
	});
});
