import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { ensurePrivateFolder, privacyProblem, requirePrivateFolder } from '../../../src/auth/privateFolder.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const run = promisify(execFile);
/** `nobody` on every Linux. */
const OTHER_UID = 65_534;
const asRoot = process.getuid?.() === 0;

describe('private folder', () => {
	it('is made with its parents, mode 0700 whatever the umask', async (context) => {
		const folder = join(await tempFolder(context), 'a', 'b');
		await ensurePrivateFolder(folder);
		assert.equal((await stat(folder)).mode & 0o777, 0o700);
		await ensurePrivateFolder(folder);
	});

	it('takes back what others may do in it', async (context) => {
		const folder = join(await tempFolder(context), 'open');
		await mkdir(folder);
		await chmod(folder, 0o777);
		await ensurePrivateFolder(folder);
		assert.equal((await stat(folder)).mode & 0o777, 0o700);
	});

	it('is refused, and left as it is, when it is open to others in a place that others can reach', async (context) => {
		const root = await tempFolder(context);
		const folder = join(root, 'open');
		await mkdir(folder);
		await chmod(folder, 0o755);
		await assert.rejects(requirePrivateFolder(folder), { code: 'storage' });
		assert.equal((await stat(folder)).mode & 0o777, 0o755);
		await requirePrivateFolder(join(root, 'new'));
		assert.equal((await stat(join(root, 'new'))).mode & 0o777, 0o700);
	});

	it('is refused when it is a link, dangling or not, or a file', async (context) => {
		const root = await tempFolder(context);
		await mkdir(join(root, 'target'));
		await symlink(join(root, 'target'), join(root, 'link'));
		await symlink(join(root, 'nowhere'), join(root, 'dangling'));
		await writeFile(join(root, 'file'), '');
		for (const name of ['link', 'dangling', 'file'])
			await assert.rejects(ensurePrivateFolder(join(root, name)), { code: 'storage' }, name);
	});

	it('says of a link, a file and a folder that is open to others what is the matter, and of no folder that there is none', async (context) => {
		const root = await tempFolder(context);
		await chmod(root, 0o700);
		await symlink(root, join(root, 'link'));
		await writeFile(join(root, 'file'), '');
		await mkdir(join(root, 'open'));
		await chmod(join(root, 'open'), 0o755);
		const problems = ['', 'link', 'file', 'open'].map((name) => privacyProblem(join(root, name)));
		assert.deepEqual(await Promise.all(problems), [
			undefined,
			'is a link',
			'is not a folder',
			'is open to other users',
		]);
		await assert.rejects(privacyProblem(join(root, 'absent')), { code: 'ENOENT' });
	});

	it('is refused when it belongs to another user', { skip: !asRoot && 'needs a second user' }, async (context) => {
		const root = await tempFolder(context);
		await chmod(root, 0o777);
		const folder = join(root, 'planted');
		await mkdir(folder, { mode: 0o777 });
		await chown(folder, OTHER_UID, OTHER_UID);
		await assert.rejects(ensurePrivateFolder(folder), { code: 'storage' });
	});

	it('is refused to another user, with the same code', { skip: !asRoot && 'needs a second user' }, async (context) => {
		const root = await tempFolder(context);
		await chmod(root, 0o755);
		const ours = join(root, 'ours');
		await mkdir(ours, { mode: 0o700 });
		const source = pathToFileURL(join(import.meta.dirname, '../../../src/auth/privateFolder.ts')).href;
		const script = `
			process.setgid(${OTHER_UID});
			process.setuid(${OTHER_UID});
			const codes = [];
			for (const folder of process.argv.slice(1))
				await ensurePrivateFolder(folder).then(() => codes.push('ok'), (error) => codes.push(error.code));
			console.log(codes.join());`;
		const program = `import { ensurePrivateFolder } from ${JSON.stringify(source)};\n${script}`;
		const { stdout } = await run(process.execPath, [
			'--input-type=module',
			'-e',
			program,
			'--',
			ours,
			join(ours, 'inside'),
			join(root, 'new'),
		]);
		assert.equal(stdout.trim(), 'storage,storage,storage');
	});
});
