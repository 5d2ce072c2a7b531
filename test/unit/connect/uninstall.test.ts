/** The program that VS Code runs after an uninstallation, as it is in the package, in a process of its own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { bundleOptions, ROOT } from '../../../scripts/build.ts';
import { systemClock } from '../../../src/auth/clock.ts';
import { recordFolders } from '../../../src/auth/connect/connectionRecord.ts';
import { type Connector, createConnector } from '../../../src/auth/connect/connector.ts';
import { nodeToolDisk } from '../../../src/auth/connect/nodeToolDisk.ts';
import type { ToolId } from '../../../src/auth/connect/tools.ts';
import { tempFolder } from '../../support/tempFolder.ts';

const run = promisify(execFile);

/** VS Code stops the program after five seconds. */
const LIMIT_MS = 5_000;

describe('the uninstallation', () => {
	let bundles: ReadonlyMap<string, string>;

	before(async () => {
		const built = new Map<string, string>();
		for (const [name, entry] of [
			['uninstall.cjs', 'src/auth/connect/uninstall.ts'],
			['connect.cjs', 'src/auth/connect/hostConnector.ts'],
		] as const) {
			const options = { ...bundleOptions('package'), entryPoints: [path.join(ROOT, entry)], outfile: name };
			const { outputFiles } = await build({ ...options, write: false });
			built.set(name, outputFiles[0]?.text ?? '');
		}
		bundles = built;
	});

	/** A home in which the extension is installed as VS Code does it. */
	async function install(home: string, extensions: string): Promise<string> {
		const dist = path.join(extensions, 'agent-auth.agent-auth-0.1.0', 'dist');
		await mkdir(dist, { recursive: true });
		for (const [name, text] of bundles) await writeFile(path.join(dist, name), text);
		await mkdir(path.join(home, '.claude'), { recursive: true });
		return path.join(dist, 'uninstall.cjs');
	}

	function connectorOf(home: string, owner: string): Connector {
		return createConnector({
			disk: nodeToolDisk,
			clock: systemClock,
			places: { homeFolder: home, env: {} },
			launch: { binFolder: path.join(home, 'bin folder'), platform: process.platform },
			owner,
		});
	}

	async function connect(connector: Connector, id: ToolId, name: string): Promise<void> {
		const tool = connector.tools.find((candidate) => candidate.id === id);
		assert.ok(tool);
		await connector.apply(await connector.plan(tool, 'acme', { name }));
	}

	const environment = (home: string): NodeJS.ProcessEnv => ({ HOME: home, USERPROFILE: home });

	it('undoes every connection byte for byte and leaves nothing behind', async (t) => {
		const home = await tempFolder(t);
		const extensions = path.join(home, '.vscode', 'extensions');
		const script = await install(home, extensions);
		const settings = '{\n  // mine\n  "apiKeyHelper": "theirs"\n}\n';
		await writeFile(path.join(home, '.claude', 'settings.json'), settings);
		await writeFile(path.join(home, '.gitconfig'), '[user]\n\tname = Ada\n');
		const connector = connectorOf(home, extensions);
		await connect(connector, 'claude', '');
		await connect(connector, 'git', 'https://a.example.com');
		await connect(connector, 'git', 'https://b.example.com');
		await connect(connector, 'aws', 'work');
		assert.equal((await connector.connections()).length, 4);
		const started = performance.now();
		const { stdout, stderr } = await run(process.execPath, [script], { env: environment(home), timeout: LIMIT_MS });
		assert.ok(performance.now() - started < LIMIT_MS);
		assert.deepEqual({ stdout, stderr }, { stdout: '', stderr: '' });
		assert.equal(await readFile(path.join(home, '.claude', 'settings.json'), 'utf8'), settings);
		assert.equal(await readFile(path.join(home, '.gitconfig'), 'utf8'), '[user]\n\tname = Ada\n');
		assert.equal(existsSync(path.join(home, '.aws')), false);
		assert.equal(existsSync(recordFolders(home, process.platform)[0]), false);
	});

	it('leaves the connections of another VS Code', async (t) => {
		const home = await tempFolder(t);
		const script = await install(home, path.join(home, '.vscode', 'extensions'));
		await connect(connectorOf(home, path.join(home, '.vscode-insiders', 'extensions')), 'claude', '');
		const before = await readFile(path.join(home, '.claude', 'settings.json'), 'utf8');
		await run(process.execPath, [script], { env: environment(home), timeout: LIMIT_MS });
		assert.equal(await readFile(path.join(home, '.claude', 'settings.json'), 'utf8'), before);
	});

	it('goes on after one that cannot be undone, keeps its record, and says so without a value', async (t) => {
		const home = await tempFolder(t);
		const extensions = path.join(home, '.vscode', 'extensions');
		const script = await install(home, extensions);
		const connector = connectorOf(home, extensions);
		await connect(connector, 'claude', '');
		await connect(connector, 'aws', 'work');
		await writeFile(path.join(home, '.aws', 'config'), 'sk-canary is not a section\n');
		await assert.rejects(
			run(process.execPath, [script], { env: environment(home), timeout: LIMIT_MS }),
			(error: Error & { code?: number; stderr?: string }) =>
				error.code === 1 && /^agent-auth: FileProblem unparsable\n$/.test(error.stderr ?? ''),
		);
		assert.equal(existsSync(path.join(home, '.claude', 'settings.json')), false);
		assert.equal(await readFile(path.join(home, '.aws', 'config'), 'utf8'), 'sk-canary is not a section\n');
		assert.equal((await connector.connections()).length, 1);
	});

	it('does nothing where nothing was connected', async (t) => {
		const home = await tempFolder(t);
		const script = await install(home, path.join(home, '.vscode', 'extensions'));
		await run(process.execPath, [script], { env: environment(home), timeout: LIMIT_MS });
		assert.deepEqual((await readdir(home)).sort(), ['.claude', '.vscode']);
	});

	it('knows its own folder of extensions by where it is, also as it is here', async (t) => {
		const home = await tempFolder(t);
		const script = path.join(ROOT, 'src', 'auth', 'connect', 'uninstall.ts');
		const own = connectorOf(home, path.join(ROOT, 'src'));
		const other = connectorOf(home, path.join(ROOT, 'elsewhere'));
		await connect(own, 'claude', '');
		await connect(own, 'aws', 'work');
		await connect(other, 'git', 'https://a.example.com');
		const gitconfig = await readFile(path.join(home, '.gitconfig'), 'utf8');
		await writeFile(path.join(home, '.aws', 'config'), 'no section\n');
		const uninstall = async (): Promise<unknown> =>
			run(process.execPath, [script], { env: { ...process.env, ...environment(home) } });
		await assert.rejects(uninstall(), { code: 1, stderr: /^agent-auth: FileProblem unparsable$/m });
		assert.equal(existsSync(path.join(home, '.claude')), false);
		await writeFile(path.join(home, '.aws', 'config'), '');
		await uninstall();
		assert.deepEqual(
			(await own.connections()).map(({ tool }) => tool),
			['git'],
		);
		assert.equal(await readFile(path.join(home, '.gitconfig'), 'utf8'), gitconfig);
	});

	it('is the program that the manifest names', () => {
		const manifest: { scripts: Record<string, string> } = JSON.parse(
			readFileSync(path.join(ROOT, 'package.json'), 'utf8'),
		);
		assert.equal(manifest.scripts['vscode:uninstall'], 'node ./dist/uninstall.cjs');
	});
});
