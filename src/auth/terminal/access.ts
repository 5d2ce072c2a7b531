/**
 * Who may have a token in a terminal. The person is asked once per terminal and provider, and says for how long that
 * counts; a process that belongs to no terminal of this window is "outside" and asked about apart.
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
import type { ConsentStore, StoredConsent, WorkspaceIdentity } from './consentStore.ts';

/** Who asks. A terminal is its process, so that a later one with the same pid inherits nothing. */
export type Consumer =
	| { readonly kind: 'terminal'; readonly pid: number; readonly startTime: string | undefined; readonly name: string }
	| { readonly kind: 'outside' };

/** A terminal of this window and the process of its shell. */
export type TerminalProcess = { readonly pid: number; readonly name: string };

/** Whose tokens they are: a configured provider, or a session of the editor itself. */
export type ConsentTarget = { readonly id: string; readonly label: string };

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

/** `no` is for now; `session` is until the terminal is closed, or for the outside until the window is. */
export type ConsentAnswer = 'once' | 'session' | 'workspace' | 'never' | 'no';

/** What the settings say about a provider, before anybody is asked. */
export type ConsentPolicy = 'ask' | 'always' | 'never';

/** An answer of the person that still counts. */
export type Grant = {
	readonly id: string;
	readonly decision: 'allow' | 'never';
	readonly consumer: Consumer;
	readonly providerId: string;
	readonly grantedAtMs: number;
	readonly lastUsedAtMs: number;
};

/** Leave to hand out tokens to the end of one request. */
export type Permission = {
	/** False once what it rests on was revoked: to be looked at again before the token leaves. */
	holds(): boolean;
};

/** After a "no" the same consumer is not asked about again for this long: agents try again by themselves. */
export const REFUSAL_MS = 60_000;

/** What is known of one consumer and provider. */
type Entry =
	| { readonly kind: 'asking'; readonly consumer: Consumer; readonly answer: Promise<ConsentAnswer> }
	| { readonly kind: 'decided'; readonly consumer: Consumer; readonly grant: Grant }
	| { readonly kind: 'refused'; readonly consumer: Consumer; readonly untilMs: number };

export type AccessOptions = {
	readonly ask: (question: ConsentQuestion) => Promise<ConsentAnswer>;
	readonly policy: (providerId: string) => ConsentPolicy;
	/** Undefined for a window without a workspace. */
	readonly workspace: () => WorkspaceIdentity | undefined;
	readonly store: ConsentStore;
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
	/** Called if the person has to be waited for. Absent means that nobody may be asked. */
	readonly onAsk?: () => void;
	readonly details?: Pick<ConsentQuestion, 'program' | 'expiresAtMs'> & { readonly folder: string };
};

/** `refused_for_good`: by the setting or a "never", so the person is not asked again after a minute. */
export type Verdict =
	| { readonly kind: 'allowed'; readonly permission: Permission }
	| { readonly kind: 'refused'; readonly code: 'refused' | 'refused_for_good' }
	/** The person would have to be asked. Only without {@link AuthorizeOptions.onAsk}. */
	| { readonly kind: 'undecided' };

export type Access = Disposable & {
	/** The terminal of this window that is nearest above the asking process. */
	identify(ancestors: readonly number[]): Promise<Consumer>;
	/** Whether the consumer may have the provider's tokens. Rejects with `untrusted`, `timeout`, `cancelled`. */
	authorize(consumer: Consumer, target: ConsentTarget, options: AuthorizeOptions): Promise<Verdict>;
	/**
	 * The person has just opened a terminal in order to have this provider's token in it: its first request is allowed
	 * once without a second question. Disposing takes that back.
	 */
	expect(providerId: string, terminalPid: Promise<number | undefined>): Disposable;
	grants(): readonly Grant[];
	/** Counts from the next request on, and for what is under way. A grant that is unknown, or gone, is no error. */
	revoke(grantId: string): void;
	readonly onDidChangeGrants: Event<readonly Grant[]>;
	/** Something that was remembered changed. */
	announce(): void;
};

const ALWAYS: Permission = { holds: () => true };

