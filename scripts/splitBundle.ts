/**
 * The extension as one file that every window loads and several that are loaded at first use. A module is in exactly one of
 * them, so there is one `AuthError` however many are loaded: what both the main file and a later one need is in the main
 * file, and the later one takes it from there.
 *
 * esbuild splits only ES modules, into many small chunks. So it splits first; then what is imported statically from the
 * entry becomes the main file, and every other chunk a file of its own, both in CommonJS.
 */
import path from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

export type SplitFile = { readonly file: string; readonly contents: Uint8Array; readonly inputs: readonly string[] };

type Chunk = {
	readonly key: string;
	/** The file it becomes; undefined if it is part of the main file. */
	readonly file: string | undefined;
	readonly text: string;
	readonly inputs: readonly string[];
	/** Keys of the chunks that it imports statically. */
	readonly imports: readonly string[];
};

/** @param options as for any bundle. @returns the main file first, and then the later ones by name. */
export async function splitBundle(options: BuildOptions, entry: string, main: string): Promise<readonly SplitFile[]> {
	const chunks = await split(options, entry);
	const first = [...chunks.values()][0];
	if (!first) throw new Error(`${entry}: nothing was built`);
	const later = [...chunks.values()].filter(({ file }) => file !== undefined);
	const isMain = (key: string): boolean => chunks.get(key)?.file === undefined;
	/** What later files take from the main one, each under a name of its own. */
	const lent = [...new Set(later.flatMap(({ imports }) => imports.filter(isMain)))].sort();
	const nameOf = (key: string): string => `shared${lent.indexOf(key)}`;

	const resolve: Plugin = {
		name: 'split',
		setup(build) {
			build.onResolve({ filter: /^\.\// }, ({ path: from, importer }) => {
				const key = path.posix.basename(from);
				const chunk = chunks.get(key);
				// A bundle of its own, beside this one.
				if (!chunk) return { path: from, external: true };
				if (chunk.file !== undefined) return { path: `./${chunk.file}`, external: true };
				return { path: key, namespace: isMain(importer) ? 'part' : 'lent' };
			});
			build.onLoad({ filter: /.*/, namespace: 'part' }, ({ path: key }) => ({ contents: chunks.get(key)?.text ?? '' }));
			build.onResolve({ filter: /^main$/, namespace: 'lent' }, () => ({ path: `./${main}`, external: true }));
			build.onLoad({ filter: /.*/, namespace: 'lent' }, ({ path: key }) => ({
				contents: `module.exports = require('main').${nameOf(key)};`,
			}));
		},
	};

	async function write(file: string, contents: string, sourcefile: string, inputs: readonly string[]): Promise<SplitFile> {
		const { outputFiles } = await build({
			...options,
			stdin: { contents, sourcefile, resolveDir: options.absWorkingDir ?? '.' },
			plugins: [resolve],
			// A later file is required when it is wanted, which every supported VS Code can do.
			supported: { 'dynamic-import': false },
			outfile: file,
			write: false,
			...(options.sourcemap ? { sourcemap: 'inline' } : {}),
		});
		return { file, contents: outputFiles?.[0]?.contents ?? new Uint8Array(), inputs };
	}

	const parts = [...chunks.values()].filter(({ file }) => file === undefined);
	const joined = [
		`export * from './${first.key}';`,
		...lent.map((key) => `export * as ${nameOf(key)} from './${key}';`),
	].join('\n');
	return [
		await write(main, joined, first.key, parts.flatMap(({ inputs }) => inputs)),
		...(await Promise.all(
			later
				.toSorted((a, b) => ((a.file ?? '') < (b.file ?? '') ? -1 : 1))
				.map(({ file = '', text, key, inputs }) => write(file, text, key, inputs)),
		)),
	];
}

/** The chunks by key, the entry's first. */
async function split(options: BuildOptions, entry: string): Promise<ReadonlyMap<string, Chunk>> {
	const result = await build({
		...options,
		entryPoints: [entry],
		format: 'esm',
		splitting: true,
		outdir: 'split',
		outExtension: { '.js': '.mjs' },
		chunkNames: '[name]-[hash]',
		minify: false,
		write: false,
		metafile: true,
		...(options.sourcemap ? { sourcemap: 'inline' } : {}),
	});
	const outputs = Object.entries(result.metafile.outputs);
	const keyOf = (output: string): string => path.posix.basename(output.replaceAll('\\', '/'));
	const importsOf = new Map(
		outputs.map(([output, { imports }]) => [
			keyOf(output),
			imports
				.filter(({ kind, external }) => kind === 'import-statement' && external !== true)
				.map((imported) => keyOf(imported.path)),
		]),
	);
	const first = outputs.find(([, { entryPoint }]) => entryPoint === entry);
	if (!first) throw new Error(`${entry}: not an entry`);

	/** Whatever the entry cannot do without. */
	const main = new Set<string>([keyOf(first[0])]);
	for (const key of main) for (const imported of importsOf.get(key) ?? []) main.add(imported);

	/** Chunks that several later files share have no name of their own. */
	let unnamed = 0;
	const names = new Set<string>();
	const chunks = new Map<string, Chunk>();
	const sorted = outputs.toSorted(([a, { inputs: of }], [b, { inputs: other }]) => {
		if (a === first[0] || b === first[0]) return a === first[0] ? -1 : 1;
		return Object.keys(of).join() < Object.keys(other).join() ? -1 : 1;
	});
	for (const [output, { entryPoint, inputs }] of sorted) {
		const key = keyOf(output);
		const name = entryPoint === undefined ? `common${++unnamed}` : path.parse(entryPoint).name;
		const file = main.has(key) ? undefined : `${name}.cjs`;
		if (file !== undefined && names.has(file)) throw new Error(`two modules that are loaded later are called ${name}`);
		if (file !== undefined) names.add(file);
		chunks.set(key, {
			key,
			file,
			text: result.outputFiles.find(({ path: written }) => path.basename(written) === key)?.text ?? '',
			inputs: Object.keys(inputs),
			imports: importsOf.get(key) ?? [],
		});
	}
	return chunks;
}
