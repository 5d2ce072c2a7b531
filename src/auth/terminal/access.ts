/**
 * Who may have a token in a terminal. The person is asked once per terminal and provider, and says for how long that
 * counts; a process that belongs to no terminal of this window is "outside" and asked about apart.
 *
 * This is awareness, not a wall: Node cannot check the credentials of a socket's peer, so which processes stand above
 * the helper is its own claim, and any process of the same user can read the descriptor and claim a terminal.
 */
import { withDeadline } from '../clock.ts';
import { AuthError } from '../errors.ts';
import type { Disposable } from '../event.ts';
import { type ConsentTarget, type Consumer, consumerKey, type TerminalProcess } from './consumer.ts';
import { createDecisions, type DecisionOptions, type Decisions } from './decisions.ts';
import type { ConsentAnswer, Permission, Verdict } from './grant.ts';

/** What the person is told before the answer. */
export type ConsentQuestion = {
	readonly consumer: Consumer;
	readonly target: ConsentTarget;
	/** Name of the program that asks; absent if the system does not tell. A claim of its own. */
	readonly program?: string;
	/** The folder the program runs in. Blank if it has gone. */
	readonly folder: string;
	/** When the token ends that would be given now; absent if the service does not say, or there is none yet. */
	readonly expiresAtMs?: number;
	/** Absent where there is no workspace to remember anything for. */
	readonly workspaceName?: string;
};

export type AccessOptions = DecisionOptions & {
	readonly ask: (question: ConsentQuestion) => Promise<ConsentAnswer>;
	readonly terminals: () => Promise<readonly TerminalProcess[]>;
	readonly processStartTime: (pid: number) => Promise<string | undefined>;
	readonly isTrusted: () => boolean;
};

export type AuthorizeOptions = {
	readonly signal: AbortSignal;
	/** How long this caller waits for the person; the question stays and its answer is remembered. */
	readonly deadlineMs: number;
	/** Called if the person has to be waited for. Absent means that nobody may be asked. */
	readonly onAsk?: () => void;
	readonly details?: Pick<ConsentQuestion, 'program' | 'expiresAtMs'> & { readonly folder: string };
};

export type Access = Disposable &
	Pick<Decisions, 'grants' | 'revoke' | 'announce'> & {
		/** The terminal of this window that is nearest above the asking process. */
		identify(ancestors: readonly number[]): Promise<Consumer>;
		/**
		 * Whether the consumer may have the provider's tokens; `undecided` only without {@link AuthorizeOptions.onAsk}.
		 * Rejects with `untrusted`, `timeout`, `cancelled`.
		 */
		authorize(consumer: Consumer, target: ConsentTarget, options: AuthorizeOptions): Promise<Verdict>;
		/**
		 * The person has just opened a terminal in order to have this provider's token in it: its first request is allowed
		 * once without a second question. Disposing takes that back.
		 */
		expect(providerId: string, terminalPid: Promise<number | undefined>): Disposable;
		readonly onDidChangeGrants: Decisions['onDidChange'];
	};

const ALWAYS: Permission = { holds: () => true };

/** The person is looking at it now. */
type Question = { readonly answer: Promise<ConsentAnswer> };

export function createAccess(options: AccessOptions): Access {
	const { clock } = options;
	const decisions = createDecisions(options);
	const questions = new Map<string, Question>();
	const expected = new Set<{ readonly providerId: string; readonly terminalPid: Promise<number | undefined> }>();
	let disposed = false;

	const ask = (consumer: Consumer, target: ConsentTarget, waiting: AuthorizeOptions): Promise<ConsentAnswer> => {
		const key = consumerKey(consumer, target.id);
		const workspaceName = options.workspace()?.name;
		const asked = options.ask({
			consumer,
			target,
			folder: '',
			...waiting.details,
			...(workspaceName === undefined ? {} : { workspaceName }),
		});
		// Until the answer has been remembered, whoever comes later waits for it as well.
		const answer = asked
			.then(async (given): Promise<ConsentAnswer> => {
				if (disposed) return 'no';
				await decisions.settle(consumer, target, given);
				return given;
			})
			.finally(() => questions.delete(key));
		questions.set(key, { answer });
		return answer;
	};

	const isExpected = async (consumer: Consumer, target: ConsentTarget): Promise<boolean> => {
		if (consumer.kind !== 'terminal') return false;
		for (const expectation of expected) {
			if (expectation.providerId !== target.id || (await expectation.terminalPid) !== consumer.pid) continue;
			return expected.delete(expectation);
		}
		return false;
	};

	const assertTrusted = (): void => {
		if (!options.isTrusted()) throw new AuthError('untrusted', 'the workspace is not trusted');
	};

	return {
		async identify(ancestors) {
			const open = await options.terminals();
			decisions.forgetClosed(open);
			for (const pid of ancestors) {
				const terminal = open.find((candidate) => candidate.pid === pid);
				if (terminal === undefined) continue;
				return { kind: 'terminal', pid, startTime: await options.processStartTime(pid), name: terminal.name };
			}
			return { kind: 'outside' };
		},
		async authorize(consumer, target, waiting) {
			assertTrusted();
			let seen: number;
			do {
				seen = decisions.answers();
				const verdict = await decisions.standing(consumer, target);
				if (verdict.kind !== 'undecided') return verdict;
				if (await isExpected(consumer, target)) return { kind: 'allowed', permission: ALWAYS };
			} while (seen !== decisions.answers());
			if (waiting.onAsk === undefined) return { kind: 'undecided' };
			waiting.onAsk();
			const pending = questions.get(consumerKey(consumer, target.id))?.answer ?? ask(consumer, target, waiting);
			const answer = await withDeadline(clock, pending, waiting.deadlineMs, waiting.signal);
			assertTrusted();
			if (answer === 'once') return { kind: 'allowed', permission: ALWAYS };
			if (answer === 'no') return { kind: 'refused', code: 'refused' };
			const settled = await decisions.standing(consumer, target);
			// Revoked in the moment between: a refusal like any other.
			return settled.kind === 'undecided' ? { kind: 'refused', code: 'refused' } : settled;
		},
		expect(providerId, terminalPid) {
			const expectation = { providerId, terminalPid };
			expected.add(expectation);
			return { dispose: () => void expected.delete(expectation) };
		},
		grants: decisions.grants,
		revoke: decisions.revoke,
		onDidChangeGrants: decisions.onDidChange,
		announce: decisions.announce,
		dispose() {
			disposed = true;
			questions.clear();
			expected.clear();
			decisions.dispose();
		},
	};
}
