/**
 * What was decided about consumers: remembered, found again and taken back. For this window in memory, for a terminal
 * with its shell, for a workspace on the disk; whatever is on the disk counts as long as its file is there.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { createEmitter, type Disposable, type Event } from '../event.ts';
import { describeError, type Logger } from '../log.ts';
import type { ConsentStore, StoredConsent, WorkspaceIdentity } from './consentStore.ts';
import { type ConsentTarget, type Consumer, consumerKey, describeConsumer, type TerminalProcess } from './consumer.ts';
import type { ConsentAnswer, ConsentPolicy, Grant, Verdict } from './grant.ts';
import type { TerminalConsentStore } from './terminalConsentStore.ts';

/** After a "no" the same consumer is not asked about again for this long: agents try again by themselves. */
export const REFUSAL_MS = 60_000;

type Decided = {
	readonly kind: 'decided';
	readonly consumer: Consumer;
	readonly grant: Grant;
	/** It counts as long as its file is there. */
	readonly isKept: boolean;
};

/** What is known of one consumer and provider. */
type Entry = Decided | { readonly kind: 'refused'; readonly consumer: Consumer; readonly untilMs: number };

export type DecisionOptions = {
	readonly policy: (providerId: string) => ConsentPolicy;
	/** Undefined for a window without a workspace. */
	readonly workspace: () => WorkspaceIdentity | undefined;
	readonly store: ConsentStore;
	readonly terminalStore: TerminalConsentStore;
	readonly clock: Clock;
	readonly log: Logger;
};

export type Decisions = Disposable & {
	/** The decision that stands without asking anybody. */
	standing(consumer: Consumer, target: ConsentTarget): Promise<Verdict>;
	/** Decides and remembers. Never rejects: a failure to remember costs the memory, not the answer. */
	settle(consumer: Consumer, target: ConsentTarget, answer: ConsentAnswer): Promise<void>;
	/** Counts answers, so that who looked before one and acts after it looks again instead of asking a second time. */
	answers(): number;
	/** Those of terminals that are not open any more go out of memory. */
	forgetClosed(open: readonly TerminalProcess[]): void;
	/** Of this window, as far as they were asked for since it was loaded. */
	grants(): readonly Grant[];
	/** Counts from the next request on, and for what is under way. A grant that is unknown, or gone, is no error. */
	revoke(grantId: string): void;
	readonly onDidChange: Event<readonly Grant[]>;
	/** Something that was remembered changed. */
	announce(): void;
};

