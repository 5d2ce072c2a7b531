import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

const ROOT = path.join(import.meta.dirname, '..', '..');

/** Files that talk to VS Code. A new one is a decision: everything else runs, and is tested, without it. */
const VSCODE_AT_RUN_TIME: ReadonlySet<string> = new Set([
	'src/extension.ts',
	'src/companion/extension.ts',
	'src/auth/hostFacts.ts',
	'src/auth/hostBindings.ts',
	'src/auth/hostSettings.ts',
	'src/auth/session/authenticationProvider.ts',
	'src/auth/terminal/editorSessions.ts',
	'src/auth/terminal/environment.ts',
	'src/auth/terminal/terminals.ts',
	'src/views/terminal/accessCommands.ts',
	'src/views/terminal/accessTree.ts',
	'src/views/buckets/accountJoining.ts',
	'src/views/accounts/accountsDrop.ts',
	'src/views/accounts/accountsTree.ts',
	'src/views/providers/addProvider.ts',
	'src/views/buckets/billingQuestion.ts',
	'src/views/buckets/bindWorkspace.ts',
	'src/views/buckets/bindingQuestion.ts',
	'src/views/buckets/bucketCommands.ts',
	'src/views/commands.ts',
	'src/views/connect/connectPreview.ts',
	'src/views/connect/connectTarget.ts',
	'src/views/connect/connectTool.ts',
	'src/views/signIn/credentialInput.ts',
	'src/views/notices/credentialNotices.ts',
	'src/views/buckets/crossingQuestion.ts',
	'src/views/contextKeys.ts',
	'src/views/display.ts',
	'src/views/doctor/doctor.ts',
	'src/views/buckets/exhaustedNotices.ts',
	'src/views/notices/expiryReminder.ts',
	'src/views/failures.ts',
	'src/views/providers/importKeys.ts',
	'src/views/signIn/interactiveSignIn.ts',
	'src/views/signIn/keyQuestion.ts',
	'src/views/signIn/openBrowser.ts',
	'src/views/pick.ts',
	'src/views/providers/providerProblems.ts',
	'src/views/signIn/redirectInput.ts',
	'src/views/providers/removeData.ts',
	'src/views/signIn/signInDialogs.ts',
	'src/views/signIn/signInText.ts',
	'src/views/signIn/signInUi.ts',
	'src/views/signIn/signOutDialogs.ts',
	'src/views/signIn/signingOut.ts',
	'src/views/statusBar.ts',
	'src/views/signIn/stepInput.ts',
	'src/views/terminal/terminalConsent.ts',
	'src/views/terminal/terminals.ts',
	'src/views/terminal/tokenTerminal.ts',
]);

/** Files that know VS Code's types and nothing of it at run time. */
const VSCODE_TYPES_ONLY: ReadonlySet<string> = new Set([
	'src/auth/vault/secretStorage.ts',
	'src/companion/borrowedSessions.ts',
]);

const EXTENSION = 'src/extension.ts';
const HELPER = 'src/auth/terminal/helper.ts';

type Import = { readonly from: string; readonly typeOnly: boolean };
type Source = { readonly file: string; readonly text: string; readonly imports: readonly Import[] };

const sources: readonly Source[] = globSync('src/**/*.ts', { cwd: ROOT })
	.map((file) => file.split(path.sep).join('/'))
	.sort()
	.map((file) => {
		const text = readFileSync(path.join(ROOT, file), 'utf8');
		return { file, text, imports: importsOf(text) };
	});

