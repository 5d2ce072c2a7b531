/** What another extension may hand us: the exports and the command parse it once, and name no value of it in what they refuse. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HoldOptions, Report } from '../../../api/agentAuth.d.ts';
import { createApi } from '../../../src/auth/api.ts';
import { AuthError, isAuthError } from '../../../src/auth/errors.ts';
import { digest } from '../../../src/auth/log.ts';
import type { AuthService, UseReport } from '../../../src/auth/service.ts';

const tokenDigest = digest('the token');
const SECRET = 'a value that nobody may repeat';

function world() {
	const reports: UseReport[] = [];
	const holds: unknown[][] = [];
	const service: Pick<AuthService, 'report' | 'hold'> = {
		async report(use) {
			reports.push(use);
			return { kind: 'ignored' };
		},
		hold(...about) {
			holds.push(about);
			return { dispose: () => void holds.pop() };
		},
	};
	return { api: createApi(service), reports, holds };
}

/** As a caller in plain JavaScript would. */
const unchecked = <T>(value: unknown): T => JSON.parse(JSON.stringify(value));

const refused = (error: unknown): true => {
	assert.ok(isAuthError(error, 'configuration') && error instanceof AuthError);
	assert.ok(!error.message.includes(SECRET), error.message);
	return true;
};

describe('a hold', () => {
	it('is of a provider by its id or by the id that VS Code knows, and its end is the caller’s', () => {
		const { api, holds } = world();
		const held = api.hold({ provider: 'agent-auth.acme', sessionKey: 'work', forMs: 1_000 });
		api.hold({ provider: 'acme', sessionKey: 'work', forMs: 24 * 60 * 60_000 });
		assert.deepEqual(holds, [
			['acme', 'work', 1_000],
			['acme', 'work', 24 * 60 * 60_000],
		]);
		held.dispose();
		assert.equal(holds.length, 1);
	});

	for (const [what, change] of Object.entries({
		'without a key': { sessionKey: '' },
		'with a key that is a document': { sessionKey: SECRET.repeat(20) },
		'for longer than a day': { forMs: 24 * 60 * 60_000 + 1 },
		'for less than no time': { forMs: -1 },
		'for a word': { forMs: SECRET },
		'of no provider': { provider: undefined },
	}))
		it(`${what} is refused`, () => {
			const { api, holds } = world();
			const options = unchecked<HoldOptions>({ provider: 'acme', sessionKey: 'work', forMs: 1_000, ...change });
			assert.throws(() => api.hold(options), refused);
			assert.deepEqual(holds, []);
		});
});

describe('a report', () => {
	it('comes to the service with what it says and a deadline, and with nothing that it does not say', async () => {
		const { api, reports } = world();
		await api.report({ provider: 'agent-auth.acme', tokenDigest, status: 401 });
		await api.report({ provider: 'acme', tokenDigest, status: 429, body: 'no', named: true, requestKey: 'one' });
		const [plain, whole] = reports;
		assert.deepEqual(
			{ ...plain, deadlineMs: 0 },
			{
				providerId: 'acme',
				tokenDigest,
				report: { status: 401, headers: {} },
				deadlineMs: 0,
			},
		);
		assert.ok((plain?.deadlineMs ?? 0) > 0);
		assert.deepEqual([whole?.named, whole?.requestKey, whole?.report.body], [true, 'one', 'no']);
	});

	for (const [what, change] of Object.entries({
		'that names a token instead of its digest': { tokenDigest: SECRET },
		'without a status': { status: undefined },
		'with a status that is none': { status: 42 },
		'with a body that is no text': { body: { error: SECRET } },
		'with a request key that is a document': { requestKey: SECRET.repeat(20) },
		'of no provider': { provider: 7 },
	}))
		it(`${what} is refused`, async () => {
			const { api, reports } = world();
			const report = unchecked<Report>({ provider: 'acme', tokenDigest, status: 401, ...change });
			await assert.rejects(api.report(report), refused);
			assert.deepEqual(reports, []);
		});
});
