/** The page of results, made from what was measured and nothing else. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { drawChart } from './chart.ts';
import { contenders } from './contenders/contenders.ts';
import type { Peers } from './peers.ts';
import { CHART_FOLDER, type Measured, PAGE, PARTS, type PartName, type Results, type Table } from './results.ts';

const TITLES: Readonly<Record<PartName, string>> = {
	storm: 'Many processes, one expired token',
	dead: 'A holder that is killed or stopped',
	hot: 'Asking for a valid token',
	activation: 'Start of the extension',
	helper: 'The command agent-auth',
	idle: 'Windows that do nothing',
};

const INTRODUCTION = `# Performance

Written by \`npm run bench\`; do not edit. Each part names the machine and the moment it was measured on. Numbers of different machines, or of different runs, are not comparable: the ratios of one run are.
`;

const METHOD = `## How it is measured

- **Alternating.** All contenders of a comparison take turns within each round, in one run; tables show medians over the rounds.
- **Last waiter after the server's time.** All processes have the contender loaded, their files looked at once and \`fetch\` used once. They get one start signal, a moment of the system's monotonic clock, which all processes share. Each asks once, at that moment. The number is the time from the start signal until the last process has a valid token, minus the time the server was told to take for one answer. It contains everything that is not the server: locks, files, fsync, waking, HTTP on the loopback interface, and the competition of the processes for the cores. It is given only for rounds in which every process got a token.
- **Server.** A token server in the process of the bench, on the loopback interface: refresh tokens are for one use, and reuse ends the sign-in (strict rotation). "Sign-ins lost" counts rounds that ended that way.
- **Same forced writes.** The contenders that the bench writes itself (no coordination, proper-lockfile, poll, reference) store as ours does: fsync of the file, rename, fsync of the folder. So does the store that \`@doist/cli-core\` is given. pi writes its own file in its own way, in place and without fsync.
- **The reference** is what is left when nothing must survive: one owner by O_EXCL, everybody else sleeps in \`fs.watch\`. Nobody takes over from a dead owner, nothing is sealed, a lost answer is lost.
- **CPU** is user and system time of all asking processes, from the start signal until the last has its token.
- **Wake-ups** are the voluntary context switches of all threads of a process, as Linux counts them.
`;

const NOT_MEASURED = `## What is not measured

- macOS and Windows, network file systems, and disks other than that of the machine named above.
- Real networks and real authorization servers: the server answers from the loopback interface after a fixed time.
- Desktop VS Code: the real host is a VS Code server with a browser. There the way from an extension to a provider and back goes through the browser.
- llxprt, openclaw, codex and kubelogin: they are no packages whose coordination can be driven from Node without their application.
- The consent dialog and the sign-in itself, where people take the time.
`;

/** What no run can change; the bars that are missed come from the run. */
const COSTS_BY_DESIGN = `By design: a refresh of ours costs a lease, an intent and sealed records, so a process that is alone pays for what one without precautions leaves out; while a holder stands still nobody has a new token, where others take its lock and lose the sign-in; and the helper starts a process per call, where a program that keeps a connection open would not.`;

export async function writePage(results: Results, peers: Peers): Promise<void> {
	await mkdir(CHART_FOLDER, { recursive: true });
	const sections: string[] = [INTRODUCTION, inShort(results)];
	for (const name of PARTS) {
		const measured = results[name];
		sections.push(`## ${TITLES[name]}\n`);
		if (measured === undefined) {
			sections.push(`Not measured yet: \`npm run bench -- --only ${name}\`.\n`);
			continue;
		}
		sections.push(await section(measured));
	}
	sections.push(METHOD, options(peers), NOT_MEASURED, whereWeLose(results));
	await writeFile(PAGE, sections.join('\n'));
}

function inShort(results: Results): string {
	const lines = PARTS.flatMap((name) => results[name]?.headlines ?? []).map(
		({ text, good }) => `- ${good === undefined ? '' : good ? '✓ ' : '✗ '}${text}`,
	);
	return `## In short

✓ is a bar that is reached, ✗ one that is not.

${lines.join('\n')}
`;
}

function whereWeLose(results: Results): string {
	const missed = PARTS.flatMap((name) => results[name]?.headlines ?? []).filter(({ good }) => good === false);
	const list =
		missed.length === 0
			? 'Every bar was reached.'
			: `Bars that were missed:\n\n${missed.map(({ text }) => `- ${text}`).join('\n')}`;
	return `## Where we lose

${list}

${COSTS_BY_DESIGN} Rows in which another contender is faster stand in the tables like all others.
`;
}

async function section({ machine, atIso, quick, tookS, tables, charts, missing }: Measured): Promise<string> {
	const parts = [
		`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}, ${machine.fileSystem}; ${atIso.slice(0, 16).replace('T', ' ')} UTC, ${tookS} s, load before it ${machine.load}.${quick ? ' **A quick run of few rounds, to show that it works: the numbers are not to be relied on.**' : ''}${machine.load > machine.cores / 2 ? ' **The machine was busy with other work.**' : ''}\n`,
	];
	for (const chart of charts) {
		await writeFile(path.join(CHART_FOLDER, chart.file), drawChart(chart));
		parts.push(`![${chart.title}](performance/${chart.file})\n`);
	}
	for (const table of tables) parts.push(printTable(table));
	if (missing.length > 0) parts.push(`Not measured in this run:\n\n${missing.map((line) => `- ${line}`).join('\n')}\n`);
	return parts.join('\n');
}

function printTable({ title, head, rows, notes = [] }: Table): string {
	const line = (cells: readonly string[]): string => `| ${cells.map(inCell).join(' | ')} |`;
	const table = [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
	return `**${title}**\n\n${table}\n${notes.map((note) => `\n${note}\n`).join('')}`;
}

function inCell(text: string): string {
	return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function options({ versions, failures }: Peers): string {
	const rows = contenders.map(({ name, options: text, peer }) => [
		name,
		peer === undefined ? '' : (versions[peer] ?? `not fetched: ${failures[peer] ?? 'unknown'}`),
		text,
	]);
	return printTable({ title: 'Contenders, versions and options', head: ['contender', 'version', 'options'], rows });
}
