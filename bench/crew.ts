/** The processes of {@link file://./seat.ts}, seen from the bench: started once, ordered about, stopped and killed by pid. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Answer, Order, Outcome } from './messages.ts';

export type Member = {
	readonly pid: number;
	/** Rejects with the process's own reason, or if it ends first. */
	tell(order: Order): Promise<Answer>;
	ask(order: Omit<Extract<Order, { kind: 'ask' }>, 'kind'>): Promise<Outcome>;
	/** CPU since it was told to ask, in ms. */
	usage(): Promise<number>;
	signal(signal: NodeJS.Signals): void;
	/** Kills it and waits until it is gone. */
	kill(): Promise<void>;
};

export async function startMember(): Promise<Member> {
	const child: ChildProcess = fork(path.join(import.meta.dirname, 'seat.ts'), {
		stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
	});
	const waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
	let nextId = 1;
	const started = new Promise<Answer>((resolve, reject) => waiting.set(0, { resolve, reject }));
	child.on('message', (answer: Answer) => {
		const entry = waiting.get(answer.id);
		waiting.delete(answer.id);
		if (answer.kind === 'failed') entry?.reject(new Error(answer.reason));
		else entry?.resolve(answer);
	});
	const ended = once(child, 'exit').then(() => {
		for (const { reject } of waiting.values()) reject(new Error(`process ${child.pid} ended`));
		waiting.clear();
	});
	await started;

	function tell(order: Order): Promise<Answer> {
		const id = nextId++;
		return new Promise((resolve, reject) => {
			waiting.set(id, { resolve, reject });
			child.send({ ...order, id }, (error) => {
				if (error === null) return;
				waiting.delete(id);
				reject(error);
			});
		});
	}

	return {
		pid: child.pid ?? 0,
		tell,
		async ask(order) {
			const answer = await tell({ kind: 'ask', ...order });
			if (answer.kind !== 'asked') throw new Error(`an answer to something else: ${answer.kind}`);
			return answer.outcome;
		},
		async usage() {
			const answer = await tell({ kind: 'usage' });
			return answer.kind === 'usage' ? answer.cpuMs : Number.NaN;
		},
		signal: (signal) => void child.kill(signal),
		async kill() {
			child.kill('SIGKILL');
			await ended;
		},
	};
}

/** In batches, because fifty processes that start at once disturb each other for long. */
export async function startCrew(count: number): Promise<Member[]> {
	const crew: Member[] = [];
	while (crew.length < count) {
		const batch = Math.min(8, count - crew.length);
		crew.push(...(await Promise.all(Array.from({ length: batch }, startMember))));
	}
	return crew;
}

export async function endCrew(crew: readonly Member[]): Promise<void> {
	await Promise.all(crew.map((member) => member.kill()));
}
