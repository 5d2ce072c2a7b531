/**
 * `agent-auth credential-process`: credentials in the form that AWS tools want from `credential_process`. The provider's
 * secret must hold them: as the same JSON (what a command prints), or as `AccessKeyId:SecretAccessKey[:SessionToken]`
 * (what a person can paste as an API key). AWS tools log standard error, so nothing of the secret is repeated there.
 */
import * as v from 'valibot';
import type { Command } from '../commandLine.ts';
import { isoTime } from '../isoTime.ts';
import { EXIT_OK, EXIT_UNAVAILABLE } from '../outcome.ts';
import { parseJson } from '../protocol.ts';
import { writeError } from './output.ts';
import { printFailure, printLine } from './print.ts';
import { askWindows, tokenRequest } from './windows.ts';

const part = v.pipe(v.string(), v.minLength(1));

const awsSchema = v.object({
	AccessKeyId: part,
	SecretAccessKey: part,
	SessionToken: v.optional(part),
	Expiration: v.exactOptional(part),
});

/** Neither key holds a colon; a session token does not either, but all that follows is its. */
const PASTED =
	/^(?<AccessKeyId>[A-Z0-9]{16,128}):(?<SecretAccessKey>[A-Za-z0-9/+=]{20,128})(?::(?<SessionToken>\S+))?$/;

export type AwsCredentials = v.InferOutput<typeof awsSchema>;

export async function runCredentialProcess(command: Extract<Command, { kind: 'credential-process' }>): Promise<number> {
	const reply = await askWindows(tokenRequest(command, 'aws'), 'token');
	if (reply.kind === 'error') return printFailure(reply);
	const credentials = awsCredentials(reply.accessToken);
	if (credentials === undefined) {
		writeError(
			'agent-auth: the secret of this provider is no AWS key. Store AccessKeyId:SecretAccessKey as its API key.\n',
		);
		return EXIT_UNAVAILABLE;
	}
	printLine(JSON.stringify({ Version: 1, Expiration: isoTime(reply.expiresAtMs), ...credentials }));
	return EXIT_OK;
}

/** Undefined if it is neither of the two forms. */
export function awsCredentials(secret: string): AwsCredentials | undefined {
	const parsed = v.safeParse(awsSchema, parseJson(secret) ?? PASTED.exec(secret)?.groups);
	return parsed.success ? parsed.output : undefined;
}
