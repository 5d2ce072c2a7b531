/** What other extensions of the same extension host get as this extension's exports. Across hosts the command does the same. */

import { parseRefusalReport } from './service/refusals.ts';
import type { AuthService, RefusalAdvice } from './service.ts';

/** It never holds a token: those come from `vscode.authentication`, with the person's consent. */
export type AgentAuthApi = {
	readonly version: 1;
	/**
	 * Reports a token that a service refused: `{ provider, tokenDigest, status }` with the SHA-256 of the token in hex and 401
	 * or 403. Resolves to what to do next. Rejects with `AuthError` `configuration` if it is no such report.
	 */
	reportRefusedToken(report: unknown): Promise<RefusalAdvice>;
};

export function createApi(service: Pick<AuthService, 'reportRefused'>): AgentAuthApi {
	return { version: 1, reportRefusedToken: async (report) => service.reportRefused(parseRefusalReport(report)) };
}
