/** Connecting and disconnecting with real files: what is refused, what fails, and that nothing is half-done. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { recordFolders } from '../../../src/auth/connect/connectionRecord.ts';
import { FileProblem, type FileProblemCode } from '../../../src/auth/connect/format.ts';
import { nodeToolDisk } from '../../../src/auth/connect/nodeToolDisk.ts';
import type { ToolDisk } from '../../../src/auth/connect/toolFile.ts';
import type { ToolId } from '../../../src/auth/connect/tools.ts';
import { systemError } from '../../support/memoryDisk.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { createHome, type Home } from './home.ts';

const SETTINGS = '.claude/settings.json';
const TEXT = '{\n  "model": "opus"\n}\n';

const problem = (code: FileProblemCode, subject?: string) => (error: unknown) =>
	error instanceof FileProblem && error.code === code && (subject === undefined || error.subject === subject);

async function connect(home: Home, id: ToolId = 'claude', name = '', provider = 'acme'): Promise<void> {
	await home.connector.apply(await home.connector.plan(home.tool(id), provider, { name }));
}

async function disconnect(home: Home): Promise<void> {
	for (const connection of (await home.connector.connections()).toReversed()) {
		await home.connector.undo(await home.connector.planUndo(connection));
	}
}

/** Every file below the folder with its content. */
async function contents(folder: string): Promise<Record<string, string>> {
	const found: Record<string, string> = {};
	for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
		const file = path.join(entry.parentPath, entry.name);
		if (entry.isFile()) found[path.relative(folder, file)] = await readFile(file, 'utf8');
	}
	return found;
}

describe('a value that holds a secret', () => {
	const SECRET = 'sk-ant-canary-0123456789';
	const CASES: readonly (readonly [ToolId, string, string, string, string])[] = [
		['claude', '', SETTINGS, `{ "apiKeyHelper": "echo ${SECRET}" }`, 'apiKeyHelper'],
		[
			...(['codex', 'proxy', '.codex/config.toml'] as const),
			`[model_providers.proxy]\nname = "P"\nbase_url = "https://p"\n\n[model_providers.proxy.auth]\ncommand = "echo"\nargs = ["${SECRET}"]\n`,
			'model_providers.proxy.auth',
		],
		['aws', 'work', '.aws/config', `[profile work]\ncredential_process = echo ${SECRET}\n`, 'work'],
		[
			...(['kubectl', 'ada', '.kube/config'] as const),
			`apiVersion: v1\nkind: Config\nusers:\n  - name: ada\n    user:\n      exec:\n        command: helper\n        env:\n          - name: ACME_TOKEN\n            value: ${SECRET}\n`,
			'ada',
		],
	];
	for (const [id, name, file, text, subject] of CASES)
		it(`is not replaced for ${id}, because it would be kept: nothing is written anywhere`, async (t) => {
			const home = createHome(await tempFolder(t));
			await home.write(file, text);
			const before = await contents(home.folder);
			await assert.rejects(connect(home, id, name), problem('secret', subject));
			assert.deepEqual(await contents(home.folder), before);
			assert.deepEqual(await home.connector.connections(), []);
		});

	it('stays where it is and is nowhere else if nothing of it is replaced', async (t) => {
		const home = createHome(await tempFolder(t));
		await home.write('.gitconfig', `[credential "https://git.example.com"]\n\thelper = "!echo password=${SECRET}"\n`);
		await connect(home, 'git', 'https://git.example.com');
		const holding = Object.entries(await contents(home.folder)).filter(([, text]) => text.includes(SECRET));
		assert.deepEqual(
			holding.map(([file]) => file),
			['.gitconfig'],
		);
	});
});

