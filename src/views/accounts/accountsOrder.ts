/** Which moves bring accounts to the place where they were dropped. Pure. */
import type { ProviderSnapshot } from '../../auth/snapshot.ts';

/** As {@link AuthService.moveBucket} takes it: the place counted without the bucket. */
export type Move = { readonly bucketId: string; readonly index: number };

/**
 * The dragged ones stay together, in the order they have. On an account they take its place; on the service (no target)
 * they come first. Accounts of another service, and those of this window only among those that are kept, stay where they are.
 */
export function movesFor(
	{ buckets }: Pick<ProviderSnapshot, 'buckets'>,
	dragged: readonly string[],
	targetId: string | undefined,
): readonly Move[] {
	const first = buckets.find(({ id }) => dragged.includes(id));
	const target = targetId === undefined ? undefined : buckets.find(({ id }) => id === targetId);
	if (!first || dragged.includes(targetId ?? '') || (targetId !== undefined && !target)) return [];
	const { sessionOnly } = target ?? first;
	const present = buckets.filter((bucket) => bucket.sessionOnly === sessionOnly).map(({ id }) => id);
	const moving = present.filter((id) => dragged.includes(id));
	const others = present.filter((id) => !dragged.includes(id));
	const at = target ? others.indexOf(target.id) : 0;
	// From above it goes below the target, from below above: either way into its place.
	const isFromAbove = target !== undefined && present.indexOf(moving[0] ?? '') < present.indexOf(target.id);
	return stepsTo(present, others.toSpliced(isFromAbove ? at + 1 : at, 0, ...moving));
}

/** The moves of the dragged, one after the other; each is counted in the order that those before it left. */
function stepsTo(present: readonly string[], wanted: readonly string[]): readonly Move[] {
	const moves: Move[] = [];
	let order = present;
	for (const [index, id] of wanted.entries()) {
		if (order[index] === id) continue;
		order = order.filter((other) => other !== id).toSpliced(index, 0, id);
		moves.push({ bucketId: id, index });
	}
	return moves;
}
