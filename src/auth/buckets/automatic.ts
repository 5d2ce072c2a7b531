/**
 * Pure: which bucket answers those who name no account. The binding of the workspace comes first, then the order; what is
 * switched off, exhausted or needs a sign-in is passed over, and a change of who pays needs the person's yes.
 */
import type { BucketObstacle } from '../errors.ts';
import type { AutomaticState, BucketSnapshot } from '../snapshot.ts';
import { crosses } from './billing.ts';
import type { BindingInForce } from './binding.ts';
import { availability } from './cooldowns.ts';
import type { BucketCooldown, StoredCrossing } from './state.ts';

export type AutomaticQuestion = {
	/** In order. */
	readonly buckets: readonly BucketSnapshot[];
	readonly cooldownOf: (bucketId: string) => BucketCooldown | undefined;
	readonly crossings: readonly StoredCrossing[];
	readonly binding: BindingInForce | undefined;
	/** This window, as probes name it. */
	readonly window: string;
	/** Digest of this window's workspace, as decisions name it; '' without one. */
	readonly workspace: string;
	/** Keep this one while it is usable, whatever comes back. */
	readonly stay?: string | undefined;
	readonly nowMs: number;
};

export type AutomaticAnswer = AutomaticState & {
	/** Its cooldown is over, and a window that asks for a token may try it first, alone. */
	readonly probe?: string;
};

export function chooseAutomatic(question: AutomaticQuestion): AutomaticAnswer {
	const { binding } = question;
	if (binding?.kind === 'conflict') return { kind: 'bindingConflict', names: binding.names };
	if (binding?.kind === 'bound') return chooseBound(question, binding.bucketName);
	const members = question.buckets.filter((bucket) => bucket.automatic && !bucket.disabled);
	const [home, ...others] = members;
	if (!home) return { kind: 'none' };
	const judged = (bucket: BucketSnapshot): Judgement => judge(question, home, bucket);
	const candidates: Judgements = [judged(home), ...others.map(judged)];
	const stay = candidates.find(({ bucket, kind }) => bucket.id === question.stay && kind === 'usable');
	const first = stay ?? candidates.find(({ kind }) => kind === 'usable');
	const probe = candidates.find(({ kind }) => kind === 'probeable');
	if (first) {
		const isBetter = probe && !stay && members.indexOf(probe.bucket) < members.indexOf(first.bucket);
		return { kind: 'inForce', bucketId: first.bucket.id, ...(isBetter ? { probe: probe.bucket.id } : {}) };
	}
	// Nothing else can answer, so there is nothing to protect by letting one window go first.
	const waiting = probe ?? candidates.find(({ kind }) => kind === 'probedElsewhere');
	if (waiting) return { kind: 'inForce', bucketId: waiting.bucket.id };
	return whyNone(candidates);
}

type Judgement = {
	readonly bucket: BucketSnapshot;
	readonly kind: 'usable' | 'probeable' | 'probedElsewhere' | 'declined' | BucketObstacle['reason'];
	readonly untilMs?: number;
};

type Judgements = readonly [Judgement, ...Judgement[]];

function judge(question: AutomaticQuestion, home: BucketSnapshot, bucket: BucketSnapshot): Judgement {
	if (bucket.state.kind === 'needsSignIn' || bucket.state.kind === 'signedOut') return { bucket, kind: 'needsSignIn' };
	if (!canAnswer(bucket)) return { bucket, kind: 'unreadable' };
	const { nowMs, window } = question;
	const found = availability(question.cooldownOf(bucket.id), window, nowMs);
	if (found.kind === 'cooling')
		return { bucket, kind: 'cooling', ...(found.untilMs === undefined ? {} : { untilMs: found.untilMs }) };
	if (crosses(home, bucket)) {
		const decided = decisionAbout(question, home, bucket);
		if (!decided?.allowed) return { bucket, kind: decided ? 'declined' : 'decision' };
	}
	return { bucket, kind: found.kind };
}

/** A token can be handed out, at once or after a refresh. */
export function canAnswer({ state, token, kind }: BucketSnapshot): boolean {
	return (state.kind === 'ready' || state.kind === 'failing') && (token !== undefined || kind === 'reference');
}

/** The last word of the person about these two, of those that hold here and now. */
function decisionAbout(
	question: AutomaticQuestion,
	from: BucketSnapshot,
	to: BucketSnapshot,
): StoredCrossing | undefined {
	return question.crossings.findLast(
		(crossing) =>
			crossing.from === from.id &&
			crossing.to === to.id &&
			(crossing.workspace === undefined || crossing.workspace === question.workspace) &&
			(crossing.untilMs === undefined || crossing.untilMs > question.nowMs),
	);
}

function chooseBound(question: AutomaticQuestion, bucketName: string): AutomaticState {
	const [bucket, second] = question.buckets.filter(({ name }) => name === bucketName);
	if (!bucket || second) return { kind: 'boundMissing', bucketName };
	if (bucket.disabled || !canAnswer(bucket)) return { kind: 'boundUnusable', bucketName, bucketId: bucket.id };
	const found = availability(question.cooldownOf(bucket.id), question.window, question.nowMs);
	if (found.kind !== 'cooling') return { kind: 'inForce', bucketId: bucket.id };
	return whyNone([{ bucket, kind: 'cooling', ...(found.untilMs === undefined ? {} : { untilMs: found.untilMs }) }]);
}

function whyNone(judgements: Judgements): AutomaticState {
	const buckets = judgements.map(obstacleOf);
	const ends = judgements.flatMap(({ kind, untilMs }) =>
		kind === 'cooling' && untilMs !== undefined ? [untilMs] : [],
	);
	const until = ends.length === 0 ? {} : { untilMs: Math.min(...ends) };
	const [first] = judgements;
	const decision = judgements.find(({ kind }) => kind === 'decision');
	if (decision)
		return { kind: 'decision', fromBucketId: first.bucket.id, toBucketId: decision.bucket.id, ...until, buckets };
	if (judgements.some(({ kind }) => kind === 'cooling')) return { kind: 'exhausted', ...until, buckets };
	const broken = judgements.find(({ kind }) => kind === 'needsSignIn') ?? first;
	return { kind: 'needsSignIn', bucketId: broken.bucket.id };
}

function obstacleOf({ bucket, kind, untilMs }: Judgement): BucketObstacle {
	const reason =
		kind === 'declined'
			? 'decision'
			: kind === 'cooling' || kind === 'decision' || kind === 'needsSignIn'
				? kind
				: 'unreadable';
	return { bucketId: bucket.id, name: bucket.name, reason, ...(untilMs === undefined ? {} : { untilMs }) };
}
