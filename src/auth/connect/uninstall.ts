/**
 * The program that VS Code runs with plain Node at its first start after an uninstallation, with a limit of five seconds and without showing
 * anything of it: takes back the connections of that VS Code.
 */
import path from 'node:path';
import { describeError } from '../log.ts';
import { disconnectAll } from './disconnectAll.ts';

async function main(): Promise<void> {
	const { createHostConnector } = await import('./hostConnector.ts');
	// The bundle is in `dist` of the extension, and that in the folder of extensions. The launcher is not needed to undo.
	const owner = path.dirname(path.dirname(import.meta.dirname));
	const failures = await disconnectAll(createHostConnector('', owner), owner);
	for (const failure of failures) process.stderr.write(`agent-auth: ${describeError(failure)}\n`);
	if (failures.length > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
	process.stderr.write(`agent-auth: ${describeError(error)}\n`);
	process.exitCode = 1;
});
