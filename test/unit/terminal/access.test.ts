import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, systemClock } from '../../../src/auth/clock.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import { type Access, createAccess } from '../../../src/auth/terminal/access.ts';
import type { Consumer } from '../../../src/auth/terminal/consumer.ts';
import { REFUSAL_MS } from '../../../src/auth/terminal/decisions.ts';
import type { ConsentAnswer, ConsentPolicy, Verdict } from '../../../src/auth/terminal/grant.ts';
import { memoryConsentStore } from '../../support/memoryConsentStore.ts';
import { memoryTerminalConsentStore } from '../../support/memoryTerminalConsentStore.ts';
import { collectingLogger } from '../../support/terminalFakes.ts';

const ACME: Provider = { id: 'acme', label: 'Acme', kind: 'apiKey' };
const OTHER: Provider = { id: 'other', label: 'Other', kind: 'apiKey' };

function window(t: TestContext, terminalStore = memoryTerminalConsentStore()) {
	const world = {
		asked: [] as string[],
		answer: (): Promise<ConsentAnswer> => Promise.resolve('session'),
		policy: 'ask' as ConsentPolicy,
		workspace: undefined as { id: string; name: string } | undefined,
		terminals: [{ pid: 100, name: 'one' }],
		startTimes: new Map([[100, 'start-a']]),
		trusted: true,
		monotonicMs: 0,
	};
	const clock: Clock = { ...systemClock, monotonic: () => world.monotonicMs };
	const store = memoryConsentStore();
	const access = createAccess({
		ask({ consumer, target }) {
			world.asked.push(`${consumer.kind === 'terminal' ? consumer.name : 'outside'} ${target.id}`);
			return world.answer();
		},
		policy: () => world.policy,
		workspace: () => world.workspace,
		...{ store, terminalStore },
		terminals: () => Promise.resolve(world.terminals),
		processStartTime: (pid) => Promise.resolve(world.startTimes.get(pid)),
		isTrusted: () => world.trusted,
		clock,
		log: collectingLogger(),
	});
	t.after(() => access.dispose());
	return { world, access, store, terminalStore };
}

async function request(access: Access, ancestors: readonly number[], provider = ACME): Promise<Consumer> {
	const consumer = await access.identify(ancestors);
	const verdict = await access.authorize(consumer, provider, WAITING);
	assert.equal(verdict.kind, 'allowed');
	return consumer;
}

const WAITING = { signal: new AbortController().signal, deadlineMs: 1_000, onAsk: () => undefined };

async function verdictOn(access: Access, ancestors: readonly number[], provider = ACME): Promise<Verdict> {
	return access.authorize(await access.identify(ancestors), provider, WAITING);
}

const REFUSED = { kind: 'refused', code: 'refused' };
const FOR_GOOD = { kind: 'refused', code: 'refused_for_good' };

test('the nearest terminal above the caller is the one that asks', async (t) => {
	const { world, access } = window(t);
	world.terminals = [
		{ pid: 1, name: 'outer' },
		{ pid: 20, name: 'inner' },
	];
	const found = await access.identify([300, 20, 5, 1]);
	assert.deepEqual(found, { kind: 'terminal', pid: 20, startTime: undefined, name: 'inner' });
	assert.deepEqual(await access.identify([300, 5]), { kind: 'outside' });
	assert.deepEqual(await access.identify([]), { kind: 'outside' });
});

test('twenty requests of one terminal at once ask once, and later ones not at all', async (t) => {
	const { world, access } = window(t);
	await Promise.all(Array.from({ length: 20 }, () => request(access, [100])));
	await request(access, [100]);
	assert.deepEqual(world.asked, ['one acme']);
	assert.equal(access.grants().length, 1);
});

test('every terminal, every provider and the outside are asked about apart', async (t) => {
	const { world, access } = window(t);
	world.terminals.push({ pid: 200, name: 'two' });
	await request(access, [100]);
	await request(access, [100], OTHER);
	await request(access, [200]);
	await request(access, [7]);
	await request(access, [8]);
	assert.deepEqual(world.asked, ['one acme', 'one other', 'two acme', 'outside acme']);
});

test('a later terminal with the same pid inherits nothing', async (t) => {
	const { world, access } = window(t);
	await request(access, [100]);
	world.startTimes.set(100, 'start-b');
	await request(access, [100]);
	assert.equal(world.asked.length, 2);
});

test('the grant of a closed terminal is forgotten, and this is announced', async (t) => {
	const { world, access } = window(t);
	await request(access, [100]);
	await request(access, []);
	const counts: number[] = [];
	access.onDidChangeGrants((grants) => counts.push(grants.length));
	world.terminals = [];
	await access.identify([]);
	assert.deepEqual(counts, [1]);
	assert.equal(access.grants()[0]?.consumer.kind, 'outside');
});

