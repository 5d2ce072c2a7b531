/** The parent's side of {@link file://./worker.ts}: real child processes that are ordered about, stopped and killed by pid. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Order, Report } from './protocol.ts';

export type Answer = Extract<Report, { readonly id: number }>;

export type Worker = {
	readonly pid: number;
	/** The final answer to an order. Rejects if the process ends first. */
	ask(order: Order): Promise<Answer>;
	/** Asks for a lease; resolves once it is held. Its end is `finished`. */
	hold(order: Extract<Order, { kind: 'hold' }>): { held: Promise<number>; finished: Promise<Answer> };
	/** The process stands at this barrier. */
	reached(point: string): Promise<void>;
	goOn(): void;
	letGo(): void;
	signal(signal: NodeJS.Signals): void;
	/** Kills it and waits until the system has taken it away. */
	kill(): Promise<void>;
	/** The test is over. The same, but for `npm run coverage`: what a killed process went through nobody knows. */
	end(): Promise<void>;
};

/** A child that neither answers nor ends must not hang the whole run. */
const ANSWER_DEADLINE_MS = 60_000;

const WORKER = join(import.meta.dirname, 'worker.ts');

/**
 * @param file the worker itself, or a bundle of it.
 * @param nodeOptions see {@link file://../support/otherSystem.ts}.
 */
export async function startWorker(file = WORKER, nodeOptions: readonly string[] = []): Promise<Worker> {
	const child: ChildProcess = fork(file, {
		stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
		execArgv: [...process.execArgv, ...nodeOptions],
		// Regular expressions arrive as such.
		serialization: 'advanced',
	});
	const listeners = new Set<(report: Report) => void>();
	const reached = new Set<string>();
	let nextId = 1;
	let killed = false;

	const ended = once(child, 'exit').then(([code]) => {
		if (code === 70) throw new Error('an error reached the top of a worker');
	});
	ended.catch((error: unknown) => {
		// Nobody may be waiting for this worker now; the test run must hear of it all the same.
		process.nextTick(() => {
			throw error;
		});
	});
	child.on('message', (report: Report) => {
		if (report.kind === 'reached') reached.add(report.point);
		for (const listener of [...listeners]) listener(report);
	});

	function waitFor<T>(what: string, pick: (report: Report) => T | undefined): Promise<T> {
		return new Promise((resolve, reject) => {
			const finish = (settle: () => void): void => {
				clearTimeout(timer);
				listeners.delete(listener);
				child.off('exit', onExit);
				settle();
			};
			const timer = setTimeout(
				() => finish(() => reject(new Error(`${what}: no answer of pid ${child.pid}`))),
				ANSWER_DEADLINE_MS,
			);
			const onExit = (): void => finish(() => reject(new Error(`${what}: pid ${child.pid} ended`)));
			const listener = (report: Report): void => {
				const found = pick(report);
				if (found !== undefined) finish(() => resolve(found));
			};
			listeners.add(listener);
			child.once('exit', onExit);
		});
	}

	function order(given: Order): { id: number; answer: Promise<Answer> } {
		const id = nextId++;
		const answer = waitFor(given.kind, (report) =>
			'id' in report && report.id === id && report.kind !== 'held' ? report : undefined,
		);
		child.send({ ...given, id });
		return { id, answer };
	}

	async function kill(): Promise<void> {
		if (killed) return;
		killed = true;
		child.kill('SIGKILL');
		await ended;
	}

	await waitFor('start', (report) => (report.kind === 'ready' ? true : undefined));
	return {
		pid: child.pid ?? 0,
		ask: (given) => order(given).answer,
		hold(given) {
			const { id, answer } = order(given);
			const held = waitFor('hold', (report) => {
				if (!('id' in report) || report.id !== id) return undefined;
				return report.kind === 'held' ? report.afterMs : -1;
			});
			// Who waits for them hears of it; of a killed holder nobody waits for the end.
			held.catch(() => undefined);
			answer.catch(() => undefined);
			return { held, finished: answer };
		},
		async reached(point) {
			if (reached.delete(point)) return;
			await waitFor(`barrier ${point}`, (report) =>
				report.kind === 'reached' && report.point === point ? true : undefined,
			);
			reached.delete(point);
		},
		goOn: () => void child.send({ kind: 'goOn' }),
		letGo: () => void child.send({ kind: 'letGo' }),
		signal: (signal) => void child.kill(signal),
		kill,
		async end() {
			if (killed || process.env.NODE_V8_COVERAGE === undefined) return kill();
			killed = true;
			// It may have been stopped, and ends when it is alone.
			child.kill('SIGCONT');
			if (child.connected) child.disconnect();
			await ended;
		},
	};
}

export function startWorkers(count: number, file = WORKER): Promise<Worker[]> {
	return Promise.all(Array.from({ length: count }, () => startWorker(file)));
}

export async function killAll(workers: readonly Worker[]): Promise<void> {
	await Promise.all(workers.map((worker) => worker.end()));
}
