/** Pure: what a person changes about buckets. Each returns the same state if there is nothing to change. */
import { AuthError } from '../errors.ts';
import type { BucketDescription, Crossing } from '../service.ts';
import { type BindingAnswer, type Bucket, type State, type StoredCrossing, updateBucket } from './state.ts';

/** More than any person decides; the oldest go first. */
const MOST_ANSWERS = 500;

/** Throws `configuration` if the name is blank or another bucket has it: bindings and terminals name buckets by it. */
export function rename(state: State, providerId: string, bucketId: string, name: string): State {
	const wanted = name.trim();
	const buckets = state.providers[providerId]?.buckets ?? [];
	if (wanted === '' || buckets.some((bucket) => bucket.id !== bucketId && bucket.name === wanted))
		throw new AuthError('configuration', 'a bucket needs a name of its own', { detail: { field: 'name' } });
	return updateBucket(state, providerId, bucketId, (bucket) =>
		bucket.name === wanted ? bucket : { ...bucket, name: wanted },
	);
}

/** The first name of "wanted", "wanted (2)" and so on that no bucket of the provider has. */
export function freeName(buckets: readonly Pick<Bucket, 'name'>[], wanted: string): string {
	const taken = new Set(buckets.map(({ name }) => name));
	let name = wanted;
	for (let count = 2; taken.has(name); count++) name = `${wanted} (${count})`;
	return name;
}

/** @param index the place in the order, counted without the bucket itself. */
export function move(state: State, providerId: string, bucketId: string, index: number): State {
	const provider = state.providers[providerId];
	const bucket = provider?.buckets.find(({ id }) => id === bucketId);
	if (!provider || !bucket) return state;
	const others = provider.buckets.filter((other) => other !== bucket);
	const place = Math.min(Math.max(0, Math.trunc(index)), others.length);
	const buckets = others.toSpliced(place, 0, bucket);
	if (buckets.every((other, at) => other === provider.buckets[at])) return state;
	return { ...state, providers: { ...state.providers, [providerId]: { ...provider, buckets } } };
}

export function describe(state: State, providerId: string, bucketId: string, description: BucketDescription): State {
	return updateBucket(state, providerId, bucketId, (bucket) => {
		const next = { ...bucket, ...description };
		return JSON.stringify(next) === JSON.stringify(bucket) ? bucket : next;
	});
}

/** "Until it is back" for a bucket that names no time. */
const NO_RESET_MS = 24 * 60 * 60_000;

/** @param workspace digest of this window's, '' for windows without one: they share what is decided "in this workspace". */
export function decide(state: State, crossing: Crossing, workspace: string, nowMs: number): State {
	const provider = state.providers[crossing.providerId];
	if (!provider) return state;
	const from = provider.buckets.find(({ id }) => id === crossing.fromBucketId);
	const stored: StoredCrossing = {
		from: crossing.fromBucketId,
		to: crossing.toBucketId,
		allowed: crossing.allowed,
		...(crossing.scope === 'workspace' ? { workspace } : {}),
		...(crossing.scope === 'untilReset' ? { untilMs: from?.cooldown?.untilMs ?? nowMs + NO_RESET_MS } : {}),
	};
	const others = (provider.crossings ?? []).filter(
		({ from, to, workspace: where }) => from !== stored.from || to !== stored.to || where !== stored.workspace,
	);
	const crossings = [...others, stored].slice(-MOST_ANSWERS);
	return { ...state, providers: { ...state.providers, [crossing.providerId]: { ...provider, crossings } } };
}

/** Answers about other names stay: who ties a workspace anew says the new name before the workspace's file has it. */
export function answerBinding(state: State, answer: BindingAnswer): State {
	const others = (state.bindings ?? []).filter(
		({ providerId, workspace, bucketName }) =>
			providerId !== answer.providerId || workspace !== answer.workspace || bucketName !== answer.bucketName,
	);
	return { ...state, bindings: [...others, answer].slice(-MOST_ANSWERS) };
}
