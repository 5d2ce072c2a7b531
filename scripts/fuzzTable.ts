/** What the fuzzers of `test/fuzz` print, as a table with a sum. */

/** Fewer is no long form. */
export const LEAST_CASES = 100_000;

const LINE = /^\s*fuzz (.+): (\d+) cases, (\d+) faults, (\d+) survived, (\d+) lost, seed (-?\d+)$/;
const HEADINGS = ['cases tried', 'faults injected', 'survived', 'lost', 'seed'] as const;

export type FuzzTable = {
	readonly lines: readonly string[];
	readonly cases: number;
	readonly lost: number;
};

/** @param printed lines of any kind; those of the fuzzers count. */
export function fuzzTable(printed: readonly string[]): FuzzTable {
	const rows = printed.flatMap((line) => {
		const [, name, cases, faults, survived, lost, seed] = LINE.exec(line) ?? [];
		return name === undefined ? [] : [{ name, numbers: [cases, faults, survived, lost].map(Number), seed: seed ?? '' }];
	});
	const sum = [0, 1, 2, 3].map((column) => rows.reduce((total, { numbers }) => total + (numbers[column] ?? 0), 0));
	const cells = [
		['fuzzer', ...HEADINGS],
		...rows.map(({ name, numbers, seed }) => [name, ...numbers.map(String), seed]),
		['in all', ...sum.map(String), ''],
	];
	const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
	const lines = cells.map((row) =>
		row
			.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
			.join('  '),
	);
	return { lines, cases: sum[0] ?? 0, lost: sum[3] ?? 0 };
}
