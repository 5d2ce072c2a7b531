/** What was measured, as it is kept beside the page: each part with the machine and the moment it was measured on. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from '../scripts/build.ts';
import { mustRun } from '../scripts/progress.ts';
import type { Machine } from './machine.ts';

export const PARTS = ['storm', 'dead', 'hot', 'activation', 'helper', 'idle'] as const;
export type PartName = (typeof PARTS)[number];

/** A table of the page. Cells are ready to be printed; charts carry the numbers. */
export type Table = {
	readonly title: string;
	readonly head: readonly string[];
	readonly rows: readonly (readonly string[])[];
	readonly notes?: readonly string[];
};

export type Bars = {
	readonly kind: 'bars';
	readonly file: string;
	readonly title: string;
	readonly unit: string;
	readonly rows: readonly { readonly label: string; readonly value: number; readonly ours: boolean }[];
};

export type Lines = {
	readonly kind: 'lines';
	readonly file: string;
	readonly title: string;
	readonly unit: string;
	/** What counts up to the right. */
	readonly axis: string;
	readonly series: readonly {
		readonly label: string;
		readonly ours: boolean;
		readonly points: readonly (readonly [number, number])[];
	}[];
};

export type Chart = Bars | Lines;

/** A sentence with the ratio first: `0.9 × the reference: …`. `good` is undefined where there is no bar to reach. */
export type Headline = { readonly text: string; readonly good?: boolean };

export type PartResult = {
	readonly headlines: readonly Headline[];
	readonly tables: readonly Table[];
	readonly charts: readonly Chart[];
	/** What could not be measured in this run, and why. */
	readonly missing: readonly string[];
};

export type Measured = PartResult & {
	readonly machine: Machine;
	readonly atIso: string;
	readonly quick: boolean;
	readonly tookS: number;
};

export type Results = Partial<Record<PartName, Measured>>;

export const PAGE = path.join(ROOT, 'docs', 'performance.md');
export const CHART_FOLDER = path.join(ROOT, 'docs', 'performance');
const RESULTS = path.join(CHART_FOLDER, 'results.json');

/** Of earlier runs; a part that is measured again replaces its own. */
export async function loadResults(): Promise<Results> {
	try {
		return JSON.parse(await readFile(RESULTS, 'utf8'));
	} catch (error) {
		if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
		throw error;
	}
}

export async function saveResults(results: Results): Promise<void> {
	await mkdir(CHART_FOLDER, { recursive: true });
	await writeFile(RESULTS, `${JSON.stringify(results, undefined, '\t')}\n`);
	// Checked like every other file.
	const biome = path.join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
	await mustRun(process.execPath, [biome, 'format', '--write', RESULTS], { cwd: ROOT });
}