/** Static and dynamic imports and re-exports. Comments are taken out first, so that they may quote code. */
function importsOf(text: string): Import[] {
	const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
	const found: Import[] = [];
	const statement = /^\s*(?:import|export)\s+(type\s)?(?:[\w*{}\s,$]+?\sfrom\s+)?['"]([^'"]+)['"]/gm;
	for (const [, type, from] of code.matchAll(statement)) {
		if (from !== undefined) found.push({ from, typeOnly: type !== undefined });
	}
	for (const [, from] of code.matchAll(/\b(?:import|require)\s*\(\s*['"]([^'"]+)['"]/g)) {
		if (from !== undefined) found.push({ from, typeOnly: false });
	}
	return found;
}

/** Path of the imported file from the root; undefined for packages. */
function target(source: Source, { from }: Import): string | undefined {
	return from.startsWith('.') ? path.posix.join(path.posix.dirname(source.file), from) : undefined;
}

/** Every import that breaks a rule, in words. */
function offences(isOffence: (source: Source, entry: Import) => boolean): string[] {
	return sources.flatMap((source) =>
		source.imports
			.filter((entry) => isOffence(source, entry))
			.map((entry) => `${source.file} imports ${entry.typeOnly ? 'type ' : ''}${entry.from}`),
	);
}

describe('the scanner of this test', () => {
	it('sees every form of import', () => {
		const text = [
			"import './a.ts';",
			"import b from 'b';",
			"import type { C } from './c.ts';",
			'import {\n\td,\n\ttype D,\n} from "./d.ts";',
			"import * as e from 'node:e';",
			"export { f } from './f.ts';",
			"const g = await import('./g.ts');",
			"const h = require('h');",
			"// import { no } from 'comment';",
			"/** import { no } from 'doc'; */",
		].join('\n');
		assert.deepEqual(
			importsOf(text).map(({ from, typeOnly }) => (typeOnly ? `type ${from}` : from)),
			['./a.ts', 'b', 'type ./c.ts', './d.ts', 'node:e', './f.ts', './g.ts', 'h'],
		);
	});

	it('sees as many imports as there are lines that look like one', () => {
		assert.ok(sources.length > 50);
		for (const { file, text, imports } of sources) {
			const looksLike = /^(?:import|\} from|export .* from) ?.*['"];$|\bawait import\(/gm;
			assert.equal(imports.length, text.match(looksLike)?.length ?? 0, file);
		}
	});
});

describe('the direction of imports', () => {
	it('is from the extension to the views to the core, and never back', () => {
		assert.deepEqual(
			offences((source, entry) => {
				const to = target(source, entry);
				return to === EXTENSION || (source.file.startsWith('src/auth/') && to?.startsWith('src/views/') === true);
			}),
			[],
		);
	});

	it('stays inside src, but for the types that other extensions copy', () => {
		assert.deepEqual(
			offences((source, entry) => {
				const to = target(source, entry);
				return to?.startsWith('src/') === false && to !== 'api/agentAuth.d.ts';
			}),
			[],
		);
	});

	it('names files with their extension', () => {
		assert.deepEqual(
			offences((source, entry) => target(source, entry)?.endsWith('.ts') === false),
			[],
		);
	});

	it('has no circles at run time', () => {
		const edges = new Map(
			sources.map((source) => [
				source.file,
				source.imports.filter(({ typeOnly }) => !typeOnly).flatMap((entry) => target(source, entry) ?? []),
			]),
		);
		const done = new Set<string>();
		const visit = (file: string, trail: readonly string[]): void => {
			assert.ok(!trail.includes(file), `circle: ${[...trail, file].join(' -> ')}`);
			if (done.has(file)) return;
			for (const next of edges.get(file) ?? []) visit(next, [...trail, file]);
			done.add(file);
		};
		for (const file of edges.keys()) visit(file, []);
	});

	it('lets only the listed files use VS Code', () => {
		const users = sources.filter(({ imports }) => imports.some(({ from, typeOnly }) => from === 'vscode' && !typeOnly));
		assert.deepEqual(
			users.map(({ file }) => file),
			[...VSCODE_AT_RUN_TIME].sort(),
		);
		const typeUsers = sources.filter(({ imports }) =>
			imports.some(({ from, typeOnly }) => from === 'vscode' && typeOnly),
		);
		assert.deepEqual(
			typeUsers.map(({ file }) => file),
			[...VSCODE_TYPES_ONLY].sort(),
		);
	});

	it('keeps those files out of every other part of the core, so that it runs in plain Node', () => {
		assert.deepEqual(
			offences((source, entry) => {
				const to = target(source, entry);
				return (
					source.file.startsWith('src/auth/') &&
					!VSCODE_AT_RUN_TIME.has(source.file) &&
					!entry.typeOnly &&
					to !== undefined &&
					VSCODE_AT_RUN_TIME.has(to)
				);
			}),
			[],
		);
	});

	it('keeps VS Code, the vault, sign-ins and the network out of the program that terminals run', () => {
		const reached = new Set<string>();
		const visit = (file: string): void => {
			if (reached.has(file)) return;
			reached.add(file);
			const source = sources.find((candidate) => candidate.file === file);
			assert.ok(source, file);
			for (const entry of source.imports.filter(({ typeOnly }) => !typeOnly)) {
				const to = target(source, entry);
				if (to !== undefined) visit(to);
				else assert.ok(entry.from.startsWith('node:') || entry.from === 'valibot', `${file} imports ${entry.from}`);
			}
		};
		visit(HELPER);
		const foreign = [...reached].filter((file) =>
			/^src\/(?!auth\/)|^src\/auth\/(vault|oauth|signIn|session|service)\//.test(file),
		);
		assert.deepEqual(foreign, []);
	});

	it('has one importer of the lock library', () => {
		const users = sources.filter(({ imports }) => imports.some(({ from }) => from === 'proper-lockfile'));
		assert.ok(users.length <= 1, users.map(({ file }) => file).join(', '));
	});
});

describe('every source file', () => {
	it('begins with a comment that says why it exists', () => {
		assert.deepEqual(
			sources.filter(({ text }) => !text.startsWith('/**')).map(({ file }) => file),
			[],
		);
	});

	it('has no default export and passes on no other file as a barrel', () => {
		const bad = sources.filter(({ text }) =>
			/^export\s+(default\b|\*)|^export\s+(type\s+)?\{[^}]*\}\s+from\b/m.test(text),
		);
		assert.deepEqual(
			bad.map(({ file }) => file),
			[],
		);
	});

	it('silences no check', () => {
		const bad = sources.filter(({ text }) =>
			/@ts-(ignore|expect-error|nocheck)|biome-ignore|\bas unknown as\b/.test(text),
		);
		assert.deepEqual(
			bad.map(({ file }) => file),
			[],
		);
	});

	it('has a name in camelCase without a bag of things in it', () => {
		const bad = sources.filter(
			({ file }) =>
				!/^[a-z][A-Za-z0-9]*\.ts$/.test(path.posix.basename(file)) ||
				/(util|helper|manager|misc|common)s?\.ts$/i.test(file),
		);
		assert.deepEqual(
			bad.map(({ file }) => file).filter((file) => file !== HELPER),
			[],
		);
	});
});

describe('the composition root', () => {
	it('fits on two screens', () => {
		const root = sources.find(({ file }) => file === EXTENSION);
		assert.ok((root?.text.trimEnd().split('\n').length ?? 0) <= 100);
	});
});
