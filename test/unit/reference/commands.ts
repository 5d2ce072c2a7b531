/** Commands that print tokens, as real programs in a folder of the test's own. */
import { randomUUID } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../src/auth/clock.ts';
import type { CommandSpec } from '../../../src/auth/reference/commandReference.ts';
import {
	type CommandSource,
	type CommandSourceDeps,
	createCommandSource,
} from '../../../src/auth/reference/commandSource.ts';
import { createRecordingLog, type RecordingLog } from '../../support/recordingLog.ts';
import { tempFolder } from '../../support/tempFolder.ts';

type Context = { after(work: () => Promise<void>): void };

export type Bench = {
	readonly folder: string;
	readonly log: RecordingLog;
	readonly deps: CommandSourceDeps;
	/** A script for Node. `runs()` in it counts itself: each start adds a line to the file `runs`. */
	script(body: string): Promise<CommandSpec>;
	/** A program with a name, for PATH. */
	program(folder: string, name: string, says: string): Promise<void>;
	/** How often scripts of this bench were started. */
	runs(): Promise<number>;
	source(spec: CommandSpec, changes?: Partial<CommandSourceDeps>): CommandSource;
};

export const LONG_MS = 30_000;

export async function createBench(context: Context): Promise<Bench> {
	const folder = await tempFolder(context);
	const log = createRecordingLog();
	const deps: CommandSourceDeps = {
		providerId: 'acme',
		clock: systemClock,
		log,
		home: folder,
		env: { PATH: process.env.PATH },
		platform: process.platform,
		workspaceFolders: () => [],
	};
	return {
		folder,
		log,
		deps,
		async script(body) {
			const file = join(folder, `${randomUUID()}.cjs`);
			const counted = `require('node:fs').appendFileSync(${JSON.stringify(join(folder, 'runs'))}, 'run\\n');\n${body}\n`;
			await writeFile(file, counted);
			return { command: process.execPath, args: [file], cacheMs: 300_000, timeoutMs: LONG_MS };
		},
		async program(place, name, says) {
			const file = join(place, name);
			await writeFile(file, `#!/bin/sh\nprintf '%s\\n' '${says}'\n`);
			await chmod(file, 0o700);
		},
		runs: async () =>
			(await readFile(join(folder, 'runs'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '').length,
		source(spec, changes = {}) {
			const source = createCommandSource(spec, { ...deps, ...changes });
			context.after(async () => source.dispose());
			return source;
		},
	};
}

/** A command that prints this. */
export function printing(text: string): string {
	return `process.stdout.write(${JSON.stringify(text)});`;
}