test('"this terminal" outlives a reload of the window, for that shell and provider alone', async (t) => {
	const before = window(t);
	const consumer = await request(before.access, [100]);
	before.access.dispose();
	const { world, access, terminalStore } = window(t, before.terminalStore);
	const counts: number[] = [];
	access.onDidChangeGrants((grants) => counts.push(grants.length));
	const held = await verdictOn(access, [100]);
	assert.deepEqual([world.asked, counts], [[], [1]]);
	assert.deepEqual(
		access.grants().map((grant) => grant.consumer),
		[consumer],
	);
	await request(access, [100], OTHER);
	world.startTimes.set(100, 'start-b');
	await request(access, [100]);
	assert.deepEqual(world.asked, ['one other', 'one acme']);
	world.startTimes.set(100, 'start-a');
	// Taken back in another window: counts here at once.
	for (const { id } of await terminalStore.list()) terminalStore.remove(id);
	assert.ok(held.kind === 'allowed' && !held.permission.holds());
	await request(access, [100]);
	assert.equal(world.asked.length, 3);
});

test('"this terminal" counts for this window where it cannot be kept', async (t) => {
	const full = { ...memoryTerminalConsentStore(), save: () => Promise.reject(new Error('ENOSPC')) };
	const { world, access } = window(t, full);
	await request(access, [100]);
	await request(access, [100]);
	assert.equal(world.asked.length, 1);
	const later = window(t, full);
	await request(later.access, [100]);
	assert.equal(later.world.asked.length, 1);
});

test('who takes back what was kept takes its file as well, so that no reload brings it back', async (t) => {
	const { access, terminalStore } = window(t);
	await request(access, [100]);
	access.revoke(access.grants()[0]?.id ?? assert.fail());
	assert.deepEqual(await terminalStore.list(), []);
});

test('a "no" is a typed refusal, stays one for a minute, then the person is asked again', async (t) => {
	const { world, access } = window(t);
	world.answer = () => Promise.resolve('no');
	assert.deepEqual(await verdictOn(access, [100]), REFUSED);
	assert.deepEqual(await verdictOn(access, [100]), REFUSED);
	assert.equal(world.asked.length, 1);
	world.monotonicMs = REFUSAL_MS;
	world.answer = () => Promise.resolve('session');
	await request(access, [100]);
	assert.equal(world.asked.length, 2);
});

test('a revoked grant is asked for again, and the change is announced', async (t) => {
	const { world, access } = window(t);
	const counts: number[] = [];
	access.onDidChangeGrants((grants) => counts.push(grants.length));
	await request(access, [100]);
	access.revoke(access.grants()[0]?.id ?? assert.fail());
	access.revoke('unknown');
	assert.deepEqual(access.grants(), []);
	await request(access, [100]);
	assert.deepEqual([world.asked.length, ...counts], [2, 1, 0, 1]);
});

test('in Restricted Mode nobody is asked and nothing is given, granted before or not', async (t) => {
	const { world, access } = window(t);
	world.trusted = false;
	await assert.rejects(request(access, [100]), { code: 'untrusted' });
	assert.deepEqual(world.asked, []);
	world.trusted = true;
	await request(access, [100]);
	world.trusted = false;
	await assert.rejects(request(access, [100]), { code: 'untrusted' });
});

test('trust that ends while the question is open counts', async (t) => {
	const { world, access } = window(t);
	world.answer = () => {
		world.trusted = false;
		return Promise.resolve('session');
	};
	await assert.rejects(request(access, [100]), { code: 'untrusted' });
});

test('a question that fails is not a refusal: the next request asks again', async (t) => {
	const { world, access } = window(t);
	world.answer = () => Promise.reject(new Error('no dialog'));
	await assert.rejects(request(access, [100]), { message: 'no dialog' });
	world.answer = () => Promise.resolve('session');
	await request(access, [100]);
	assert.equal(world.asked.length, 2);
});

test('a caller that gives up leaves the question open, and its late answer counts', async (t) => {
	const { world, access } = window(t);
	let answer = (_given: ConsentAnswer): void => undefined;
	world.answer = () =>
		new Promise((resolve) => {
			answer = resolve;
		});
	const consumer = await access.identify([100]);
	const signal = new AbortController().signal;
	let waits = 0;
	const waiting = { signal, deadlineMs: 5, onAsk: () => waits++ };
	await assert.rejects(access.authorize(consumer, ACME, waiting), { code: 'timeout' });
	await assert.rejects(access.authorize(consumer, ACME, waiting), { code: 'timeout' });
	answer('session');
	await nextTurn();
	await access.authorize(consumer, ACME, waiting);
	assert.deepEqual([world.asked.length, waits], [1, 2]);
});

