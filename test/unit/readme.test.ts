/** What the documents say is what package.json and the code have, and what they point to is there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { readmeText } from '../../scripts/docs.ts';
import { AuthError, type AuthErrorCode } from '../../src/auth/errors.ts';
import { managedProvidersPath } from '../../src/auth/managedProviders.ts';
import { parseProviders } from '../../src/auth/settings.ts';
import { FORMATS } from '../../src/auth/terminal/commandLine.ts';
import { HELP, manual } from '../../src/auth/terminal/manual.ts';
import * as outcome from '../../src/auth/terminal/outcome.ts';
import { COMMAND_IDS } from '../../src/views/ids.ts';
import { type FailureAction, failureMessage } from '../../src/views/messages.ts';
import { plainLocalizer } from '../support/plainLocalizer.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

const DOCUMENTS = [
	...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
	...globSync('docs/**/*.md', { cwd: ROOT }).map((file) => file.split(path.sep).join('/')),
];
const DECISIONS = DOCUMENTS.filter((file) => file.startsWith('docs/decisions/'));

/** The README and the pages that it leads to. */
const readme = [
	'README.md',
	...globSync('docs/*.md', { cwd: ROOT })
		.map((file) => file.split(path.sep).join('/'))
		.sort(),
]
	.filter((file) => file !== 'docs/performance.md')
	.map(read)
	.join('\n');
const contributing = read('CONTRIBUTING.md');

const manifest = v.parse(
	v.object({
		version: v.string(),
		scripts: v.record(v.string(), v.string()),
		dependencies: v.record(v.string(), v.string()),
		devDependencies: v.record(v.string(), v.string()),
		contributes: v.object({
			configuration: v.object({
				properties: v.record(
					v.string(),
					v.object({ default: v.unknown(), enum: v.optional(v.array(v.string())), order: v.optional(v.number()) }),
				),
			}),
			commands: v.array(v.object({ command: v.string(), title: v.string(), category: v.string() })),
			menus: v.object({ commandPalette: v.array(v.object({ command: v.string(), when: v.string() })) }),
		}),
	}),
	JSON.parse(read('package.json')),
);
const nls = v.parse(v.record(v.string(), v.string()), JSON.parse(read('package.nls.json')));
const { properties } = manifest.contributes.configuration;

/** Cells of the rows of the table whose first header cell is `header`, without the header. */
function tableRows(text: string, header: string): string[][] {
	const lines = text.split('\n');
	const start = lines.findIndex((line) => line.startsWith(`| ${header} |`));
	assert.ok(start >= 0, `a table that begins with "${header}"`);
	const rows = lines.slice(start + 2);
	const end = rows.findIndex((line) => !line.startsWith('|'));
	return rows.slice(0, end).map((row) =>
		row
			.slice(1, -1)
			.split('|')
			.map((cell) => cell.trim()),
	);
}

function codeBlocks(text: string, language: string): string[] {
	return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
		.filter(([, found]) => found === language)
		.flatMap(([, , code]) => code ?? []);
}

/** Text without code blocks, in which `#` and brackets mean other things. */
function prose(text: string): string {
	return text.replaceAll(/^```[\s\S]*?^```$/gm, '');
}

function unquoted(cell: string | undefined): string {
	return (cell ?? '').replaceAll(/[`*]/g, '');
}

function matches(text: string, pattern: RegExp): string[] {
	return [...new Set([...text.matchAll(pattern)].flatMap(([, found]) => found ?? []))];
}

describe('the tables of settings and commands in the README', () => {
	it('are what package.json says (node scripts/docs.ts writes them)', () =>
		assert.equal(read('README.md'), readmeText()));
});

describe('the settings in the README', () => {
	const rows = tableRows(readme, 'Setting');

	it('are those of package.json, with their defaults and values', () => {
		assert.deepEqual(rows.map(([name]) => unquoted(name)).sort(), Object.keys(properties).sort());
		for (const [name, fallback, meaning] of rows) {
			const property = properties[unquoted(name)];
			assert.deepEqual(JSON.parse(unquoted(fallback)), property?.default, name);
			for (const value of property?.enum ?? []) assert.ok(meaning?.includes(`\`${value}\``), `${name}: ${value}`);
		}
	});

	it('are not mentioned under a name that does not exist, in any document', () => {
		const known = new Set<string>([...Object.keys(properties), ...COMMAND_IDS]);
		for (const file of DOCUMENTS) {
			for (const found of matches(read(file), /[`"'](agentAuth\.[A-Za-z.]+)[`"']/g)) {
				assert.ok(known.has(found) || found === 'agentAuth.accounts', `${file}: ${found}`);
			}
		}
	});
});

