/** `agent-auth status` and `agent-auth providers`: what there is, without asking anybody anything. */

import { isoTime } from '../isoTime.ts';
import { EXIT_OK } from '../outcome.ts';
import type { FinalReply } from '../protocol.ts';
import { plainText, printFailure, printJson, printLine } from './print.ts';
import { askWindows, caller } from './windows.ts';

export async function runProviders(json: boolean): Promise<number> {
	const reply = await askWindows({ kind: 'providers' }, 'providers');
	if (reply.kind === 'error') return printFailure(reply);
	if (json) printJson(reply.providers);
	else for (const { id, label, state } of reply.providers) printLine([id, state, label].map(plainText).join('\t'));
	return EXIT_OK;
}

export async function runStatus(json: boolean): Promise<number> {
	const reply = await askWindows({ kind: 'status', ...caller() }, 'status');
	if (reply.kind === 'error') return printFailure(reply);
	if (json) printJson(statusJson(reply));
	else for (const line of statusLines(reply)) printLine(line);
	return EXIT_OK;
}

export type Status = Extract<FinalReply, { kind: 'status' }>;

/** The times as text, as everywhere in our output. */
function statusJson({ version, pid, terminal, providers }: Status) {
	return {
		...{ version, pid, terminal },
		providers: providers.map(({ buckets, ...provider }) => ({
			...provider,
			buckets: buckets?.map(({ expiresAtMs, ...bucket }) => ({ ...bucket, expiresAt: isoTime(expiresAtMs) })),
		})),
	};
}

function* statusLines({ version, pid, terminal, providers }: Status): Generator<string> {
	const where = terminal === 'terminal' ? 'this terminal is one of its own' : 'this is none of its terminals';
	yield `VS Code window: pid ${pid}, Agent Auth ${plainText(version)}; ${where}`;
	for (const { id, label, state, allowed, buckets } of providers) {
		yield `${[id, label, state].map(plainText).join('\t')}\t${allowed ? 'allowed here' : 'asks first'}`;
		for (const { name, account, state: bucketState, inForce, expiresAtMs } of buckets ?? []) {
			const end = isoTime(expiresAtMs);
			const life = end === undefined ? '' : `\ttoken until ${end}`;
			yield `  ${inForce ? '*' : ' '} ${[name, account, bucketState].map(plainText).join('\t')}${life}`;
		}
	}
}
