/**
 * Makes the VSIX files: Agent Auth itself, and the consumer extension that the tests and `npm start` load beside it.
 * A VSIX appears in one step, so that a test which installs it never reads half a file.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { buildAll, ROOT } from './build.ts';
import { mustRun } from './progress.ts';

export const VSIX_PATH = path.join(ROOT, 'dist', 'agent-auth.vsix');
export const CONSUMER_VSIX_PATH = path.join(ROOT, 'dist', 'consumer.vsix');

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

/** Packages both; what is not written yet (the consumer in a young checkout) is left out. */
export async function packageAll(): Promise<string[]> {
	await buildAll('package');
	const made = [await makeVsix(ROOT, VSIX_PATH)];
	if (existsSync(path.join(CONSUMER_FOLDER, 'package.json'))) {
		made.push(await makeVsix(CONSUMER_FOLDER, CONSUMER_VSIX_PATH));
	}
	return made;
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
			{ cwd: folder },
		);
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
