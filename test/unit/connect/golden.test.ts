/**
 * The files of each tool as it documents them, with comments and other keys. A case is a folder: `before` becomes `after`,
 * and `before` again byte for byte; `edited` is `after` with somebody's edits, and becomes `undone`.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { recordFolders } from '../../../src/auth/connect/connectionRecord.ts';
import { TOOL_IDS } from '../../../src/auth/connect/tools.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { createHome } from './home.ts';

const GOLDEN = path.join(import.meta.dirname, 'golden');

const caseSchema = v.object({
	tool: v.picklist(TOOL_IDS),
	file: v.string(),
	name: v.string(),
	baseUrl: v.optional(v.string()),
});

/** What people's editors make of a file. */
const DIALECTS: Readonly<Record<string, (text: string) => string>> = {
	'as it is': (text) => text,
	'with CRLF': (text) => text.replaceAll('\n', '\r\n'),
	'with a byte order mark': (text) => `\uFEFF${text}`,
	'without a last line break': (text) => text.replace(/\n$/, ''),
};

for (const name of readdirSync(GOLDEN)) {
	const text = (file: string): string => readFileSync(path.join(GOLDEN, name, `${file}.txt`), 'utf8');
	const { tool, file, ...choice } = v.parse(
		caseSchema,
		JSON.parse(readFileSync(path.join(GOLDEN, name, 'case.json'), 'utf8')),
	);
	const chosen = { name: choice.name, ...(choice.baseUrl === undefined ? {} : { baseUrl: choice.baseUrl }) };

	describe(`golden file ${name}`, () => {
		it('becomes what the tool documents, and nothing else changes', async (t) => {
			const home = createHome(await tempFolder(t));
			await home.write(file, text('before'));
			const plan = await home.connector.plan(home.tool(tool), 'acme', chosen);
			assert.equal(plan.before, text('before'));
			assert.equal(plan.after, text('after'));
			assert.equal(await home.read(file), text('before'), 'nothing is written before the yes');
			assert.deepEqual(await home.connector.connections(), []);
			assert.equal(plan.replaced.length > 0, name.endsWith('-foreign') || name === 'git');
			await home.connector.apply(plan);
			assert.equal(await home.read(file), text('after'));
		});

		for (const [dialect, change] of Object.entries(DIALECTS)) {
			it(`is undone byte for byte, ${dialect}`, async (t) => {
				const home = createHome(await tempFolder(t));
				const before = change(text('before'));
				await home.write(file, before);
				await home.connector.apply(await home.connector.plan(home.tool(tool), 'acme', chosen));
				const after = await home.read(file);
				assert.notEqual(after, before);
				assert.equal(after.startsWith('\uFEFF'), before.startsWith('\uFEFF'));
				if (before.includes('\r\n')) assert.doesNotMatch(after, /[^\r]\n/);
				const [connection] = await home.connector.connections();
				assert.ok(connection);
				const undo = await home.connector.planUndo(connection);
				assert.equal(undo.left, 0);
				await home.connector.undo(undo);
				assert.equal(await home.read(file), before);
				assert.deepEqual(await home.connector.connections(), []);
				assert.equal(existsSync(recordFolders(home.folder, 'linux')[0]), false, 'no trace of the record');
			});
		}

		it('loses only what is ours after somebody edited it', async (t) => {
			const home = createHome(await tempFolder(t));
			await home.write(file, text('before'));
			await home.connector.apply(await home.connector.plan(home.tool(tool), 'acme', chosen));
			await home.write(file, text('edited'));
			const [connection] = await home.connector.connections();
			assert.ok(connection);
			await home.connector.undo(await home.connector.planUndo(connection));
			assert.equal(await home.read(file), text('undone'));
		});

		it('loses only what is ours after an editor changed all line breaks', async (t) => {
			const home = createHome(await tempFolder(t));
			await home.write(file, text('before'));
			await home.connector.apply(await home.connector.plan(home.tool(tool), 'acme', chosen));
			await home.write(file, text('edited').replaceAll('\n', '\r\n'));
			const [connection] = await home.connector.connections();
			assert.ok(connection);
			const undo = await home.connector.planUndo(connection);
			assert.equal(undo.left, 0);
			await home.connector.undo(undo);
			const lines = (content: string): string[] => content.split(/\r?\n/).filter((line) => line.trim() !== '');
			// A value that was somebody's before is written anew by the rules of the language.
			if (name.endsWith('-foreign')) assert.doesNotMatch(await home.read(file), /agent-auth/);
			else assert.deepEqual(lines(await home.read(file)), lines(text('undone')));
		});

		it('is remembered in a file that only the person can read', { skip: process.platform === 'win32' }, async (t) => {
			const home = createHome(await tempFolder(t));
			await home.write(file, text('before'));
			await home.connector.apply(await home.connector.plan(home.tool(tool), 'acme', chosen));
			const [, records] = recordFolders(home.folder, 'linux');
			const [record = ''] = readdirSync(records);
			assert.equal((await stat(records)).mode & 0o777, 0o700);
			assert.equal((await stat(path.join(records, record))).mode & 0o777, 0o600);
		});
	});
}