describe('the commands in the README', () => {
	const hidden = new Set(manifest.contributes.menus.commandPalette.map(({ command }) => command));
	const titles = manifest.contributes.commands
		.filter(({ command }) => !hidden.has(command))
		.map(({ title, category }) => `${category}: ${nls[title.replaceAll('%', '')]}`);

	it('are those of the command palette', () => {
		const rows = tableRows(readme.slice(readme.indexOf('## Commands')), 'Command');
		assert.deepEqual(rows.map(([name]) => unquoted(name)).sort(), titles.sort());
	});

	it('are called by their titles', () => {
		for (const found of matches(readme, /\*\*(Agent Auth: [^*]+)\*\*/g)) assert.ok(titles.includes(found), found);
	});
});

describe('the terminal command in the README', () => {
	it('has the exit codes of the code and of --help', () => {
		const codes = Object.entries(outcome).flatMap(([name, value]) =>
			name.startsWith('EXIT_') && typeof value === 'number' ? [value] : [],
		);
		const documented = tableRows(readme, 'Exit code').map(([code]) => Number(code));
		assert.deepEqual(documented, codes.toSorted());
		const helped = matches(HELP.slice(HELP.indexOf('Exit codes')), /(?:^|\s)(\d) {2}\S/gm).map(Number);
		assert.deepEqual(helped.sort(), documented);
	});

	it('has the options and formats of --help', () => {
		const documented = tableRows(readme, 'Option of `token`').flatMap(([name]) => matches(name ?? '', /(--[\w-]+)/g));
		assert.deepEqual(documented.sort(), matches(manual('token'), /^ {2}(--[\w-]+)/gm).sort());
		const row = tableRows(readme, 'Option of `token`').find(([name]) => name?.includes('--format'));
		for (const format of FORMATS) assert.ok(row?.[1]?.includes(`\`${format}`), format);
	});
});

describe('the failures in the README', () => {
	const ACTIONS: Record<FailureAction, string> = {
		signIn: 'Sign In',
		retryVault: 'Look for the Key Again',
		openSettings: 'Open Settings',
		showLog: 'Show Log',
		updateExtension: 'Show Extension',
		manageTrust: 'Manage Trust',
		decide: 'Decide…',
		bind: 'Change Account of This Workspace…',
		showAccounts: 'Show Accounts',
	};
	const CODES: Record<AuthErrorCode, true> = {
		no_account: true,
		invalid_grant: true,
		unknown_outcome: true,
		unavailable: true,
		service_changed: true,
		transient: true,
		locked: true,
		storage: true,
		key_missing: true,
		key_unreadable: true,
		damaged: true,
		newer_schema: true,
		conflict: true,
		cancelled: true,
		timeout: true,
		configuration: true,
		unknown_provider: true,
		identity: true,
		denied: true,
		protocol: true,
		refused: true,
		exhausted: true,
		binding: true,
		disabled: true,
		untrusted: true,
	};
	const isCode = (code: string): code is AuthErrorCode => Object.hasOwn(CODES, code);
	const rows = tableRows(readme, 'Code');

	it('are all of them, with the sentence and the button that people see', () => {
		const expected = Object.keys(CODES)
			.filter(isCode)
			.map((code) => {
				const error = new AuthError(code, '', { detail: { provider: 'acme' } });
				const { text, action } = failureMessage(error, () => 'Acme', plainLocalizer);
				return [`\`${code}\``, text, action === undefined ? '' : ACTIONS[action]];
			});
		assert.deepEqual(
			rows.map((row) => row.slice(0, 3)),
			expected,
		);
		assert.ok(rows.every(([, , , advice]) => advice !== undefined && advice !== ''));
	});

	it('have buttons with the titles of the code', () => {
		const source = read('src/views/failures.ts');
		for (const [action, title] of Object.entries(ACTIONS)) {
			assert.match(source, new RegExp(`case '${action}':\\s+return vscode\\.l10n\\.t\\('${title}'\\)`));
		}
	});
});

describe('the examples in the README', () => {
	it('configure one service of each type, without a problem', () => {
		const examples = codeBlocks(readme, 'json').map((text) =>
			v.parse(v.strictObject({ 'agentAuth.providers': v.unknown() }), JSON.parse(text)),
		);
		const parsed = examples.map((example) => parseProviders(example['agentAuth.providers']));
		assert.deepEqual(
			parsed.flatMap(({ problems }) => problems),
			[],
		);
		const kinds = parsed.flatMap(({ providers }) => providers.map(({ kind }) => kind));
		assert.deepEqual([...new Set(kinds)].sort(), ['apiKey', 'oauth2', 'oidc']);
	});

	it('name the managed file of each system', () => {
		const rows = tableRows(readme.slice(readme.indexOf('### Services of an organisation')), 'System');
		const env = { ProgramData: '%ProgramData%' };
		assert.deepEqual(
			rows.map(([, file]) => unquoted(file)),
			(['linux', 'darwin', 'win32'] as const).map((platform) => managedProvidersPath(platform, env)),
		);
	});

	it('in TypeScript pass the compiler, strictly', () => {
		const folder = mkdtempSync(path.join(tmpdir(), 'agent-auth-readme-'));
		try {
			const examples = codeBlocks(readme, 'ts');
			assert.ok(examples.length > 1);
			for (const [index, text] of examples.entries()) writeFileSync(path.join(folder, `example${index}.ts`), text);
			const compilerOptions = {
				...{ target: 'es2023', lib: ['es2023'], module: 'preserve', strict: true, noEmit: true, skipLibCheck: true },
				...{ types: ['node', 'vscode'], typeRoots: [path.join(ROOT, 'node_modules', '@types')] },
			};
			writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
			const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
			try {
				execFileSync(process.execPath, [tsc, '--project', folder], { encoding: 'utf8', stdio: 'pipe' });
			} catch (error) {
				assert.fail(error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error));
			}
		} finally {
			rmSync(folder, { recursive: true, force: true });
		}
	});

	it('pass npm start only options that it knows', () => {
		const usage = read('scripts/start.ts');
		const documented = tableRows(readme, 'Option').flatMap(([name]) => matches(name ?? '', /(--[\w-]+)/g));
		assert.deepEqual(
			documented.sort(),
			matches(usage.slice(usage.indexOf('const USAGE'), usage.indexOf('/** Short')), /^ {2}(--[\w-]+)/gm).sort(),
		);
	});
});

