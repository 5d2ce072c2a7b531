/** An extension host is shared with strangers: what we bundle must not patch it. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { bundleOptions, ROOT } from '../../../scripts/build.ts';

const PATCHING_PACKAGES = /node_modules[/\\](graceful-fs|signal-exit)[/\\]/;

test('a bundle with proper-lockfile carries neither graceful-fs nor signal-exit, patches nothing and still locks', async (t) => {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'agent-auth-bundle-'));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const outfile = path.join(folder, 'locking.cjs');
	const result = await build({
		...bundleOptions('package'),
		stdin: { contents: `export { lock } from 'proper-lockfile';`, resolveDir: ROOT },
		outfile,
	});
	assert.deepEqual(
		Object.keys(result.metafile?.inputs ?? {}).filter((input) => PATCHING_PACKAGES.test(input)),
		[],
	);

	const before = { close: fs.close, closeSync: fs.closeSync, read: fs.read, emit: process.emit, chdir: process.chdir };
	const listeners = process.listenerCount('SIGTERM');
	const bundle: { lock(file: string): Promise<() => Promise<void>> } = createRequire(outfile)(outfile);
	const after = { close: fs.close, closeSync: fs.closeSync, read: fs.read, emit: process.emit, chdir: process.chdir };
	assert.deepEqual(after, before);
	assert.equal(process.listenerCount('SIGTERM'), listeners);

	const file = path.join(folder, 'file');
	await writeFile(file, '');
	const release = await bundle.lock(file);
	assert.ok(fs.existsSync(`${file}.lock`));
	await assert.rejects(bundle.lock(file), { code: 'ELOCKED' });
	await release();
	assert.ok(!fs.existsSync(`${file}.lock`));
});

test('the extension bundle and the helper bundle carry none of the packages that patch the host', async () => {
	for (const entry of ['src/extension.ts', 'src/auth/terminal/helper.ts', 'src/auth/connect/hostConnector.ts']) {
		if (!fs.existsSync(path.join(ROOT, entry))) {
			continue;
		}
		const result = await build({ ...bundleOptions('package'), entryPoints: [entry], write: false, outdir: 'dist' });
		const inputs = Object.keys(result.metafile?.inputs ?? {});
		assert.deepEqual(
			inputs.filter((input) => PATCHING_PACKAGES.test(input)),
			[],
			entry,
		);
	}
});
