import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, systemClock } from '../../../src/auth/clock.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import { type Access, type Consumer, createAccess, REFUSAL_MS } from '../../../src/auth/terminal/access.ts';
import { collectingLogger } from '../../support/terminalFakes.ts';

const ACME: Provider = { id: 'acme', label: 'Acme', kind: 'apiKey' };
const OTHER: Provider = { id: 'other', label: 'Other', kind: 'apiKey' };

function window(t: TestContext) {
	const world = {
		asked: [] as string[],
		answer: (): Promise<boolean> => Promise.resolve(true),
		terminals: [{ pid: 100, name: 'one' }],
		startTimes: new Map([[100, 'start-a']]),
		trusted: true,
		monotonicMs: 0,
	};
	const clock: Clock = { ...systemClock, monotonic: () => world.monotonicMs };
	const access = createAccess({
		ask(consumer, provider) {
			world.asked.push(`${consumer.kind === 'terminal' ? consumer.name : 'outside'} ${provider.id}`);
			return world.answer();
		},
		terminals: () => Promise.resolve(world.terminals),
		processStartTime: (pid) => Promise.resolve(world.startTimes.get(pid)),
		isTrusted: () => world.trusted,
		clock,
		log: collectingLogger(),
	});
	t.after(() => access.dispose());
	return { world, access };
}

async function request(access: Access, ancestors: readonly number[], provider = ACME): Promise<Consumer> {
	const consumer = await access.identify(ancestors);
	await access.authorize(consumer, provider, {
		signal: new AbortController().signal,
		deadlineMs: 1_000,
		onAsk: () => undefined,
	});
	return consumer;
}

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

test('a "no" is a typed refusal, stays one for a minute, then the person is asked again', async (t) => {
	const { world, access } = window(t);
	world.answer = () => Promise.resolve(false);
	await assert.rejects(request(access, [100]), { code: 'refused' });
	await assert.rejects(request(access, [100]), { code: 'refused' });
	assert.equal(world.asked.length, 1);
	world.monotonicMs = REFUSAL_MS;
	world.answer = () => Promise.resolve(true);
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
		return Promise.resolve(true);
	};
	await assert.rejects(request(access, [100]), { code: 'untrusted' });
});

test('a question that fails is not a refusal: the next request asks again', async (t) => {
	const { world, access } = window(t);
	world.answer = () => Promise.reject(new Error('no dialog'));
	await assert.rejects(request(access, [100]), { message: 'no dialog' });
	world.answer = () => Promise.resolve(true);
	await request(access, [100]);
	assert.equal(world.asked.length, 2);
});

test('a caller that gives up leaves the question open, and its late answer counts', async (t) => {
	const { world, access } = window(t);
	let answer = (_allowed: boolean): void => undefined;
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
	answer(true);
	await nextTurn();
	await access.authorize(consumer, ACME, waiting);
	assert.deepEqual([world.asked.length, waits], [1, 2]);
});

test('an answer after the end of the window gives nothing', async (t) => {
	const { world, access } = window(t);
	world.answer = () => {
		access.dispose();
		return Promise.resolve(true);
	};
	await assert.rejects(request(access, [100]), { code: 'refused' });
	assert.deepEqual(access.grants(), []);
});
