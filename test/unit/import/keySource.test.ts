import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { MAX_KEY_FILE_BYTES, readKeyFile } from '../../../src/auth/import/keySource.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const NO_PIPES = process.platform === 'win32' && 'mkfifo';

describe('the file that a person takes keys from', () => {
	it('is read and not changed', async (context) => {
		const file = join(await tempFolder(context), '.env');
		await writeFile(file, 'OPENAI_API_KEY=sk-1\n');
		const before = await stat(file);
		assert.deepEqual(await readKeyFile(file), { kind: 'read', text: 'OPENAI_API_KEY=sk-1\n' });
		assert.equal(await readFile(file, 'utf8'), 'OPENAI_API_KEY=sk-1\n');
		assert.equal((await stat(file)).mtimeMs, before.mtimeMs);
	});

	it('may be as big as the bound, and no bigger', async (context) => {
		const file = join(await tempFolder(context), '.env');
		await writeFile(file, '#'.repeat(MAX_KEY_FILE_BYTES));
		assert.equal((await readKeyFile(file)).kind, 'read');
		await writeFile(file, '#'.repeat(MAX_KEY_FILE_BYTES + 1));
		assert.deepEqual(await readKeyFile(file), { kind: 'tooBig' });
		await truncate(file, 1024 ** 4);
		assert.deepEqual(await readKeyFile(file), { kind: 'tooBig' });
	});

	it('is absent, a link, no file, unreadable, invalid or UTF-16: six results', { skip: NO_PIPES }, async (context) => {
		const folder = await tempFolder(context);
		const file = join(folder, '.env');
		assert.deepEqual(await readKeyFile(file), { kind: 'absent' });
		await writeFile(file, 'A=1\n');
		assert.deepEqual(await readKeyFile(join(file, 'below')), { kind: 'absent' });
		await symlink(file, join(folder, 'link'));
		assert.deepEqual(await readKeyFile(join(folder, 'link')), { kind: 'link' });
		await symlink(join(folder, 'nowhere'), join(folder, 'dangling'));
		assert.deepEqual(await readKeyFile(join(folder, 'dangling')), { kind: 'link' });
		await symlink('round', join(folder, 'round'));
		assert.deepEqual(await readKeyFile(join(folder, 'round', '.env')), { kind: 'link' });
		assert.deepEqual(await readKeyFile(folder), { kind: 'notAFile' });
		execFileSync('mkfifo', [join(folder, 'pipe')]);
		assert.deepEqual(await readKeyFile(join(folder, 'pipe')), { kind: 'notAFile' });
		assert.deepEqual(await readKeyFile('/dev/zero'), { kind: 'notAFile' });
		assert.equal((await readKeyFile(`${file}\0`)).kind, 'unreadable');
		for (const content of [Buffer.from([0x41, 0x3d, 0xff]), Buffer.from('A=1\0')]) {
			await writeFile(file, content);
			assert.deepEqual(await readKeyFile(file), { kind: 'invalid' });
		}
		// What Notepad and PowerShell call Unicode.
		await writeFile(file, '\uFEFFA_KEY=canary\r\n', 'utf16le');
		assert.deepEqual(await readKeyFile(file), { kind: 'utf16' });
	});

	it('is unreadable without the right to read it', {
		skip: process.getuid?.() === 0 && 'root may read all',
	}, async (context) => {
		const file = join(await tempFolder(context), '.env');
		await writeFile(file, 'A=1\n');
		await chmod(file, 0);
		assert.equal((await readKeyFile(file)).kind, 'unreadable');
	});
});

describe('the credential files of other tools', () => {
	for (const [name, tool] of [
		['.codex/auth.json', 'Codex'],
		['.claude/.credentials.json', 'Claude Code'],
		['.claude.json', 'Claude Code'],
		['.config/gh/hosts.yml', 'GitHub CLI'],
		['AppData/Roaming/GitHub CLI/hosts.yml', 'GitHub CLI'],
		['.config/github-copilot/apps.json', 'GitHub Copilot'],
		['.gemini/oauth_creds.json', 'Gemini CLI'],
		['.config/gcloud/application_default_credentials.json', 'Google Cloud CLI'],
		['.aws/credentials', 'AWS CLI'],
		['.aws/sso/cache/0123.json', 'AWS CLI'],
		['.azure/msal_token_cache.json', 'Azure CLI'],
		['.local/share/opencode/auth.json', 'opencode'],
		['.docker/config.json', 'Docker'],
		['.kube/config', 'kubectl'],
		['.git-credentials', 'Git'],
		['.npmrc', 'npm'],
		['.netrc', 'netrc'],
	] as const) {
		it(`${name} is refused by its name, unopened`, { skip: NO_PIPES }, async (context) => {
			const file = join(await tempFolder(context), name);
			await mkdir(dirname(file), { recursive: true });
			// A pipe blocks whoever opens it.
			execFileSync('mkfifo', [file]);
			assert.deepEqual(await readKeyFile(file), { kind: 'foreign', store: { tool } });
			assert.deepEqual(
				await readKeyFile(
					join(dirname(file), '.', '..', dirname(file).split('/').at(-1) ?? '', name.split('/').at(-1) ?? ''),
				),
				{
					kind: 'foreign',
					store: { tool },
				},
			);
		});
	}

	it('are refused by what is in them under any other name', async (context) => {
		const file = join(await tempFolder(context), 'copy.env');
		for (const content of [
			'{"tokens":{"access_token":"a","refresh_token":"r"}}',
			'\uFEFF\n{ "claudeAiOauth": { "refreshToken": "r" } }',
			'[{"id_token": "x"}]',
			'github.com:\n    user: me\n    oauth_token: gho_1\n',
		]) {
			await writeFile(file, content);
			assert.deepEqual(await readKeyFile(file), { kind: 'foreign', store: {} }, content);
		}
	});

	it('are not confused with files of keys', async (context) => {
		const folder = await tempFolder(context);
		for (const name of ['.env', '.env.local', 'auth.env', 'keys.txt']) {
			await writeFile(join(folder, name), '# refresh_token: see below\nNOTE="refresh_token: x"\nOPENAI_API_KEY=sk-1\n');
			assert.equal((await readKeyFile(join(folder, name))).kind, 'read');
		}
	});
});
