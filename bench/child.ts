/** A child process that answers one order at a time. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export type Child<Order extends object, Answer extends { readonly kind: string }> = {
	readonly pid: number;
	/** Rejects if the child reports a failure or ends. */
	tell(order: Order): Promise<Answer>;
	kill(): Promise<void>;
};

/** Starts a file of this folder and waits for its first message. */
export async function startChild<Order extends object, Answer extends { readonly kind: string }>(
	file: string,
	options: { readonly env?: NodeJS.ProcessEnv; readonly execArgv?: readonly string[] } = {},
): Promise<Child<Order, Answer>> {
	const child: ChildProcess = fork(path.join(import.meta.dirname, file), {
		stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
		...(options.env === undefined ? {} : { env: options.env }),
		...(options.execArgv === undefined ? {} : { execArgv: [...options.execArgv] }),
	});
	const ended = once(child, 'exit').then(() => undefined);

	async function next(): Promise<Answer> {
		const answer: unknown = await Promise.race([once(child, 'message').then(([message]) => message), ended]);
		if (answer === undefined) throw new Error(`${file} ended`);
		return answer as Answer;
	}

	await next();
	return {
		pid: child.pid ?? 0,
		async tell(order) {
			const answered = next();
			child.send(order);
			const answer = await answered;
			if (answer.kind === 'failed') throw new Error(`${file}: ${JSON.stringify(answer)}`);
			return answer;
		},
		async kill() {
			child.kill('SIGKILL');
			await ended;
		},
	};
}
