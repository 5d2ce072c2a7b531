/**
 * Writes THIRD_PARTY_NOTICES.md, the licences of the packages that the bundles carry, which ask to be passed on with
 * them: `node scripts/notices.ts`. A test fails when it is out of date.
 */
import { globSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { bundleOptions, ROOT } from './build.ts';

export const NOTICES_PATH = path.join(ROOT, 'THIRD_PARTY_NOTICES.md');

const ENTRIES = ['src/extension.ts', 'src/auth/terminal/helper.ts', 'src/auth/connect/hostConnector.ts'];

/** Folder of the package that a bundled file belongs to; undefined for our own files. */
const PACKAGE_FOLDER = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;

export async function noticesText(): Promise<string> {
	const { metafile } = await build({
		...bundleOptions('package'),
		entryPoints: ENTRIES,
		outdir: 'dist',
		write: false,
		metafile: true,
	});
	const folders = Object.keys(metafile.inputs).map((file) => PACKAGE_FOLDER.exec(file)?.[1]);
	const notices = [...new Set(folders.filter((folder) => folder !== undefined))].map(noticeOf).sort();
	return `# Third-party notices\n\nAgent Auth contains these packages.\n\n${notices.join('\n')}`;
}

/** Throws if a package comes without the text of its licence. */
function noticeOf(folder: string): string {
	const { name, version }: { name: string; version: string } = JSON.parse(
		readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8'),
	);
	const [file] = globSync('*', { cwd: path.join(ROOT, folder) }).filter((entry) => /^licen[cs]e/i.test(entry));
	if (file === undefined) throw new Error(`${name} has no licence`);
	const text = readFileSync(path.join(ROOT, folder, file), 'utf8')
		.replaceAll('\r\n', '\n')
		.trim();
	return `## ${name} ${version}\n\n\`\`\`text\n${text}\n\`\`\`\n`;
}

if (import.meta.main) await writeFile(NOTICES_PATH, await noticesText());
