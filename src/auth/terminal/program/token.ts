/** `agent-auth token`: the token alone on standard output. */
import type { Command, Format } from '../commandLine.ts';
import { EXIT_OK } from '../outcome.ts';
import type { FinalReply } from '../protocol.ts';
import { isoTime, printFailure, printLine, printUnexpected } from './print.ts';
import { askWindows, tokenRequest } from './windows.ts';

export async function runToken(command: Extract<Command, { kind: 'token' }>): Promise<number> {
	const reply = await askWindows(tokenRequest(command, 'token'));
	if (reply.kind === 'error') return printFailure(reply);
	if (reply.kind !== 'token') return printUnexpected();
	printLine(formatToken(reply, command.format));
	return EXIT_OK;
}

function formatToken(reply: Extract<FinalReply, { kind: 'token' }>, format: Format): string {
	switch (format) {
		case 'raw':
			return reply.accessToken;
		case 'header':
			return `Authorization: Bearer ${reply.accessToken}`;
		case 'json':
			return JSON.stringify({ accessToken: reply.accessToken, expiresAt: isoTime(reply.expiresAtMs) });
	}
}
