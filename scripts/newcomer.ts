/**
 * Does what the README tells a newcomer, in an empty folder with an empty cache and an empty home: runs both commands of
 * "Try it" and looks whether they keep their word. `npm run test:newcomer`; takes as long as they take on a new machine.
 * Arguments behind `--` go to `npm test`, such as the names of stages.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from './build.ts';

/** Set for everything that is started here, so that a test which called this again would end and not run for ever. */
const GUARD = 'AGENT_AUTH_NEWCOMER';

const COMMANDS = ['npm start', 'npm test'] as const;

/** What `npm start` prints when the editor is there. */
const STARTED = /VS Code waits at (http:\/\/\S+)/;
const START_LIMIT_MS = 15 * 60_000;
/** From Ctrl-C to the end of all that it started. */
const END_LIMIT_MS = 60_000;

process.exitCode = await main(process.argv.slice(2));

async function main(stages: readonly string[]): Promise<number> {
	if (process.env[GUARD] !== undefined) {
		console.error('newcomer: started by itself, so it does nothing');
		return 1;
	}
	const folder = mkdtempSync(path.join(os.tmpdir(), 'agent-auth-newcomer-'));
	try {
		const checkout = copySources(path.join(folder, 'agent-auth'));
		assertDocumented(checkout);
		const env = newcomerEnvironment(folder);
		const started = await tryStart(checkout, env);
		const tested = started ? await tryTest(checkout, env, stages) : false;
		console.log(`newcomer: npm start ${word(started)}, npm test ${started ? word(tested) : 'not run'}`);
		return started && tested ? 0 : 1;
	} finally {
		rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
	}
}

function word(isGood: boolean): string {
	return isGood ? 'works' : 'fails';
}

/** A repository of what a clone would have, with changes that are not committed yet and without what is ignored. */
function copySources(target: string): string {
	const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
	for (const file of listed.toString('utf8').split('\0').filter(Boolean)) {
		mkdirSync(path.dirname(path.join(target, file)), { recursive: true });
		cpSync(path.join(ROOT, file), path.join(target, file), { force: true });
	}
	const author = ['-c', 'user.name=newcomer', '-c', 'user.email=newcomer@example.test'];
	for (const command of [
		['init', '-q'],
		['add', '-A'],
		[...author, 'commit', '-qm', 'as cloned'],
	])
		execFileSync('git', command, { cwd: target });
	return target;
}

/** The README is what is walked: a command that it does not name is not what a newcomer would run. */
function assertDocumented(checkout: string): void {
	const readme = readFileSync(path.join(checkout, 'README.md'), 'utf8');
	const section = readme.slice(readme.indexOf('## Try it'));
	for (const command of COMMANDS)
		if (!section.includes(`| \`${command}\` |`)) throw new Error(`README.md, "Try it", does not name ${command}`);
}

/** Nothing of this account counts: neither caches nor configuration, but for where packages and programs come from. */
function newcomerEnvironment(folder: string): NodeJS.ProcessEnv {
	const home = path.join(folder, 'home');
	mkdirSync(home);
	const kept = ['PATH', 'LANG', 'TERM', 'DISPLAY', 'SystemRoot', 'npm_config_registry', 'NODE_EXTRA_CA_CERTS'];
	const proxies = Object.keys(process.env).filter((name) => /^(https?|no|all)_proxy$/i.test(name));
	return {
		...Object.fromEntries([...kept, ...proxies].map((name) => [name, process.env[name]])),
		...{ HOME: home, USERPROFILE: home, TMPDIR: os.tmpdir(), CI: '1', [GUARD]: '1' },
		...{ AGENT_AUTH_CACHE: path.join(folder, 'cache'), npm_config_cache: path.join(folder, 'npm') },
	};
}

/** Waits for the address, then presses Ctrl-C as a person would. */
function tryStart(cwd: string, env: NodeJS.ProcessEnv): Promise<boolean> {
	return new Promise((resolve) => {
		// A process group of its own gets the signal, as that of a terminal does.
		const child = spawn('npm', ['start', '--', '--server', '--no-open'], { cwd, env, detached: true });
		let output = '';
		let asked = false;
		let isUp = false;
		const end = (signal: NodeJS.Signals): void => {
			if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal);
		};
		const slow = setTimeout(() => end('SIGINT'), START_LIMIT_MS);
		let stuck: NodeJS.Timeout | undefined;
		for (const stream of [child.stdout, child.stderr]) {
			stream.setEncoding('utf8').on('data', (text: string) => {
				process.stdout.write(text);
				output += text;
				const address = STARTED.exec(output)?.[1];
				if (asked || address === undefined) return;
				asked = true;
				void answers(address).then((isThere) => {
					isUp = isThere;
					end('SIGINT');
					stuck = setTimeout(() => end('SIGKILL'), END_LIMIT_MS);
				});
			});
		}
		child.on('error', (error) => console.error(`newcomer: ${error.message}`));
		child.on('close', (_code, signal) => {
			clearTimeout(slow);
			clearTimeout(stuck);
			resolve(isUp && signal !== 'SIGKILL');
		});
	});
}

async function answers(address: string): Promise<boolean> {
	try {
		return (await fetch(address)).ok;
	} catch (error) {
		console.error(`newcomer: ${address} does not answer (${error instanceof Error ? error.message : error})`);
		return false;
	}
}

function tryTest(cwd: string, env: NodeJS.ProcessEnv, stages: readonly string[]): Promise<boolean> {
	return new Promise((resolve) => {
		const child = spawn('npm', ['test', ...(stages.length > 0 ? ['--', ...stages] : [])], {
			cwd,
			env,
			stdio: 'inherit',
		});
		child.on('error', (error) => console.error(`newcomer: ${error.message}`));
		child.on('close', (code) => resolve(code === 0));
	});
}
