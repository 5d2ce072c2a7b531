/** Windows that ask for tokens all the time, and are killed, replaced, stopped and woken meanwhile. */
import { setTimeout as wait } from 'node:timers/promises';
import { refreshLeaseName } from '../../src/auth/refresh/refresher.ts';
import type { TestVault } from '../race/vaults.ts';
import { type Answer, startWorker, type Worker } from '../race/workers.ts';
import type { Dice } from './dice.ts';

/** One request of a window for a token and what came of it. */
export type Asked = {
	readonly fromMs: number;
	readonly answer: Answer;
	/** The window was stopped during it, so its time says nothing. */
	readonly stopped: boolean;
};

/** @param heldLease it was about to refresh, so that what it had sent may be lost with it. */
export type Kill = { readonly atMs: number; readonly pid: number; readonly heldLease: boolean };

export type Fleet = {
	run(signal: AbortSignal): Promise<void>;
	readonly asked: readonly Asked[];
	readonly kills: readonly Kill[];
	stops(): number;
};

export type FleetOptions = {
	readonly vault: TestVault;
	readonly windows: number;
	readonly dice: Dice;
	readonly onAnswer: (asked: Asked) => Promise<void>;
};

const ASK_PAUSE_MS = { from: 20, to: 400 } as const;
/** Rare enough that most tokens are not lost to two deaths in a row, which ends a session by design. */
const MISHAP_PAUSE_MS = { from: 2_000, to: 6_000 } as const;
const STOP_MS = { from: 500, to: 7_000 } as const;
/** Of the kills this many look for who holds the lease, for at most that long. */
const HOLDER_SHARE = 0.6;
const HOLDER_SEARCH_MS = 6_000;

type Slot = { worker: Worker; stoppedAtMs: number; isStopped: boolean };

export function createFleet({ vault, windows, dice, onAnswer }: FleetOptions): Fleet {
	const asked: Asked[] = [];
	const kills: Kill[] = [];
	const slots: Slot[] = [];
	let stops = 0;

	async function launch(): Promise<Worker> {
		const worker = await startWorker();
		await worker.ask({ kind: 'open', setup: vault.setup });
		return worker;
	}

	const isKilled = (worker: Worker): boolean => kills.some(({ pid }) => pid === worker.pid);

	async function live(slot: Slot, signal: AbortSignal): Promise<void> {
		while (!signal.aborted) {
			if (isKilled(slot.worker)) slot.worker = await launch();
			const fromMs = Date.now();
			const { worker } = slot;
			const callers = Math.floor(dice.between(1, 6));
			const answer = await worker
				.ask({ kind: 'token', request: { ref: vault.ref }, callers })
				.catch((error: unknown) => {
					if (isKilled(worker)) return undefined;
					throw error;
				});
			if (answer === undefined) continue;
			const entry: Asked = { fromMs, answer, stopped: slot.isStopped || slot.stoppedAtMs >= fromMs };
			asked.push(entry);
			await onAnswer(entry);
			await wait(dice.between(ASK_PAUSE_MS.from, ASK_PAUSE_MS.to));
		}
	}

	async function holder(): Promise<number | undefined> {
		const owner = await vault.shelf.leases.owner(refreshLeaseName(vault.ref));
		return owner.kind === 'owner' ? owner.process?.pid : undefined;
	}

	async function awaitHolder(signal: AbortSignal): Promise<Slot | undefined> {
		const endsAtMs = Date.now() + HOLDER_SEARCH_MS;
		while (Date.now() < endsAtMs && !signal.aborted) {
			const pid = await holder();
			const slot = slots.find(({ worker }) => worker.pid === pid);
			if (slot) {
				await wait(dice.between(0, 100));
				return slot;
			}
			await wait(5);
		}
		return undefined;
	}

	async function kill(slot: Slot): Promise<void> {
		const { worker } = slot;
		const heldLease = (await holder()) === worker.pid;
		kills.push({ atMs: Date.now(), pid: worker.pid, heldLease });
		await worker.kill();
	}

	async function stop(slot: Slot): Promise<void> {
		const { worker } = slot;
		stops++;
		slot.isStopped = true;
		worker.signal('SIGSTOP');
		await wait(dice.between(STOP_MS.from, STOP_MS.to));
		worker.signal('SIGCONT');
		slot.isStopped = false;
		slot.stoppedAtMs = Date.now();
	}

	async function mishaps(signal: AbortSignal): Promise<void> {
		while (!signal.aborted) {
			await wait(dice.between(MISHAP_PAUSE_MS.from, MISHAP_PAUSE_MS.to));
			const wanted = dice.chance(HOLDER_SHARE) ? await awaitHolder(signal) : undefined;
			const slot = wanted ?? dice.pick(slots);
			if (slot === undefined || signal.aborted) continue;
			await (dice.chance(0.6) ? kill(slot) : stop(slot));
		}
	}

	return {
		asked,
		kills,
		stops: () => stops,
		async run(signal) {
			for (let count = 0; count < windows; count++)
				slots.push({ worker: await launch(), stoppedAtMs: 0, isStopped: false });
			try {
				await Promise.all([...slots.map((slot) => live(slot, signal)), mishaps(signal)]);
			} finally {
				await Promise.all(slots.map(({ worker }) => worker.kill()));
			}
		},
	};
}
