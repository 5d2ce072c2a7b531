/**
 * The two commands as a person goes through them, as they are in the package: the views in one bundle, the parsers in the
 * one that is loaded at first use. Only VS Code itself is played by somebody else.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { before, beforeEach, describe, it } from 'node:test';
import { build } from 'esbuild';
import { bundleOptions, ROOT } from '../../../scripts/build.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import type * as Views from '../../../src/views/connect/connectTool.ts';
import { tempFolder } from '../../support/tempFolder.ts';

/** What the person saw, and what they answer: the label of an item or button; undefined is Escape. */
type Seen =
	| { readonly kind: 'pick'; readonly labels: readonly string[]; readonly title: string }
	| { readonly kind: 'message'; readonly text: string; readonly buttons: readonly string[] }
	| { readonly kind: 'diff'; readonly left: string; readonly right: string };

type Person = {
	answers: (string | undefined | (() => Promise<string>))[];
	readonly seen: Seen[];
	clipboard: string;
	/** Content providers that are registered now. */
	providers: Set<{ provideTextDocumentContent(uri: { toString(): string }): string }>;
};

type Item = string | { readonly label: string };

const labelOf = (item: Item): string => (typeof item === 'string' ? item : item.label);

async function answerOf(person: Person): Promise<string | undefined> {
	assert.ok(person.answers.length > 0, `no answer left for ${JSON.stringify(person.seen.at(-1))}`);
	const answer = person.answers.shift();
	return typeof answer === 'function' ? answer() : answer;
}

/** The part of VS Code that the commands use. */
function playedBy(person: Person): object {
	const message = async (text: string, ...rest: (Item | { modal: boolean; detail?: string })[]) => {
		const buttons = rest.filter((one) => typeof one === 'string');
		const detail = rest.find((one) => typeof one === 'object' && 'detail' in one);
		const details = typeof detail === 'object' && 'detail' in detail ? `\n${detail.detail}` : '';
		person.seen.push({ kind: 'message', text: text + details, buttons });
		return buttons.length === 0 ? undefined : answerOf(person);
	};
	return {
		Uri: { from: ({ path: uriPath }: { path: string }) => ({ toString: () => uriPath }) },
		TabInputTextDiff: class {},
		env: {
			clipboard: {
				async writeText(text: string) {
					person.clipboard = text;
				},
			},
		},
		l10n: {
			t: (text: string, ...args: unknown[]) => text.replaceAll(/\{(\d)\}/g, (_, index) => String(args[Number(index)])),
		},
		extensions: { getExtension: () => ({ extensionPath: '/home/ada/.vscode/extensions/agent-auth.agent-auth-0.1.0' }) },
		commands: {
			async executeCommand(command: string, left: { toString(): string }, right: { toString(): string }) {
				if (command === 'workbench.action.newGroupBelow') return;
				assert.equal(command, 'vscode.diff');
				const [provider] = person.providers;
				assert.ok(provider, 'the texts of the diff are there when it opens');
				const text = (uri: { toString(): string }): string => provider.provideTextDocumentContent(uri);
				person.seen.push({ kind: 'diff', left: text(left), right: text(right) });
			},
		},
		workspace: {
			registerTextDocumentContentProvider(
				_: string,
				provider: { provideTextDocumentContent(uri: { toString(): string }): string },
			) {
				person.providers.add(provider);
				return { dispose: () => person.providers.delete(provider) };
			},
		},
		window: {
			tabGroups: { all: [] },
			async showQuickPick(items: readonly Item[], options: { title?: string; placeHolder?: string }) {
				person.seen.push({
					kind: 'pick',
					labels: items.map(labelOf),
					title: options.title ?? options.placeHolder ?? '',
				});
				const answer = await answerOf(person);
				if (answer === undefined) return undefined;
				const item = items.find((one) => labelOf(one) === answer);
				assert.ok(item, `no item ${answer} among ${items.map(labelOf).join(', ')}`);
				return item;
			},
			showInputBox: () => answerOf(person),
			showInformationMessage: message,
			showWarningMessage: message,
			showErrorMessage: message,
		},
	};
}

const SETTINGS = path.join('.claude', 'settings.json');
const TEXT = '{\n  "model": "opus" // mine\n}\n';
const PROVIDER: Provider = { id: 'acme', label: 'Acme', kind: 'apiKey', gitHosts: ['git.example.com'] };

