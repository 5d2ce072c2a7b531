/** What other extensions of the same extension host get as this extension's exports. Across hosts the command does the same. */
import * as v from 'valibot';
import type { AgentAuthApi, HoldOptions } from '../../api/agentAuth.d.ts';
import { AuthError } from './errors.ts';
import { parseFailureReport } from './failover/report.ts';
import { authenticationProviderId } from './provider.ts';
import type { AuthService, UseReport } from './service.ts';

/** Two requests of 15 s and the wait for a lease fit in; a reporter waits in the middle of its own work. */
const REPORT_DEADLINE_MS = 45_000;

const LONGEST_HOLD_MS = 24 * 60 * 60_000;

const providerName = v.pipe(v.string(), v.maxLength(100));
const key = v.pipe(v.string(), v.minLength(1), v.maxLength(200));

const reportSchema = v.object({
	provider: providerName,
	tokenDigest: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
	named: v.optional(v.boolean()),
	requestKey: v.optional(key),
});

const holdSchema = v.object({
	provider: providerName,
	sessionKey: key,
	forMs: v.pipe(v.number(), v.minValue(0), v.maxValue(LONGEST_HOLD_MS)),
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

const PREFIX = authenticationProviderId('');

function providerIdOf(name: string): string {
	return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
}

/** It never holds a token: those come from `vscode.authentication`, with the person's consent. */
export function createApi(service: Pick<AuthService, 'report' | 'hold'>): AgentAuthApi {
	return {
		version: 1,
		report: async (report) => service.report(parseUseReport(report)),
		hold(options: HoldOptions) {
			const parsed = v.safeParse(holdSchema, options);
			if (!parsed.success)
				throw new AuthError('configuration', 'a hold is { provider, sessionKey, forMs (at most a day) }');
			const { provider, sessionKey, forMs } = parsed.output;
			return service.hold(providerIdOf(provider), sessionKey, forMs);
		},
	};
}
