/**
 * `agent-auth exec-credential`: an `ExecCredential` for kubectl and other Kubernetes clients
 * (client.authentication.k8s.io/v1). `KUBERNETES_EXEC_INFO` says which version is wanted and whether a person is there.
 */
import * as v from 'valibot';
import type { Command } from '../commandLine.ts';
import { isoTime } from '../isoTime.ts';
import { EXIT_OK, EXIT_USAGE } from '../outcome.ts';
import { parseJson } from '../protocol.ts';
import { writeError } from './output.ts';
import { printFailure, printLine } from './print.ts';
import { askWindows, tokenRequest } from './windows.ts';

const GROUP = 'client.authentication.k8s.io';
const VERSIONS = [`${GROUP}/v1`, `${GROUP}/v1beta1`] as const;

const infoSchema = v.object({
	apiVersion: v.picklist(VERSIONS),
	kind: v.literal('ExecCredential'),
	spec: v.optional(v.object({ interactive: v.optional(v.boolean()) })),
});

export type ExecInfo =
	| { readonly kind: 'info'; readonly apiVersion: (typeof VERSIONS)[number]; readonly interactive: boolean }
	| { readonly kind: 'invalid' };

/** Absent means that a person tries it by hand: the newest version. */
export function readExecInfo(text: string | undefined): ExecInfo {
	if (text === undefined || text === '') return { kind: 'info', apiVersion: VERSIONS[0], interactive: true };
	const parsed = v.safeParse(infoSchema, parseJson(text));
	if (!parsed.success) return { kind: 'invalid' };
	return { kind: 'info', apiVersion: parsed.output.apiVersion, interactive: parsed.output.spec?.interactive === true };
}

export async function runExecCredential(command: Extract<Command, { kind: 'exec-credential' }>): Promise<number> {
	const info = readExecInfo(process.env.KUBERNETES_EXEC_INFO);
	if (info.kind === 'invalid') {
		writeError(`agent-auth: KUBERNETES_EXEC_INFO asks for no version that is known here. Use ${VERSIONS[0]}.\n`);
		return EXIT_USAGE;
	}
	// A client that says that nobody is there must not make a browser open.
	const signIn = command.signIn && info.interactive;
	const reply = await askWindows(tokenRequest({ ...command, signIn }, 'kubernetes'), 'token');
	if (reply.kind === 'error') return printFailure(reply);
	const status = { token: reply.accessToken, expirationTimestamp: isoTime(reply.expiresAtMs) };
	printLine(JSON.stringify({ apiVersion: info.apiVersion, kind: 'ExecCredential', status }));
	return EXIT_OK;
}
