/**
 * `agent-auth doctor`: which credential a tool would really use in this terminal, and why. Tells names of variables and
 * files, never a value.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { hasCode } from '../atomicFile.ts';
import { isoTime } from '../isoTime.ts';
import { EXIT_OK, EXIT_UNAVAILABLE, failureOf } from '../outcome.ts';
import { plainText, printJson, printLine } from './print.ts';
import type { Status } from './status.ts';
import { askOnly, binFolder, caller, currentFolder, findWindows, runFolder } from './windows.ts';

/**
 * Variables that tools prefer to a helper, a sign-in of their own or a configuration file, with the tools, as their
 * documents say it.
 */
const SHADOWING: readonly { readonly variable: string; readonly tools: string }[] = [
	{ variable: 'ANTHROPIC_AUTH_TOKEN', tools: 'Claude Code' },
	{ variable: 'ANTHROPIC_API_KEY', tools: 'Claude Code, SDKs of Anthropic' },
	{ variable: 'ANTHROPIC_BASE_URL', tools: 'Claude Code: its requests go elsewhere' },
	{ variable: 'CLAUDE_CODE_USE_BEDROCK', tools: 'Claude Code' },
	{ variable: 'CLAUDE_CODE_USE_VERTEX', tools: 'Claude Code' },
	{ variable: 'CLAUDE_CODE_USE_FOUNDRY', tools: 'Claude Code' },
	{ variable: 'CLAUDE_CODE_OAUTH_TOKEN', tools: 'Claude Code' },
	{ variable: 'OPENAI_API_KEY', tools: 'Codex, SDKs of OpenAI' },
	{ variable: 'CODEX_API_KEY', tools: 'Codex' },
	{ variable: 'OPENAI_BASE_URL', tools: 'SDKs of OpenAI: their requests go elsewhere' },
	{ variable: 'GEMINI_API_KEY', tools: 'Gemini CLI' },
	{ variable: 'GOOGLE_API_KEY', tools: 'Gemini CLI, SDKs of Google' },
	{ variable: 'GOOGLE_APPLICATION_CREDENTIALS', tools: 'SDKs of Google' },
	{ variable: 'OPENROUTER_API_KEY', tools: 'tools for OpenRouter' },
	{ variable: 'COPILOT_GITHUB_TOKEN', tools: 'GitHub Copilot CLI' },
	{ variable: 'GH_TOKEN', tools: 'gh, GitHub Copilot CLI' },
	{ variable: 'GITHUB_TOKEN', tools: 'gh, GitHub Copilot CLI' },
	{ variable: 'AWS_ACCESS_KEY_ID', tools: 'AWS CLI and SDKs' },
	{ variable: 'AWS_PROFILE', tools: 'AWS CLI and SDKs' },
	{ variable: 'GIT_ASKPASS', tools: 'git: asked after its credential helpers' },
];

const ENV_FILES = ['.env', '.env.local', '.gemini/.env'];

/** Deeper trees have their root nearer than this. */
const MAX_PARENTS = 64;

/** A `.env` file is short; more of it is not read. */
const MAX_ENV_FILE_BYTES = 256 * 1024;

export type Finding = {
	readonly level: 'ok' | 'note' | 'problem';
	readonly subject: string;
	readonly text: string;
};

export async function runDoctor(json: boolean, version: string): Promise<number> {
	const findings = [
		...programFindings(version),
		...(await windowFindings(version)),
		...variableFindings(process.env),
		...envFileFindings(currentFolder()),
	];
	if (json) printJson(findings);
	else for (const finding of findings) printLine(`${SIGNS[finding.level]} ${finding.subject}: ${finding.text}`);
	return findings.some(({ level }) => level === 'problem') ? EXIT_UNAVAILABLE : EXIT_OK;
}

const SIGNS: Readonly<Record<Finding['level'], string>> = { ok: 'ok     ', note: 'note   ', problem: 'problem' };

function programFindings(version: string): Finding[] {
	const pathFolders = (process.env.PATH ?? '').split(path.delimiter);
	const bin = path.resolve(binFolder());
	const onPath = pathFolders.some((folder) => folder !== '' && path.resolve(folder) === bin);
	return [
		{
			level: 'ok',
			subject: 'agent-auth',
			text: `${plainText(version)}, run by ${path.basename(process.execPath)} ${process.version}`,
		},
		onPath
			? { level: 'ok', subject: 'PATH', text: 'has the folder of agent-auth' }
			: {
					level: 'note',
					subject: 'PATH',
					text: 'lacks the folder of agent-auth: this terminal is older, or not of VS Code',
				},
		{ level: 'ok', subject: 'windows', text: `are looked for in ${plainText(runFolder())}` },
	];
}

