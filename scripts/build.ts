/**
 * Bundles what the VSIX files carry: the extension, the terminal helper, the companion, and the consumer of the tests.
 * Run as a program it builds all of them for the package; `--dev` keeps names and adds source maps.
 */
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { minify } from 'terser';
import { type SplitPlan, splitBundle } from './splitBundle.ts';
import { yamlReader } from './yamlReader.ts';

export const ROOT = path.dirname(import.meta.dirname);

const manifest: { version: string } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));

/** The extension: what every window loads, right after its activation, before its first renewal, and when somebody acts. */
export const EXTENSION: SplitPlan = {
	files: [
		{ file: 'extension.cjs', entry: 'src/extension.ts' },
		{ file: 'afterActivation.cjs', entry: 'src/views/afterActivation.ts' },
		{ file: 'attempt.cjs', entry: 'src/auth/refresh/renewal.ts' },
		{ file: 'renewal.cjs', entry: 'src/auth/oauth/refreshGrant.ts' },
	],
	rest: 'onDemand.cjs',
};

/** Each bundle that is one file, by that file. */
const BUNDLES: readonly { readonly outfile: string; readonly entry: string }[] = [
	{ outfile: 'dist/helper.cjs', entry: 'src/auth/terminal/helper.ts' },
	{ outfile: 'dist/connect.cjs', entry: 'src/auth/connect/hostConnector.ts' },
	{ outfile: 'dist/uninstall.cjs', entry: 'src/auth/connect/uninstall.ts' },
	{ outfile: 'companion/dist/extension.cjs', entry: 'src/companion/extension.ts' },
	{ outfile: 'companion/dist/helper.cjs', entry: 'src/auth/terminal/helper.ts' },
	{ outfile: 'test/consumer/dist/extension.cjs', entry: 'test/consumer/extension.ts' },
];

/**
 * proper-lockfile brings two packages that patch functions of the whole process: graceful-fs replaces `fs.close` and
 * others, signal-exit replaces `process.emit`. An extension host is shared with strangers, so neither may come along.
 * Node's own fs serves the first; nothing serves the second, because leases are released when the extension stops.
 */
export const hostSafety: Plugin = {
	name: 'host-safety',
	setup(build) {
		build.onResolve({ filter: /^graceful-fs$/ }, () => ({ path: 'node:fs', external: true }));
		build.onResolve({ filter: /^signal-exit$/ }, () => ({ path: 'signal-exit', namespace: 'no-op' }));
		build.onLoad({ filter: /.*/, namespace: 'no-op' }, () => ({ contents: 'module.exports = () => () => {};' }));
	},
};

/**
 * proper-lockfile tries once for us, because who waits for a lease looks at its owner in between; so of the package that it
 * would try again with it gets what one try takes.
 */
const oneTry: Plugin = {
	name: 'one-try',
	setup(build) {
		build.onResolve({ filter: /^retry$/ }, () => ({ path: 'retry', namespace: 'one-try' }));
		build.onLoad({ filter: /.*/, namespace: 'one-try' }, () => ({
			contents: `exports.operation = () => {
				let last;
				return { attempt: (work) => work(1), retry: (error) => ((last = error), false), mainError: () => last ?? null };
			};`,
		}));
	},
};

/** The parsers of other tools' files stay a bundle of their own, because it also runs without VS Code. */
const lazyBundles: Plugin = {
	name: 'lazy-bundles',
	setup(build) {
		build.onResolve({ filter: /\/hostConnector\.ts$/ }, ({ kind }) =>
			kind === 'dynamic-import' ? { path: './connect.cjs', external: true } : undefined,
		);
	},
};

/** The one set of options behind every bundle. */
export function bundleOptions(mode: 'package' | 'dev'): BuildOptions {
	return {
		absWorkingDir: ROOT,
		bundle: true,
		platform: 'node',
		format: 'cjs',
		// The oldest supported VS Code, 1.100, runs extensions on Node 20.
		target: 'node20',
		external: ['vscode'],
		// Sources run as modules in tests and as CommonJS in the host.
		define: {
			'import.meta.dirname': '__dirname',
			'import.meta.filename': '__filename',
			AGENT_AUTH_VERSION: JSON.stringify(manifest.version),
			// A library asks for `navigator` to tell browsers; VS Code logs an error for every extension that touches it.
			navigator: 'undefined',
		},
		plugins: [hostSafety, oneTry, lazyBundles, yamlReader],
		// Main files that hide their parts from bundlers.
		alias: {
			'jsonc-parser': 'jsonc-parser/lib/esm/main.js',
			// The same parser as modules, of which only what is used comes along.
			yaml: path.join(ROOT, 'node_modules/yaml/browser/dist/index.js'),
		},
		minify: mode === 'package',
		sourcemap: mode === 'dev',
		legalComments: 'none',
		logLevel: 'warning',
		metafile: true,
	};
}

/** Writes every bundle; answers the files written, relative to the root. */
export async function buildAll(mode: 'package' | 'dev'): Promise<string[]> {
	const written: string[] = [];
	await mkdir(path.join(ROOT, 'dist'), { recursive: true });
	for (const { file, contents } of await splitBundle(bundleOptions(mode), EXTENSION)) {
		await writeFile(path.join(ROOT, 'dist', file), contents);
		written.push(`dist/${file}`);
	}
	for (const { outfile, entry } of BUNDLES) {
		// One that is loaded later is required: what Node finds by reading of the names a module exports does not survive `shrink`.
		const supported = { 'dynamic-import': false };
		await build({ ...bundleOptions(mode), supported, entryPoints: [entry], outfile });
		written.push(outfile);
	}
	if (mode === 'package') for (const file of written) await shrink(path.join(ROOT, file));
	// What an earlier build left is not loaded by anything any more.
	for (const file of await readdir(path.join(ROOT, 'dist')))
		if (file.endsWith('.cjs') && !written.includes(`dist/${file}`)) await rm(path.join(ROOT, 'dist', file));
	return written;
}

/** What esbuild's quick look leaves: 3 percent of a VSIX. */
async function shrink(file: string): Promise<void> {
	const { code } = await minify(await readFile(file, 'utf8'), {
		ecma: 2020,
		// The file is a module of Node: nothing else sees its names.
		toplevel: true,
		compress: { passes: 2 },
	});
	if (code === undefined) throw new Error(`${file} could not be minified`);
	await writeFile(file, code);
}

if (import.meta.main) {
	for (const file of await buildAll(process.argv.includes('--dev') ? 'dev' : 'package')) {
		console.log(`build: ${file}`);
	}
}
