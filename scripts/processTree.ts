/**
 * Ends whole process trees by pid. VS Code's extension hosts and terminals survive the server and the browser that
 * started them, so the tree is read from the system while it is still connected, then ended.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

interface Entry {
	readonly pid: number;
	readonly parent: number;
	/** Tells a process from a later one with the same pid. */
	readonly started: string;
}

/** Time a process gets to end itself before it is killed. */
const GRACE_MS = 3_000;

/** Longest wait for the system to reap what was killed. */
const KILL_MS = 5_000;

const CHECK_EVERY_MS = 50;

/** Whether a process with this pid exists; one of another user counts. A zombie does not. */
export function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
	return process.platform !== 'linux' || linuxEntry(pid) !== undefined;
}

/**
 * Ends the processes, their descendants, and on Linux every process that carries `marker` in its environment
 * (`NAME=value`), which finds orphans that have left the tree. First asks (SIGTERM), then kills.
 * @throws when some of them survive.
 */
export async function endProcessTree(roots: readonly number[], marker?: string): Promise<void> {
	const doomed = new Map<number, Entry>();
	const collect = (): void => {
		for (const entry of descendants([...roots, ...doomed.keys()], marker)) {
			doomed.set(entry.pid, doomed.get(entry.pid) ?? entry);
		}
	};
	collect();
	signalAll(doomed, 'SIGTERM');
	await waitUntilGone(doomed, GRACE_MS);
	// What was started meanwhile belongs to the tree as well.
	const deadlineMs = performance.now() + KILL_MS;
	do {
		collect();
		signalAll(doomed, 'SIGKILL');
		await waitUntilGone(doomed, CHECK_EVERY_MS * 4);
	} while (living(doomed).length > 0 && performance.now() < deadlineMs);
	const left = living(doomed);
	if (left.length > 0) {
		throw new Error(`processes that do not end: ${left.map((entry) => entry.pid).join(', ')}`);
	}
}

/**
 * Kills the tree when this process ends in any way it can notice, so that a test runner's time-out or Ctrl-C leaves
 * nothing behind. Dispose it after the tree was ended in the regular way.
 */
export function killTreeAtExit(root: number, marker: string): { dispose(): void } {
	const kill = (): void => {
		signalAll(new Map(descendants([root], marker).map((entry) => [entry.pid, entry])), 'SIGKILL');
	};
	process.once('exit', kill);
	for (const signal of ENDING_SIGNALS) {
		process.off(signal, exitUnlessHandled).on(signal, exitUnlessHandled);
	}
	return { dispose: () => void process.off('exit', kill) };
}

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal ends a process without its exit handlers; a program with a handler of its own ends in its own way. */
function exitUnlessHandled(signal: NodeJS.Signals): void {
	if (process.listeners(signal).every((listener) => listener === exitUnlessHandled)) {
		process.exit(1);
	}
}

function signalAll(entries: ReadonlyMap<number, Entry>, signal: NodeJS.Signals): void {
	for (const { pid } of living(entries)) {
		try {
			process.kill(pid, signal);
		} catch (error) {
			// It ended between the look and the signal.
			if ((error as NodeJS.ErrnoException).code !== 'ESRCH') {
				throw error;
			}
		}
	}
}

async function waitUntilGone(entries: ReadonlyMap<number, Entry>, patienceMs: number): Promise<void> {
	const deadlineMs = performance.now() + patienceMs;
	while (living(entries).length > 0 && performance.now() < deadlineMs) {
		await delay(CHECK_EVERY_MS);
	}
}

function living(entries: ReadonlyMap<number, Entry>): Entry[] {
	return [...entries.values()].filter((entry) =>
		process.platform === 'linux' ? linuxEntry(entry.pid)?.started === entry.started : isAlive(entry.pid),
	);
}

function descendants(roots: readonly number[], marker: string | undefined): Entry[] {
	const all = listProcesses();
	const wanted = new Set(roots);
	if (marker !== undefined && process.platform === 'linux') {
		for (const { pid } of all) {
			if (pid !== process.pid && linuxEnvironment(pid).includes(marker)) {
				wanted.add(pid);
			}
		}
	}
	for (let size = -1; size !== wanted.size; ) {
		size = wanted.size;
		for (const { pid, parent } of all) {
			if (wanted.has(parent)) {
				wanted.add(pid);
			}
		}
	}
	return all.filter(({ pid }) => wanted.has(pid) && pid !== process.pid);
}

function listProcesses(): Entry[] {
	switch (process.platform) {
		case 'linux':
			return readdirSync('/proc')
				.filter((name) => /^\d+$/.test(name))
				.flatMap((name) => linuxEntry(Number(name)) ?? []);
		case 'win32': {
			const script = 'Get-CimInstance Win32_Process | % { "$($_.ProcessId) $($_.ParentProcessId)" }';
			return parseTable(execFileSync('powershell', ['-NoProfile', '-Command', script], { encoding: 'utf8' }));
		}
		default:
			return parseTable(execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }));
	}
}

function parseTable(table: string): Entry[] {
	return table
		.split('\n')
		.map((line) => /^\s*(\d+)\s+(\d+)/.exec(line))
		.flatMap((match) => (match ? [{ pid: Number(match[1]), parent: Number(match[2]), started: '' }] : []));
}

/** A living, non-zombie process from /proc/PID/stat (proc(5): fields 3, 4 and 22), else undefined. */
function linuxEntry(pid: number): Entry | undefined {
	const stat = readProc(`/proc/${pid}/stat`);
	// The command in parentheses may itself hold spaces and parentheses.
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	const [state = '', parent = ''] = fields;
	return state === '' || state === 'Z' || state === 'X'
		? undefined
		: { pid, parent: Number(parent), started: fields[19] ?? '' };
}

function linuxEnvironment(pid: number): string[] {
	return readProc(`/proc/${pid}/environ`).split('\0');
}

function readProc(file: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch (error) {
		const code = (error as NodeJS.ErrnoException).code;
		// Gone meanwhile, or somebody else's.
		if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') {
			return '';
		}
		throw error;
	}
}
