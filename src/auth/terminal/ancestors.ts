/** The helper and the processes above it, nearest first: by them a window recognises its own terminals. */
import { readFileSync } from 'node:fs';
import { MAX_ANCESTORS } from './protocol.ts';

/** Loaded where it is needed: on Linux the program that a terminal starts at every call does without it. */
const childProcess = () => process.getBuiltinModule('node:child_process');

/** `ps` answers in some 10 ms; without it the terminal is "outside". */
const PS_LIMIT_MS = 500;

/**
 * Windows has no cheap way to ask, so there it is the parent alone: the shell itself, because its launcher runs inside
 * it.
 */
export function ancestorPids(firstPid: number, platform: NodeJS.Platform): number[] {
	if (platform === 'win32') return firstPid > 0 ? [firstPid] : [];
	return chain(firstPid, platform === 'linux' ? parentFromProc : parentsIn(listProcesses()));
}

/** The same without holding up who calls: `ps` takes its time. */
export async function ancestorPidsLater(firstPid: number, platform: NodeJS.Platform): Promise<number[]> {
	if (platform === 'win32' || platform === 'linux') return ancestorPids(firstPid, platform);
	const listing = await new Promise<string>((resolve) => {
		// No answer from ps: only the process itself is known.
		childProcess().execFile('/bin/ps', PS_ARGS, { timeout: PS_LIMIT_MS }, (error, stdout) =>
			resolve(error ? '' : stdout),
		);
	});
	return chain(firstPid, parentsIn(listing));
}

function chain(firstPid: number, parentOf: (pid: number) => number): number[] {
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
		return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
	} catch {
		return 0; // Whatever hides it, the chain ends here and the terminal may count as "outside".
	}
}

const PS_ARGS: readonly string[] = ['-A', '-o', 'pid=,ppid='];

function listProcesses(): string {
	try {
		return childProcess().execFileSync('/bin/ps', PS_ARGS, {
			encoding: 'utf8',
			timeout: PS_LIMIT_MS,
			stdio: ['ignore', 'pipe', 'ignore'],
		});
	} catch {
		return ''; // No answer from ps: only the process itself is known.
	}
}

function parentsIn(listing: string): (pid: number) => number {
	const parents = new Map<number, number>();
	for (const line of listing.split('\n')) {
		const [pid, parent] = line.trim().split(/\s+/).map(Number);
		if (pid !== undefined && parent !== undefined) parents.set(pid, parent);
	}
	return (pid) => parents.get(pid) ?? 0;
}
