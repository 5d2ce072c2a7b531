/** As much of the module `vscode` as `api/example.ts` uses, over a whole service: sessions are its tokens, the command is its own. */
import assert from 'node:assert/strict';
import type { Report } from '../../../api/agentAuth.d.ts';
import type { AuthService } from '../../../src/auth/service.ts';
import { parseUseReport } from '../../../src/auth/useReport.ts';

/** What the example told us, in order. */
export const reports: Report[] = [];
let current: AuthService | undefined;

export function useService(service: AuthService): void {
	reports.length = 0;
	current = service;
}

export const authentication = {
	async getSession(id: string, _scopes: readonly string[], options: { readonly account?: { readonly id: string } }) {
		assert.ok(current);
		const providerId = id.replace(/^agent-auth\./, '');
		const bucketId = options.account?.id;
		const { token } = await current.getToken({
			providerId,
			...(bucketId === undefined ? {} : { bucketId }),
			deadlineMs: 5_000,
			purpose: 'getSession',
		});
		return { accessToken: token.value };
	},
};

export const commands = {
	async executeCommand(id: string, report: Report) {
		assert.equal(id, 'agentAuth.report');
		assert.ok(current);
		reports.push(report);
		return current.report(parseUseReport(report));
	},
};
