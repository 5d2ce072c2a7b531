/** Which bucket is in force in this window: the pure choice, fed with what this window alone knows. */
import { type AutomaticAnswer, type AutomaticQuestion, chooseAutomatic } from '../buckets/automatic.ts';
import type { BindingInForce, BindingSetting } from '../buckets/binding.ts';
import { edges } from '../buckets/cooldowns.ts';
import type { Choose } from '../buckets/snapshotOf.ts';
import type { State } from '../buckets/state.ts';
import type { Clock } from '../clock.ts';
import type { Disposable } from '../event.ts';

export type Choice = {
	readonly choose: Choose;
	/** The bucket that may be tried by one window, as of the last choice; see {@link AutomaticAnswer.probe}. */
	probeOf(providerId: string): string | undefined;
	/** Whether a session that began with this bucket may go on with it. */
	canStay(providerId: string, bucketId: string): boolean;
	/** See {@link AuthService.hold}. */
	hold(providerId: string, sessionKey: string, forMs: number): Disposable;
	/** The earliest time after which {@link choose} may answer otherwise by itself, as of the last choices. */
	nextEdgeMs(): number | undefined;
};

export type ChoiceOptions = {
	readonly clock: Clock;
	/** Names this window in probes. */
	readonly window: string;
	/** Digest of the workspace; '' without one. */
	readonly workspace: () => string;
	readonly bindingOf: (providerId: string) => BindingSetting;
	/** A hold ended: the choice may be another one. */
	readonly onDidEndHold: () => void;
};

export function createChoice(options: ChoiceOptions): Choice {
	const { clock, window } = options;
	const answers = new Map<string, AutomaticAnswer>();
	const questions = new Map<string, AutomaticQuestion>();
	const upcoming = new Map<string, readonly number[]>();
	/** By provider and session key: what ends them in time. */
	const holds = new Map<string, Map<string, Disposable>>();

	return {
		choose(providerId, buckets, states) {
			const nowMs = clock.now();
			const stored = new Map(
				states.flatMap(({ providers }) => (providers[providerId]?.buckets ?? []).map((bucket) => [bucket.id, bucket])),
			);
			const crossings = states.flatMap(({ providers }) => providers[providerId]?.crossings ?? []);
			const binding = bindingInForce(options.bindingOf(providerId), states);
			const before = answers.get(providerId);
			const question: AutomaticQuestion = {
				buckets,
				cooldownOf: (bucketId) => stored.get(bucketId)?.cooldown,
				crossings,
				binding,
				window,
				workspace: options.workspace(),
				stay: holds.has(providerId) && before?.kind === 'inForce' ? before.bucketId : undefined,
				nowMs,
			};
			questions.set(providerId, question);
			const answer = chooseAutomatic(question);
			answers.set(providerId, answer);
			const decisionEnds = crossings.flatMap(({ untilMs }) =>
				untilMs !== undefined && untilMs > nowMs ? [untilMs] : [],
			);
			const cooldownEdges = [...stored.values()].flatMap(({ cooldown }) => edges(cooldown, nowMs));
			upcoming.set(providerId, [...cooldownEdges, ...decisionEnds]);
			const { probe: _probe, ...automatic } = answer;
			return { automatic, ...(binding === undefined ? {} : { binding }) };
		},
		probeOf: (providerId) => answers.get(providerId)?.probe,
		canStay(providerId, bucketId) {
			const question = questions.get(providerId);
			if (!question) return false;
			const answer = chooseAutomatic({ ...question, stay: bucketId, nowMs: clock.now() });
			return answer.kind === 'inForce' && answer.bucketId === bucketId;
		},
		hold(providerId, sessionKey, forMs) {
			const keys = holds.get(providerId) ?? new Map<string, Disposable>();
			holds.set(providerId, keys);
			keys.get(sessionKey)?.dispose();
			const release = (): void => {
				// Over before, or a newer one of the same key has taken its place.
				if (keys.get(sessionKey) !== timer) return;
				timer.dispose();
				keys.delete(sessionKey);
				if (keys.size > 0) return;
				holds.delete(providerId);
				options.onDidEndHold();
			};
			const timer = clock.schedule(forMs, release);
			keys.set(sessionKey, timer);
			return { dispose: release };
		},
		nextEdgeMs() {
			const all = [...upcoming.values()].flat();
			return all.length === 0 ? undefined : Math.min(...all);
		},
	};
}

function bindingInForce(setting: BindingSetting, states: readonly State[]): BindingInForce | undefined {
	if (setting.kind === 'none') return undefined;
	if (setting.kind === 'conflict') return setting;
	const { binding } = setting;
	const { providerId, bucketName, workspace, fromWorkspace } = binding;
	if (!fromWorkspace) return { kind: 'bound', bucketName };
	const answer = states
		.flatMap(({ bindings }) => bindings ?? [])
		// Another name than the one that was confirmed is another question.
		.find(
			(entry) => entry.providerId === providerId && entry.workspace === workspace && entry.bucketName === bucketName,
		);
	if (!answer) return { kind: 'unconfirmed', binding };
	return answer.allowed ? { kind: 'bound', bucketName } : undefined;
}
