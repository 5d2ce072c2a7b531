/** One time for all processes of a machine: the system's monotonic clock, which no wall clock disturbs. */

/** Milliseconds since some moment before the machine's start; the same in every process. */
export function sharedMs(): number {
	return Number(process.hrtime.bigint()) / 1e6;
}

/** What this process has used of the processors so far, in ms: its own work and the system's for it. */
export function cpuMs(): number {
	const { user, system } = process.cpuUsage();
	return (user + system) / 1000;
}
