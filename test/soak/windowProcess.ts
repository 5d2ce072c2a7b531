/** The run's side of {@link file://./chaosWindow.ts}: a window as a process that is ordered about, stopped and killed by pid. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Message, Order, Reply, Result, WindowSetup } from './orders.ts';

const PROGRAM = join(import.meta.dirname, 'chaosWindow.ts');

/** Longer than what the window itself waits for, and than it stands still. */
const ANSWER_DEADLINE_MS = 30_000;

/** Whoever nobody is, on most systems. Only root can become it. */
const NOBODY = 65_534;

export type Outcome =
	| { readonly kind: 'answered'; readonly result: Result }
	/** It was killed meanwhile. */
	| { readonly kind: 'killed' }
	/** It ended by itself, or did not answer. */
	| { readonly kind: 'crashed'; readonly text: string };

export type WindowProcess = {
	readonly name: string;
	do(order: Order): Promise<Outcome>;
	stop(): void;
	goOn(): void;
	/** Resolves when the system has taken it away. */
	kill(): Promise<void>;
};

/** The user that windows run as. */
export function windowUid(): number | undefined {
	return process.getuid?.() === 0 ? NOBODY : undefined;
}

/** @throws if it does not start; it is killed then. */
export async function startWindow(setup: WindowSetup): Promise<WindowProcess> {
	const child: ChildProcess = fork(PROGRAM, {
		stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
		env: { ...process.env, AGENT_AUTH_CHAOS_UID: String(windowUid() ?? 0) },
	});
	let said = '';
	child.stderr?.on('data', (chunk) => {
		said = `${said}${chunk}`.slice(-2_000);
	});
	const waiting = new Map<number, (outcome: Outcome) => void>();
	let nextId = 1;
	let killed = false;
	const ended = once(child, 'exit').then(([code, signal]) => {
		const text = `${setup.name} ended by itself (${code ?? signal}): ${said}`;
		for (const settle of waiting.values()) settle(killed ? { kind: 'killed' } : { kind: 'crashed', text });
		waiting.clear();
	});
	child.on('message', (reply: Reply) => {
		const settle = waiting.get(reply.id);
		waiting.delete(reply.id);
		settle?.({ kind: 'answered', result: 'result' in reply ? reply.result : { kind: 'done' } });
	});

	function expect(id: number, what: string): Promise<Outcome> {
		return new Promise((resolve) => {
			const timer = setTimeout(() => {
				waiting.delete(id);
				resolve({ kind: 'crashed', text: `${setup.name} did not answer ${what}` });
			}, ANSWER_DEADLINE_MS);
			waiting.set(id, (outcome) => {
				clearTimeout(timer);
				resolve(outcome);
			});
		});
	}

	async function kill(): Promise<void> {
		killed = true;
		child.kill('SIGKILL');
		await ended;
	}

	function order(about: Order): Promise<Outcome> {
		if (killed) return Promise.resolve({ kind: 'killed' });
		const id = nextId++;
		const outcome = expect(id, about.kind);
		child.send({ id, order: about } satisfies Message, (error) => {
			// Its end is told by its exit.
			if (error !== null && !killed) said += String(error);
		});
		return outcome;
	}

	await expect(0, 'its start');
	const opened = await order({ kind: 'open', setup });
	if (opened.kind === 'crashed') {
		await kill();
		throw new Error(opened.text);
	}
	return {
		name: setup.name,
		do: order,
		stop: () => void child.kill('SIGSTOP'),
		goOn: () => void child.kill('SIGCONT'),
		kill,
	};
}
