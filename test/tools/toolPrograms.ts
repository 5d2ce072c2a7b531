/**
 * The real tools. Those of npm come in a fixed version into the cache folder, without their install scripts; AWS CLI,
 * kubectl and git are the machine's own, or Debian's. A tool that cannot be had is a failure, never a pass.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { cachedFolder } from '../../scripts/cacheFolder.ts';
import { aptInstall, canAptInstall, findInPath } from '../../scripts/debian.ts';
import { mustRun } from '../../scripts/progress.ts';
import type { ToolId } from '../../src/auth/connect/tools.ts';

export type ToolProgram = {
	readonly command: string;
	/** Before the tool's own arguments. */
	readonly args: readonly string[];
};

type Source =
	| {
			readonly kind: 'npm';
			readonly name: string;
			readonly version: string;
			/** Below `node_modules`: a script of Node, or the binary of the platform's package. */
			readonly file: string;
			readonly isScript: boolean;
	  }
	| { readonly kind: 'debian'; readonly program: string; readonly packageName: string };

const HERE = `${process.platform}-${process.arch}`;

/** Versions that the tests were written with; a newer one is a change here, with the table of docs/terminals.md. */
const SOURCES: Readonly<Record<ToolId, Source>> = {
	claude: {
		...{ kind: 'npm', name: '@anthropic-ai/claude-code', version: '2.1.330', isScript: false },
		file: `@anthropic-ai/claude-code-${HERE}/claude`,
	},
	codex: {
		...{ kind: 'npm', name: '@openai/codex', version: '0.169.0', isScript: true },
		file: '@openai/codex/bin/codex.js',
	},
	opencode: {
		...{ kind: 'npm', name: 'opencode-ai', version: '1.18.33', isScript: false },
		file: `opencode-${HERE}/bin/opencode`,
	},
	gemini: {
		...{ kind: 'npm', name: '@google/gemini-cli', version: '0.61.0', isScript: true },
		file: '@google/gemini-cli/bundle/gemini.js',
	},
	aws: { kind: 'debian', program: 'aws', packageName: 'awscli' },
	kubectl: { kind: 'debian', program: 'kubectl', packageName: 'kubernetes-client' },
	git: { kind: 'debian', program: 'git', packageName: 'git' },
};

/** How each says its version, without a look at the network. */
const VERSION_ARGS: Readonly<Record<ToolId, readonly string[]>> = {
	...{ claude: ['--version'], codex: ['--version'], opencode: ['--version'], gemini: ['--version'] },
	...{ aws: ['--version'], kubectl: ['version', '--client'], git: ['--version'] },
};

/** Fetches the tool if it is not there. */
export async function toolProgram(id: ToolId): Promise<ToolProgram> {
	const source = SOURCES[id];
	if (source.kind === 'debian') {
		if (findInPath(source.program) === undefined && canAptInstall()) await aptInstall([source.packageName]);
		const command = findInPath(source.program);
		if (command === undefined) throw new Error(`install ${source.packageName} first: there is no ${source.program}`);
		return { command, args: [] };
	}
	const { name, version } = source;
	const slug = `${name.replaceAll(/[^a-z0-9]+/g, '-')}-${version}`.replace(/^-/, '');
	const folder = await cachedFolder(`tool-${slug}`, async (temporary) => {
		await writeFile(path.join(temporary, 'package.json'), '{ "private": true }\n');
		const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${version}`];
		await mustRun('npm', install, { cwd: temporary, shell: process.platform === 'win32' });
	});
	const file = path.join(folder, 'node_modules', source.file);
	if (!existsSync(file)) throw new Error(`${name} ${version} has nothing for ${HERE}`);
	return source.isScript ? { command: process.execPath, args: [file] } : { command: file, args: [] };
}

/** As the tool itself says it. */
export async function versionOf(id: ToolId, home: string): Promise<string> {
	const { command, args } = await toolProgram(id);
	const { stdout } = await promisify(execFile)(command, [...args, ...VERSION_ARGS[id]], {
		env: { PATH: process.env.PATH, HOME: home },
	});
	return /v?(\d+\.\d+[\w.+-]*)/.exec(stdout)?.[1] ?? stdout.trim();
}
