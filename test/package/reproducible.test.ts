/** The same sources give the same VSIX, byte for byte: whoever doubts the published one can make it again. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, symlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../../scripts/build.ts';
import { VSIX_PATH } from '../../scripts/package.ts';
import { tempFolder } from '../support/tempFolder.ts';
import { readZip } from '../support/zip.ts';

const run = promisify(execFile);

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

it('a VSIX made elsewhere, at another time, for another user, in another time zone and language, is the same', async (t) => {
	const copy = path.join(await tempFolder(t), 'elsewhere');
	const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
	for (const file of stdout.split('\0').filter(Boolean)) {
		const target = path.join(copy, file);
		await mkdir(path.dirname(target), { recursive: true });
		const isThere = await copyFile(path.join(ROOT, file), target).then(
			() => true,
			// Removed and not committed yet.
			() => false,
		);
		if (!isThere) continue;
		await utimes(target, 1_000_000_000, 1_000_000_000);
		await chmod(target, 0o600);
	}
	await symlink(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'), 'junction');
	await run(process.execPath, [path.join(copy, 'scripts', 'package.ts')], {
		cwd: copy,
		env: { ...process.env, TZ: 'Pacific/Chatham', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8', SOURCE_DATE_EPOCH: '' },
	});
	const [first, second] = [await readFile(VSIX_PATH), await readFile(path.join(copy, 'dist', 'agent-auth.vsix'))];
	if (sha256(first) === sha256(second)) return;
	// Say which file it is before saying that there is one.
	const [a, b] = [readZip(first), readZip(second)];
	assert.deepEqual([...a.keys()], [...b.keys()]);
	for (const [name, bytes] of a) assert.equal(sha256(bytes), sha256(b.get(name) ?? Buffer.alloc(0)), name);
	assert.fail('the same files in other wrapping: times, modes or order');
});
