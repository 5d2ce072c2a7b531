/** The processes above the helper, nearest first: by them a window recognises its own terminals. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { MAX_ANCESTORS } from './protocol.ts';

/** `ps` answers in some 10 ms; without it the terminal is "outside". */
const PS_LIMIT_MS = 500;

/**
 * Windows has no cheap way to ask, so there it is the parent alone: the shell itself, because its launcher runs inside
 * it.
 */
export function ancestorPids(firstPid: number, platform: NodeJS.Platform): number[] {
	if (platform === 'win32') return firstPid > 0 ? [firstPid] : [];
	const parentOf = platform === 'linux' ? parentFromProc : parentsFromPs();
	const pids: number[] = [];
	for (let pid = firstPid; pid > 1 && pids.length < MAX_ANCESTORS && !pids.includes(pid); pid = parentOf(pid)) {
		pids.push(pid);
	}
	return pids;
}

/** 0 if the process has gone or is hidden. */
function parentFromProc(pid: number): number {
	try {
		const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
		// proc(5): the name in the second field may hold spaces and brackets; the parent comes two fields behind it.
		return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]) || 0;
	} catch {
		return 0; // Whatever hides it, the chain ends here and the terminal may count as "outside".
	}
}

function parentsFromPs(): (pid: number) => number {
	const parents = new Map<number, number>();
	try {
		const listing = execFileSync('/bin/ps', ['-A', '-o', 'pid=,ppid='], {
			encoding: 'utf8',
			timeout: PS_LIMIT_MS,
			stdio: ['ignore', 'pipe', 'ignore'],
		});
		for (const line of listing.split('\n')) {
			const [pid, parent] = line.trim().split(/\s+/).map(Number);
			if (pid !== undefined && parent !== undefined) parents.set(pid, parent);
		}
	} catch {
		// No answer from ps: only the parent itself is known.
	}
	return (pid) => parents.get(pid) ?? 0;
}