export function createDecisions(options: DecisionOptions): Decisions {
	const { clock, log, store, terminalStore } = options;
	const entries = new Map<string, Entry>();
	let disposed = false;
	let answers = 0;
	const changes = createEmitter<readonly Grant[]>((error) => log.error(`grants listener: ${describeError(error)}`));
	const grants = (): Grant[] =>
		[...entries.values()].flatMap((entry) => (entry.kind === 'decided' ? [entry.grant] : []));
	const announce = (): void => changes.fire(grants());

	/** Until the terminal is closed; for the outside, and where nothing can be written, until the window is. */
	async function decide(consumer: Consumer, target: ConsentTarget, decision: Grant['decision']): Promise<void> {
		const grantedAtMs = clock.now();
		const kept = await terminalStore.save(consumer, target.id, { decision, grantedAtMs }).catch((error: unknown) => {
			log.warn(`keeping the consent of a terminal: ${describeError(error)}`);
			return undefined;
		});
		if (disposed) return;
		const fresh = kept ?? { id: randomUUID(), decision, consumer, providerId: target.id, grantedAtMs };
		const grant = { ...fresh, lastUsedAtMs: grantedAtMs };
		entries.set(consumerKey(consumer, target.id), { kind: 'decided', consumer, grant, isKept: kept !== undefined });
		answers++;
		announce();
	}

	async function remember(
		workspace: WorkspaceIdentity,
		consumer: Consumer,
		target: ConsentTarget,
		decision: Grant['decision'],
	): Promise<boolean> {
		const key = { workspaceId: workspace.id, providerId: target.id, side: consumer.kind };
		try {
			await store.save(key, { workspaceName: workspace.name, decision, decidedAtMs: clock.now() });
			return true;
		} catch (error) {
			log.warn(`remembering a consent: ${describeError(error)}`);
			return false;
		}
	}

	async function stored(consumer: Consumer, target: ConsentTarget): Promise<StoredConsent | undefined> {
		const workspace = options.workspace();
		if (workspace === undefined) return undefined;
		return store.find({ workspaceId: workspace.id, providerId: target.id, side: consumer.kind });
	}

	/** Notes when it gave something last; a "never" gives nothing. */
	function used(key: string, entry: Decided): Grant {
		const grant = entry.grant.decision === 'allow' ? { ...entry.grant, lastUsedAtMs: clock.now() } : entry.grant;
		entries.set(key, { ...entry, grant });
		return grant;
	}

	/** What this window knows, else what was kept for the terminal before the window was loaded. */
	async function decided(consumer: Consumer, target: ConsentTarget): Promise<Grant | undefined> {
		const key = consumerKey(consumer, target.id);
		const entry = entries.get(key);
		if (entry?.kind === 'decided') {
			if (!entry.isKept || terminalStore.has(entry.grant.id)) return used(key, entry);
			entries.delete(key); // Taken back in another window.
			announce();
			return undefined;
		}
		const grant = await terminalStore.find(consumer, target.id);
		if (grant === undefined || disposed) return undefined;
		const meanwhile = entries.get(key);
		if (meanwhile?.kind === 'decided') return used(key, meanwhile);
		const fresh = used(key, { kind: 'decided', consumer, grant, isKept: true });
		announce();
		return fresh;
	}

	const stands = (grantId: string): boolean => {
		for (const entry of entries.values()) {
			if (entry.kind === 'decided' && entry.grant.id === grantId) return !entry.isKept || terminalStore.has(grantId);
		}
		return false;
	};

	return {
		async standing(consumer, target) {
			const policy = options.policy(target.id);
			if (policy === 'never') return { kind: 'refused', code: 'refused_for_good' };
			// "Always" is for the terminals that the person sees; what is outside shows itself nowhere.
			if (policy === 'always' && consumer.kind === 'terminal') {
				return { kind: 'allowed', permission: { holds: () => options.policy(target.id) === 'always' } };
			}
			const grant = await decided(consumer, target);
			if (grant?.decision === 'never') return { kind: 'refused', code: 'refused_for_good' };
			if (grant !== undefined) return { kind: 'allowed', permission: { holds: () => stands(grant.id) } };
			const remembered = await stored(consumer, target);
			if (remembered?.decision === 'never') return { kind: 'refused', code: 'refused_for_good' };
			if (remembered?.decision === 'allow') {
				const { id } = remembered;
				return { kind: 'allowed', permission: { holds: () => store.has(id) } };
			}
			const entry = entries.get(consumerKey(consumer, target.id));
			if (entry?.kind === 'refused' && clock.monotonic() < entry.untilMs) return { kind: 'refused', code: 'refused' };
			return { kind: 'undecided' };
		},
		async settle(consumer, target, answer) {
			const key = consumerKey(consumer, target.id);
			log.info(`terminal access for ${target.id}, ${describeConsumer(consumer)}: ${answer}`);
			answers++;
			switch (answer) {
				case 'once':
					entries.delete(key);
					return;
				case 'no':
					entries.set(key, { kind: 'refused', consumer, untilMs: clock.monotonic() + REFUSAL_MS });
					return;
				case 'session':
					return decide(consumer, target, 'allow');
				case 'workspace':
				case 'never': {
					const decision = answer === 'never' ? 'never' : 'allow';
					const workspace = options.workspace();
					if (workspace === undefined || !(await remember(workspace, consumer, target, decision))) {
						return decide(consumer, target, decision);
					}
					answers++;
					entries.delete(key);
					announce();
				}
			}
		},
		answers: () => answers,
		forgetClosed(open) {
			const before = grants().length;
			for (const [key, { consumer }] of entries) {
				if (consumer.kind === 'terminal' && !open.some(({ pid }) => pid === consumer.pid)) entries.delete(key);
			}
			if (grants().length !== before) announce();
		},
		grants,
		revoke(grantId) {
			for (const [key, entry] of entries) {
				if (entry.kind !== 'decided' || entry.grant.id !== grantId) continue;
				entries.delete(key);
				// In memory alone the next request would find the file.
				if (entry.isKept) terminalStore.remove(grantId);
				announce();
			}
		},
		onDidChange: changes.event,
		announce,
		dispose() {
			disposed = true;
			entries.clear();
			changes.dispose();
		},
	};
}
