/** Pure: what the person was told of a bucket, by one window for all, so that no other window repeats it. */
import type { Bucket } from './state.ts';

/** Reasons that a new sign-in ends: after that the same trouble is news again. The others say themselves what they are about. */
const OF_A_CREDENTIAL: ReadonlySet<string> = new Set([
	'invalid_grant',
	'unknown_outcome',
	'unavailable',
	'service_changed',
]);

/** Two or three take turns at most; the oldest go first. */
const REMEMBERED = 16;

/** With the message noted; the same bucket if the person was told already. */
export function tell(bucket: Bucket, reason: string, generation: number): Bucket {
	const told = bucket.told ?? [];
	const isKnown = told.some(
		(entry) => entry.reason === reason && (!OF_A_CREDENTIAL.has(reason) || entry.generation === generation),
	);
	return isKnown ? bucket : { ...bucket, told: [...told, { generation, reason }].slice(-REMEMBERED) };
}
