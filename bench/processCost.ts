/** What a running process has cost so far, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs';

export type Cost = {
	readonly cpuMs: number;
	/** Voluntary context switches of all its threads: it slept and was woken. */
	readonly wakeUps: number;
};

/** USER_HZ is 100 on all architectures Node runs on. */
const TICK_MS = 10;

/** proc(5): fields 14 and 15 of `stat` are user and system time; `schedstat` is exact where the kernel has it. */
export function costOf(pid: number): Cost {
	let wakeUps = 0;
	let exactMs = 0;
	for (const thread of readdirSync(`/proc/${pid}/task`)) {
		const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
		wakeUps += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN);
		exactMs += runMs(pid, thread);
	}
	if (exactMs > 0) return { cpuMs: exactMs, wakeUps };
	const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
	const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
	return { cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS, wakeUps };
}

function runMs(pid: number, thread: string): number {
	try {
		return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
	} catch {
		// A kernel without schedstats tells only ticks.
		return 0;
	}
}
