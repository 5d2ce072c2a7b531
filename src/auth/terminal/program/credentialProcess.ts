/**
 * `agent-auth credential-process`: credentials in the form that AWS tools want from `credential_process`. The provider's
 * secret must hold them: as the same JSON (what a command prints), or as `AccessKeyId:SecretAccessKey[:SessionToken]`
 * (what a person can paste as an API key). AWS tools log standard error, so nothing of the secret is repeated there.
 */
import * as v from 'valibot';
import type { Command } from '../commandLine.ts';
import { EXIT_OK, EXIT_UNAVAILABLE } from '../outcome.ts';
import { parseJson } from '../protocol.ts';
import { isoTime, printFailure, printLine, printUnexpected } from './print.ts';
import { askWindows, tokenRequest } from './windows.ts';

const part = v.pipe(v.string(), v.minLength(1));

const awsSchema = v.object({
	AccessKeyId: part,
	SecretAccessKey: part,
	SessionToken: v.exactOptional(part),
	Expiration: v.exactOptional(part),
});

export type AwsCredentials = v.InferOutput<typeof awsSchema>;

export async function runCredentialProcess(command: Extract<Command, { kind: 'credential-process' }>): Promise<number> {
	const reply = await askWindows(tokenRequest(command, 'aws'));
	if (reply.kind === 'error') return printFailure(reply);
	if (reply.kind !== 'token') return printUnexpected();
	const credentials = awsCredentials(reply.accessToken);
	if (credentials === undefined) {
		process.stderr.write(
			'agent-auth: the secret of this provider is no AWS key. Store AccessKeyId:SecretAccessKey as its API key.\n',
		);
		return EXIT_UNAVAILABLE;
	}
	const end = isoTime(reply.expiresAtMs);
	printLine(JSON.stringify({ Version: 1, ...(end === undefined ? {} : { Expiration: end }), ...credentials }));
	return EXIT_OK;
}

/** Undefined if it is neither of the two forms. */
export function awsCredentials(secret: string): AwsCredentials | undefined {
	const parsed = v.safeParse(awsSchema, parseJson(secret));
	if (parsed.success) return parsed.output;
	// Neither key holds a colon; a session token does not either, but all that follows is its.
	const match = /^([A-Z0-9]{16,128}):([A-Za-z0-9/+=]{20,128})(?::(\S+))?$/.exec(secret);
	const [, AccessKeyId, SecretAccessKey, SessionToken] = match ?? [];
	if (AccessKeyId === undefined || SecretAccessKey === undefined) return undefined;
	return { AccessKeyId, SecretAccessKey, ...(SessionToken === undefined ? {} : { SessionToken }) };
}
