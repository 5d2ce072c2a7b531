/**
 * Who may have a token in a terminal. The person is asked once per terminal and provider; a process that belongs to no
 * terminal of this window is "outside", asked about apart and remembered for the life of the window.
 *
 * This is awareness, not a wall: Node cannot check the credentials of a socket's peer, so which processes stand above
 * the helper is its own claim, and any process of the same user can read the descriptor and claim a terminal.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { withDeadline } from '../clock.ts';
import { AuthError } from '../errors.ts';
import { createEmitter, type Disposable, type Event } from '../event.ts';
import { describeError, type Logger } from '../log.ts';
import type { Provider } from '../provider.ts';

/** Who asks. A terminal is its process, so that a later one with the same pid inherits nothing. */
export type Consumer =
	| { readonly kind: 'terminal'; readonly pid: number; readonly startTime: string | undefined; readonly name: string }
	| { readonly kind: 'outside' };

/** A terminal of this window and the process of its shell. */
export type TerminalProcess = { readonly pid: number; readonly name: string };

export type Grant = {
	readonly id: string;
	readonly consumer: Consumer;
	readonly providerId: string;
	readonly grantedAtMs: number;
	readonly lastUsedAtMs: number;
};

/** After a "no" the same consumer is not asked about again for this long: agents try again by themselves. */
export const REFUSAL_MS = 60_000;

/** What is known of one consumer and provider. */
type Entry =
	| { readonly kind: 'asking'; readonly consumer: Consumer; readonly answer: Promise<boolean> }
	| { readonly kind: 'granted'; readonly consumer: Consumer; readonly grant: Grant }
	| { readonly kind: 'refused'; readonly consumer: Consumer; readonly untilMs: number };

export type AccessOptions = {
	readonly ask: (consumer: Consumer, provider: Provider) => Promise<boolean>;
	readonly terminals: () => Promise<readonly TerminalProcess[]>;
	readonly processStartTime: (pid: number) => Promise<string | undefined>;
	readonly isTrusted: () => boolean;
	readonly clock: Clock;
	readonly log: Logger;
};

export type AuthorizeOptions = {
	readonly signal: AbortSignal;
	/** How long this caller waits for the person; the question stays and its answer is remembered. */
	readonly deadlineMs: number;
	/** Called if the person has to be waited for. */
	readonly onAsk: () => void;
};

export type Access = Disposable & {
	/** The terminal of this window that is nearest above the asking process. */
	identify(ancestors: readonly number[]): Promise<Consumer>;
	/**
	 * Resolves if the consumer may have the provider's tokens.
	 * @throws AuthError `untrusted`, `refused`, `timeout`, `cancelled`
	 */
	authorize(consumer: Consumer, provider: Provider, options: AuthorizeOptions): Promise<void>;
	grants(): readonly Grant[];
	/** Counts from the next request on. A grant that is unknown, or gone, is no error. */
	revoke(grantId: string): void;
	readonly onDidChangeGrants: Event<readonly Grant[]>;
};

export function createAccess(options: AccessOptions): Access {
	const { clock, log } = options;
	const entries = new Map<string, Entry>();
	let disposed = false;
	const changes = createEmitter<readonly Grant[]>((error) => log.error(`grants listener: ${describeError(error)}`));
	const grants = (): Grant[] =>
		[...entries.values()].flatMap((entry) => (entry.kind === 'granted' ? [entry.grant] : []));

	const forgetClosed = (open: readonly TerminalProcess[]): void => {
		const before = grants().length;
		for (const [key, { consumer, kind }] of entries) {
			const closed = consumer.kind === 'terminal' && !open.some(({ pid }) => pid === consumer.pid);
			if (closed && kind !== 'asking') entries.delete(key);
		}
		if (grants().length !== before) changes.fire(grants());
	};

	const question = (key: string, consumer: Consumer, provider: Provider): Promise<boolean> => {
		const answer = Promise.resolve(options.ask(consumer, provider)).then(
			(allowed) => {
				// Disposed, or replaced by a later question: this answer is nobody's.
				if (disposed || entries.get(key) !== entry) return false;
				if (allowed) grant(key, consumer, provider);
				else entries.set(key, { kind: 'refused', consumer, untilMs: clock.monotonic() + REFUSAL_MS });
				log.info(
					`terminal access for ${provider.id} ${allowed ? 'granted' : 'refused'}: ${describeConsumer(consumer)}`,
				);
				return allowed;
			},
			(error: unknown) => {
				if (entries.get(key) === entry) entries.delete(key);
				throw error;
			},
		);
		const entry: Entry = { kind: 'asking', consumer, answer };
		entries.set(key, entry);
		return answer;
	};
	const grant = (key: string, consumer: Consumer, provider: Provider): void => {
		const nowMs = clock.now();
		const fresh = { id: randomUUID(), consumer, providerId: provider.id, grantedAtMs: nowMs, lastUsedAtMs: nowMs };
		entries.set(key, { kind: 'granted', consumer, grant: fresh });
		changes.fire(grants());
	};
	const isAllowed = async (consumer: Consumer, provider: Provider, waiting: AuthorizeOptions): Promise<boolean> => {
		const key = keyOf(consumer, provider.id);
		const entry = entries.get(key);
		if (entry?.kind === 'granted') {
			const used = { ...entry.grant, lastUsedAtMs: clock.now() };
			entries.set(key, { ...entry, grant: used });
			return true;
		}
		if (entry?.kind === 'refused' && clock.monotonic() < entry.untilMs) return false;
		waiting.onAsk();
		const answer = entry?.kind === 'asking' ? entry.answer : question(key, consumer, provider);
		return withDeadline(clock, answer, waiting.deadlineMs, waiting.signal);
	};
	const assertTrusted = (): void => {
		if (!options.isTrusted()) throw new AuthError('untrusted', 'the workspace is not trusted');
	};

	return {
		async identify(ancestors) {
			const open = await options.terminals();
			forgetClosed(open);
			for (const pid of ancestors) {
				const terminal = open.find((candidate) => candidate.pid === pid);
				if (terminal === undefined) continue;
				return { kind: 'terminal', pid, startTime: await options.processStartTime(pid), name: terminal.name };
			}
			return { kind: 'outside' };
		},
		async authorize(consumer, provider, waiting) {
			assertTrusted();
			if (!(await isAllowed(consumer, provider, waiting))) {
				throw new AuthError('refused', `refused: ${describeConsumer(consumer)}`, { detail: { provider: provider.id } });
			}
			assertTrusted();
		},
		grants,
		revoke(grantId) {
			for (const [key, entry] of entries) {
				if (entry.kind !== 'granted' || entry.grant.id !== grantId) continue;
				entries.delete(key);
				changes.fire(grants());
			}
		},
		onDidChangeGrants: changes.event,
		dispose() {
			disposed = true;
			entries.clear();
			changes.dispose();
		},
	};
}

function keyOf(consumer: Consumer, providerId: string): string {
	const who = consumer.kind === 'terminal' ? `${consumer.pid}:${consumer.startTime ?? ''}` : 'outside';
	return `${who}\0${providerId}`;
}

/** For the log. The name of a terminal is somebody's text and stays out. */
export function describeConsumer(consumer: Consumer): string {
	return consumer.kind === 'terminal' ? `terminal with pid ${consumer.pid}` : 'outside';
}
