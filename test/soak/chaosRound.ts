/**
 * One round of chaos: a new vault and a new service, a few windows in which people do everything at once, and mishaps. Then
 * calm, and a new window that looks at what is left. All decisions come from one seed; timing still differs between runs.
 */
import { chmod, chown, cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type StrictOptions, startStrictTokenServer } from '../server/strictTokenServer.ts';
import { check, type Violation } from './checker.ts';
import { createDice } from './dice.ts';
import type { Deed, History, Mishap } from './history.ts';
import type { Defect, Order, Result } from './orders.ts';
import { startWindow, type WindowProcess, windowUid } from './windowProcess.ts';

export type RoundOptions = {
	readonly seed: number;
	/** How long it goes on before the calm. */
	readonly lastsMs: number;
	readonly windows?: number;
	readonly defect?: Defect;
	/** Whether old copies of the folder may come back. */
	readonly restores: boolean;
	readonly signal?: AbortSignal;
};

export type Round = {
	readonly seed: number;
	readonly server: string;
	readonly history: History;
	readonly violations: readonly Violation[];
};

const TOKEN_LIFE_MS = 1_000;
/** Of each window, at once. */
const CALLERS = 4;
const LATENCY_MS = 30;
/** As long as a test of one thing would wait for the product to heal itself. */
const CALM_MS = 20_000;

const SERVERS: readonly { readonly name: string; readonly options: StrictOptions }[] = [
	{ name: 'strict', options: { gracePeriodMs: 0 } },
	{ name: 'grace', options: { gracePeriodMs: 30_000 } },
	{ name: 'grace, same answer', options: { gracePeriodMs: 30_000, graceAnswer: 'same' } },
];

const MISHAPS = ['kill', 'kill', 'kill', 'stop', 'stop', 'full', 'readOnly', 'server', 'server'] as const;

/** An old copy comes back in every third round, because it excuses more than other mishaps do. */
const RESTORE_EVERY = 3;

type Slot = { window: WindowProcess; stopped: boolean };

