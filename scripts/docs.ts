/**
 * Writes the tables of settings and commands in the README from package.json and its texts: `node scripts/docs.ts`. What a
 * command does is said in the README alone and kept; a command without such a sentence is an error. A test fails when
 * the tables are out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './build.ts';

type Setting = {
	readonly default: unknown;
	readonly description?: string;
	readonly markdownDescription?: string;
	readonly enum?: readonly string[];
	readonly markdownEnumDescriptions?: readonly string[];
	readonly enumDescriptions?: readonly string[];
};

type Manifest = {
	readonly contributes: {
		readonly configuration: { readonly properties: Readonly<Record<string, Setting>> };
		readonly commands: readonly { readonly command: string; readonly title: string; readonly category: string }[];
		readonly menus: { readonly commandPalette: readonly { readonly command: string }[] };
	};
};

const README_PATH = path.join(ROOT, 'README.md');

const SETTINGS_HEAD = ['| Setting | Default | Meaning |', '|---|---|---|'];
const COMMANDS_HEAD = ['| Command | What it does |', '|---|---|'];

/** The README with both tables as they should be. Throws if a table or a sentence is missing. */
export function readmeText(): string {
	const present = readFileSync(README_PATH, 'utf8');
	const { contributes }: Manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
	const nls: Readonly<Record<string, string>> = JSON.parse(readFileSync(path.join(ROOT, 'package.nls.json'), 'utf8'));
	const textOf = (key: string): string => nls[key.replaceAll('%', '')] ?? key;
	const settings = settingRows(contributes.configuration.properties, textOf);
	const text = withTable(present, '## Settings', SETTINGS_HEAD, () => settings);
	return withTable(text, '## Commands', COMMANDS_HEAD, (rows) => commandRows(contributes, textOf, rows));
}

function settingRows(properties: Readonly<Record<string, Setting>>, textOf: (key: string) => string): string[] {
	return Object.entries(properties).map(([name, setting]) => {
		const described = setting.markdownEnumDescriptions ?? setting.enumDescriptions ?? [];
		const values = (setting.enum ?? []).map((value, index) => `\`${value}\`: ${textOf(described[index] ?? value)}`);
		const meaning = [textOf(setting.markdownDescription ?? setting.description ?? ''), ...values]
			.map(withoutCommands)
			.join(' ');
		return row([`\`${name}\``, `\`${JSON.stringify(setting.default)}\``, meaning]);
	});
}

function commandRows(
	{ commands, menus }: Manifest['contributes'],
	textOf: (key: string) => string,
	rows: readonly string[],
): string[] {
	const hidden = new Set(menus.commandPalette.map(({ command }) => command));
	return commands
		.filter(({ command }) => !hidden.has(command))
		.map(({ title, category }) => {
			const start = `| **${category}: ${textOf(title)}** |`;
			const written = rows.find((line) => line.startsWith(start));
			if (written === undefined) throw new Error(`README.md: what does "${textOf(title)}" do? Add a row: ${start} … |`);
			return written;
		});
}

/** Replaces the rows of the first table below a heading. */
function withTable(
	text: string,
	heading: string,
	head: readonly string[],
	make: (rows: readonly string[]) => readonly string[],
): string {
	const lines = text.split('\n');
	const start = lines.indexOf(head[0] ?? '', lines.indexOf(heading));
	if (!lines.includes(heading) || start < 0) throw new Error(`README.md has no table "${head[0]}" below "${heading}"`);
	const first = start + head.length;
	const after = lines.findIndex((line, index) => index >= first && !line.startsWith('|'));
	return lines.toSpliced(first, after - first, ...make(lines.slice(first, after))).join('\n');
}

/** Links that run a command lead nowhere outside of VS Code. */
function withoutCommands(text: string): string {
	return text.replaceAll(/ ?\[[^\]]*\]\(command:[^)]*\)\.?/g, '');
}

function row(cells: readonly string[]): string {
	return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}

if (import.meta.main) writeFileSync(README_PATH, readmeText());
