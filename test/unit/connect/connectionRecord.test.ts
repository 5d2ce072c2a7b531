/** What is remembered of a connection, so that it can be undone whatever was in the file and whatever happened since. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { recordFolders } from '../../../src/auth/connect/connectionRecord.ts';
import { FileProblem, type FileProblemCode } from '../../../src/auth/connect/format.ts';
import { nodeToolDisk } from '../../../src/auth/connect/nodeToolDisk.ts';
import type { ToolId } from '../../../src/auth/connect/tools.ts';
import { systemError } from '../../support/memoryDisk.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { createHome, type Home } from './home.ts';

const SETTINGS = '.claude/settings.json';

const problem = (code: FileProblemCode) => (error: unknown) => error instanceof FileProblem && error.code === code;

async function connect(home: Home, id: ToolId = 'claude', name = '', provider = 'acme'): Promise<void> {
	await home.connector.apply(await home.connector.plan(home.tool(id), provider, { name }));
}

describe('the record of a connection', () => {
	it('is where programs of each system keep their state', () => {
		const root = (platform: NodeJS.Platform): string => recordFolders('/home/ada', platform)[0];
		assert.equal(root('linux'), path.join('/home/ada', '.local', 'state', 'agent-auth'));
		assert.equal(root('darwin'), path.join('/home/ada', 'Library', 'Application Support', 'agent-auth'));
		assert.equal(root('win32'), path.join('/home/ada', 'AppData', 'Local', 'agent-auth'));
	});

	it('brings back a value with null in it, as kubectl writes it', async (t) => {
		const exec = '    exec:\n      command: cloud-cli\n      env: null\n      interactiveMode: Never\n';
		const files: readonly (readonly [ToolId, string, string, string])[] = [
			['kubectl', 'ada', '.kube/config', `users:\n- name: ada\n  user:\n${exec}`],
			['kubectl', 'ada', '.kube/config', 'users:\n- name: ada\n  user:\n    exec: null\n'],
			['claude', '', SETTINGS, '{ "apiKeyHelper": null }\n'],
		];
		for (const [id, name, file, text] of files) {
			const home = createHome(await tempFolder(t));
			await home.write(file, text);
			await connect(home, id, name);
			const [connection] = await home.connector.connections();
			assert.ok(connection, 'the record can be read again');
			await home.connector.undo(await home.connector.planUndo(connection));
			assert.equal(await home.read(file), text);
		}
	});

	it('is no error if it goes while all are listed, or before it is undone', async (t) => {
		const folder = await tempFolder(t);
		const [, records] = recordFolders(folder, 'linux');
		const home = createHome(folder, {
			...nodeToolDisk,
			// Another window undoes one between the list of names and the reading of it.
			readdir: async (name) => [...(await nodeToolDisk.readdir(name)), '0123456789abcdef.json', 'notes.txt'],
		});
		await connect(home);
		const [connection, ...others] = await home.connector.connections();
		assert.ok(connection);
		assert.deepEqual(others, []);
		const undo = await home.connector.planUndo(connection);
		await rm(records, { recursive: true });
		await home.connector.undo(undo);
		assert.equal(existsSync(home.path(SETTINGS)), false);
	});

	it('is not taken for none if the list cannot be read', async (t) => {
		const home = createHome(await tempFolder(t));
		const [root, records] = recordFolders(home.folder, 'linux');
		await mkdir(root, { recursive: true });
		await writeFile(records, 'a file');
		await assert.rejects(home.connector.connections(), problem('io'));
		await assert.rejects(connect(home), problem('io'));
		assert.equal(existsSync(home.path('.claude')), false);
	});

	it('of a connection that took over leaves what the person wrote since', async (t) => {
		const home = createHome(await tempFolder(t));
		await home.write(SETTINGS, '{}\n');
		await connect(home, 'claude', '', 'acme');
		await connect(home, 'claude', '', 'other');
		await home.write(SETTINGS, (await home.read(SETTINGS)).replace('token other', 'token mine'));
		const [connection] = await home.connector.connections();
		assert.ok(connection);
		const undo = await home.connector.planUndo(connection);
		assert.equal(undo.left, 1);
		await home.connector.undo(undo);
		assert.match(await home.read(SETTINGS), /token mine/);
		assert.doesNotMatch(await home.read(SETTINGS), /TTL_MS/);
	});
});

describe('the place of a tool’s file', () => {
	it('has no names to choose from if nothing is there', async (t) => {
		const home = createHome(await tempFolder(t));
		for (const id of ['codex', 'aws'] as const) assert.deepEqual(await home.connector.names(home.tool(id)), [], id);
	});

	it('has the names of a kubeconfig, whatever else stands among its users', async (t) => {
		const home = createHome(await tempFolder(t));
		const names = async (text: string): Promise<readonly string[]> => {
			await home.write('.kube/config', text);
			return home.connector.names(home.tool('kubectl'));
		};
		assert.deepEqual(await names('kind: Config\n'), []);
		assert.deepEqual(await names('users: null\n'), []);
		const odd = 'users:\n- name: ada\n  user:\n- name: bob\n  user: { as: x }\n- name: 7\n- text\n- ~\n';
		assert.deepEqual(await names(odd), ['ada', 'bob']);
	});

	it('is left alone if something else than a file is there', async (t) => {
		const home = createHome(await tempFolder(t));
		await mkdir(home.path(SETTINGS), { recursive: true });
		await assert.rejects(connect(home), problem('unsupported'));
		await writeFile(home.path('.aws'), 'mine');
		await assert.rejects(connect(home, 'aws', 'work'), problem('io'));
		assert.equal(await readFile(home.path('.aws'), 'utf8'), 'mine');
		assert.deepEqual(await home.connector.connections(), []);
	});

	it('is named as not writable if the disk says so, and as failing if it fails', async (t) => {
		const readOnly = createHome(await tempFolder(t), {
			...nodeToolDisk,
			writeNew: (file, bytes, mode) =>
				file.includes('settings.json')
					? Promise.reject(systemError('EROFS'))
					: nodeToolDisk.writeNew(file, bytes, mode),
		});
		await assert.rejects(connect(readOnly), problem('readOnly'));
		const failing = createHome(await tempFolder(t), {
			...nodeToolDisk,
			stat: (file) => (file.endsWith('.claude') ? Promise.reject(systemError('EIO')) : nodeToolDisk.stat(file)),
		});
		await assert.rejects(connect(failing), problem('io'));
		for (const home of [readOnly, failing]) {
			assert.deepEqual(await home.connector.connections(), []);
			assert.equal(existsSync(home.path('.claude')), false);
		}
	});
});
