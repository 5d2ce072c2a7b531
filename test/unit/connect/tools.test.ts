/** What stands in a tool's file runs the launcher as that tool runs it, wherever the launcher is. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parse as parseToml } from 'smol-toml';
import * as v from 'valibot';
import { parse as parseYaml } from 'yaml';
import { makeChange } from '../../../src/auth/connect/change.ts';
import { FileProblem } from '../../../src/auth/connect/format.ts';
import { awsCommand, gitHelper, launcherPath, shellCommand } from '../../../src/auth/connect/launchCommand.ts';
import { type Choice, TOOLS, type ToolId } from '../../../src/auth/connect/tools.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const run = promisify(execFile);

/** Answers as git's protocol wants it, and tells its arguments: it is enough for every tool. */
const LAUNCHER = `#!/bin/sh
echo "username=args"
echo "password=$*"
`;

const FOLDERS = ['bin', 'bin with blanks', "b'in", 'bin$HOME', 'b"in', 'bin`id`', 'b;in&', 'bin\\n'];

async function launcherIn(parent: string, folder: string): Promise<string> {
	const binFolder = path.join(parent, folder);
	await mkdir(binFolder, { recursive: true });
	await writeFile(path.join(binFolder, 'agent-auth'), LAUNCHER);
	await chmod(path.join(binFolder, 'agent-auth'), 0o755);
	return binFolder;
}

function planned(id: ToolId, binFolder: string, before: string, choice: Choice): string {
	const tool = TOOLS.find((candidate) => candidate.id === id);
	assert.ok(tool);
	const request = { launch: { binFolder, platform: 'linux' as const }, provider: 'acme', choice };
	return makeChange(before, tool.assignments(before, request)).after;
}

/** As Codex and kubectl do it: no shell, nothing on stdin. */
async function exec(command: string, args: readonly string[]): Promise<string> {
	const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
	const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
	return output;
}

