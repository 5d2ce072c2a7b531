/** Opens an address in the person's browser, with the system's own way of doing it. */
import { spawn } from 'node:child_process';
import { findInPath } from './debian.ts';

/** Answers whether there was a way to open it. The browser outlives this process. */
export async function openInBrowser(url: string): Promise<boolean> {
	const [command, ...args] =
		process.platform === 'darwin'
			? ['open', url]
			: process.platform === 'win32'
				? ['rundll32', 'url.dll,FileProtocolHandler', url]
				: ['xdg-open', url];
	if (process.platform === 'linux' && findInPath(command) === undefined) {
		return false;
	}
	return new Promise((resolve) => {
		const child = spawn(command, args, { detached: true, stdio: 'ignore' });
		child.once('spawn', () => resolve(true));
		child.once('error', () => resolve(false));
		child.unref();
	});
}
