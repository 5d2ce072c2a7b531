/** Ends a command with everything it has started. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';

/**
 * At once and without asking. Only for a child that has not been reaped and that leads a group of its own
 * (`detached` where there are groups): then its id is surely still its own. What has left the group is not reached.
 *
 * @param systemRoot the folder of Windows, so that `taskkill` is not looked up
 */
export function killWithGroup(child: ChildProcess, platform: NodeJS.Platform, systemRoot: string | undefined): void {
	if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
	if (platform === 'win32') {
		const taskkill = path.win32.join(systemRoot ?? 'C:\\Windows', 'System32', 'taskkill.exe');
		spawn(taskkill, ['/T', '/F', '/PID', String(child.pid)], { windowsHide: true, stdio: 'ignore' })
			// Without taskkill at least the command itself ends.
			.on('error', () => child.kill('SIGKILL'));
		return;
	}
	try {
		process.kill(-child.pid, 'SIGKILL');
	} catch {
		child.kill('SIGKILL'); // The group is not there yet: the child has been forked and not become its leader.
	}
}
