/**
 * The extension as one file that every window loads and a few that are loaded later. A module is in exactly one of them, so
 * there is one `AuthError` however many are loaded: what a later file needs of an earlier one it takes from there.
 *
 * esbuild splits only ES modules, and into many small chunks. So it splits first; then the chunks are put together again, into
 * the files that are wanted, in CommonJS.
 */
import path from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

export type SplitPlan = {
	/** By the file's name, the module that it is for; in the order of loading. Each holds what no file before it holds. */
	readonly files: readonly { readonly file: string; readonly entry: string }[];
	/** Where everything else goes: what is imported at run time only. */
	readonly rest: string;
};

export type SplitFile = { readonly file: string; readonly contents: Uint8Array };

type Chunk = {
	readonly text: string;
	/** The module that it was made for; undefined if it is only shared. */
	readonly entry: string | undefined;
	/** Chunks that are needed whenever this one is, and those that it may load. */
	readonly imports: readonly string[];
	readonly loads: readonly string[];
};

/** @param options as for any bundle. @returns the files of the plan, in its order, and the rest. */
export async function splitBundle(options: BuildOptions, plan: SplitPlan): Promise<readonly SplitFile[]> {
	const [first] = plan.files;
	if (!first) throw new Error('there is nothing to build');
	const chunks = await split(options, first.entry);
	const fileOf = assign(chunks, plan);

	/** What another file takes from the one it is in, under a name of its own. */
	const lent: string[] = [];
	for (const [key, { imports, loads }] of chunks)
		for (const other of [...imports, ...loads])
			if (fileOf.get(other) !== fileOf.get(key) && !lent.includes(other)) lent.push(other);
	const nameOf = (key: string): string => `part${lent.indexOf(key)}`;

	function join(file: string): Plugin {
		return {
			name: 'join',
			setup(build) {
				build.onResolve({ filter: /^\.\// }, ({ path: from, namespace }) => {
					const key = path.posix.basename(from);
					const place = fileOf.get(key);
					// A bundle of its own beside these, or one of these that lends something.
					if (place === undefined || namespace === 'lent') return { path: from, external: true };
					// What is lent is CommonJS, which esbuild tells by the name.
					return place === file ? { path: key, namespace: 'part' } : { path: `${key}.cjs`, namespace: 'lent' };
				});
				build.onLoad({ filter: /.*/, namespace: 'part' }, ({ path: key }) => ({
					contents: chunks.get(key)?.text ?? '',
				}));
				build.onLoad({ filter: /.*/, namespace: 'lent' }, ({ path: name }) => {
					const key = name.slice(0, -'.cjs'.length);
					return { contents: `module.exports = require('./${fileOf.get(key)}').${nameOf(key)};` };
				});
			},
		};
	}

	async function write(file: string): Promise<SplitFile> {
		const entry = [...chunks].find(([, chunk]) => chunk.entry === first?.entry)?.[0];
		const contents = [
			...(file === first?.file ? [`export * from './${entry}';`] : []),
			...lent.filter((key) => fileOf.get(key) === file).map((key) => `export * as ${nameOf(key)} from './${key}';`),
		].join('\n');
		const { outputFiles, warnings } = await build({
			...options,
			stdin: { contents, resolveDir: options.absWorkingDir ?? '.' },
			plugins: [join(file)],
			// A later file is required when it is wanted, which every supported VS Code can do.
			supported: { 'dynamic-import': false },
			outfile: file,
			write: false,
			...(options.sourcemap ? { sourcemap: 'inline' } : {}),
		});
		if (warnings.length > 0) throw new Error(`${file}: ${warnings[0]?.text}`);
		return { file, contents: outputFiles?.[0]?.contents ?? new Uint8Array() };
	}

	return Promise.all([...plan.files.map(({ file }) => file), plan.rest].map(write));
}

/** The file of each chunk: the first that cannot do without it. So no file needs, to be loaded, one that comes after it. */
function assign(chunks: ReadonlyMap<string, Chunk>, { files, rest }: SplitPlan): ReadonlyMap<string, string> {
	const fileOf = new Map<string, string>();
	for (const { file, entry } of files) {
		const start = [...chunks].find(([, chunk]) => chunk.entry === entry)?.[0];
		if (start === undefined) throw new Error(`${entry} is not loaded later by anything`);
		const closure = new Set([start]);
		for (const key of closure) for (const other of chunks.get(key)?.imports ?? []) closure.add(other);
		for (const key of closure) if (!fileOf.has(key)) fileOf.set(key, file);
	}
	for (const key of chunks.keys()) if (!fileOf.has(key)) fileOf.set(key, rest);
	return fileOf;
}

/** The chunks by the name that they import each other by. */
async function split(options: BuildOptions, entry: string): Promise<ReadonlyMap<string, Chunk>> {
	const { metafile, outputFiles } = await build({
		...options,
		entryPoints: [entry],
		format: 'esm',
		splitting: true,
		outdir: 'split',
		outExtension: { '.js': '.mjs' },
		write: false,
		metafile: true,
		...(options.sourcemap ? { sourcemap: 'inline' } : {}),
	});
	const keyOf = (output: string): string => path.posix.basename(output.replaceAll('\\', '/'));
	const texts = new Map(outputFiles.map((output) => [keyOf(output.path), output.text]));
	return new Map(
		Object.entries(metafile.outputs).map(([output, { entryPoint, imports }]) => {
			const keysOf = (wanted: string): string[] =>
				imports.filter(({ kind, external }) => kind === wanted && external !== true).map(({ path: to }) => keyOf(to));
			const chunk: Chunk = {
				text: texts.get(keyOf(output)) ?? '',
				entry: entryPoint,
				imports: keysOf('import-statement'),
				loads: keysOf('dynamic-import'),
			};
			return [keyOf(output), chunk];
		}),
	);
}
