/**
 * Simulated processes on one machine and the one who decides what happens next. Everything a process waits for (a disk
 * operation, an answer, a timer) is a step; one step runs at a time, and then every promise that it settled. A process can be
 * stopped or killed between any two steps. Time is virtual and passes only here, so two runs with the same choices are alike.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../src/auth/clock.ts';
import type { Disposable } from '../../../src/auth/event.ts';

export type Actor = {
	/** The window it stands for; a process that is started again in its place is another actor. */
	readonly slot: number;
	readonly pid: number;
	readonly startTime: string;
	readonly pidNamespace: string;
	life: 'running' | 'stopped' | 'dead';
};

/** Something that is ready to happen. Without an actor it belongs to the network, the server or the main process. */
export type Step = {
	readonly actor: Actor | undefined;
	readonly label: string;
	readonly order: number;
	/** How many steps had run when it became ready. */
	readonly sinceStep: number;
	readonly run: () => void;
	/** The same, where nobody is left to hear of it: a system call that was under way when its process was killed. */
	readonly complete?: () => void;
};

type Timer = { readonly actor: Actor | undefined; readonly atMs: number; readonly order: number; callback: () => void };

export type Choice = { readonly pick: number | 'newest'; readonly times: number };

export type WorldOptions = {
	/**
	 * Which of the steps that are ready comes next, counted from the oldest, and how often in a row; over and over. `newest`
	 * lets one process run on. Without any it is always the oldest.
	 */
	readonly choices: readonly Choice[];
	/** Virtual time that every step takes. */
	readonly paceMs: number;
};

/** A step that was passed over this often comes next, so that nobody starves. */
const FAIRNESS = 12;
const START_AT_MS = Date.UTC(2030, 0, 1);

export type World = ReturnType<typeof createWorld>;

export function createWorld() {
	const steps: Step[] = [];
	const timers = new Set<Timer>();
	const actors: Actor[] = [];
	const violations: string[] = [];
	const trace: string[] = [];
	let elapsedMs = 0;
	let offsetMs = START_AT_MS;
	let picks: readonly Choice['pick'][] = [];
	let paceMs = 0;
	let order = 0;
	let count = 0;
	let current: Actor | undefined;
	let random = 1;

	const canRun = (actor: Actor | undefined): boolean => actor === undefined || actor.life === 'running';

	function defer(actor: Actor | undefined, label: string, run: () => void, complete?: () => void): void {
		if (actor?.life === 'dead') return;
		steps.push({ actor, label, order: order++, sinceStep: count, run, ...(complete ? { complete } : {}) });
	}

	/** One operation: takes effect in one step, of which its actor then hears. */
	function perform<T>(actor: Actor, label: string, effect: () => T): Promise<T> {
		return new Promise((resolve, reject) => {
			defer(
				actor,
				label,
				() => {
					try {
						resolve(effect());
					} catch (error) {
						reject(error);
					}
				},
				() => {
					try {
						effect();
					} catch {
						// The one who would hear of it is dead.
					}
				},
			);
		});
	}

	function schedule(actor: Actor | undefined, delayMs: number, callback: () => void): Disposable {
		const timer: Timer = { actor, atMs: elapsedMs + Math.max(0, delayMs), order: order++, callback };
		if (actor?.life !== 'dead') timers.add(timer);
		return {
			dispose() {
				timers.delete(timer);
				// It may be due already and wait for its turn.
				timer.callback = () => undefined;
			},
		};
	}

	function ready(): Step[] {
		for (const timer of timers) {
			if (timer.atMs > elapsedMs || !canRun(timer.actor)) continue;
			timers.delete(timer);
			steps.push({
				actor: timer.actor,
				label: 'timer',
				order: timer.order,
				sinceStep: count,
				run: () => timer.callback(),
			});
		}
		return steps.filter(({ actor }) => canRun(actor));
	}

	/** What comes next; undefined if nothing ever will. Lets time pass if that is what everybody waits for. */
	function next(): Step | undefined {
		for (;;) {
			const candidates = ready().sort((a, b) => a.order - b.order);
			const [oldest] = candidates;
			if (oldest) {
				const pick = picks[count % Math.max(1, picks.length)] ?? 0;
				const chosen = (pick === 'newest' ? candidates.at(-1) : candidates[pick % candidates.length]) ?? oldest;
				return count - oldest.sinceStep > FAIRNESS ? oldest : chosen;
			}
			let atMs = Number.POSITIVE_INFINITY;
			for (const timer of timers) if (canRun(timer.actor)) atMs = Math.min(atMs, timer.atMs);
			if (atMs === Number.POSITIVE_INFINITY) return undefined;
			elapsedMs = Math.max(elapsedMs, atMs);
		}
	}

	async function run(step: Step): Promise<void> {
		steps.splice(steps.indexOf(step), 1);
		count++;
		trace.push(`${(elapsedMs / 1000).toFixed(3)} ${step.actor ? `w${step.actor.slot}` : '--'} ${step.label}`);
		current = step.actor;
		step.run();
		await turn();
		current = undefined;
		elapsedMs += paceMs;
	}

	function clockOf(actor: Actor | undefined): Clock {
		return {
			now: () => offsetMs + elapsedMs,
			monotonic: () => elapsedMs,
			schedule: (delayMs, callback) => schedule(actor, delayMs, callback),
		};
	}

	return {
		violations,
		trace,
		actors,
		defer,
		perform,
		schedule,
		next,
		run,
		clockOf,
		current: () => current,
		stepCount: () => count,
		elapsedMs: () => elapsedMs,
		nowMs: () => offsetMs + elapsedMs,
		violate(text: string) {
			violations.push(text);
		},
		configure(options: WorldOptions) {
			paceMs = options.paceMs;
			picks = options.choices.flatMap(({ pick, times }) => Array.from({ length: times }, () => pick));
		},
		/** Runs code of an actor outside any step, such as the start of a call. */
		async as(actor: Actor, work: () => void): Promise<void> {
			current = actor;
			work();
			await turn();
			current = undefined;
		},
		/** The machine sleeps, or nobody gets anything done for so long. */
		sleep(ms: number) {
			elapsedMs += ms;
		},
		/** The wall clock jumps; durations do not notice. */
		jump(ms: number) {
			offsetMs += ms;
		},
		/** Park and Miller: the same numbers in every run. */
		random(): number {
			random = (random * 48_271) % 2_147_483_647;
			return random / 2_147_483_647;
		},
		start(slot: number, pid: number, pidNamespace: string): Actor {
			const actor: Actor = { slot, pid, startTime: `start-${actors.length}`, pidNamespace, life: 'running' };
			actors.push(actor);
			return actor;
		},
		/** @param completes whether the system calls under way still take effect. */
		kill(actor: Actor, completes: boolean) {
			actor.life = 'dead';
			for (const step of steps.filter((entry) => entry.actor === actor)) {
				steps.splice(steps.indexOf(step), 1);
				if (completes) step.complete?.();
			}
			for (const timer of timers) if (timer.actor === actor) timers.delete(timer);
		},
	};
}
