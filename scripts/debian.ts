/**
 * Debian's package manager, for what the tests need and npm cannot bring: Chromium and a compiler.
 * Used only where it works without asking anybody, that is as root.
 */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { mustRun, withProgress } from './progress.ts';

/** Full path of a program in PATH, or undefined. */
export function findInPath(program: string): string | undefined {
	for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
		const file = path.join(folder, process.platform === 'win32' ? `${program}.exe` : program);
		if (folder !== '' && isExecutable(file)) {
			return file;
		}
	}
	return undefined;
}

/** Whether `aptInstall` can work here. */
export function canAptInstall(): boolean {
	return process.getuid?.() === 0 && findInPath('apt-get') !== undefined;
}

/** Installs packages; another apt that runs at the same time is waited for. */
export async function aptInstall(packages: readonly string[]): Promise<void> {
	const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
	const patience = ['-o', 'DPkg::Lock::Timeout=300'];
	await withProgress(`installing ${packages.join(', ')} with apt-get`, async () => {
		await mustRun('apt-get', ['update', ...patience], { env });
		await mustRun('apt-get', ['install', '-y', '--no-install-recommends', ...patience, ...packages], { env });
	});
}

function isExecutable(file: string): boolean {
	try {
		accessSync(file, constants.X_OK);
		return true;
	} catch {
		// Absent or not executable: either way not a program to run.
		return false;
	}
}
