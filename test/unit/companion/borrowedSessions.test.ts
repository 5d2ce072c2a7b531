/** The companion asks VS Code for sessions. What VS Code does with `createIfNone` is at its source: mainThreadAuthentication.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as vscode from 'vscode';
import { systemClock } from '../../../src/auth/clock.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import { createBorrowedSessions, type Lender } from '../../../src/companion/borrowedSessions.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';

const DEMO: Provider = { id: 'demo', label: 'Demo', kind: 'apiKey' };

/** VS Code's rules: without a session `createIfNone` begins a sign-in, with one it asks whether this extension may have it. */
function editor(labels: readonly string[]) {
	const present = new Set(labels);
	const allowed = new Set<string>();
	const told = { consents: 0, signIns: 0 };
	const sessionOf = (label: string): vscode.AuthenticationSession => ({
		...{ id: label, accessToken: `token of ${label}`, scopes: [], account: { id: label, label } },
	});
	const labelOf = (options: vscode.AuthenticationGetSessionOptions): string | undefined =>
		options.account?.label ?? [...present][0];
	const lender: Lender = {
		getAccounts: async () => [...present].map((label) => ({ id: label, label })),
		onDidChangeSessions: () => ({ dispose() {} }),
		// VS Code's overloads are those of one function.
		getSession: (async (
			_provider: string,
			_scopes: readonly string[],
			options: vscode.AuthenticationGetSessionOptions,
		) => {
			const label = labelOf(options);
			if (label !== undefined && present.has(label)) {
				if (allowed.has(label)) return sessionOf(label);
				if (!options.createIfNone) return undefined;
				told.consents++;
				allowed.add(label);
				return sessionOf(label);
			}
			if (!options.createIfNone) return undefined;
			told.signIns++;
			present.add('ada');
			allowed.add('ada');
			return sessionOf('ada');
		}) as Lender['getSession'],
		report: async () => undefined,
		detail: () => 'why',
	};
	const log = createRecordingLog();
	const settings = { providers: () => [DEMO], onDidChange: () => ({ dispose() {} }) };
	const sessions = createBorrowedSessions(lender, settings, systemClock, log);
	const token = (bucketId?: string) =>
		sessions.getToken({
			...{ providerId: 'demo', deadlineMs: 5_000, purpose: 'test' },
			...(bucketId === undefined ? {} : { bucketId }),
		});
	return { present, told, sessions, token };
}

test('VS Code is asked once whether the companion may have a session, and then no more', async () => {
	const { sessions, token, told } = editor(['Automatic', 'ada']);
	await sessions.loaded;
	assert.equal((await token()).token.value, 'token of Automatic');
	assert.equal((await token()).token.value, 'token of Automatic');
	assert.equal((await token('ada')).token.value, 'token of ada');
	assert.deepEqual(told, { consents: 2, signIns: 0 });
});

test('no sign-in begins for who did not ask for one: nobody is signed in', async () => {
	const { sessions, token, told } = editor([]);
	await sessions.loaded;
	await assert.rejects(token(), { code: 'no_account' });
	await assert.rejects(token('ada'), { code: 'no_account' });
	assert.deepEqual(told, { consents: 0, signIns: 0 });
});

test('no sign-in begins where there are accounts and none is in force, or the one that is wanted is not there', async () => {
	const { sessions, token, told } = editor(['ada']);
	await sessions.loaded;
	await assert.rejects(token(), { code: 'no_account' });
	await assert.rejects(token('grace'), { code: 'no_account' });
	assert.deepEqual(told, { consents: 0, signIns: 0 });
});

test('no sign-in begins for an account that has gone since VS Code named it', async () => {
	const { sessions, token, told, present } = editor(['Automatic', 'ada']);
	await sessions.loaded;
	present.clear();
	await assert.rejects(token(), { code: 'no_account' });
	await assert.rejects(token('ada'), { code: 'no_account' });
	assert.deepEqual(told, { consents: 0, signIns: 0 });
});

test('who asks for a sign-in gets one, once', async () => {
	const { sessions, told } = editor([]);
	await sessions.loaded;
	await sessions.signIn({ providerId: 'demo' });
	assert.deepEqual(told, { consents: 0, signIns: 1 });
	assert.deepEqual(
		sessions.snapshot().providers[0]?.buckets.map(({ name }) => name),
		['ada'],
	);
});
