/**
 * `agent-auth git-credential`: git's credential helper protocol (gitcredentials(7), git-credential(1)). Gives the token
 * over https only and only for hosts that the provider's settings name; to everything else it says nothing, so that git
 * asks the next helper. Nothing is stored: `store` does nothing, `erase` reports the password as refused.
 */
import type { Command } from '../commandLine.ts';
import { EXIT_OK } from '../outcome.ts';
import { writeOutput } from './output.ts';
import { printFailure } from './print.ts';
import { readStandardInput } from './standardInput.ts';
import { askWindows, caller, tokenRequest } from './windows.ts';

const INPUT_LIMITS = { maxBytes: 64 * 1024, waitMs: 5_000 };

type GitCommand = Extract<Command, { kind: 'git-credential' }>;

export async function runGitCredential(command: GitCommand): Promise<number> {
	const text = await readStandardInput(INPUT_LIMITS);
	const input = parseAttributes(text);
	const host = first(input, 'host')?.toLowerCase();
	if (first(input, 'protocol') !== 'https' || host === undefined || host === '') return EXIT_OK;
	switch (command.action) {
		case 'get':
			return get(command, input, host);
		case 'erase':
			return erase(command, input);
		default:
			return EXIT_OK; // Nothing to store; and gitcredentials(7) wants unknown actions ignored.
	}
}

async function get(command: GitCommand, input: Attributes, gitHost: string): Promise<number> {
	const reply = await askWindows({ ...tokenRequest(command, 'git'), gitHost }, 'token');
	if (reply.kind === 'error') return reply.code === 'foreign_host' ? EXIT_OK : printFailure(reply);
	writeOutput(
		answerLines(command, input, reply)
			.map((line) => `${line}\n`)
			.join(''),
	);
	return EXIT_OK;
}

/** @param command `bearer` counts only where git can take it (2.46 and later say so). */
export function answerLines(
	command: Pick<GitCommand, 'bearer' | 'username'>,
	input: Attributes,
	token: { readonly accessToken: string; readonly expiresAtMs?: number },
): string[] {
	const expiry = token.expiresAtMs === undefined ? [] : [`password_expiry_utc=${Math.floor(token.expiresAtMs / 1000)}`];
	if (command.bearer && input.get('capability')?.includes('authtype')) {
		// `ephemeral`: not to be stored by another helper.
		return ['capability[]=authtype', 'authtype=Bearer', `credential=${token.accessToken}`, 'ephemeral=1', ...expiry];
	}
	const username = first(input, 'username') || command.username;
	return [`username=${username}`, `password=${token.accessToken}`, ...expiry];
}

/** Git gives back what the host refused; another helper's password is not ours and is ignored by the window. */
async function erase({ provider }: GitCommand, input: Attributes): Promise<number> {
	const refused = first(input, 'password') ?? first(input, 'credential');
	if (refused === undefined || refused === '') return EXIT_OK;
	const digest = await crypto.subtle.digest('SHA-256', Buffer.from(refused));
	const tokenDigest = Buffer.from(digest).toString('hex');
	// Git does not look at the outcome, and an error here would only repeat the one it has just shown.
	await askWindows({ kind: 'report', provider, status: 401, tokenDigest, ...caller() }, 'advice');
	return EXIT_OK;
}

export type Attributes = ReadonlyMap<string, readonly string[]>;

/** `key=value` lines up to a blank line or the end; `key[]=` adds, and a blank value of it begins again. */
export function parseAttributes(text: string): Attributes {
	const found = new Map<string, readonly string[]>();
	for (const line of text.split('\n')) {
		if (line === '') break;
		const at = line.indexOf('=');
		if (at < 1) continue;
		const key = line.slice(0, at);
		const value = line.slice(at + 1);
		if (!key.endsWith('[]')) found.set(key, [value]);
		else if (value === '') found.delete(key.slice(0, -2));
		else found.set(key.slice(0, -2), [...(found.get(key.slice(0, -2)) ?? []), value]);
	}
	return found;
}

function first(input: Attributes, key: string): string | undefined {
	return input.get(key)?.at(-1);
}