describe('connecting a tool', () => {
	let sources: ReadonlyMap<string, string>;
	let person: Person;

	before(async () => {
		const built = new Map<string, string>();
		for (const [name, entry] of [
			['connectTool.cjs', 'src/views/connect/connectTool.ts'],
			['connect.cjs', 'src/auth/connect/hostConnector.ts'],
		] as const) {
			const { outputFiles, metafile } = await build({
				...{ ...bundleOptions('package'), entryPoints: [path.join(ROOT, entry)], outfile: name },
				...{ write: false, metafile: true },
			});
			built.set(name, outputFiles[0]?.text ?? '');
			const parsers = Object.keys(metafile.inputs).filter((file) =>
				/node_modules\/(yaml|smol-toml|jsonc-parser)/.test(file),
			);
			assert.equal(parsers.length > 0, name === 'connect.cjs', 'the parsers are not in the bundle of the views');
		}
		sources = built;
	});

	beforeEach(() => {
		person = { answers: [], seen: [], clipboard: '', providers: new Set() };
	});

	/** The bundles as VS Code loads them, and a home of their own. */
	async function open(context: Parameters<typeof tempFolder>[0]): Promise<{
		readonly home: string;
		connect(...answers: Person['answers']): Promise<void>;
		disconnect(...answers: Person['answers']): Promise<void>;
	}> {
		const home = await tempFolder(context);
		const dist = path.join(home, 'dist');
		await mkdir(path.join(dist, 'node_modules', 'vscode'), { recursive: true });
		for (const [name, text] of sources) await writeFile(path.join(dist, name), text);
		await writeFile(path.join(dist, 'node_modules', 'vscode', 'index.js'), 'module.exports = globalThis.playedVsCode;');
		await mkdir(path.join(home, '.claude'));
		Object.assign(globalThis, { playedVsCode: playedBy(person) });
		const views: typeof Views = createRequire(path.join(dist, 'connectTool.cjs'))('./connectTool.cjs');
		const atHome = async (work: () => Promise<void>, answers: Person['answers']): Promise<void> => {
			const { HOME, USERPROFILE } = process.env;
			Object.assign(process.env, { HOME: home, USERPROFILE: home });
			person.answers = [...answers];
			try {
				await work();
			} finally {
				restore('HOME', HOME);
				restore('USERPROFILE', USERPROFILE);
			}
			assert.deepEqual(person.answers, [], 'every answer was asked for');
			assert.equal(person.providers.size, 0, 'nothing stays registered');
		};
		return {
			home,
			connect: (...answers) =>
				atHome(() => views.connectTool(path.join(home, 'bin'), async () => ({ provider: PROVIDER })), answers),
			disconnect: (...answers) => atHome(() => views.disconnectTool(path.join(home, 'bin')), answers),
		};
	}

	function restore(name: string, value: string | undefined): void {
		if (value === undefined) delete process.env[name];
		else process.env[name] = value;
	}

	const read = (home: string, file: string): Promise<string> => readFile(path.join(home, file), 'utf8');

	it('shows the change as a diff, writes it after the yes, and takes it back after another', async (t) => {
		const { home, connect, disconnect } = await open(t);
		await writeFile(path.join(home, SETTINGS), TEXT);
		await connect('Claude Code', 'Apply', 'Use This Service', undefined);
		const diff = person.seen.find((one) => one.kind === 'diff');
		assert.equal(diff?.left, TEXT);
		assert.equal(diff?.right, await read(home, SETTINGS));
		assert.match(diff?.right ?? '', /"apiKeyHelper": ".*token acme --min-ttl 600"/);
		await disconnect('Claude Code', 'Apply');
		assert.equal(await read(home, SETTINGS), TEXT);
	});

	it('writes nothing without the yes: given up, copied or refused at the second question', async (t) => {
		const { home, connect } = await open(t);
		await writeFile(path.join(home, SETTINGS), TEXT);
		await connect(undefined);
		await connect('Claude Code', undefined);
		await connect('Claude Code', 'Cancel');
		await connect('Claude Code', 'Copy the Line');
		assert.match(person.clipboard, /^"apiKeyHelper": /);
		await connect('Claude Code', 'Apply', undefined);
		assert.equal(await read(home, SETTINGS), TEXT);
		assert.equal(existsSync(path.join(home, '.local')), false, 'nothing is remembered');
		assert.deepEqual(readdirSync(path.join(home, '.claude')), ['settings.json']);
	});

	it("shows somebody else's command and replaces it only after a second yes", async (t) => {
		const { home, connect, disconnect } = await open(t);
		const theirs = '{ "apiKeyHelper": "/opt/theirs --now" }\n';
		await writeFile(path.join(home, SETTINGS), theirs);
		await connect('Claude Code', 'Apply', undefined);
		assert.match(
			person.seen.at(-1)?.kind === 'message' ? JSON.stringify(person.seen.at(-1)) : '',
			/\/opt\/theirs --now/,
		);
		assert.equal(await read(home, SETTINGS), theirs);
		await connect('Claude Code', 'Apply', 'Replace', 'Use This Service', undefined);
		assert.match(await read(home, SETTINGS), /token acme/);
		await disconnect('Claude Code', 'Apply');
		assert.equal(await read(home, SETTINGS), theirs);
	});

	it('asks again if the file changed between diff and yes', async (t) => {
		const { home, connect } = await open(t);
		await writeFile(path.join(home, SETTINGS), TEXT);
		const editAndApply = async (): Promise<string> => {
			await writeFile(path.join(home, SETTINGS), TEXT.replace('opus', 'sonnet'));
			return 'Apply';
		};
		await connect('Claude Code', editAndApply, 'Use This Service', 'Apply', 'Use This Service', undefined);
		const diffs = person.seen.flatMap((one) => (one.kind === 'diff' ? [one] : []));
		assert.equal(diffs.length, 2);
		assert.match(diffs[1]?.left ?? '', /sonnet/);
		assert.match(await read(home, SETTINGS), /sonnet[\s\S]*apiKeyHelper/);
	});

	it('leaves a file that it cannot read, says so and offers the line', async (t) => {
		const { home, connect } = await open(t);
		await writeFile(path.join(home, SETTINGS), '{ "model": ');
		await connect('Claude Code', 'Copy the Line');
		assert.match(JSON.stringify(person.seen.at(-1)), /cannot be read, so it was left as it is/);
		assert.match(person.clipboard, /apiKeyHelper/);
		assert.equal(await read(home, SETTINGS), '{ "model": ');
	});

	it('offers only a line for a tool without a hook', async (t) => {
		const { home, connect } = await open(t);
		await connect('Gemini CLI', 'Copy the Line');
		assert.equal(person.clipboard, 'agent-auth exec acme -- gemini');
		assert.deepEqual(readdirSync(home).sort(), ['.claude', 'dist']);
	});

	it('asks for the place in the file of the others', async (t) => {
		const { home, connect, disconnect } = await open(t);
		await mkdir(path.join(home, '.aws'));
		await writeFile(path.join(home, '.aws', 'config'), '[profile work]\nregion = x\n');
		await connect('git', 'git.example.com', 'Apply', undefined);
		await connect('AWS CLI', 'work', 'Apply', undefined);
		await connect('Codex', 'New: agent-auth-acme', 'https://models.example.com/v1/', 'Apply', undefined);
		assert.match(await read(home, '.gitconfig'), /\[credential "https:\/\/git\.example\.com"\]/);
		assert.match(await read(home, '.aws/config'), /^\[profile work\]\nregion = x\ncredential_process = /);
		assert.match(await read(home, '.codex/config.toml'), /base_url = "https:\/\/models\.example\.com\/v1"\n/);
		await disconnect('Codex (agent-auth-acme)', 'Apply');
		await disconnect('git (https://git.example.com)', 'Apply');
		await disconnect('AWS CLI (work)', 'Apply');
		await disconnect();
		assert.deepEqual(person.seen.at(-1), { kind: 'message', text: 'No tool is connected.', buttons: [] });
		assert.deepEqual(
			readdirSync(home)
				.filter((name) => name !== '.local')
				.sort(),
			['.aws', '.claude', 'dist'],
		);
		assert.equal(await read(home, '.aws/config'), '[profile work]\nregion = x\n');
	});

	it('keeps what was set if the person does not want it undone', async (t) => {
		const { home, connect, disconnect } = await open(t);
		await connect('Claude Code', 'Apply', 'Use This Service', undefined);
		await disconnect('Claude Code', 'Cancel');
		await disconnect(undefined);
		assert.match(await read(home, SETTINGS), /apiKeyHelper/);
	});
});
