/** What `npm run coverage` takes for a branch, and for one that was taken: judged on programs that really run. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { API } from 'typescript/unstable/sync';
import { branchesOf, isTaken, type V8Functions } from '../../../scripts/branches.ts';
import { tempFolder } from '../../support/tempFolder.ts';

describe('a branch', () => {
	const apis: API[] = [];
	after(() => {
		for (const api of apis) api.close();
	});

	/** Kind and line of each branch that none of the runs took. */
	async function left(context: Parameters<typeof tempFolder>[0], code: string, ...runs: readonly string[]) {
		const folder = await tempFolder(context);
		const file = join(folder, 'code.mts');
		const config = join(folder, 'tsconfig.json');
		writeFileSync(file, `const [a, b, c] = process.argv.slice(2).map(Number);\nlet hits = 0;\n${code}\nexport {};\n`);
		writeFileSync(config, '{"files":["code.mts"],"compilerOptions":{"noLib":true,"types":[]}}');
		const counts = join(folder, 'counts');
		for (const run of runs)
			execFileSync(process.execPath, [file, ...run.split(' ')], { env: { ...process.env, NODE_V8_COVERAGE: counts } });
		const processes = readdirSync(counts).flatMap((name): V8Functions[] =>
			JSON.parse(readFileSync(join(counts, name), 'utf8'))
				.result.filter(({ url }: { url: string }) => url === pathToFileURL(file).href)
				.map(({ functions }: { functions: V8Functions }) => functions),
		);
		assert.equal(processes.length, runs.length);
		const api = new API({ cwd: folder });
		apis.push(api);
		const source = api.updateSnapshot({ openProject: config }).getProject(config)?.program.getSourceFile(file);
		assert.ok(source);
		return branchesOf(source)
			.filter((branch) => !isTaken(branch, processes))
			.map(({ kind, line }) => `${kind} ${line}`);
	}

	it('is each side of an `if`, also the one that is not written', async (context) => {
		const code = 'if (a) hits++;\nif (b) { hits++; } else { hits--; }\nif (c) hits++; else hits--;';
		assert.deepEqual(await left(context, code, '1 1 0'), ['else 3', 'else 4', 'then 5']);
		assert.deepEqual(await left(context, code, '0 0 1'), ['then 3', 'then 4', 'else 5']);
		assert.deepEqual(await left(context, code, '0 0 1', '1 1 0'), []);
	});

	it('is each side of `? :`, each clause of `switch` and the right side of `&&`, `||` and `??`', async (context) => {
		const code = [
			'const d: number = a ? 1 : 2;',
			'const e = a ? () => (b ? 1 : 2) : () => 3;',
			'const f = a && b; const g = a || b; const h = d ?? b;',
			'switch (c) { case 1: hits++; break; case 2: hits--; break; default: hits = 9; }',
			'if (a === 5) throw new Error(String([d, e(), f, g, h]));',
		].join('\n');
		const ran = ['else 3', 'else 4', 'then 4', 'else 4', '|| 5', '?? 5', 'case 6', 'case 6', 'then 7'];
		assert.deepEqual(await left(context, code, '1 0 1'), ran);
		// Never: the inside of a function that is not called, what comes after a number and `??`, and the error.
		assert.deepEqual(await left(context, code, '1 0 1', '1 1 2', '0 0 0'), ['then 4', 'else 4', '?? 5', 'then 7']);
	});

	it('counts in a function that nobody calls, and where an `if` gives up', async (context) => {
		const code =
			'export function never() { return a ? 1 : 2; }\nfunction once() { if (a) return 1; return 2; }\nonce();';
		assert.deepEqual(await left(context, code, '0 0 0'), ['then 3', 'else 3', 'then 4']);
		assert.deepEqual(await left(context, code, '1 0 0'), ['then 3', 'else 3', 'else 4']);
	});

	it('that one process took is taken, wherever the others went', async (context) => {
		const code = 'function g() { if (a) { if (b) hits++; else hits--; } }\nif (c) g();';
		assert.deepEqual(await left(context, code, '0 0 0', '1 1 1', '1 0 1'), ['else 3']);
		assert.deepEqual(await left(context, code, '0 0 0', '1 1 1', '0 0 1', '1 0 1'), []);
	});
});
