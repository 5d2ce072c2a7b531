/** What a window does with a request of a terminal. */
import { withDeadline } from '../clock.ts';
import { AuthError } from '../errors.ts';
import type { FinalReply, TerminalRequest } from './protocol.ts';
import type { RequestContext } from './requestContext.ts';
import type { Connection } from './server.ts';
import { answerToken } from './tokenRequest.ts';

/** Reading state and vault for the first time takes milliseconds; a secret store that hangs takes for ever. */
const LOAD_LIMIT_MS = 10_000;

/** Rejects with `AuthError`. */
export async function handleRequest(
	context: RequestContext,
	request: TerminalRequest,
	connection: Connection,
): Promise<FinalReply> {
	if (request.kind === 'ping') return { kind: 'pong', pid: process.pid };
	// Before all else: what this window may give, or does not know, is no answer for a terminal of another one.
	if ('ownOnly' in request && request.ownOnly === true && (await isElsewhere(context, request, connection)))
		return { kind: 'error', code: 'not_here' };
	if (!context.isTrusted()) throw new AuthError('untrusted', 'the workspace is not trusted');
	await withDeadline(context.clock, context.service.loaded, LOAD_LIMIT_MS, connection.signal);
	// All but tokens are asked for once in a while, and loaded then.
	switch (request.kind) {
		case 'providers': {
			const { listProviders } = await import('./statusRequest.ts');
			return { kind: 'providers', providers: listProviders(context) };
		}
		case 'status': {
			const { answerStatus } = await import('./statusRequest.ts');
			return answerStatus(context, request, connection.signal);
		}
		case 'token':
			if (connection.mayAsk) return answerToken(context, request, connection);
			return answerToken(context, await withAncestors(context, request), connection);
		case 'report': {
			const { answerReport } = await import('./reportRequest.ts');
			return answerReport(context, request);
		}
		case 'addKey': {
			const { answerAddKey } = await import('./keyRequest.ts');
			return answerAddKey(context, request, connection);
		}
	}
}

async function isElsewhere(
	context: RequestContext,
	request: { readonly ancestors: readonly number[] },
	{ mayAsk }: Connection,
): Promise<boolean> {
	const { ancestors } = mayAsk ? request : await withAncestors(context, request);
	return (await context.access.identify(ancestors)).kind === 'outside';
}

/** A shell knows only its own process; the rest is looked up here. */
async function withAncestors<R extends { readonly ancestors: readonly number[] }>(
	context: RequestContext,
	request: R,
): Promise<R> {
	const [pid = 0] = request.ancestors;
	return { ...request, ancestors: await context.ancestorsOf(pid) };
}
