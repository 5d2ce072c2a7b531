/** What was decided, where two things happen at once. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import { createAccess } from '../../../src/auth/terminal/access.ts';
import type { ConsentStore } from '../../../src/auth/terminal/consentStore.ts';
import type { Consumer } from '../../../src/auth/terminal/consumer.ts';
import { createDecisions } from '../../../src/auth/terminal/decisions.ts';
import type { TerminalConsentStore } from '../../../src/auth/terminal/terminalConsentStore.ts';
import { createDeferred } from '../../support/deferred.ts';
import { memoryConsentStore } from '../../support/memoryConsentStore.ts';
import { memoryTerminalConsentStore } from '../../support/memoryTerminalConsentStore.ts';
import { collectingLogger } from '../../support/terminalFakes.ts';

const ACME = { id: 'acme', label: 'Acme' };
const SHELL: Consumer = { kind: 'terminal', pid: 100, startTime: 'a', name: 'sh' };

type Stores = { readonly store?: ConsentStore; readonly terminalStore?: TerminalConsentStore };

function place(t: TestContext, stores: Stores = {}) {
	const log = collectingLogger();
	const options = {
		...{ policy: () => 'ask' as const, workspace: () => ({ id: 'w', name: 'W' }), clock: systemClock, log },
		...{ store: memoryConsentStore(), terminalStore: memoryTerminalConsentStore(), ...stores },
	};
	const decisions = createDecisions(options);
	t.after(() => decisions.dispose());
	return { decisions, options, log };
}

test('one grant is taken back, and the others stay', async (t) => {
	const { decisions } = place(t);
	const other = { id: 'other', label: 'Other' };
	await decisions.settle(SHELL, ACME, 'session');
	await decisions.settle(SHELL, other, 'session');
	await decisions.settle({ kind: 'outside' }, ACME, 'no');
	const [, second] = decisions.grants();
	decisions.revoke(second?.id ?? assert.fail());
	decisions.revoke('unheard-of');
	assert.deepEqual(
		decisions.grants().map(({ providerId }) => providerId),
		['acme'],
	);
	assert.equal((await decisions.standing(SHELL, other)).kind, 'undecided');
	assert.deepEqual(await decisions.standing({ kind: 'outside' }, ACME), { kind: 'refused', code: 'refused' });
});

test('requests that come together after a reload find what was kept, and one grant of it', async (t) => {
	const terminalStore = memoryTerminalConsentStore();
	await terminalStore.save(SHELL, 'acme', { decision: 'allow', grantedAtMs: 5 });
	const { decisions } = place(t, { terminalStore });
	let told = 0;
	decisions.onDidChange(() => told++);
	const verdicts = await Promise.all([decisions.standing(SHELL, ACME), decisions.standing(SHELL, ACME)]);
	assert.ok(verdicts.every((verdict) => verdict.kind === 'allowed' && verdict.permission.holds()));
	assert.deepEqual([decisions.grants().length, told], [1, 1]);
	assert.ok((decisions.grants()[0]?.lastUsedAtMs ?? 0) > 5);
});

test('a "never" that was kept refuses, and does not count as used', async (t) => {
	const terminalStore = memoryTerminalConsentStore();
	await terminalStore.save(SHELL, 'acme', { decision: 'never', grantedAtMs: 5 });
	const { decisions } = place(t, { terminalStore });
	for (const _ of [1, 2]) {
		assert.deepEqual(await decisions.standing(SHELL, ACME), { kind: 'refused', code: 'refused_for_good' });
	}
	assert.equal(decisions.grants()[0]?.lastUsedAtMs, undefined);
});

test('a window that ends while a decision is read or written knows nothing of it, and the disk keeps it', async (t) => {
	const gate = createDeferred<void>();
	const inner = memoryTerminalConsentStore();
	const terminalStore: TerminalConsentStore = {
		...inner,
		async save(...args) {
			await gate.promise;
			return inner.save(...args);
		},
		async find(...args) {
			await gate.promise;
			return inner.find(...args);
		},
	};
	const { decisions, log } = place(t, { terminalStore });
	const settled = decisions.settle(SHELL, ACME, 'session');
	const standing = decisions.standing(SHELL, ACME);
	decisions.dispose();
	gate.resolve();
	await settled;
	assert.equal((await standing).kind, 'undecided');
	assert.deepEqual(decisions.grants(), []);
	assert.equal((await inner.list()).length, 1);
	assert.deepEqual(
		log.lines.filter((line) => line.startsWith('warn')),
		[],
	);
});

test('what cannot be kept for the workspace counts for the terminal', async (t) => {
	const store: ConsentStore = { ...memoryConsentStore(), save: () => Promise.reject(new Error('no space')) };
	const { decisions, options, log } = place(t, { store });
	await decisions.settle(SHELL, ACME, 'workspace');
	assert.equal((await decisions.standing(SHELL, ACME)).kind, 'allowed');
	assert.equal((await options.terminalStore.list()).length, 1);
	assert.match(log.lines.join('\n'), /^warn remembering a consent: /m);
});

test('a grant that is taken back in the moment in which it is given gives nothing', async (t) => {
	const { options } = place(t);
	const access = createAccess({
		...options,
		ask: () => Promise.resolve('session'),
		terminals: () => Promise.resolve([{ pid: 100, name: 'sh' }]),
		processStartTime: () => Promise.resolve('a'),
		isTrusted: () => true,
	});
	t.after(() => access.dispose());
	access.onDidChangeGrants(([grant]) => {
		if (grant) access.revoke(grant.id);
	});
	const consumer = await access.identify([100]);
	const waiting = { signal: new AbortController().signal, deadlineMs: 1_000, onAsk: () => undefined };
	assert.deepEqual(await access.authorize(consumer, ACME, waiting), { kind: 'refused', code: 'refused' });
	assert.deepEqual(await options.terminalStore.list(), []);
});