describe('the stages in CONTRIBUTING', () => {
	it('are those of npm test, in their order', () => {
		const stages = matches(read('scripts/test.ts'), /\{\s*name: '(\w+)'/g);
		assert.ok(stages.length > 5);
		assert.deepEqual(
			tableRows(contributing, 'Stage').map(([name]) => unquoted(name)),
			stages,
		);
	});
});

describe('every document', () => {
	it('has one title, and mentions only npm scripts that exist', () => {
		for (const file of DOCUMENTS) {
			const text = prose(read(file));
			assert.equal(text.match(/^# /gm)?.length, 1, file);
			for (const script of matches(text, /`npm run ([\w:]+)/g))
				assert.ok(manifest.scripts[script], `${file}: ${script}`);
		}
	});

	it('links only to files and headings that are there', () => {
		for (const file of DOCUMENTS) {
			for (const link of matches(prose(read(file)), /\]\(([^)\s]+)\)/g)) {
				if (/^https:\/\//.test(link)) continue;
				const [target = '', anchor] = link.split('#');
				const linked = target === '' ? file : path.posix.join(path.posix.dirname(file), target);
				assert.ok(existsSync(path.join(ROOT, linked)), `${file}: ${link}`);
				if (anchor !== undefined) assert.ok(headingsOf(read(linked)).includes(anchor), `${file}: ${link}`);
			}
		}
	});

	it('names only files and folders of the repository that are there', () => {
		for (const file of DOCUMENTS) {
			const named = matches(read(file), /`((?:src|test|scripts|media|docs|l10n|\.github|\.ci)\/[\w./-]*)`/g);
			for (const name of named) {
				// What a run of the tests writes is not there before the first one.
				if (name.startsWith('test/output')) continue;
				assert.ok(existsSync(path.join(ROOT, name)), `${file}: ${name}`);
			}
		}
	});
});

describe('the decisions', () => {
	it('are numbered without a gap and have the four parts', () => {
		assert.deepEqual(
			readdirSync(path.join(ROOT, 'docs', 'decisions')).map((file) => file.slice(0, 4)),
			DECISIONS.map((_, index) => String(index + 1).padStart(4, '0')),
		);
		for (const file of DECISIONS) {
			const headings = matches(read(file), /^## (.*)$/gm);
			assert.deepEqual(headings, ['Context', 'Decision', 'Consequences', 'Held by'], file);
		}
	});

	it('name in "Held by" at least one test', () => {
		for (const file of DECISIONS) {
			const held = read(file).split('## Held by')[1] ?? '';
			assert.match(held, /`test\/[\w./-]+\.test\.ts`/, file);
		}
	});

	it('about dependencies names each of them with its licence, and no other', () => {
		const file = DECISIONS.find((name) => name.includes('dependencies')) ?? assert.fail('no such decision');
		const rows = tableRows(read(file), 'Package');
		const wanted = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
		assert.deepEqual(rows.map(([name]) => unquoted(name)).sort(), wanted.sort());
		const packageSchema = v.object({ license: v.string() });
		for (const [name, , licence] of rows) {
			const text = read(path.join('node_modules', unquoted(name), 'package.json'));
			assert.equal(licence, v.parse(packageSchema, JSON.parse(text)).license, name);
		}
	});
});

describe('the change log', () => {
	it('begins with the version of package.json, or with what is unreleased', () => {
		const versions = matches(read('CHANGELOG.md'), /^## \[?(Unreleased|\d+\.\d+\.\d+)/gm);
		assert.ok(versions.includes(manifest.version));
		assert.ok(versions[0] === 'Unreleased' || versions[0] === manifest.version);
	});
});

/** Anchors as GitHub makes them. */
function headingsOf(text: string): string[] {
	return matches(prose(text), /^#+ (.*)$/gm).map((heading) =>
		heading
			.toLowerCase()
			.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
			.replaceAll(' ', '-'),
	);
}
