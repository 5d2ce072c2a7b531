/** The shipped modules that the model runs: those of this tree, or of a copy of it with one line changed. */
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '..', '..', '..');

export type Modules = {
	readonly shelf: typeof import('../../../src/auth/shelf.ts');
	readonly refresher: typeof import('../../../src/auth/refresh/refresher.ts');
	readonly renewal: typeof import('../../../src/auth/refresh/renewal.ts');
	readonly journal: typeof import('../../../src/auth/refresh/journal.ts');
	readonly log: typeof import('../../../src/auth/log.ts');
	readonly lifetimes: typeof import('../../../src/auth/lifetimes.ts');
	readonly custody: typeof import('../../../src/auth/service/custody.ts');
	readonly secretStorage: typeof import('../../../src/auth/vault/secretStorage.ts');
};

/** A place in the text of the sources, and what stands there in the mutant. */
export type Mutation = { readonly from: string; readonly to: string };

async function load(root: string): Promise<Modules> {
	const from = (file: string) => import(pathToFileURL(join(root, 'src/auth', file)).href);
	return {
		shelf: await from('shelf.ts'),
		refresher: await from('refresh/refresher.ts'),
		renewal: await from('refresh/renewal.ts'),
		journal: await from('refresh/journal.ts'),
		log: await from('log.ts'),
		lifetimes: await from('lifetimes.ts'),
		custody: await from('service/custody.ts'),
		secretStorage: await from('vault/secretStorage.ts'),
	};
}

export function loadShipped(): Promise<Modules> {
	return load(ROOT);
}

/** Loads a copy of the sources in which each text was replaced. Each must stand in exactly one place. */
export async function loadMutant(mutations: readonly Mutation[]): Promise<Modules> {
	const root = mkdtempSync(join(tmpdir(), 'agent-auth-mutant-'));
	try {
		cpSync(join(ROOT, 'src', 'auth'), join(root, 'src', 'auth'), { recursive: true });
		symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'), 'junction');
		writeFileSync(join(root, 'package.json'), '{"type":"module"}');
		for (const { from, to } of mutations) {
			const places = globSync('src/auth/**/*.ts', { cwd: root }).filter((file) =>
				readFileSync(join(root, file), 'utf8').includes(from),
			);
			const [file] = places;
			const text = file === undefined ? '' : readFileSync(join(root, file), 'utf8');
			if (file === undefined || places.length > 1 || text.split(from).length !== 2)
				throw new Error(`not in exactly one place (${places.join(', ')}): ${from}`);
			writeFileSync(
				join(root, file),
				text.replace(from, () => to),
			);
		}
		return await load(root);
	} finally {
		rmSync(root, { recursive: true, force: true });
	}
}
