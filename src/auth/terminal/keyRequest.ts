/** A terminal hands over an API key. Whoever adds an account redirects what is done with it, so the person says yes. */
import { abortable, cancelled } from '../clock.ts';
import { AuthError } from '../errors.ts';
import type { AddKeyTerminalRequest, FinalReply } from './protocol.ts';
import { findProvider, identifyCaller, type RequestContext } from './requestContext.ts';
import type { Connection } from './server.ts';
import { auditOf } from './tokenRequest.ts';

/** Rejects with `AuthError`. */
export async function answerAddKey(
	context: RequestContext,
	request: AddKeyTerminalRequest,
	{ signal, progress }: Connection,
): Promise<FinalReply> {
	const { provider } = findProvider(context.service, request.provider);
	if (provider.kind !== 'apiKey') return { kind: 'error', code: 'takes_no_key' };
	if (context.confirmKey === undefined) return { kind: 'error', code: 'refused_for_good' };
	const caller = await identifyCaller(context, request);
	if (signal.aborted) throw cancelled(signal);
	progress('asking');
	const { consumer, program } = caller;
	const name = request.name ?? provider.label;
	const question = { consumer, target: provider, name, ...(program === undefined ? {} : { program }) };
	const confirmed = await abortable(context.confirmKey(question), signal);
	if (!context.isTrusted()) throw new AuthError('untrusted', 'the workspace is not trusted');
	if (!confirmed) return { kind: 'error', code: 'refused' };
	const bucket = await context.service.addApiKey({ providerId: provider.id, key: request.key, name });
	const use = { providerId: provider.id, bucketId: bucket.id, use: 'add-key' };
	context.audit.record({ ...auditOf(caller), ...use, outcome: 'keyAdded' });
	return { kind: 'added', name: bucket.name };
}
