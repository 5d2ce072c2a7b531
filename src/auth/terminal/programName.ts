/** What a process is called, so that the person can be told which program asks. Never its arguments: they may hold secrets. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

const MAX_LENGTH = 64;
const PS_LIMIT_MS = 500;

/** Programs that run others: there the name of the script says more. */
const INTERPRETERS = /^(node|nodejs|bun|deno|electron|MainThread|python[\d.]*|ruby|perl)$/;

/** Undefined if the system does not tell. */
export async function programName(pid: number): Promise<string | undefined> {
	if (process.platform === 'win32') return undefined;
	const name = process.platform === 'linux' ? await fromProc(pid) : await fromPs(pid);
	return name === undefined || name === '' ? undefined : name.replace(/\p{Cc}/gu, ' ').slice(0, MAX_LENGTH);
}

async function fromProc(pid: number): Promise<string | undefined> {
	try {
		const name = (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
		if (!INTERPRETERS.test(name)) return name;
		// Only the first argument that is no option, and only its last part: the path of the script.
		const [, ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
		const script = args.find((arg) => arg !== '' && !arg.startsWith('-'));
		return script !== undefined && path.isAbsolute(script) ? path.basename(script) : name;
	} catch {
		return undefined; // Gone or hidden: the question is asked without a name.
	}
}

function fromPs(pid: number): Promise<string | undefined> {
	return new Promise((resolve) => {
		execFile('/bin/ps', ['-p', String(pid), '-o', 'comm='], { timeout: PS_LIMIT_MS }, (error, stdout) => {
			resolve(error ? undefined : path.basename(stdout.trim()));
		});
	});
}
