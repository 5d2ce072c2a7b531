/**
 * A terminal tells what a request with its token got, and is told what to do. Nobody is asked about this: a report names
 * a token only by its digest, what is not ours is ignored, and no token is in the answer.
 */
import { AuthError } from '../errors.ts';
import { parseFailureReport } from '../failover/report.ts';
import type { FinalReply, ReportTerminalRequest } from './protocol.ts';
import { findProvider, identifyCaller, type RequestContext } from './requestContext.ts';

/** A forced refresh over a bad network. The refresh itself goes on after that. */
const REPORT_LIMIT_MS = 30_000;

/** Rejects with `AuthError`. */
export async function answerReport(context: RequestContext, request: ReportTerminalRequest): Promise<FinalReply> {
	const { provider } = findProvider(context.service, request.provider);
	const { consumer } = await identifyCaller(context, request);
	const last = context.lastTokens.find(consumer, provider.id);
	const tokenDigest = request.tokenDigest ?? last?.digest;
	if (tokenDigest === undefined) return { kind: 'error', code: 'nothing_given' };
	const retryAfter: readonly [string, string][] =
		request.retryAfter === undefined ? [] : [['retry-after', request.retryAfter]];
	const reading = parseFailureReport({
		status: request.status,
		headers: [...(request.headers ?? []), ...retryAfter],
		...(request.body === undefined ? {} : { body: request.body }),
		atMs: context.clock.now(),
	});
	if (reading.kind === 'invalid') throw new AuthError('configuration', reading.text);
	const advice = await context.service.report({
		providerId: provider.id,
		tokenDigest,
		report: reading.report,
		deadlineMs: REPORT_LIMIT_MS,
		...(last?.digest === tokenDigest && last.named ? { named: true } : {}),
	});
	return {
		kind: 'advice',
		advice: advice.kind,
		...('untilMs' in advice && advice.untilMs !== undefined ? { untilMs: advice.untilMs } : {}),
		...('code' in advice ? { code: advice.code } : {}),
		...('reason' in advice ? { reason: advice.reason } : {}),
	};
}
