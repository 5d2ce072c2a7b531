/**
 * Whether somebody else than an administrator could have written the file of an organisation. It names services, and commands
 * that run as the person: from another user of the machine it would be an attack.
 */
import { spawnSync } from 'node:child_process';
import { lstatSync, realpathSync, type Stats } from 'node:fs';
import path from 'node:path';
import { ownUid } from './privateFolder.ts';

/** What the person's own programs could have written is theirs in any case. */
const ROOT_UID = 0;
const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;

/** macOS: `wheel` and `admin`. Elsewhere no group is known to be administrators. */
const ADMIN_GROUPS: ReadonlySet<number> = new Set([0, 80]);

/** Windows PowerShell starts in less than a second; a machine that is busy may take longer. */
const POWERSHELL_LIMIT_MS = 15_000;

/**
 * The reason to distrust the file, for the log; undefined if there is none. Throws as `lstat` does if it cannot be looked at.
 * @param env on Windows: where the system is
 */
export function othersMayWrite(
	file: string,
	platform: NodeJS.Platform = process.platform,
	env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
	if (platform === 'win32') return distrustOf(securityDescriptors(file, env));
	// Both the way to the file and, where links lead elsewhere, the way to where it really is.
	for (const step of [...stepsTo(path.resolve(file)), ...stepsTo(realpathSync(file))]) {
		const problem = problemOf(lstatSync(step), platform);
		if (problem !== undefined) return `${step} ${problem}`;
	}
	return undefined;
}

/** The root folder, what is in it, and so on to the file. */
function stepsTo(file: string): string[] {
	const parent = path.dirname(file);
	return parent === file ? [file] : [...stepsTo(parent), file];
}

function problemOf(stats: Stats, platform: NodeJS.Platform): string | undefined {
	if (stats.uid !== ROOT_UID && stats.uid !== ownUid() && stats.uid !== lstatSync('/').uid)
		return 'belongs to another user';
	// The mode of a link means nothing; its folder decides who can put another one there.
	if (stats.isSymbolicLink()) return undefined;
	// As in /tmp: others may add something there, and take nothing away.
	if (stats.isDirectory() && (stats.mode & STICKY) !== 0) return undefined;
	if ((stats.mode & OTHERS_WRITE) !== 0) return 'can be written by everybody';
	const isAdmins = platform === 'darwin' && ADMIN_GROUPS.has(stats.gid);
	return (stats.mode & GROUP_WRITES) !== 0 && !isAdmins ? 'can be written by a group' : undefined;
}

/** Plain Node cannot ask for owners on Windows. `Get-Acl` is allowed in the restricted PowerShell of managed machines as well. */
function securityDescriptors(file: string, env: Readonly<Record<string, string | undefined>>): readonly string[] {
	const system = env.SystemRoot ?? 'C:\\Windows';
	const { stdout } = spawnSync(
		path.win32.join(system, 'System32', 'WindowsPowerShell', 'v1.0', 'powershell.exe'),
		['-NoProfile', '-NonInteractive', '-Command', SCRIPT],
		{ encoding: 'utf8', timeout: POWERSHELL_LIMIT_MS, windowsHide: true, env: { SystemRoot: system, FILE: file } },
	);
	return (stdout ?? '').split(/\r?\n/).filter((line) => line.trim() !== '');
}

/** The name goes by the environment, so that nothing in it is taken for a part of the script. */
const SCRIPT =
	'$env:FILE, (Split-Path -Parent -LiteralPath $env:FILE) | ForEach-Object { (Get-Acl -LiteralPath $_).Sddl }';

/** Administrators, the system, TrustedInstaller, and the domain's administrators by their well-known end. */
const ADMIN_OWNER =
	/^(?:BA|SY|DA|EA|LA|S-1-5-32-544|S-1-5-18|S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464|S-1-5-21-[\d-]+-(?:500|512|519))$/;

/** Everyone, anonymous, authenticated, interactive, users, guests: groups that hold whoever is on the machine. */
const EVERYBODY = /^(?:WD|AN|AU|IU|BU|BG|S-1-1-0|S-1-5-7|S-1-5-11|S-1-5-4|S-1-5-32-54[56])$/;

/**
 * What security descriptors of the file and of its folder say (MS-DTYP section 2.5.1). Single accounts with rights of their own
 * are not looked into: Explorer itself adds those of administrators.
 */
export function distrustOf([file, folder]: readonly string[]): string | undefined {
	if (file === undefined || folder === undefined) return 'its owner cannot be found out';
	if (!isAdmins(file)) return 'it does not belong to the administrators';
	if (!isAdmins(folder)) return 'its folder does not belong to the administrators';
	if (everybodyHas(file, WRITES_FILE)) return 'everybody can write it';
	return everybodyHas(folder, REPLACES_FILE) ? 'everybody can replace it' : undefined;
}

function isAdmins(descriptor: string): boolean {
	const owner = /^O:(S-[\d-]+|[A-Z]{2})/.exec(descriptor)?.[1];
	return owner !== undefined && ADMIN_OWNER.test(owner);
}

const WRITE_DATA = 0x2;
const APPEND_DATA = 0x4;
const DELETE_CHILD = 0x40;
const DELETE = 0x1_0000;
const WRITE_RIGHTS = 0x4_0000;
const WRITE_OWNER = 0x8_0000;
const GENERIC_ALL = 0x1000_0000;
const GENERIC_WRITE = 0x4000_0000;
const TAKES_OVER = DELETE | WRITE_RIGHTS | WRITE_OWNER | GENERIC_ALL;
const WRITES_FILE = WRITE_DATA | APPEND_DATA | GENERIC_WRITE | TAKES_OVER;
/** Users may add files to folders below `%ProgramData%` by default, which changes none that is there. */
const REPLACES_FILE = DELETE_CHILD | TAKES_OVER;

/** The two-letter rights of access control entries, as far as they let somebody change something. */
const RIGHTS: Readonly<Record<string, number>> = {
	...{ FA: WRITES_FILE | DELETE_CHILD, FW: WRITE_DATA | APPEND_DATA, GA: GENERIC_ALL, GW: GENERIC_WRITE },
	...{ SD: DELETE, WD: WRITE_RIGHTS, WO: WRITE_OWNER, DC: WRITE_DATA, LC: APPEND_DATA, DT: DELETE_CHILD },
};

function everybodyHas(descriptor: string, mask: number): boolean {
	// A missing list lets everybody do everything (section 2.4.6).
	const list = /D:([^()]*)((?:\([^()]*\))*)/.exec(descriptor);
	if (!list || list[1]?.includes('NO_ACCESS_CONTROL')) return true;
	return [...(list[2] ?? '').matchAll(/\(([^()]*)\)/g)].some(([, entry = '']) => {
		const [type, flags = '', rights = '', , , who = ''] = entry.split(';');
		// Only handed down, and not about this object itself.
		const isForOthers = [...flags.matchAll(/../g)].some(([flag]) => flag === 'IO');
		return type === 'A' && !isForOthers && EVERYBODY.test(who) && (rightsOf(rights) & mask) !== 0;
	});
}

function rightsOf(text: string): number {
	if (/^(?:0x|\d)/i.test(text)) return Number(text);
	return (text.match(/../g) ?? []).reduce((sum, right) => sum | (RIGHTS[right] ?? 0), 0);
}
