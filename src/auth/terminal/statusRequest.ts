/** What a terminal may know of the accounts: all providers with their state, and accounts only where it gets tokens. */
import type { ProviderSnapshot } from '../snapshot.ts';
import { EDITOR_PROVIDERS } from './editorSession.ts';
import type { FinalReply, TerminalRequest } from './protocol.ts';
import { identifyCaller, type RequestContext, stateOf } from './requestContext.ts';

export async function answerStatus(
	context: RequestContext,
	request: Extract<TerminalRequest, { kind: 'status' }>,
	signal: AbortSignal,
): Promise<FinalReply> {
	const { consumer } = await identifyCaller(context, request);
	const isAllowed = async (found: ProviderSnapshot): Promise<boolean> => {
		const verdict = await context.access.authorize(consumer, found.provider, { signal, deadlineMs: 0 });
		return verdict.kind === 'allowed';
	};
	const { providers } = context.service.snapshot();
	return {
		kind: 'status',
		version: context.version,
		pid: process.pid,
		terminal: consumer.kind,
		providers: await Promise.all(providers.map(async (found) => describe(found, await isAllowed(found)))),
	};
}

function describe(found: ProviderSnapshot, allowed: boolean) {
	const { id, label, environment } = found.provider;
	return {
		...{ id, label, state: stateOf(found), allowed },
		...(environment === undefined ? {} : { environment: { ...environment } }),
		...(allowed
			? {
					buckets: found.buckets.map((bucket) => ({
						name: bucket.name,
						account: bucket.account.label,
						state: bucket.state.kind,
						inForce: bucket.id === found.inForce,
						...(bucket.token?.expiresAtMs === undefined ? {} : { expiresAtMs: bucket.token.expiresAtMs }),
					})),
				}
			: {}),
	};
}

/** Providers with their state and without accounts: nobody is asked for this. */
export function listProviders(context: Pick<RequestContext, 'service' | 'editorSessions'>) {
	const configured = context.service.snapshot().providers.map((found) => {
		const { id, label } = found.provider;
		return { id, label, state: stateOf(found) as string };
	});
	const editor = context.editorSessions === undefined ? [] : EDITOR_PROVIDERS;
	const taken = new Set(configured.map(({ id }) => id));
	return [
		...configured,
		...editor.filter(({ id }) => !taken.has(id)).map(({ id, label }) => ({ id, label, state: 'editor' })),
	];
}