export function createAccess(options: AccessOptions): Access {
	const { clock, log } = options;
	const entries = new Map<string, Entry>();
	const expected = new Set<{ readonly providerId: string; readonly terminalPid: Promise<number | undefined> }>();
	let disposed = false;
	/** Counts answers, so that who looked before one and acts after it looks again instead of asking a second time. */
	let answers = 0;
	const changes = createEmitter<readonly Grant[]>((error) => log.error(`grants listener: ${describeError(error)}`));
	const grants = (): Grant[] =>
		[...entries.values()].flatMap((entry) => (entry.kind === 'decided' ? [entry.grant] : []));

	const forgetClosed = (open: readonly TerminalProcess[]): void => {
		const before = grants().length;
		for (const [key, { consumer, kind }] of entries) {
			const closed = consumer.kind === 'terminal' && !open.some(({ pid }) => pid === consumer.pid);
			if (closed && kind !== 'asking') entries.delete(key);
		}
		if (grants().length !== before) changes.fire(grants());
	};

	/** Decides and remembers; a failure to remember for the workspace costs the memory, not the answer. */
	const settle = async (consumer: Consumer, target: ConsentTarget, answer: ConsentAnswer): Promise<void> => {
		const key = keyOf(consumer, target.id);
		log.info(`terminal access for ${target.id}, ${describeConsumer(consumer)}: ${answer}`);
		const decide = (decision: Grant['decision']): void => {
			const nowMs = clock.now();
			const fresh = { id: randomUUID(), decision, consumer, providerId: target.id };
			entries.set(key, { kind: 'decided', consumer, grant: { ...fresh, grantedAtMs: nowMs, lastUsedAtMs: nowMs } });
			changes.fire(grants());
		};
		answers++;
		switch (answer) {
			case 'once':
				entries.delete(key);
				return;
			case 'no':
				entries.set(key, { kind: 'refused', consumer, untilMs: clock.monotonic() + REFUSAL_MS });
				return;
			case 'session':
				decide('allow');
				return;
			case 'workspace':
			case 'never': {
				const decision = answer === 'never' ? 'never' : 'allow';
				const workspace = options.workspace();
				if (workspace === undefined || !(await remember(workspace, consumer, target, decision))) {
					if (!disposed) decide(decision);
					return;
				}
				answers++;
				entries.delete(key);
				changes.fire(grants());
			}
		}
	};
	const remember = async (
		workspace: WorkspaceIdentity,
		consumer: Consumer,
		target: ConsentTarget,
		decision: Grant['decision'],
	): Promise<boolean> => {
		const key = { workspaceId: workspace.id, providerId: target.id, side: consumer.kind };
		try {
			await options.store.save(key, { workspaceName: workspace.name, decision, decidedAtMs: clock.now() });
			return true;
		} catch (error) {
			log.warn(`remembering a consent: ${describeError(error)}`);
			return false;
		}
	};

	const question = (consumer: Consumer, target: ConsentTarget, waiting: AuthorizeOptions): Promise<ConsentAnswer> => {
		const key = keyOf(consumer, target.id);
		const workspaceName = options.workspace()?.name;
		const asked = options.ask({
			consumer,
			target,
			folder: '',
			...waiting.details,
			...(workspaceName === undefined ? {} : { workspaceName }),
		});
		const answer = asked.then(
			async (given): Promise<ConsentAnswer> => {
				// Disposed, or replaced by a later question: this answer is nobody's.
				if (disposed || entries.get(key) !== entry) return 'no';
				await settle(consumer, target, given);
				return given;
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

	const isExpected = async (consumer: Consumer, target: ConsentTarget): Promise<boolean> => {
		if (consumer.kind !== 'terminal') return false;
		for (const expectation of expected) {
			if (expectation.providerId !== target.id || (await expectation.terminalPid) !== consumer.pid) continue;
			return expected.delete(expectation);
		}
		return false;
	};

	const stored = async (consumer: Consumer, target: ConsentTarget): Promise<StoredConsent | undefined> => {
		const workspace = options.workspace();
		if (workspace === undefined) return undefined;
		return options.store.find({ workspaceId: workspace.id, providerId: target.id, side: consumer.kind });
	};

	/** The decision that stands without asking anybody. */
	const standing = async (consumer: Consumer, target: ConsentTarget): Promise<Verdict> => {
		const policy = options.policy(target.id);
		if (policy === 'never') return { kind: 'refused', code: 'refused_for_good' };
		// "Always" is for the terminals that the person sees; what is outside shows itself nowhere.
		if (policy === 'always' && consumer.kind === 'terminal') {
			return { kind: 'allowed', permission: { holds: () => options.policy(target.id) === 'always' } };
		}
		const key = keyOf(consumer, target.id);
		const entry = entries.get(key);
		if (entry?.kind === 'decided') {
			if (entry.grant.decision === 'never') return { kind: 'refused', code: 'refused_for_good' };
			entries.set(key, { ...entry, grant: { ...entry.grant, lastUsedAtMs: clock.now() } });
			const { id } = entry.grant;
			return { kind: 'allowed', permission: { holds: () => grants().some((grant) => grant.id === id) } };
		}
		const remembered = await stored(consumer, target);
		if (remembered?.decision === 'never') return { kind: 'refused', code: 'refused_for_good' };
		if (remembered?.decision === 'allow') {
			const { id } = remembered;
			return { kind: 'allowed', permission: { holds: () => options.store.has(id) } };
		}
		if (entry?.kind === 'refused' && clock.monotonic() < entry.untilMs) return { kind: 'refused', code: 'refused' };
		return { kind: 'undecided' };
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
		async authorize(consumer, target, waiting) {
			assertTrusted();
			let seen: number;
			do {
				seen = answers;
				const verdict = await standing(consumer, target);
				if (verdict.kind !== 'undecided') return verdict;
				if (await isExpected(consumer, target)) return { kind: 'allowed', permission: ALWAYS };
			} while (seen !== answers);
			if (waiting.onAsk === undefined) return { kind: 'undecided' };
			waiting.onAsk();
			const entry = entries.get(keyOf(consumer, target.id));
			const pending = entry?.kind === 'asking' ? entry.answer : question(consumer, target, waiting);
			const answer = await withDeadline(clock, pending, waiting.deadlineMs, waiting.signal);
			assertTrusted();
			if (answer === 'once') return { kind: 'allowed', permission: ALWAYS };
			if (answer === 'no') return { kind: 'refused', code: 'refused' };
			const settled = await standing(consumer, target);
			// Revoked in the moment between: a refusal like any other.
			return settled.kind === 'undecided' ? { kind: 'refused', code: 'refused' } : settled;
		},
		expect(providerId, terminalPid) {
			const expectation = { providerId, terminalPid };
			expected.add(expectation);
			return { dispose: () => void expected.delete(expectation) };
		},
		grants,
		revoke(grantId) {
			for (const [key, entry] of entries) {
				if (entry.kind !== 'decided' || entry.grant.id !== grantId) continue;
				entries.delete(key);
				changes.fire(grants());
			}
		},
		onDidChangeGrants: changes.event,
		announce: () => changes.fire(grants()),
		dispose() {
			disposed = true;
			entries.clear();
			expected.clear();
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
