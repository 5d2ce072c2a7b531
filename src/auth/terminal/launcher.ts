/**
 * The `bin` folder that is on PATH in terminals. Its path and the launchers' text never change with a window, a reload
 * or an update, so a terminal of yesterday still works: the launchers look at call time for a Node and a helper that
 * are there now. The helper's bundle is copied under the name of its content, because the extension's own folder
 * disappears with an update.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import { modifiedAtMs, readIfPresent, replaceFile } from './atomicFile.ts';
import { CURL_SUFFIX, LAUNCH_SUFFIX, removeFile } from './descriptor.ts';
import { EXIT_NO_WINDOW } from './outcome.ts';

/** Long enough for windows that nobody closes over a holiday week; their bundle is named by their launch file anyway. */
export const UNUSED_BUNDLE_MS = 7 * 24 * 60 * 60 * 1000;

const BUNDLE_NAME = /^helper-[0-9a-f]{16}\.cjs$/;

/** A token at hand takes milliseconds; for one that has to be renewed the helper has more patience. */
const CURL_LIMIT_S = 3;

/** Said by the launchers themselves when there is no Node to say it; the helper says the same. */
const NO_WINDOW = 'agent-auth: no VS Code window with Agent Auth is open. Open one and try again.';

/**
 * POSIX sh; also what Git Bash on Windows runs. The last usable launch file is that of the newest window.
 * NODE_OPTIONS goes because VS Code's "auto attach" puts a debugger's hook into it, which delays and talks; what was
 * there is kept for the command that `exec` runs.
 *
 * The plain `token <provider>` is asked for by curl, where there is one: starting Node takes several times as long.
 * curl reads the window's `.curl` file by itself, so the secret is in no argument and no variable. A window answers it
 * only with a token that is allowed and at hand; in every other case the helper asks again, with words and exit codes.
 * The folder is looked at first, as the helper does, because whoever could plant a configuration there could make curl
 * write files.
 */
const SH = `#!/bin/sh
# Asks a VS Code window for an access token. Written by the extension Agent Auth.
self=$0
while [ -h "$self" ]; do
	link=$(readlink "$self") || break
	case $link in
	/*) self=$link ;;
	*) self=\${self%/*}/$link ;;
	esac
done
case $self in
*/*) bin=\${self%/*} ;;
*) bin=. ;;
esac
run=\${AGENT_AUTH_RUN:-$bin/../run}
if [ $# -eq 2 ] && [ "$1" = token ] && [ -O "$run" ] && command -v curl >/dev/null 2>&1 && cd -P . 2>/dev/null; then
	case $2 in
	-* | *[!a-z0-9-]*) provider= ;;
	*) provider=$2 ;;
	esac
	case $(ls -ldn "$run") in
	drwx------*) ;;
	*) provider= ;;
	esac
	best= depth=0 count=0
	for file in "$run"/*${CURL_SUFFIX}; do
		[ -n "$provider" ] && [ -O "$file" ] || continue
		count=$((count + 1))
		deep=0
		while IFS= read -r line; do
			case $line in
			'# '*) folder=\${line#'# '} ;;
			*) break ;;
			esac
			case $PWD/ in
			"\${folder%/}"/*) if [ \${#folder} -gt $deep ]; then deep=\${#folder}; fi ;;
			esac
		done <"$file"
		if [ $deep -ge $depth ]; then best=$file depth=$deep; fi
	done
	own=
	if [ $count -gt 1 ]; then own=' own'; fi
	if [ -n "$best" ]; then
		curl -q -sf -m ${CURL_LIMIT_S} -K "$best" -H "Agent-Auth: token $provider $$$own" 2>/dev/null && exit
	fi
fi
node= helper=
for file in "$run"/*${LAUNCH_SUFFIX}; do
	[ -f "$file" ] || continue
	{ IFS= read -r n && IFS= read -r h; } <"$file" || continue
	if [ -x "$n" ] && [ -f "$bin/$h" ]; then node=$n helper=$bin/$h; fi
done
if [ -z "$node" ]; then
	echo '${NO_WINDOW}' >&2
	exit ${EXIT_NO_WINDOW}
fi
if [ -n "\${NODE_OPTIONS+x}" ]; then
	AGENT_AUTH_NODE_OPTIONS=$NODE_OPTIONS
	export AGENT_AUTH_NODE_OPTIONS
	unset NODE_OPTIONS
fi
if [ -n "\${ELECTRON_RUN_AS_NODE+x}" ]; then
	AGENT_AUTH_RUN_AS_NODE=$ELECTRON_RUN_AS_NODE
	export AGENT_AUTH_RUN_AS_NODE
fi
AGENT_AUTH_RUN=$run
ELECTRON_RUN_AS_NODE=1
export AGENT_AUTH_RUN ELECTRON_RUN_AS_NODE
exec "$node" "$helper" "$@"
`;