async function windowFindings(version: string): Promise<Finding[]> {
	const found = await findWindows();
	if (found.kind === 'problem') return [failureFinding('windows', found.code)];
	if (found.windows.length === 0) return [failureFinding('windows', 'no_window')];
	const findings: Finding[] = [];
	let chosen = false;
	for (const window of found.windows) {
		const folders = window.workspaceFolders.map((folder) => plainText(path.basename(folder))).join(', ') || 'no folder';
		const reply = await askOnly(window, { kind: 'status', ...caller() }, 'status');
		const subject = `window (${folders})`;
		if (reply.kind === 'status') {
			findings.push(...statusFindings(subject, reply, version, !chosen));
			chosen = true;
		} else {
			findings.push(
				reply.code === 'no_window'
					? { level: 'note', subject, text: 'is gone; what it left is cleared away by the next window' }
					: failureFinding(subject, reply.code),
			);
		}
	}
	return chosen ? findings : [...findings, failureFinding('windows', 'no_window')];
}

function failureFinding(subject: string, code: string): Finding {
	return { level: 'problem', subject, text: failureOf(code).line.replace(/^agent-auth: /, '') };
}

/** @param isAsked this is the window that `token` asks first. */
export function statusFindings(subject: string, status: Status, version: string, isAsked: boolean): Finding[] {
	const findings: Finding[] = [
		{
			level: 'ok',
			subject,
			text: `${isAsked ? 'is asked first' : 'answers'}, pid ${status.pid}, Agent Auth ${plainText(status.version)}`,
		},
	];
	if (status.version !== version) {
		findings.push({
			level: 'note',
			subject,
			text: 'runs another version than this command. Reload it when convenient',
		});
	}
	if (!isAsked) return findings;
	if (status.terminal === 'outside') {
		findings.push({
			level: 'note',
			subject,
			text: 'does not know this terminal: the question is that for programs outside',
		});
	}
	for (const provider of status.providers) findings.push(...providerFindings(provider));
	return findings;
}

function providerFindings({ id, state, allowed, buckets, environment }: Status['providers'][number]): Finding[] {
	const subject = `provider ${plainText(id)}`;
	if (state !== 'signedIn') return [{ level: 'problem', subject, text: 'is not signed in. Use the Agent Auth view' }];
	const findings: Finding[] = [];
	const inForce = buckets?.find((bucket) => bucket.inForce);
	if (!allowed) findings.push({ level: 'note', subject, text: 'asks you at the first request of this terminal' });
	else if (inForce === undefined)
		findings.push({ level: 'problem', subject, text: 'has no account that can be used now' });
	else {
		const end = isoTime(inForce.expiresAtMs);
		const life =
			end === undefined
				? 'no known end'
				: Date.parse(end) <= Date.now()
					? `expired ${end}, renewed at the next request`
					: `until ${end}`;
		findings.push({ level: 'ok', subject, text: `gives the token of ${plainText(inForce.account)}, ${life}` });
	}
	for (const variable of Object.keys(environment ?? {})) {
		if (!process.env[variable]) continue;
		findings.push({
			level: 'note',
			subject,
			text: `${plainText(variable)} is set here already; only "exec" replaces it`,
		});
	}
	return findings;
}

/** Names only: a value is a secret. */
export function variableFindings(env: Readonly<Record<string, string | undefined>>): Finding[] {
	return SHADOWING.filter(({ variable }) => (env[variable] ?? '') !== '').map(({ variable, tools }) => ({
		level: 'note',
		subject: `variable ${variable}`,
		text: `is set and wins over a helper or a sign-in (${tools}). Unset it to use Agent Auth: unset ${variable}`,
	}));
}

/** Files that tools read by themselves, here and above, with the names of credentials in them. */
export function envFileFindings(folder: string): Finding[] {
	const findings: Finding[] = [];
	let here = folder;
	for (let depth = 0; here !== '' && depth < MAX_PARENTS; depth++) {
		for (const name of ENV_FILES) {
			const file = path.join(here, name);
			const variables = namesIn(file);
			if (variables === 'absent') continue;
			const subject = `file ${plainText(file)}`;
			if (variables === 'unreadable') findings.push({ level: 'note', subject, text: 'cannot be read' });
			else if (variables.length > 0) {
				findings.push({ level: 'note', subject, text: `sets ${variables.join(', ')} for tools that read it` });
			}
		}
		const parent = path.dirname(here);
		if (parent === here) break;
		here = parent;
	}
	return findings;
}

function namesIn(file: string): readonly string[] | 'absent' | 'unreadable' {
	try {
		const stats = statSync(file);
		if (!stats.isFile()) return 'absent';
		if (stats.size > MAX_ENV_FILE_BYTES) return 'unreadable';
		const known = new Set(SHADOWING.map(({ variable }) => variable));
		const names = [...readFileSync(file, 'utf8').matchAll(/^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=/gm)];
		return [...new Set(names.flatMap(([, name = '']) => (known.has(name) ? [name] : [])))];
	} catch (error) {
		return hasCode(error, 'ENOENT', 'ENOTDIR') ? 'absent' : 'unreadable';
	}
}
