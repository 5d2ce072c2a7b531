/** The machine a number is from: without it the number says nothing. */
import { statfsSync } from 'node:fs';
import os from 'node:os';

export type Machine = {
	readonly cpu: string;
	readonly cores: number;
	readonly memoryGb: number;
	readonly system: string;
	readonly node: string;
	/** Type of the file system of the temporary folder, as the system numbers it. */
	readonly fileSystem: string;
	/** Processes that were ready to run, over a minute, before the part began: above 0.5 per core the run was disturbed. */
	readonly load: number;
};

/** From statfs(2). */
const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
	[0xef53, 'ext4'],
	[0x01021994, 'tmpfs'],
	[0x9123683e, 'btrfs'],
	[0x58465342, 'xfs'],
	[0x794c7630, 'overlayfs'],
]);

export function describeMachine(): Machine {
	const cpus = os.cpus();
	const { type } = statfsSync(os.tmpdir());
	return {
		cpu: cpus[0]?.model ?? 'unknown',
		cores: os.availableParallelism(),
		memoryGb: Math.round(os.totalmem() / 2 ** 30),
		system: `${os.type()} ${os.release()}`,
		node: process.versions.node,
		fileSystem: FILE_SYSTEMS.get(type) ?? `0x${type.toString(16)}`,
		load: Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
	};
}
