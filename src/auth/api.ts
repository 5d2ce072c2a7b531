/** What other extensions of the same extension host get as this extension's exports. Across hosts the command does the same. */
import * as v from 'valibot';
import type { AgentAuthApi, HoldOptions } from '../../api/agentAuth.d.ts';
import { AuthError } from './errors.ts';
import { providerIdOf } from './provider.ts';
import type { AuthService } from './service.ts';

const LONGEST_HOLD_MS = 24 * 60 * 60_000;

const holdSchema = v.object({
	provider: v.pipe(v.string(), v.maxLength(100)),
	sessionKey: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
	forMs: v.pipe(v.number(), v.minValue(0), v.maxValue(LONGEST_HOLD_MS)),
});

/** It never holds a token: those come from `vscode.authentication`, with the person's consent. */
export function createApi(service: Pick<AuthService, 'report' | 'hold'>): AgentAuthApi {
	return {
		version: 1,
		async report(report) {
			const { parseUseReport } = await import('./useReport.ts');
			return service.report(parseUseReport(report));
		},
		hold(options: HoldOptions) {
			const parsed = v.safeParse(holdSchema, options);
			if (!parsed.success)
				throw new AuthError('configuration', 'a hold is { provider, sessionKey, forMs (at most a day) }');
			const { provider, sessionKey, forMs } = parsed.output;
			return service.hold(providerIdOf(provider), sessionKey, forMs);
		},
	};
}
