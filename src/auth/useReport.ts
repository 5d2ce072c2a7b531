/** What a consumer says of a request with one of our tokens, parsed once, whichever way it comes. */
import * as v from 'valibot';
import { AuthError } from './errors.ts';
import { parseFailureReport } from './failover/report.ts';
import { providerIdOf } from './provider.ts';
import type { UseReport } from './service.ts';

/** Two requests of 15 s and the wait for a lease fit in; a reporter waits in the middle of its own work. */
const REPORT_DEADLINE_MS = 45_000;

const reportSchema = v.object({
	provider: v.pipe(v.string(), v.maxLength(100)),
	tokenDigest: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
	named: v.optional(v.boolean()),
	requestKey: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(200))),
});

/** Reads a `Report`. Rejects anything else with `configuration`, which names no value. */
export function parseUseReport(value: unknown): UseReport {
	const parsed = v.safeParse(reportSchema, value);
	if (!parsed.success)
		throw new AuthError(
			'configuration',
			'a report is { provider, tokenDigest (SHA-256 in hex), status, headers?, body? }',
		);
	const reading = parseFailureReport(value);
	if (reading.kind === 'invalid') throw new AuthError('configuration', `a report is not readable: ${reading.text}`);
	const { provider, tokenDigest, named, requestKey } = parsed.output;
	return {
		providerId: providerIdOf(provider),
		tokenDigest,
		report: reading.report,
		...(named === undefined ? {} : { named }),
		...(requestKey === undefined ? {} : { requestKey }),
		deadlineMs: REPORT_DEADLINE_MS,
	};
}
