/** Options of Node for a real process to which the system looks otherwise, from its first line on. */

/** On a machine that has got another name: as a lease of an address, a network or its owner gives it one. */
export function renamed(name: string): readonly string[] {
	return preload(`import os from 'node:os'; os.hostname = () => ${JSON.stringify(name)};`);
}

/** Without a `/proc` of its own. `foreign`: there is one, of another pid namespace, where all pids mean other processes. */
export function withoutProc(kind: 'absent' | 'foreign'): readonly string[] {
	const answer = kind === 'absent' ? 'absent(path)' : "/[/]proc[/]self/.test(path) ? absent(path) : '1 (init) S 0 1'";
	return preload(`
		import fs from 'node:fs';
		import promises from 'node:fs/promises';
		const absent = (path) => { throw Object.assign(new Error('ENOENT: ' + path), { code: 'ENOENT' }); };
		const isProc = (path) => String(path).startsWith('/proc/');
		for (const name of ['readFileSync', 'readlinkSync']) {
			const real = fs[name];
			fs[name] = (path, ...rest) => (isProc(path) ? ${answer} : real(path, ...rest));
		}
		for (const name of ['readFile', 'readlink']) {
			const real = promises[name];
			promises[name] = async (path, ...rest) => (isProc(path) ? ${answer} : real(path, ...rest));
		}`);
}

function preload(program: string): readonly string[] {
	const whole = `import { syncBuiltinESMExports } from 'node:module'; ${program}; syncBuiltinESMExports();`;
	return ['--import', `data:text/javascript,${encodeURIComponent(whole)}`];
}
