/**
 * Which process is it, and is it still that one? A pid alone is reused; pid and start time, on one host, in one boot
 * and one pid namespace, are not. Nothing here compares wall clocks: start times are opaque strings of the system.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import * as v from 'valibot';

const run = promisify(execFile);

/** A stuck `ps` or PowerShell must not hold up a lease; without an answer the process counts as alive. */
const PROBE_TIMEOUT_MS = 5_000;

export const processIdentitySchema = v.object({
	/** Digest of the host's name, which can change while the process runs. See {@link isSameHost} for when it counts. */
	host: v.string(),
	/** Digest of the machine id, which clones and containers can share. Blank if the system does not tell. */
	machine: v.optional(v.string(), ''),
	/** Changes with every boot of the kernel. Blank if the system does not tell. */
	boot: v.string(),
	/** Pids of another namespace mean other processes. Blank where there are none. */
	pidNamespace: v.string(),
	pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
	/** Opaque; blank if the system does not tell. */
	startTime: v.string(),
});

export type ProcessIdentity = v.InferOutput<typeof processIdentitySchema>;

/** `unknown`: it runs, or would run, where this process cannot look. */
export type Liveness = 'alive' | 'dead' | 'unknown';

export type ProcessProbe =
	/** `startTime` is blank if the system does not tell. */
	| { readonly kind: 'alive'; readonly startTime: string }
	/** Gone, or a zombie: it will never write again. */
	| { readonly kind: 'dead' };

let self: Promise<ProcessIdentity> | undefined;

/** Identity of this process; read once, it cannot change. */
export function selfIdentity(): Promise<ProcessIdentity> {
	self ??= readSelf();
	return self;
}

async function readSelf(): Promise<ProcessIdentity> {
	const machineId = await readMachineId();
	return {
		host: digestOf('host', hostname()),
		machine: machineId === '' ? '' : digestOf('machine', machineId),
		boot: await readBoot(),
		pidNamespace: await readlink('/proc/self/ns/pid').catch(() => ''),
		pid: process.pid,
		startTime: await startTimeOf(process.pid),
	};
}

/** Not the id itself: machine-id(5) wants it kept from others, and these notes may lie on a shared disk. */
function digestOf(what: string, text: string): string {
	return createHash('sha256').update(`${what}\0${text}`).digest('hex').slice(0, 32);
}

/** Blank if the system does not tell; the same goes for the boot. */
async function readMachineId(): Promise<string> {
	if (process.platform === 'linux') return readText('/etc/machine-id');
	if (process.platform === 'darwin') return output('/usr/sbin/sysctl', ['-n', 'kern.uuid']);
	return process.env.COMPUTERNAME ?? '';
}

async function readBoot(): Promise<string> {
	if (process.platform === 'linux') return readText('/proc/sys/kernel/random/boot_id');
	if (process.platform === 'darwin') return output('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid']);
	// Windows has no stable id of a boot; the start time of a process is exact enough there to stand alone.
	return '';
}

/** Start time of a running process; undefined if it is gone, a zombie, or the system does not tell. */
export async function processStartTime(pid: number): Promise<string | undefined> {
	return (await startTimeOf(pid)) || undefined;
}

async function startTimeOf(pid: number): Promise<string> {
	const probe = await probeProcess(pid);
	return probe.kind === 'alive' ? probe.startTime : '';
}

/** Looks at a pid of this host and pid namespace. */
export async function probeProcess(pid: number): Promise<ProcessProbe> {
	let isOthers = false;
	try {
		process.kill(pid, 0);
	} catch (error) {
		if (hasCode(error, 'ESRCH')) return { kind: 'dead' };
		isOthers = hasCode(error, 'EPERM');
	}
	if (process.platform === 'linux') {
		const probe = probeLinux(pid);
		// It exists, and the system hides other users' processes (`hidepid`).
		return probe.kind === 'dead' && isOthers ? { kind: 'alive', startTime: '' } : probe;
	}
	if (process.platform === 'win32') return probeWindows(pid);
	return probePs(pid);
}

