import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConsents } from '../../../src/auth/terminal/consents.ts';
import type { Consumer } from '../../../src/auth/terminal/consumer.ts';
import type { Grant } from '../../../src/auth/terminal/grant.ts';
import { memoryConsentStore } from '../../support/memoryConsentStore.ts';
import { memoryTerminalConsentStore } from '../../support/memoryTerminalConsentStore.ts';

const terminal = (pid: number): Consumer => ({ kind: 'terminal', pid, startTime: 'a', name: `terminal ${pid}` });
const ALLOWED = { decision: 'allow', grantedAtMs: 5 } as const;

function place(known: readonly Grant[] = []) {
	const store = memoryTerminalConsentStore();
	const revoked: string[] = [];
	const access = {
		grants: () => known,
		revoke: (id: string) => void revoked.push(id),
		onDidChangeGrants: () => ({ dispose() {} }),
		announce: () => undefined,
	};
	const open = async () => [
		{ pid: 1, name: 'one' },
		{ pid: 2, name: 'two' },
	];
	return { store, revoked, consents: createConsents(access, memoryConsentStore(), store, open) };
}

test('what was decided for an open terminal before a reload is listed, once; that of another window is not', async () => {
	const { store } = place();
	const known = (await store.save(terminal(1), 'acme', ALLOWED)) ?? assert.fail();
	const { store: kept, consents } = place([{ ...known, lastUsedAtMs: 9 }]);
	for (const pid of [1, 2, 3]) await kept.save(terminal(pid), 'acme', ALLOWED);
	const listed = await consents.list();
	assert.deepEqual(
		listed.map((consent) => (consent.scope === 'session' ? [consent.consumer, consent.lastUsedAtMs] : [])),
		[
			[terminal(1), 9],
			[terminal(2), undefined],
		],
	);
});

test('one that the window has not asked for since the reload can be taken back', async () => {
	const { store, revoked, consents } = place();
	const { id } = (await store.save(terminal(2), 'acme', ALLOWED)) ?? assert.fail();
	consents.revoke(id);
	assert.equal(store.has(id), false);
	assert.deepEqual([await consents.list(), revoked], [[], [id]]);
});
