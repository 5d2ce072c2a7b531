/**
 * Makes the VSIX files: Agent Auth itself, its companion for remotes, the pack that joins them, and the consumer extension that
 * the tests and `npm start` load beside it.
 * A VSIX appears in one step, so that a test which installs it never reads half a file.
 */
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildAll, ROOT } from './build.ts';
import { mustRun } from './progress.ts';
import { tightZip } from './tightZip.ts';

export const VSIX_PATH = path.join(ROOT, 'dist', 'agent-auth.vsix');
export const COMPANION_VSIX_PATH = path.join(ROOT, 'dist', 'agent-auth-companion.vsix');
export const PACK_VSIX_PATH = path.join(ROOT, 'dist', 'agent-auth-pack.vsix');
export const CONSUMER_VSIX_PATH = path.join(ROOT, 'dist', 'consumer.vsix');

/**
 * The time that every file in a VSIX bears, so that the same sources give the same bytes whenever and wherever they are
 * packaged (https://reproducible-builds.org/specs/source-date-epoch/): 1980-01-01, the first that a zip file can say.
 */
const SOURCE_DATE_EPOCH = '315532800';

const CONSUMER_FOLDER = path.join(ROOT, 'test', 'consumer');

/** Builds and packages Agent Auth; answers the path of the VSIX. */
export async function packageVsix(): Promise<string> {
	await buildAll('package');
	return makeVsix(ROOT, VSIX_PATH);
}

/** Builds and packages the consumer extension; answers the path of the VSIX. */
export async function packageConsumer(): Promise<string> {
	await buildAll('package');
	return makeVsix(CONSUMER_FOLDER, CONSUMER_VSIX_PATH);
}

/** Packages all of them. */
export async function packageAll(): Promise<string[]> {
	await buildAll('package');
	// They say the same in the same languages, under the same icon.
	for (const [folder, names] of [
		['companion', ['l10n', 'media/icon.png']],
		['pack', ['media/icon.png']],
	] as const) {
		for (const name of names) {
			await rm(path.join(ROOT, folder, name), { recursive: true, force: true });
			await cp(path.join(ROOT, name), path.join(ROOT, folder, name), { recursive: true });
		}
	}
	return [
		await makeVsix(ROOT, VSIX_PATH),
		await makeVsix(path.join(ROOT, 'companion'), COMPANION_VSIX_PATH),
		await makeVsix(path.join(ROOT, 'pack'), PACK_VSIX_PATH),
		await makeVsix(CONSUMER_FOLDER, CONSUMER_VSIX_PATH),
	];
}

async function makeVsix(folder: string, target: string): Promise<string> {
	const temporary = `${target}.${process.pid}.vsix`;
	await mkdir(path.dirname(target), { recursive: true });
	const vsce = path.join(ROOT, 'node_modules', '@vscode', 'vsce', 'vsce');
	try {
		// Everything is bundled, so no node_modules; the consumer has neither licence nor repository of its own.
		await mustRun(
			process.execPath,
			[vsce, 'package', '--no-dependencies', '--skip-license', '--allow-missing-repository', '--out', temporary],
			// Zip files hold local times.
			{ cwd: folder, env: { ...process.env, SOURCE_DATE_EPOCH, TZ: 'UTC' } },
		);
		await writeFile(temporary, await tightZip(await readFile(temporary)));
		await rename(temporary, target);
	} finally {
		await rm(temporary, { force: true });
	}
	return target;
}

if (import.meta.main) {
	for (const file of await packageAll()) {
		console.log(`package: ${path.relative(ROOT, file)}`);
	}
}