test('an answer after the end of the window gives nothing', async (t) => {
	const { world, access } = window(t);
	world.answer = () => {
		access.dispose();
		return Promise.resolve('session');
	};
	assert.deepEqual(await verdictOn(access, [100]), REFUSED);
	assert.deepEqual(access.grants(), []);
});

test('"once" is for those who wait at that moment, and nothing is kept', async (t) => {
	const { world, access } = window(t);
	world.answer = () => Promise.resolve('once');
	await Promise.all([request(access, [100]), request(access, [100])]);
	assert.deepEqual([world.asked.length, access.grants().length], [1, 0]);
	await request(access, [100]);
	assert.equal(world.asked.length, 2);
});

test('"this workspace" counts for all its terminals, not for another workspace or the outside', async (t) => {
	const { world, access, store } = window(t);
	world.workspace = { id: 'w1', name: 'one' };
	world.answer = () => Promise.resolve('workspace');
	world.terminals.push({ pid: 200, name: 'two' });
	await Promise.all(Array.from({ length: 20 }, () => request(access, [100])));
	await request(access, [200]);
	assert.deepEqual(world.asked, ['one acme']);
	await request(access, [7]);
	world.workspace = { id: 'w2', name: 'two' };
	await request(access, [200]);
	assert.deepEqual(world.asked, ['one acme', 'outside acme', 'two acme']);
	world.workspace = { id: 'w1', name: 'one' };
	const held = await verdictOn(access, [100]);
	for (const { id } of await store.list()) store.remove(id);
	assert.ok(held.kind === 'allowed' && !held.permission.holds());
	await request(access, [100]);
	assert.equal(world.asked.length, 4);
});

test('"never" is not asked about again, and can be taken back', async (t) => {
	const { world, access, store } = window(t);
	world.workspace = { id: 'w1', name: 'one' };
	world.answer = () => Promise.resolve('never');
	assert.deepEqual(await verdictOn(access, [100]), FOR_GOOD);
	world.monotonicMs = REFUSAL_MS * 10;
	assert.deepEqual(await verdictOn(access, [100]), FOR_GOOD);
	assert.equal(world.asked.length, 1);
	world.workspace = undefined;
	assert.deepEqual(await verdictOn(access, [100]), FOR_GOOD);
	assert.deepEqual(await verdictOn(access, [100]), FOR_GOOD);
	assert.equal(world.asked.length, 2);
	access.revoke(access.grants()[0]?.id ?? assert.fail());
	world.answer = () => Promise.resolve('session');
	await request(access, [100]);
	for (const { id } of await store.list()) store.remove(id);
	world.workspace = { id: 'w1', name: 'one' };
	await request(access, [100]);
});

test('the setting decides before anybody is asked, but "always" is for terminals only', async (t) => {
	const { world, access } = window(t);
	world.policy = 'always';
	const held = await verdictOn(access, [100]);
	assert.ok(held.kind === 'allowed' && held.permission.holds());
	assert.deepEqual(world.asked, []);
	await request(access, [7]);
	assert.deepEqual(world.asked, ['outside acme']);
	world.policy = 'never';
	assert.ok(!held.permission.holds());
	assert.deepEqual(await verdictOn(access, [100]), FOR_GOOD);
	assert.deepEqual(await verdictOn(access, [7]), FOR_GOOD);
	world.policy = 'always';
	world.trusted = false;
	await assert.rejects(verdictOn(access, [100]), { code: 'untrusted' });
});

test('a permission ends with its revocation, also for a request under way', async (t) => {
	const { access } = window(t);
	const held = await verdictOn(access, [100]);
	assert.ok(held.kind === 'allowed' && held.permission.holds());
	access.revoke(access.grants()[0]?.id ?? assert.fail());
	assert.equal(held.permission.holds(), false);
});

test('the terminal that the person opened for a token is not asked about, once, and no other is spared', async (t) => {
	const { world, access } = window(t);
	world.terminals.push({ pid: 200, name: 'two' });
	access.expect('acme', Promise.resolve(200));
	await request(access, [100]);
	await request(access, [200], OTHER);
	assert.deepEqual(world.asked, ['one acme', 'two other']);
	await request(access, [200]);
	assert.equal(world.asked.length, 2);
	await request(access, [200]);
	assert.equal(world.asked.length, 3);
	access.expect('acme', Promise.resolve(7)).dispose();
	await request(access, [7]);
	assert.equal(world.asked.at(-1), 'outside acme');
});
