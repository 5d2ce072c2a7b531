/** A person's home in a folder of the test's own, with a connector for it. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Connector, createConnector } from '../../../src/auth/connect/connector.ts';
import { nodeToolDisk } from '../../../src/auth/connect/nodeToolDisk.ts';
import type { ToolDisk } from '../../../src/auth/connect/toolFile.ts';
import type { Places, Tool, ToolId } from '../../../src/auth/connect/tools.ts';
import { createManualClock, type ManualClock } from '../../support/manualClock.ts';

/** With a blank, as it is on macOS. */
export const BIN_FOLDER = '/home/ada/Application Support/agent-auth/bin';
export const OWNER = '/home/ada/.vscode/extensions';

export type Home = {
	readonly folder: string;
	readonly clock: ManualClock;
	readonly connector: Connector;
	tool(id: ToolId): Tool;
	path(file: string): string;
	read(file: string): Promise<string>;
	write(file: string, text: string): Promise<void>;
};

export function createHome(folder: string, disk: ToolDisk = nodeToolDisk, env: Places['env'] = {}): Home {
	const clock = createManualClock();
	const connector = createConnector({
		disk,
		clock,
		places: { homeFolder: folder, env },
		launch: { binFolder: BIN_FOLDER, platform: 'linux' },
		owner: OWNER,
	});
	const pathOf = (file: string): string => path.join(folder, file);
	return {
		folder,
		clock,
		connector,
		path: pathOf,
		tool: (id) => {
			const tool = connector.tools.find((candidate) => candidate.id === id);
			if (tool === undefined) throw new Error(`no tool ${id}`);
			return tool;
		},
		read: (file) => readFile(pathOf(file), 'utf8'),
		async write(file, text) {
			await mkdir(path.dirname(pathOf(file)), { recursive: true });
			await writeFile(pathOf(file), text);
		},
	};
}
