/**
 * The package `yaml` as a reader. The extension asks it only where things are in a kubeconfig; writing, other schemas than the
 * core of YAML 1.2 and building documents are half of the package, and its classes hold on to all of it.
 * test/unit/scripts/yamlReader.test.ts compares what is left with the whole.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Plugin } from 'esbuild';

const PACKAGE = /[\\/]yaml[\\/]browser[\\/]dist[\\/]/;

/** What reading never comes to. */
const LEFT_OUT =
	/^(?:stringify\/\w+|doc\/(?:createNode|applyReviver|anchors)|parse\/cst-(?:scalar|stringify|visit))\.js$/;

/** The core schema for every document; who reads refuses one that asks for another. */
const TAGS = `import { schema } from './core/schema.js';
export const coreKnownTags = {};
export const getTags = () => schema.slice();`;

const EXPORTS = /export \{([^}]*)\};\s*$/;

export const yamlReader: Plugin = {
	name: 'yaml-reader',
	setup(build) {
		build.onLoad({ filter: PACKAGE }, async ({ path: file }) => {
			const name = (file.split(PACKAGE)[1] ?? '').replaceAll('\\', '/');
			if (name === 'schema/tags.js') return { contents: TAGS, resolveDir: path.dirname(file) };
			if (!LEFT_OUT.test(name)) return undefined;
			const names = EXPORTS.exec(await readFile(file, 'utf8'))?.[1];
			if (names === undefined) return { errors: [{ text: `${name} does not end with its exports` }] };
			// Called all the same it fails with a name, instead of doing nothing.
			const exported = names
				.split(',')
				.map((each) => `export function ${each.trim()}() { throw new Error('not read') }`);
			return { contents: exported.join('\n'), resolveDir: path.dirname(file) };
		});
	},
};
