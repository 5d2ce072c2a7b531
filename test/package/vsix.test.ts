/** What people install: exactly the files that are named here, and no way in that is not meant for them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { EXTENSION, ROOT } from '../../scripts/build.ts';
import { NOTICES_PATH, noticesText } from '../../scripts/notices.ts';
import { VSIX_PATH } from '../../scripts/package.ts';
import { ACCESS_VIEW_ID, COMMAND_IDS, SETTING_KEYS, VIEW_ID } from '../../src/views/ids.ts';
import { readZip } from '../support/zip.ts';

/** Programs of their own; everything else in `dist` is the extension, split by when it is loaded. */
const PROGRAMS = ['dist/connect.cjs', 'dist/helper.cjs', 'dist/uninstall.cjs'];

const MAIN = 'dist/extension.cjs';

/** What is loaded after it. */
const LATER = [...EXTENSION.files.map(({ file }) => file), EXTENSION.rest]
	.map((file) => `dist/${file}`)
	.filter((file) => file !== MAIN);

const FILES = [
	'CHANGELOG.md',
	'LICENSE',
	'README.md',
	'THIRD_PARTY_NOTICES.md',
	MAIN,
	...PROGRAMS,
	...LATER,
	'l10n/bundle.l10n.de.json',
	'media/agent-auth.svg',
	'media/icon.png',
	...['accounts', 'doctor', 'service', 'terminal'].map((step) => `media/walkthrough/${step}.webp`),
	'package.json',
	'package.nls.de.json',
	'package.nls.json',
];

/** How vsce calls them in the package. */
const RENAMED: Readonly<Record<string, string>> = {
	'CHANGELOG.md': 'changelog.md',
	LICENSE: 'LICENSE.txt',
	'README.md': 'readme.md',
};

/** Besides commands, views and settings: keys of contexts, of secrets, and of the settings' parents. */
const OTHER_NAMES = [
	...[
		'agentAuth.view',
		'agentAuth.accountCount',
		'agentAuth.guideOpened',
		'agentAuth.terminalServed',
		'agentAuth.vaultKey.',
	],
	...['agentAuth.terminal', 'agentAuth.statusBar', 'agentAuth.account', ACCESS_VIEW_ID],
];

/** 250 kilobytes, whichever way somebody counts them. */
const LIMIT_BYTES = 500_000;

/** Environment variables that the bundles look at, and what for. */
const ENVIRONMENT: Readonly<Record<string, readonly string[]>> = {
	// Name of the machine; `ProgramData` is read by `managedProvidersPath`.
	[MAIN]: ['COMPUTERNAME'],
	// Folder of sockets.
	'dist/afterActivation.cjs': ['XDG_RUNTIME_DIR'],
	// Where windows announce themselves, what kubectl asks for, and where a terminal finds programs. `doctor` also looks which
	// variables of other tools are set, by names in a list.
	'dist/helper.cjs': ['AGENT_AUTH_RUN', 'KUBERNETES_EXEC_INFO', 'PATH'],
};

/** Words of tests, of the demo and of their tools. */
const TEST_WORDS =
	/smoke|__test|_TEST\b|AGENT_AUTH_TEST|test-?only|for ?tests?\b|isTest|inTest|NODE_ENV|playwright|oidc-provider|code-server|demo|consumer\.vsix|debugger/gi;

describe('the VSIX', () => {
	let files: ReadonlyMap<string, Buffer>;
	const textOf = (name: string): string => files.get(`extension/${name}`)?.toString('utf8') ?? assert.fail(name);

	before(async () => {
		files = readZip(await readFile(VSIX_PATH));
	});

	it('holds exactly the files of the list', () => {
		const expected = FILES.map((name) => `extension/${RENAMED[name] ?? name}`);
		assert.deepEqual([...files.keys()].sort(), ['[Content_Types].xml', 'extension.vsixmanifest', ...expected].sort());
	});

	it('is small', async () => {
		const { size } = await stat(VSIX_PATH);
		assert.ok(size < LIMIT_BYTES, `${size} bytes`);
	});

	it('is what vsce lists', async () => {
		const vsce = path.join(ROOT, 'node_modules', '@vscode', 'vsce', 'vsce');
		const { stdout } = await promisify(execFile)(process.execPath, [vsce, 'ls', '--no-dependencies'], { cwd: ROOT });
		assert.deepEqual(stdout.trim().split(/\r?\n/).sort(), FILES.toSorted());
	});

	it('holds the bundles that were built, without source maps', async () => {
		for (const name of FILES.filter((file) => file.startsWith('dist/'))) {
			assert.equal(textOf(name), await readFile(path.join(ROOT, name), 'utf8'));
			assert.doesNotMatch(textOf(name), /sourceMappingURL|sourcesContent/);
		}
	});

	it('registers the commands of the manifest and no other', () => {
		const manifest: { contributes: { commands: { command: string }[] } } = JSON.parse(textOf('package.json'));
		const declared = manifest.contributes.commands.map(({ command }) => command);
		assert.deepEqual(declared.toSorted(), [...COMMAND_IDS].sort());
		const bundle = [MAIN, ...LATER].map(textOf).join('\n');
		const known = new Set([...declared, VIEW_ID, ...SETTING_KEYS.map((key) => `agentAuth.${key}`), ...OTHER_NAMES]);
		const named = [...bundle.matchAll(/["'`](agentAuth\.[\w.]*)/g)].map(([, name]) => name ?? '');
		assert.deepEqual(
			[...new Set(named)].filter((name) => !known.has(name)),
			[],
		);
		for (const command of declared) assert.ok(named.includes(command), command);
		// One place registers what the list of ids names; a second one could register anything.
		assert.equal(bundle.match(/registerCommand\w*\b/g)?.length, 1);
	});

	it('holds no word of a test and no switch but the named ones', () => {
		for (const name of [MAIN, ...LATER, ...PROGRAMS]) {
			const variables = ENVIRONMENT[name] ?? [];
			const bundle = textOf(name);
			assert.deepEqual(bundle.match(TEST_WORDS) ?? [], [], name);
			const read = [...bundle.matchAll(/process\.env(?:\.(\w+)|\[["'`](\w+))/g)].map(([, a, b]) => a ?? b);
			assert.deepEqual([...new Set(read)].sort(), variables, name);
		}
		// The whole environment goes to five places: the path of the managed file, what finds out whose that is on Windows, `ps`
		// with a fixed locale, the commands of the settings, and the keys in it that a person wants to import.
		const whole =
			[MAIN, ...LATER]
				.map(textOf)
				.join('\n')
				.match(/process\.env(?![.[])/g) ?? [];
		assert.equal(whole.length, 5);
		for (const name of [MAIN, ...LATER]) assert.doesNotMatch(textOf(name), /process\.argv|process\.execArgv/, name);
	});

	it('passes on the licences of what it contains', async () => {
		assert.equal(textOf('THIRD_PARTY_NOTICES.md'), await noticesText());
		assert.equal(await readFile(NOTICES_PATH, 'utf8'), textOf('THIRD_PARTY_NOTICES.md'));
		assert.match(textOf('LICENSE.txt'), /MIT License/);
	});
});