describe('the launcher', { skip: process.platform === 'win32' }, () => {
	for (const folder of FOLDERS) {
		it(`in a folder ${JSON.stringify(folder)} is run by Claude Code's shell`, async (t) => {
			const binFolder = await launcherIn(await tempFolder(t), folder);
			const settings = v.parse(
				v.object({ apiKeyHelper: v.string(), env: v.record(v.string(), v.string()) }),
				JSON.parse(planned('claude', binFolder, '', { name: '' })),
			);
			const { stdout } = await run('/bin/sh', ['-c', settings.apiKeyHelper], { env: { HOME: '/nowhere' } });
			assert.equal(stdout, 'username=args\npassword=token acme --min-ttl 600\n');
			assert.ok(Number(settings.env.CLAUDE_CODE_API_KEY_HELPER_TTL_MS) < 600_000);
		});

		it(`in a folder ${JSON.stringify(folder)} is run by Codex`, async (t) => {
			const binFolder = await launcherIn(await tempFolder(t), folder);
			const choice = { name: 'x', baseUrl: 'https://h/v1' };
			const config = v.parse(
				v.object({
					model_providers: v.object({
						x: v.object({
							auth: v.strictObject({
								command: v.string(),
								args: v.array(v.string()),
								timeout_ms: v.number(),
								refresh_interval_ms: v.number(),
							}),
						}),
					}),
				}),
				JSON.parse(JSON.stringify(parseToml(planned('codex', binFolder, '', choice)))),
			);
			const { command, args } = config.model_providers.x.auth;
			assert.match(await exec(command, args), /password=token acme --min-ttl 600\n/);
		});

		it(`in a folder ${JSON.stringify(folder)} is run by kubectl`, async (t) => {
			const binFolder = await launcherIn(await tempFolder(t), folder);
			const before = 'users:\n- name: ada\n  user: {}\n';
			const config = v.parse(
				v.object({
					users: v.tuple([
						v.object({
							user: v.object({
								exec: v.strictObject({
									apiVersion: v.literal('client.authentication.k8s.io/v1'),
									command: v.string(),
									args: v.array(v.string()),
									interactiveMode: v.literal('Never'),
								}),
							}),
						}),
					]),
				}),
				parseYaml(planned('kubectl', binFolder, before, { name: 'ada' })),
			);
			const { command, args } = config.users[0].user.exec;
			assert.match(await exec(command, args), /password=exec-credential acme\n/);
		});

		it(`in a folder ${JSON.stringify(folder)} is run by git, which takes no other helper then`, async (t) => {
			const home = await tempFolder(t);
			const binFolder = await launcherIn(home, folder);
			const other = '[credential]\n\thelper = "!echo password=other; echo username=other; #"\n';
			await writeFile(
				path.join(home, '.gitconfig'),
				planned('git', binFolder, other, { name: 'https://git.example.com' }),
			);
			const fill = async (url: string): Promise<string> => {
				const child = spawn('git', ['credential', 'fill'], {
					stdio: ['pipe', 'pipe', 'inherit'],
					env: { PATH: process.env.PATH, HOME: home, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' },
				});
				child.stdin.end(`url=${url}\n\n`);
				return text(child.stdout);
			};
			assert.match(await fill('https://git.example.com/repo.git'), /^password=git-credential acme get$/m);
			assert.match(await fill('https://elsewhere.example.com/repo.git'), /^password=other$/m);
		});
	}

	it('for AWS is quoted only where all its tools agree, and refused elsewhere', () => {
		const command = (binFolder: string): string =>
			awsCommand({ binFolder, platform: 'linux' }, ['credential-process', 'acme']);
		assert.equal(command('/a/bin'), '/a/bin/agent-auth credential-process acme');
		assert.equal(command('/a b/bin'), '"/a b/bin/agent-auth" credential-process acme');
		for (const folder of ['/a"b', '/a$b', "/a'b", '/a\\b', '/a`b']) {
			assert.throws(
				() => command(folder),
				(error) => error instanceof FileProblem && error.code === 'path',
			);
		}
	});
});

describe('the launcher on Windows', () => {
	const launch = { binFolder: 'C:\\Users\\Ada L\\agent-auth\\bin', platform: 'win32' } as const;

	it('is the cmd file, but for git, whose sh runs the other', () => {
		const cmd = 'C:\\Users\\Ada L\\agent-auth\\bin\\agent-auth.cmd';
		assert.equal(launcherPath(launch), cmd);
		assert.equal(shellCommand(launch, ['token', 'acme']), `"${cmd}" token acme`);
		assert.equal(awsCommand(launch, ['credential-process', 'acme']), `"${cmd}" credential-process acme`);
		assert.equal(
			gitHelper(launch, ['git-credential', 'acme']),
			"!'C:/Users/Ada L/agent-auth/bin/agent-auth' git-credential acme",
		);
	});

	it('is refused where a variable could be read into its path', () => {
		const odd = { ...launch, binFolder: 'C:\\%PATH%\\bin' };
		assert.throws(() => shellCommand(odd, []), FileProblem);
	});
});

describe('the files of the tools', () => {
	it('are those that the variables of the tools name', () => {
		const env = {
			CLAUDE_CONFIG_DIR: '/c',
			CODEX_HOME: '/x',
			GIT_CONFIG_GLOBAL: '/g',
			AWS_CONFIG_FILE: '/a',
			KUBECONFIG: ['', '/k1', '/k2'].join(path.delimiter),
		};
		const files = TOOLS.map(({ id, files: of }) => [id, ...of({ homeFolder: '/home/ada', env })]);
		assert.deepEqual(files.slice(0, 5), [
			['claude', path.join('/c', 'settings.json')],
			['codex', path.join('/x', 'config.toml')],
			['git', '/g'],
			['aws', '/a'],
			['kubectl', '/k1', '/k2'],
		]);
	});

	it('get a new provider of Codex only with its address', () => {
		const connect = (choice: Choice): string => planned('codex', '/bin', '', choice);
		assert.match(connect({ name: 'p', baseUrl: 'https://h/v1' }), /base_url = "https:\/\/h\/v1"/);
		assert.throws(
			() => connect({ name: 'p' }),
			(error) => error instanceof FileProblem && error.code === 'absent' && error.subject === 'p',
		);
	});

	it('are changed by hand with a line that leaves open what was not chosen', () => {
		const launch = { binFolder: '/bin', platform: 'linux' } as const;
		const lines = ['', 'ada lovelace'].map((name) =>
			TOOLS.find(({ id }) => id === 'kubectl')?.line({ launch, provider: 'acme', choice: { name } }),
		);
		assert.match(lines[0] ?? '', /^kubectl config set-credentials USER --exec-api-version=/);
		assert.match(lines[1] ?? '', /^kubectl config set-credentials "ada lovelace" --exec-api-version=/);
	});

	it('hold no token: each has only the name of the service', () => {
		const launch = { binFolder: '/bin', platform: 'linux' } as const;
		for (const tool of TOOLS)
			assert.match(tool.line({ launch, provider: 'acme', choice: { name: 'n' } }), /\bacme\b/, tool.id);
	});
});
