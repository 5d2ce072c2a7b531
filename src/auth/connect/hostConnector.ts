/** The connector for this person on this machine: the entry of a bundle that is loaded when it is first needed. */
import { homedir } from 'node:os';
import { systemClock } from '../clock.ts';
import { type Connector, createConnector } from './connector.ts';
import { nodeToolDisk } from './nodeToolDisk.ts';

/**
 * @param binFolder the folder of the launcher
 * @param owner the folder of extensions that this extension is in
 */
export function createHostConnector(binFolder: string, owner: string): Connector {
	return createConnector({
		disk: nodeToolDisk,
		clock: systemClock,
		places: { homeFolder: homedir(), env: process.env },
		launch: { binFolder, platform: process.platform },
		owner,
	});
}
