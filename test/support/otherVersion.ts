/** The extension as its next release would be: the same sources under another version number. */
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT } from '../../scripts/build.ts';
import { mustRun } from '../../scripts/progress.ts';

/** All that building and packaging read. */
const SOURCES = [
	...['api', 'companion', 'l10n', 'media', 'scripts', 'src', 'test/consumer'],
	...['.vscodeignore', 'CHANGELOG.md', 'LICENSE', 'README.md', 'THIRD_PARTY_NOTICES.md'],
	...['package.json', 'package.nls.json', 'package.nls.de.json', 'tsconfig.json'],
];

/** Builds and packages it in `folder`, which is made; answers the path of the VSIX. */
export async function packageOtherVersion(version: string, folder: string): Promise<string> {
	await mkdir(folder, { recursive: true });
	for (const source of SOURCES) await cp(path.join(ROOT, source), path.join(folder, source), { recursive: true });
	await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
	const manifestPath = path.join(folder, 'package.json');
	const manifest: Record<string, unknown> = JSON.parse(await readFile(manifestPath, 'utf8'));
	await writeFile(manifestPath, JSON.stringify({ ...manifest, version }, undefined, '\t'));
	const vsix = path.join(folder, 'next.vsix');
	const vsce = path.join(ROOT, 'node_modules', '@vscode', 'vsce', 'vsce');
	await mustRun(process.execPath, [vsce, 'package', '--no-dependencies', '--out', vsix], { cwd: folder });
	return vsix;
}