describe('the file of a tool', () => {
	it('keeps its mode, and a new one is open only to the person', { skip: process.platform === 'win32' }, async (t) => {
		const home = createHome(await tempFolder(t));
		await home.write(SETTINGS, TEXT);
		await chmod(home.path(SETTINGS), 0o664);
		await connect(home);
		assert.equal((await stat(home.path(SETTINGS))).mode & 0o7777, 0o664);
		await connect(home, 'git', 'https://git.example.com');
		assert.equal((await stat(home.path('.gitconfig'))).mode & 0o7777, 0o600);
		await disconnect(home);
		assert.equal((await stat(home.path(SETTINGS))).mode & 0o7777, 0o664);
	});

	it('is changed where a link leads, and the link stays', async (t) => {
		const home = createHome(await tempFolder(t));
		await home.write('dotfiles/claude.json', TEXT);
		await mkdir(home.path('.claude'));
		await symlink('../dotfiles/claude.json', home.path(SETTINGS));
		await connect(home);
		assert.equal(await readlink(home.path(SETTINGS)), '../dotfiles/claude.json');
		assert.match(await home.read('dotfiles/claude.json'), /apiKeyHelper/);
		await disconnect(home);
		assert.equal(await readlink(home.path(SETTINGS)), '../dotfiles/claude.json');
		assert.equal(await home.read('dotfiles/claude.json'), TEXT);
	});

	it('is found through a relative link in a linked folder', async (t) => {
		const home = createHome(await tempFolder(t));
		await home.write('dots/deep/claude/real.json', TEXT);
		await symlink('dots/deep/claude', home.path('.claude'));
		await symlink('../claude/real.json', home.path(SETTINGS));
		await connect(home);
		assert.match(await home.read('dots/deep/claude/real.json'), /apiKeyHelper/);
	});

	it('is made at the end of a link that leads nowhere, and removed there', async (t) => {
		const home = createHome(await tempFolder(t));
		await mkdir(home.path('.claude'));
		await symlink(home.path('dotfiles/claude.json'), home.path(SETTINGS));
		await connect(home);
		assert.match(await home.read('dotfiles/claude.json'), /apiKeyHelper/);
		await disconnect(home);
		assert.equal(existsSync(home.path('dotfiles')), false);
		assert.equal(await readlink(home.path(SETTINGS)), home.path('dotfiles/claude.json'));
	});

	it('is left alone if it is read-only', { skip: process.platform === 'win32' }, async (t) => {
		const home = createHome(await tempFolder(t));
		await home.write(SETTINGS, TEXT);
		await chmod(home.path(SETTINGS), 0o444);
		await assert.rejects(connect(home), problem('readOnly'));
		assert.deepEqual(await contents(home.folder), { [SETTINGS]: TEXT });
	});

	it('says so if it is UTF-16', async (t) => {
		const home = createHome(await tempFolder(t));
		await mkdir(path.dirname(home.path(SETTINGS)), { recursive: true });
		for (const content of [`\uFEFF${TEXT}`, TEXT]) {
			await writeFile(home.path(SETTINGS), content, 'utf16le');
			await assert.rejects(connect(home), problem('utf16'));
			assert.equal(await readFile(home.path(SETTINGS), 'utf16le'), content);
		}
	});

	it('is one of several that are one configuration, in which the first with a name counts', async (t) => {
		const folder = await tempFolder(t);
		const user = (name: string) => `- name: ${name}\n  user: {}\n`;
		const files = ['none', 'empty', 'one', 'two'].map((name) => path.join(folder, name));
		const home = createHome(folder, nodeToolDisk, { KUBECONFIG: files.join(path.delimiter) });
		const [one, two] = [`users:\n${user('ada')}`, `users:\n${user('ada')}${user('bob')}`];
		for (const [name, text] of [
			['empty', ''],
			['one', one],
			['two', two],
		] as const)
			await home.write(name, text);
		assert.deepEqual(await home.connector.names(home.tool('kubectl')), ['ada', 'bob']);
		await connect(home, 'kubectl', 'bob');
		assert.equal(await home.read('one'), one);
		assert.match(await home.read('two'), /- name: ada\n {2}user: \{\}\n- name: bob\n {2}user:\n {4}exec:/);
		await connect(home, 'kubectl', 'ada');
		assert.match(await home.read('one'), /exec:/);
		await disconnect(home);
		assert.deepEqual([await home.read('one'), await home.read('two')], [one, two]);
	});

	it('is left alone if it is not valid or not UTF-8', async (t) => {
		const home = createHome(await tempFolder(t));
		const broken: readonly (readonly [ToolId, string, string, string | Buffer])[] = [
			['claude', '', SETTINGS, '{ "a": 1'],
			['claude', '', SETTINGS, Buffer.from([0x7b, 0xff, 0x7d])],
			['codex', 'proxy', '.codex/config.toml', 'a = [\n'],
			['git', 'https://h', '.gitconfig', '[user\n'],
			['git', 'https://h', '.gitconfig', '[a]\n\tk = "open\n'],
			['aws', 'work', '.aws/config', 'no section = here\n'],
			['aws', 'work', '.aws/config', '[profile work]\na = 1\n[profile work]\nb = 2\n'],
			['kubectl', 'ada', '.kube/config', 'users: [\n'],
		];
		for (const [id, name, file, content] of broken) {
			await mkdir(path.dirname(home.path(file)), { recursive: true });
			await writeFile(home.path(file), content);
			await assert.rejects(connect(home, id, name), problem('unparsable'), `${file}: ${String(content)}`);
			assert.deepEqual(await readFile(home.path(file)), Buffer.from(content));
		}
		assert.deepEqual(await home.connector.connections(), []);
	});

	it('is left alone if something in it excludes the change, which is named without its value', async (t) => {
		const home = createHome(await tempFolder(t));
		const excluding: readonly (readonly [ToolId, string, string, string, string])[] = [
			['claude', '', SETTINGS, '{ "env": { "ANTHROPIC_API_KEY": "sk-canary" } }', 'env.ANTHROPIC_API_KEY'],
			['codex', 'p', '.codex/config.toml', '[model_providers.p]\nenv_key = "K"\n', 'model_providers.p.env_key'],
			['aws', 'work', '.aws/config', '[profile work]\nrole_arn = arn\n', 'work: role_arn'],
			['kubectl', 'ada', '.kube/config', 'users:\n- name: ada\n  user:\n    token: sk-canary\n', 'ada: token'],
		];
		for (const [id, name, file, content, subject] of excluding) {
			await home.write(file, content);
			await assert.rejects(connect(home, id, name), problem('conflict', subject));
			await assert.rejects(connect(home, id, name), (error: Error) => !String(error.stack).includes('canary'));
			assert.equal(await home.read(file), content);
		}
	});

	it('is left alone if it is written in one line, where the language allows no other change', async (t) => {
		const home = createHome(await tempFolder(t));
		const text = '{"users": [{"name": "ada", "user": {"as": "x"}}]}\n';
		await home.write('.kube/config', text);
		await assert.rejects(connect(home, 'kubectl', 'ada'), problem('unsupported'));
		await home.write('.codex/config.toml', 'model_providers = { p = { name = "P" } }\n');
		await assert.rejects(connect(home, 'codex', 'p'), problem('unsupported'));
		assert.equal(await home.read('.kube/config'), text);
	});

	it('is not written if it changed between plan and yes, and a new plan has the change', async (t) => {
		const home = createHome(await tempFolder(t));
		await home.write(SETTINGS, TEXT);
		const plan = await home.connector.plan(home.tool('claude'), 'acme', { name: '' });
		await home.write(SETTINGS, TEXT.replace('opus', 'sonnet'));
		await assert.rejects(home.connector.apply(plan), problem('changed'));
		assert.deepEqual(await contents(home.folder), { [SETTINGS]: TEXT.replace('opus', 'sonnet') });
		await connect(home);
		assert.match(await home.read(SETTINGS), /sonnet[\s\S]*apiKeyHelper/);
		await disconnect(home);
		assert.equal(await home.read(SETTINGS), TEXT.replace('opus', 'sonnet'));
	});

	it('is not written if it changed, appeared or went at the last moment', async (t) => {
		for (const [before, meanwhile] of [
			[TEXT, '{ "model": "sonnet" }'],
			[undefined, '{ "model": "sonnet" }'],
			[TEXT, undefined],
		] as const) {
			const folder = await tempFolder(t);
			const file = path.join(folder, SETTINGS);
			// Somebody else writes while our temporary file is being written.
			const home = createHome(folder, {
				...nodeToolDisk,
				async writeNew(name, bytes, mode) {
					await nodeToolDisk.writeNew(name, bytes, mode);
					if (!name.includes('settings.json')) return;
					if (meanwhile === undefined) await rm(file);
					else await writeFile(file, meanwhile);
				},
			});
			if (before !== undefined) await home.write(SETTINGS, before);
			await assert.rejects(connect(home), problem('changed'));
			assert.deepEqual(await contents(folder), meanwhile === undefined ? {} : { [SETTINGS]: meanwhile });
		}
	});

	it('that appears in the very moment of publishing is not overwritten', async (t) => {
		const folder = await tempFolder(t);
		const file = path.join(folder, SETTINGS);
		const home = createHome(folder, {
			...nodeToolDisk,
			async link(existing, created) {
				if (created === file) await writeFile(file, TEXT);
				await nodeToolDisk.link(existing, created);
			},
		});
		await assert.rejects(connect(home), problem('changed'));
		assert.deepEqual(await contents(folder), { [SETTINGS]: TEXT });
	});

	it('is made on a file system without hard links', async (t) => {
		const home = createHome(await tempFolder(t), {
			...nodeToolDisk,
			link: () => Promise.reject(systemError('EPERM')),
		});
		await connect(home);
		assert.match(await home.read(SETTINGS), /apiKeyHelper/);
		await disconnect(home);
		assert.deepEqual(await readdir(home.folder), ['.local']);
	});
});

