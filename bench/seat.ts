/** One process of a comparison: opens what it is told to, waits for the start signal, asks for a token, and reports when. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { digest } from '../src/auth/log.ts';
import type { Seat } from './account.ts';
import { contenderOf } from './contenders/contenders.ts';
import type { Answer, Command, Outcome } from './messages.ts';
import { cpuMs, sharedMs } from './time.ts';

/** Of a single call; longer than any contender's own. */
const PATIENCE_MS = 60_000;

let seat: Seat | undefined;
let cpuAtStartMs = 0;
let warmed: Promise<void> | undefined;

/** A window has sent requests before: whoever sends the first one, which loads the client, must not pay for it here. */
async function useFetch(): Promise<void> {
	const server = createServer((request, response) => request.resume().on('end', () => response.end('{}')));
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	await (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: new URLSearchParams({ a: 'b' }) })).json();
	server.closeAllConnections();
	server.close();
}

/** Some wait for ever where there is no takeover. */
async function within(work: Promise<string>, limitMs: number): Promise<string> {
	const over = new AbortController();
	try {
		const late = wait(Math.max(0, limitMs), undefined, { signal: over.signal }).then(() => {
			throw new Error('still waiting when the patience of the bench ended');
		});
		late.catch(() => undefined); // Ends as aborted when the work was in time.
		return await Promise.race([work, late]);
	} finally {
		over.abort();
		work.catch(() => undefined); // Nobody waits for it any more.
	}
}

async function ask({ atMs, retryMs, patienceMs = PATIENCE_MS }: Extract<Command, { kind: 'ask' }>): Promise<Outcome> {
	if (seat === undefined) throw new Error('nothing is open');
	await wait(Math.max(0, atMs - sharedMs()));
	cpuAtStartMs = cpuMs();
	let failures = 0;
	let reason: string | undefined;
	let firstEndMs: number | undefined;
	for (;;) {
		try {
			const token = await within(seat.token(), atMs + patienceMs - sharedMs());
			const endMs = sharedMs();
			return {
				token: { digest: digest(token), atMs: endMs },
				failures,
				firstEndMs: firstEndMs ?? endMs,
				...(reason === undefined ? {} : { reason }),
			};
		} catch (error) {
			failures++;
			reason ??= error instanceof Error ? error.message.slice(0, 200) : String(error);
			firstEndMs ??= sharedMs();
		}
		if (retryMs === undefined || sharedMs() + retryMs > atMs + patienceMs) return { failures, firstEndMs, reason };
		await wait(retryMs);
	}
}

async function handle(command: Command): Promise<Answer> {
	const { id } = command;
	switch (command.kind) {
		case 'open':
			seat?.close();
			seat = undefined;
			warmed ??= useFetch();
			await warmed;
			seat = await contenderOf(command.contender).open(command.account, command.peers);
			return { id, kind: 'done' };
		case 'ask':
			return { id, kind: 'asked', outcome: await ask(command) };
		case 'usage':
			return { id, kind: 'usage', cpuMs: cpuMs() - cpuAtStartMs };
		case 'close':
			seat?.close();
			seat = undefined;
			return { id, kind: 'done' };
	}
}

process.on('message', (command: Command) => {
	handle(command).then(
		(answer) => process.send?.(answer),
		(error: unknown) =>
			process.send?.({ id: command.id, kind: 'failed', reason: String(error).slice(0, 300) } satisfies Answer),
	);
});
// A contender that throws from a timer loses its call, not the round of all others: its patience tells.
process.on('uncaughtException', (error) => console.error(`a contender threw from nowhere: ${error.message}`));
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, kind: 'done' });