export async function runRound(options: RoundOptions): Promise<Round> {
	const { seed, signal } = options;
	const dice = createDice(seed);
	const { name: serverName, options: strictness } = dice.pick(SERVERS) ?? { name: 'strict', options: {} };
	const server = await startStrictTokenServer({ accessTokenLifeS: TOKEN_LIFE_MS / 1_000, ...strictness });
	server.fault({ on: 'refresh', delayBeforeMs: LATENCY_MS, delayAfterMs: LATENCY_MS });
	const root = await mkdtemp(join(tmpdir(), 'agent-auth-chaos-'));
	const [storagePath, keyFolder, copies] = [join(root, 'storage'), join(root, 'keys'), join(root, 'copies')];
	for (const folder of [storagePath, keyFolder, copies]) await mkdir(folder, { mode: 0o700 });
	const uid = windowUid();
	if (uid !== undefined) for (const folder of [root, storagePath, keyFolder]) await chown(folder, uid, uid);

	const deeds: Deed[] = [];
	const mishaps: Mishap[] = [];
	const crashes: string[] = [];
	const slots: Slot[] = [];
	const known = new Set<string>();
	const digests: string[] = [];
	const chaos = new AbortController();
	let started = 0;

	function start(): Promise<WindowProcess> {
		const { issuer, tokenUrl, authorizationUrl, revocationUrl, userinfoUrl, clientId } = server;
		const addresses = { issuer, tokenUrl, authorizationUrl, revocationUrl, userinfoUrl, clientId };
		started++;
		return startWindow({
			...{ storagePath, keyFolder, ...addresses, name: `w${started}` },
			...(options.defect !== undefined && { defect: options.defect }),
		});
	}

	async function perform(window: WindowProcess, order: Order): Promise<Result | undefined> {
		const fromMs = Date.now();
		const outcome = await window.do(order);
		if (outcome.kind === 'crashed') crashes.push(outcome.text);
		const result = outcome.kind === 'answered' ? outcome.result : undefined;
		deeds.push({ window: window.name, order, fromMs, ...(result && { end: { atMs: Date.now(), result } }) });
		if (result?.kind === 'token') digests.push(result.digest);
		if (result?.kind === 'list') for (const { bucketId } of result.buckets) known.add(bucketId);
		if (result?.kind === 'signedIn') known.add(result.bucketId);
		return result;
	}

	function nextOrder(): Order {
		const bucketId = dice.pick([...known]);
		const person = dice.pick(['ada', 'grace'] as const) ?? 'ada';
		const at = dice.between(0, 100);
		if (bucketId === undefined || at < 4) return { kind: 'signIn', person };
		if (at < 8) return { kind: 'signIn', person, bucketId };
		if (at < 10) return { kind: 'addKey', name: `key ${Math.floor(dice.between(0, 1e6))}` };
		if (at < 12) {
			known.delete(bucketId);
			return { kind: 'signOut', bucketId };
		}
		if (at < 22) return { kind: 'renew', bucketId };
		if (at < 30) return { kind: 'rename', bucketId, name: `name ${Math.floor(dice.between(0, 1e6))}` };
		if (at < 36) return { kind: 'move', bucketId, index: Math.floor(dice.between(0, 3)) };
		if (at < 42) {
			const tokenDigest = dice.pick(digests.slice(-5));
			if (tokenDigest !== undefined) return { kind: 'report', tokenDigest, status: dice.pick([401, 429, 500]) ?? 401 };
		}
		if (at < 46) return { kind: 'reload' };
		if (at < 60) return { kind: 'list' };
		return at < 75 ? { kind: 'token' } : { kind: 'token', bucketId };
	}

	async function live(slot: Slot): Promise<void> {
		while (!chaos.signal.aborted) {
			await perform(slot.window, nextOrder());
			await pause(dice.between(5, 60));
		}
	}

	async function pause(ms: number): Promise<void> {
		await wait(ms, undefined, { signal: chaos.signal }).catch((error: unknown) => {
			if (!chaos.signal.aborted) throw error;
		});
	}

	async function mishap(kind: Mishap['kind'], window: string | undefined, work: () => Promise<void>): Promise<void> {
		const fromMs = Date.now();
		// Known to the checker while it lasts: its end is that of the round until it is over.
		const entry = { kind, fromMs, toMs: Number.POSITIVE_INFINITY, ...(window !== undefined && { window }) };
		mishaps.push(entry);
		await work();
		mishaps.splice(mishaps.indexOf(entry), 1, { ...entry, toMs: Date.now() });
	}

	const vault = join(storagePath, 'vault');
	const lease = join(storagePath, 'lease');

	const cause: Readonly<Record<(typeof MISHAPS)[number], (slot: Slot) => Promise<void>>> = {
		async kill(slot) {
			await mishap('kill', slot.window.name, () => slot.window.kill());
			slot.window = await start();
		},
		async stop(slot) {
			const { window } = slot;
			slot.stopped = true;
			await mishap('stop', window.name, async () => {
				window.stop();
				await pause(dice.between(200, 1_500));
				window.goOn();
			});
			slot.stopped = false;
		},
		async full() {
			await mishap('full', undefined, async () => {
				const tell = (trouble: 'full' | 'none') =>
					Promise.all(slots.map(({ window }) => window.do({ kind: 'disk', trouble })));
				await tell('full');
				await pause(dice.between(100, 800));
				await tell('none');
			});
		},
		async readOnly() {
			await mishap('readOnly', undefined, async () => {
				const modes = (mode: number) =>
					Promise.all([vault, lease].map((folder) => chmod(folder, mode).catch(() => undefined)));
				await modes(0o500);
				await pause(dice.between(100, 800));
				await modes(0o700);
			});
		},
		async server() {
			const trouble = dice.pick([
				{ drop: 'after', times: 1 },
				{ drop: 'before', times: 1 },
				{ respond: { status: 503, retryAfter: '1' }, times: 2 },
				{ respond: { status: 502, when: 'after' }, times: 1 },
				{ delayBeforeMs: 300, delayAfterMs: 400, times: 2 },
			] as const);
			await mishap('server', undefined, async () => {
				const fault = server.fault({ on: 'refresh', ...trouble });
				await pause(dice.between(300, 1_000));
				fault.dispose();
			});
		},
	};

	async function copyOf(from: string, to: string): Promise<void> {
		// A backup takes what it finds; what goes away meanwhile it leaves out.
		await mkdir(to, { recursive: true });
		for (const name of await readdir(from).catch(() => []))
			await cp(join(from, name), join(to, name), { preserveTimestamps: true }).catch(() => undefined);
	}

	async function restore(): Promise<void> {
		const copy = join(copies, 'vault');
		await pause(dice.between(500, options.lastsMs / 2));
		await mishap('copy', undefined, () => copyOf(vault, copy));
		await pause(dice.between(500, options.lastsMs / 2));
		if (chaos.signal.aborted) return;
		await mishap('restore', undefined, async () => {
			const old = new Set(await readdir(copy));
			for (const name of await readdir(vault)) if (!old.has(name)) await rm(join(vault, name), { force: true });
			await copyOf(copy, vault);
			if (uid !== undefined) for (const name of old) await chown(join(vault, name), uid, uid).catch(() => undefined);
		});
	}

	async function mishapsHappen(): Promise<void> {
		while (!chaos.signal.aborted) {
			await pause(dice.between(150, 900));
			const slot = dice.pick(slots.filter(({ stopped }) => !stopped));
			const kind = dice.pick(MISHAPS);
			if (slot === undefined || kind === undefined || chaos.signal.aborted) continue;
			await cause[kind](slot);
		}
	}

	async function lookAtTheEnd(): Promise<History['final']> {
		for (const { window } of slots) await window.kill();
		const window = await start();
		slots.push({ window, stopped: false });
		const listed = await perform(window, { kind: 'list' });
		if (listed?.kind !== 'list') return undefined;
		const tokens = new Map<string, Result>();
		for (const { bucketId } of listed.buckets) {
			const endsAtMs = Date.now() + CALM_MS;
			let result: Result | undefined;
			do {
				// Whatever is backed off from is tried at once when a person asks.
				result = await perform(window, { kind: 'token', bucketId });
				if (result?.kind === 'failed' && (result.code === 'transient' || result.code === 'locked')) {
					await perform(window, { kind: 'renew', bucketId });
					await wait(100);
				} else break;
			} while (Date.now() < endsAtMs);
			if (result !== undefined) tokens.set(bucketId, result);
		}
		const again = await perform(window, { kind: 'list' });
		if (again?.kind !== 'list') return undefined;
		return { buckets: again.buckets, tokens, ...(again.problem !== undefined && { problem: again.problem }) };
	}

	try {
		for (let count = 0; count < (options.windows ?? 3); count++) slots.push({ window: await start(), stopped: false });
		// What a person has on an ordinary morning.
		const [first] = slots;
		for (const person of ['ada', 'grace'] as const) if (first) await perform(first.window, { kind: 'signIn', person });
		const timer = setTimeout(() => chaos.abort(), options.lastsMs);
		signal?.addEventListener('abort', () => chaos.abort(), { once: true });
		const restores = options.restores && seed % RESTORE_EVERY === 0 ? restore() : Promise.resolve();
		const callers = slots.flatMap((slot) => Array.from({ length: CALLERS }, () => live(slot)));
		await Promise.all([...callers, mishapsHappen(), restores]);
		clearTimeout(timer);
		const final = await lookAtTheEnd();
		const history: History = {
			...{ deeds: [...deeds].sort((a, b) => a.fromMs - b.fromMs), mishaps, crashes },
			requests: [...server.log],
			grantsAlive: server.grantsAlive(),
			accessTokenLifeMs: TOKEN_LIFE_MS,
			...(final && { final }),
		};
		return { seed, server: serverName, history, violations: check(history) };
	} finally {
		for (const { window } of slots) await window.kill();
		await server.close();
		await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
	}
}
