/** The processes of this machine as the lease sees them: who we are, and whether another one still runs. */
import { errorCode } from '../vault/disk.ts';
import { type ProcessIdentity, type ProcessProbe, probeProcess, selfIdentity } from './processIdentity.ts';

export type Processes = {
	self(): Promise<ProcessIdentity>;
	/** Looks at a pid of this host and pid namespace. */
	probe(pid: number): Promise<ProcessProbe>;
	/** False if no process has this pid. Free of charge, but blind to zombies and to pids that were given again. */
	exists(pid: number): boolean;
	/** Whether `probe` may be called at every look. Where it starts a program it may not. */
	readonly probeIsCheap: boolean;
};

export const nodeProcesses: Processes = {
	self: selfIdentity,
	probe: probeProcess,
	exists(pid) {
		try {
			process.kill(pid, 0);
			return true;
		} catch (error) {
			return errorCode(error) !== 'ESRCH';
		}
	},
	// Linux: a file of /proc. Elsewhere: `ps` or PowerShell.
	probeIsCheap: process.platform === 'linux',
};