const CMD = `@echo off
rem Asks a VS Code window for an access token. Written by the extension Agent Auth.
setlocal DisableDelayedExpansion
set "bin=%~dp0"
set "run=%AGENT_AUTH_RUN%"
if not defined run set "run=%bin%..\\run"
set "node="
set "helper="
for %%f in ("%run%\\*${LAUNCH_SUFFIX}") do call :look "%%~f"
if not defined node (
	echo ${NO_WINDOW} 1>&2
	exit /b ${EXIT_NO_WINDOW}
)
if defined NODE_OPTIONS set "AGENT_AUTH_NODE_OPTIONS=%NODE_OPTIONS%"
if defined ELECTRON_RUN_AS_NODE set "AGENT_AUTH_RUN_AS_NODE=%ELECTRON_RUN_AS_NODE%"
set "NODE_OPTIONS="
set "AGENT_AUTH_RUN=%run%"
set "ELECTRON_RUN_AS_NODE=1"
"%node%" "%helper%" %*
exit /b %ERRORLEVEL%

:look
set "n="
set "h="
< %1 (
	set /p "n="
	set /p "h="
)
if not defined h exit /b 0
if not exist "%n%" exit /b 0
if not exist "%bin%%h%" exit /b 0
set "node=%n%"
set "helper=%bin%%h%"
exit /b 0
`;

/**
 * File name to content. Both on every system: a synchronised home may be used from several. PowerShell runs the `.cmd`
 * as well; a `.ps1` would come first there and fail wherever the policy forbids scripts, which is the default on Windows.
 */
export const LAUNCHERS: ReadonlyMap<string, string> = new Map([
	['agent-auth', SH],
	['agent-auth.cmd', CMD.replaceAll('\n', '\r\n')],
]);

export type InstallOptions = {
	/** Private folders that exist. */
	readonly binFolder: string;
	readonly runFolder: string;
	/** The helper as the extension brings it. */
	readonly helperBundlePath: string;
	readonly clock: Clock;
};

/**
 * Puts launchers and helper in place, replacing only what differs, and clears bundles that nobody has used for
 * {@link UNUSED_BUNDLE_MS}. Answers the path of the helper's copy.
 */
export async function installLauncher(options: InstallOptions): Promise<string> {
	const { binFolder } = options;
	const bundle = await readFile(options.helperBundlePath);
	const helper = path.join(binFolder, bundleName(bundle));
	await replaceIfDifferent(helper, bundle, 0o600);
	await touch(helper, options.clock);
	for (const [name, text] of LAUNCHERS) {
		await replaceIfDifferent(path.join(binFolder, name), Buffer.from(text), 0o700);
	}
	await removeUnusedBundles(options, path.basename(helper));
	return helper;
}

function bundleName(bundle: Buffer): string {
	return `helper-${createHash('sha256').update(bundle).digest('hex').slice(0, 16)}.cjs`;
}

async function replaceIfDifferent(file: string, content: Buffer, mode: number): Promise<void> {
	const present = await readIfPresent(file);
	const sameMode = process.platform === 'win32' || present === undefined || ((await stat(file)).mode & 0o777) === mode;
	if (present?.equals(content) && sameMode) return;
	await replaceFile(file, content, mode);
}

async function touch(file: string, clock: Clock): Promise<void> {
	const nowS = clock.now() / 1000;
	await utimes(file, nowS, nowS);
}

/** A bundle that a launch file names is in use, however old it is. */
async function removeUnusedBundles(options: InstallOptions, current: string): Promise<void> {
	const named = new Set([current]);
	for (const name of await readdir(options.runFolder)) {
		if (!name.endsWith(LAUNCH_SUFFIX)) continue;
		const text = await readIfPresent(path.join(options.runFolder, name));
		for (const line of text?.toString('utf8').split('\n') ?? []) named.add(line);
	}
	for (const name of await readdir(options.binFolder)) {
		if (!BUNDLE_NAME.test(name) || named.has(name)) continue;
		const file = path.join(options.binFolder, name);
		if (options.clock.now() - (await modifiedAtMs(file)) > UNUSED_BUNDLE_MS) removeFile(file);
	}
}
