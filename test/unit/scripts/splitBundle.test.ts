import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { bundleOptions } from '../../../scripts/build.ts';
import { splitBundle } from '../../../scripts/splitBundle.ts';

/** Modules of which the error is needed by all, one part by two later ones, and one by the last alone. */
const SOURCES = {
	'error.ts': `export class Odd extends Error {} export const made = { count: 0 }; made.count++;`,
	'shared.ts': `import { Odd } from './error.ts'; export const refuse = (): never => { throw new Odd('no'); };`,
	'soon.ts': `import { refuse } from './shared.ts'; export const soon = () => refuse();`,
	'late.ts': `import { refuse } from './shared.ts'; export const late = () => refuse(); export const loaded = true;`,
	'main.ts': `import { Odd, made } from './error.ts';
		export const isOdd = (error: unknown): boolean => error instanceof Odd;
		export const times = (): number => made.count;
		export const soon = async () => (await import('./soon.ts')).soon();
		export const late = async () => (await import('./late.ts')).late();`,
};

type Main = {
	isOdd(error: unknown): boolean;
	times(): number;
	soon(): Promise<never>;
	late(): Promise<never>;
};

async function build(context: TestContext) {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'agent-auth-split-'));
	context.after(() => rm(folder, { recursive: true, force: true }));
	for (const [name, text] of Object.entries(SOURCES)) await writeFile(path.join(folder, name), text);
	const files = await splitBundle(
		{ ...bundleOptions('package'), absWorkingDir: folder },
		{
			files: [
				{ file: 'main.cjs', entry: 'main.ts' },
				{ file: 'soon.cjs', entry: 'soon.ts' },
			],
			rest: 'rest.cjs',
		},
	);
	for (const { file, contents } of files) await writeFile(path.join(folder, file), contents);
	const required = createRequire(path.join(folder, 'main.cjs'));
	const loaded = (): string[] =>
		Object.keys(required.cache)
			.filter((file) => path.dirname(file) === folder)
			.map((file) => path.basename(file))
			.sort();
	const main: Main = required('./main.cjs');
	return { main, loaded, files };
}

test('a split bundle loads each file when it is wanted and what that one needs, and no module twice', async (context) => {
	const { main, loaded, files } = await build(context);
	assert.deepEqual(
		files.map(({ file }) => file),
		['main.cjs', 'soon.cjs', 'rest.cjs'],
	);
	assert.deepEqual(loaded(), ['main.cjs']);
	await assert.rejects(main.soon(), (error) => main.isOdd(error));
	assert.deepEqual(loaded(), ['main.cjs', 'soon.cjs']);
	await assert.rejects(main.late(), (error) => main.isOdd(error));
	assert.deepEqual(loaded(), ['main.cjs', 'rest.cjs', 'soon.cjs']);
	assert.equal(main.times(), 1);
});

test('a split bundle refuses a plan that names a module which nothing loads later', async () => {
	await assert.rejects(
		splitBundle(bundleOptions('package'), {
			files: [
				{ file: 'main.cjs', entry: 'src/extension.ts' },
				{ file: 'no.cjs', entry: 'src/auth/errors.ts' },
			],
			rest: 'rest.cjs',
		}),
		/is not loaded later/,
	);
});
