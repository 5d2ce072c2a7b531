/** `agent-auth token`: the token alone on standard output. */
import type { Command, Format } from '../commandLine.ts';
import { isoTime } from '../isoTime.ts';
import { EXIT_OK } from '../outcome.ts';
import type { FinalReply } from '../protocol.ts';
import { printFailure, printLine } from './print.ts';
import { askWindows, tokenRequest } from './windows.ts';

export async function runToken(command: Extract<Command, { kind: 'token' }>): Promise<number> {
	const reply = await askWindows(tokenRequest(command, 'token'), 'token');
	if (reply.kind === 'error') return printFailure(reply);
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