const WRITES = ['writeNew', 'link', 'rename', 'unlink', 'makeFolder', 'removeFolder', 'syncFolder'] as const;

/** Counts the writes and lets the nth of them fail, before it does anything or after it was done. */
function failingDisk(failAt: number, when: 'before' | 'after'): { readonly disk: ToolDisk; count(): number } {
	let count = 0;
	const disk: Record<string, unknown> = { ...nodeToolDisk };
	for (const operation of WRITES) {
		const real: (...args: never[]) => Promise<unknown> = nodeToolDisk[operation];
		disk[operation] = async (...args: never[]) => {
			const fails = ++count === failAt;
			if (fails && when === 'before') throw systemError('ENOSPC');
			await real(...args);
			if (fails) throw systemError('EIO');
		};
	}
	return { disk: { ...nodeToolDisk, ...disk }, count: () => count };
}

describe('a write that fails', () => {
	for (const when of ['before', 'after'] as const) {
		for (const existing of [true, false]) {
			it(`${when} it is done leaves ${existing ? 'a file' : 'no file'} whole, and can be repeated and undone`, async (t) => {
				const whole = createHome(await tempFolder(t));
				if (existing) await whole.write(SETTINGS, TEXT);
				await connect(whole);
				const after = await whole.read(SETTINGS);
				let failures = 0;
				for (let failAt = 1; ; failAt++) {
					const { disk, count } = failingDisk(failAt, when);
					const folder = await tempFolder(t);
					const home = createHome(folder, disk);
					if (existing) await home.write(SETTINGS, TEXT);
					const failed = await connect(home).then(
						() => false,
						(error: unknown) => {
							assert.ok(error instanceof FileProblem, String(error));
							return true;
						},
					);
					if (failed) failures++;
					const now = existsSync(home.path(SETTINGS)) ? await home.read(SETTINGS) : undefined;
					const before = existing ? TEXT : undefined;
					assert.ok(now === after || now === before, `write ${failAt}: ${now}`);
					if (!failed) assert.equal(now, after);
					// With a working disk the person tries again, and takes it back.
					const healthy = createHome(folder);
					await connect(healthy);
					assert.equal(await healthy.read(SETTINGS), after);
					await disconnect(healthy);
					if (existing) assert.equal(await healthy.read(SETTINGS), TEXT);
					else assert.equal(existsSync(healthy.path(SETTINGS)), false);
					if (count() < failAt) break;
				}
				assert.ok(failures >= 3, `${failures} failures`);
			});

			it(`${when} it is done while undoing leaves ${existing ? 'a file' : 'no file'} to undo again`, async (t) => {
				for (let failAt = 1; ; failAt++) {
					const folder = await tempFolder(t);
					const healthy = createHome(folder);
					if (existing) await healthy.write(SETTINGS, TEXT);
					await connect(healthy);
					const after = await healthy.read(SETTINGS);
					const { disk, count } = failingDisk(failAt, when);
					await disconnect(createHome(folder, disk)).catch((error: unknown) => {
						assert.ok(error instanceof FileProblem, String(error));
					});
					const now = existsSync(healthy.path(SETTINGS)) ? await healthy.read(SETTINGS) : undefined;
					assert.ok(now === after || now === (existing ? TEXT : undefined), `write ${failAt}: ${now}`);
					await disconnect(healthy);
					if (existing) assert.equal(await healthy.read(SETTINGS), TEXT);
					else assert.equal(existsSync(healthy.path(SETTINGS)), false);
					assert.deepEqual(await healthy.connector.connections(), []);
					if (count() < failAt) break;
				}
			});
		}
	}
});