/** @param pid of a process that exists, as far as signals can tell. */
function probeLinux(pid: number): ProcessProbe {
	if (!isProcOurs()) return { kind: 'alive', startTime: '' };
	let stat: string;
	try {
		// At once: this file is the kernel's memory and never waits for a disk, and every waiter reads it at every look.
		stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
	} catch (error) {
		if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return { kind: 'dead' };
		return { kind: 'alive', startTime: '' };
	}
	// proc(5): the command in field 2 may hold spaces and brackets, so fields are counted from the last ')'.
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	const [state] = fields;
	if (state === 'Z' || state === 'X') return { kind: 'dead' };
	const [startTime = ''] = fields.slice(19);
	return { kind: 'alive', startTime };
}

/**
 * Whether `/proc` is there and speaks of our pids. In a sandbox or a changed root it may be absent, empty, or that of another
 * pid namespace, and then it proves nothing about anybody. proc(5): `self` is the process that looks, by its pid there.
 */
function isProcOurs(): boolean {
	try {
		return readlinkSync('/proc/self') === String(process.pid);
	} catch {
		return false; // Absent or closed to us.
	}
}

async function probePs(pid: number): Promise<ProcessProbe> {
	const line = await output('/bin/ps', ['-o', 'stat=,lstart=', '-p', String(pid)]);
	const [state, ...start] = line.split(/\s+/);
	if (state === undefined || state === '') return { kind: 'alive', startTime: '' };
	if (state.startsWith('Z')) return { kind: 'dead' };
	return { kind: 'alive', startTime: start.join(' ') };
}

async function probeWindows(pid: number): Promise<ProcessProbe> {
	const script = `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`;
	const text = await output('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', script]);
	return { kind: 'alive', startTime: text };
}

/**
 * A machine in one boot is one host, whatever it is called: a name changes with networks, with a rename, or by itself. The name
 * counts only where machine or boot is not known of both, or the boots differ, since clones of a machine share its id.
 */
function isSameHost(one: ProcessIdentity, other: ProcessIdentity): boolean {
	const areKnown = one.machine !== '' && other.machine !== '';
	if (areKnown && one.machine !== other.machine) return false;
	return (areKnown && one.boot !== '' && one.boot === other.boot) || one.host === other.host;
}

/**
 * The part of an identity that names its host for good, for keys that are compared as a whole: as {@link isSameHost}, without
 * the name where that does not count.
 */
export function hostKey({ machine, boot, host }: ProcessIdentity): readonly string[] {
	return machine !== '' && boot !== '' ? [machine, boot] : [host, machine, boot];
}

/**
 * Whether the process that `owner` names still runs, as far as `observer` can know. Errs towards `alive` and `unknown`:
 * a live owner must never be robbed.
 */
export async function judge(
	owner: ProcessIdentity,
	observer: ProcessIdentity,
	look: (pid: number) => Promise<ProcessProbe> = probeProcess,
): Promise<Liveness> {
	if (!isSameHost(owner, observer)) return 'unknown';
	if (owner.boot !== '' && observer.boot !== '' && owner.boot !== observer.boot)
		return owner.machine !== '' && observer.machine !== '' ? 'dead' : 'unknown';
	if (owner.pidNamespace !== observer.pidNamespace) return 'unknown';
	const probe = await look(owner.pid);
	if (probe.kind === 'dead') return 'dead';
	if (probe.startTime !== '' && owner.startTime !== '' && probe.startTime !== owner.startTime) return 'dead';
	return 'alive';
}

async function output(command: string, args: readonly string[]): Promise<string> {
	try {
		const { stdout } = await run(command, args, {
			timeout: PROBE_TIMEOUT_MS,
			windowsHide: true,
			// `ps` prints local time: the same start must look the same after a journey, and to a process with another TZ.
			env: { ...process.env, LC_ALL: 'C', TZ: 'UTC0' },
		});
		return stdout.trim();
	} catch {
		// No such tool, no such process, or no answer in time: the caller treats blank as "not told".
		return '';
	}
}

async function readText(path: string): Promise<string> {
	try {
		return (await readFile(path, 'utf8')).trim();
	} catch {
		// Systems without the file do not tell; that is one of the answers.
		return '';
	}
}

function hasCode(error: unknown, code: string): boolean {
	return error instanceof Error && 'code' in error && error.code === code;
}
