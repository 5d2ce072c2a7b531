/** `agent-auth add-key`: stores an API key that comes on standard input, never in an argument. */
import type { Command } from '../commandLine.ts';
import { EXIT_OK, EXIT_USAGE } from '../outcome.ts';
import { MAX_KEY_LENGTH } from '../protocol.ts';
import { writeError } from './output.ts';
import { plainText, printFailure } from './print.ts';
import { readStandardInput } from './standardInput.ts';
import { askWindows, caller } from './windows.ts';

/** Long enough for a password manager that asks its owner first. */
const KEY_LIMITS = { maxBytes: MAX_KEY_LENGTH + 2, waitMs: 120_000 };

export async function runAddKey({ provider, name }: Extract<Command, { kind: 'add-key' }>): Promise<number> {
	if (process.stdin.isTTY) {
		writeError('agent-auth: pipe the key in; what is typed here would be shown. See "agent-auth add-key --help".\n');
		return EXIT_USAGE;
	}
	const text = await readStandardInput(KEY_LIMITS);
	const key = text.trim();
	if (key === '' || key.length > MAX_KEY_LENGTH || !/^[\x21-\x7e]+$/.test(key)) {
		writeError('agent-auth: no key came on standard input, or it is not one line of printable characters.\n');
		return EXIT_USAGE;
	}
	const request = { kind: 'addKey', provider, key, ...caller(), ...(name === undefined ? {} : { name }) } as const;
	const reply = await askWindows(request, 'added');
	if (reply.kind === 'error') return printFailure(reply);
	writeError(`agent-auth: the key was stored as "${plainText(reply.name)}".\n`);
	return EXIT_OK;
}