describe('what was made for a tool', () => {
	it('goes again: file and folders', async (t) => {
		const home = createHome(await tempFolder(t));
		await connect(home);
		await connect(home, 'aws', 'work');
		await disconnect(home);
		assert.deepEqual(
			await readdir(home.folder),
			['.local'].filter((name) => existsSync(home.path(name))),
		);
		assert.deepEqual(await contents(home.folder), {});
	});

	it('stays as far as somebody put something in', async (t) => {
		const home = createHome(await tempFolder(t));
		await connect(home);
		await connect(home, 'aws', 'work');
		await home.write('.claude/history.jsonl', 'mine');
		await home.write('.aws/config', `${await home.read('.aws/config')}\n[default]\nregion = x\n`);
		await disconnect(home);
		assert.deepEqual(await contents(home.folder), {
			'.claude/history.jsonl': 'mine',
			'.aws/config': '\n[default]\nregion = x\n',
		});
	});

	it('is nothing to undo if the file is gone', async (t) => {
		const home = createHome(await tempFolder(t));
		await connect(home);
		await rm(home.path('.claude'), { recursive: true });
		await disconnect(home);
		assert.deepEqual(await contents(home.folder), {});
	});
});

describe('a connection', () => {
	it('that is made again for another service replaces the first, and undoing restores what was before both', async (t) => {
		for (const before of [TEXT, '{\n  "apiKeyHelper": "theirs"\n}\n', undefined]) {
			const home = createHome(await tempFolder(t));
			if (before !== undefined) await home.write(SETTINGS, before);
			await connect(home, 'claude', '', 'acme');
			await connect(home, 'claude', '', 'other');
			assert.match(await home.read(SETTINGS), /token other/);
			assert.doesNotMatch(await home.read(SETTINGS), /acme/);
			assert.equal((await home.connector.connections()).length, 1);
			await disconnect(home);
			if (before === undefined) assert.equal(existsSync(home.path('.claude')), false);
			else assert.equal(await home.read(SETTINGS), before);
		}
	});

	it('that was killed while it took over from another is undone to what was before both', async (t) => {
		const folder = await tempFolder(t);
		const home = createHome(folder);
		await home.write(SETTINGS, TEXT);
		await connect(home, 'claude', '', 'acme');
		let dead = false;
		const killed = createHome(folder, {
			...nodeToolDisk,
			async writeNew(file, bytes, mode) {
				// The record is written; from the file of the tool on nothing happens any more.
				dead ||= file.includes('settings.json');
				if (dead) throw systemError('EIO');
				await nodeToolDisk.writeNew(file, bytes, mode);
			},
		});
		await assert.rejects(connect(killed, 'claude', '', 'other'), problem('io'));
		assert.match(await home.read(SETTINGS), /token acme/);
		const [connection] = await home.connector.connections();
		assert.equal(connection?.provider, 'other');
		await disconnect(home);
		assert.equal(await home.read(SETTINGS), TEXT);
	});

	it('that is made again for the same service changes nothing', async (t) => {
		const home = createHome(await tempFolder(t));
		await home.write(SETTINGS, TEXT);
		await connect(home);
		const before = await contents(home.folder);
		home.clock.advance(1000);
		const plan = await home.connector.plan(home.tool('claude'), 'acme', { name: '' });
		assert.equal(plan.isInPlace, true);
		await home.connector.apply(plan);
		assert.deepEqual(await contents(home.folder), before);
	});

	it('is undone beside others of the same file, in any order', async (t) => {
		const text = '[user]\n\tname = Ada\n';
		for (const order of [
			[0, 1, 2],
			[2, 0, 1],
			[1, 2, 0],
		]) {
			const home = createHome(await tempFolder(t));
			await home.write('.gitconfig', text);
			for (const host of ['a', 'b', 'c']) {
				await connect(home, 'git', `https://${host}.example.com`);
				home.clock.advance(1000);
			}
			const all = await home.connector.connections();
			for (const index of order) {
				const connection = all[index];
				assert.ok(connection);
				await home.connector.undo(await home.connector.planUndo(connection));
				assert.doesNotMatch(await home.read('.gitconfig'), new RegExp(connection.name));
			}
			assert.equal(await home.read('.gitconfig'), text);
		}
	});

	it('of which the person changed a value leaves that value', async (t) => {
		const home = createHome(await tempFolder(t));
		await home.write(SETTINGS, TEXT);
		await connect(home);
		await home.write(SETTINGS, (await home.read(SETTINGS)).replace('token acme', 'token mine'));
		const [connection] = await home.connector.connections();
		assert.ok(connection);
		const undo = await home.connector.planUndo(connection);
		assert.equal(undo.left, 1);
		await home.connector.undo(undo);
		assert.match(await home.read(SETTINGS), /token mine/);
		assert.doesNotMatch(await home.read(SETTINGS), /TTL_MS/);
	});

	it('is not undone if the file cannot be read any more, and stays remembered', async (t) => {
		const home = createHome(await tempFolder(t));
		await home.write(SETTINGS, TEXT);
		await connect(home);
		await home.write(SETTINGS, `${await home.read(SETTINGS)} oops`);
		await assert.rejects(disconnect(home), problem('unparsable'));
		assert.match(await home.read(SETTINGS), /apiKeyHelper/);
		assert.equal((await home.connector.connections()).length, 1);
	});

	it('is not undone if the file changed after it was shown', async (t) => {
		const home = createHome(await tempFolder(t));
		await home.write(SETTINGS, TEXT);
		await connect(home);
		const [connection] = await home.connector.connections();
		assert.ok(connection);
		const undo = await home.connector.planUndo(connection);
		const edited = (await home.read(SETTINGS)).replace('opus', 'sonnet');
		await home.write(SETTINGS, edited);
		await assert.rejects(home.connector.undo(undo), problem('changed'));
		assert.equal(await home.read(SETTINGS), edited);
	});

	it('survives a record that is damaged or newer: it is left alone, the others are listed', async (t) => {
		const home = createHome(await tempFolder(t));
		await connect(home);
		const [, records] = recordFolders(home.folder, 'linux');
		await writeFile(path.join(records, '0123456789abcdef.json'), '{ "schema": 2 }');
		await writeFile(path.join(records, 'fedcba9876543210.json'), 'half');
		assert.equal((await home.connector.connections()).length, 1);
		await disconnect(home);
		assert.deepEqual((await readdir(records)).sort(), ['0123456789abcdef.json', 'fedcba9876543210.json']);
	});

	it('follows a file that was moved away behind a link', async (t) => {
		const home = createHome(await tempFolder(t));
		await home.write(SETTINGS, TEXT);
		await connect(home);
		await rename(home.path(SETTINGS), home.path('moved.json'));
		await symlink(home.path('moved.json'), home.path(SETTINGS));
		await disconnect(home);
		assert.equal(await home.read('moved.json'), TEXT);
	});
});

describe('a tool without a hook', () => {
	it('has no file, only a line', async (t) => {
		const home = createHome(await tempFolder(t));
		for (const id of ['gemini', 'opencode'] as const) {
			assert.equal(await home.connector.fileOf(home.tool(id)), undefined);
			await assert.rejects(connect(home, id), problem('unsupported'));
			assert.equal(home.connector.line(home.tool(id), 'acme', { name: '' }), `agent-auth exec acme -- ${id}`);
		}
		assert.deepEqual(await readdir(home.folder), []);
	});
});
