/**
 * A change of a tool's file: values put into slots. Every step is checked by parsing: the value is there, and all else
 * means what it meant. Undone, a file that nobody touched is what it was byte for byte; in one that was edited since, only
 * our values go.
 */
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { FileProblem, type Value } from './format.ts';
import { formatOf, type Slot, type SlotFormat, slotSchema } from './slot.ts';
import { applySplice, inverse, placesOf, type Splice } from './splice.ts';

export type Assignment = { readonly slot: Slot; readonly value: Value };

const valueSchema: v.GenericSchema<Value> = v.lazy(() =>
	v.union([v.null(), v.string(), v.number(), v.boolean(), v.array(valueSchema), v.record(v.string(), valueSchema)]),
);

export const stepSchema = v.object({
	slot: slotSchema,
	value: valueSchema,
	/** What was in the slot before; absent if nothing was. */
	previous: v.optional(valueSchema),
	splice: v.object({ at: v.number(), removed: v.string(), inserted: v.string() }),
});

export type Step = v.InferOutput<typeof stepSchema>;

export type Change = { readonly before: string; readonly after: string; readonly steps: readonly Step[] };

/** @throws FileProblem if the text is not valid, or a value cannot be put without touching anything else. */
export function makeChange(before: string, assignments: readonly Assignment[]): Change {
	let text = before;
	const steps: Step[] = [];
	for (const { slot, value } of assignments) {
		const format = formatOf(slot);
		const previous = format.read(text);
		if (isDeepStrictEqual(previous, value)) continue;
		const splice = format.put(text, value);
		const after = applySplice(text, splice);
		if (!isDone(format, text, after, value))
			throw new FileProblem('unsupported', 'the change would touch other things');
		steps.push({ slot, value, splice, ...(previous === undefined ? {} : { previous }) });
		text = after;
	}
	return { before, after: text, steps };
}

function isDone(format: SlotFormat, before: string, after: string, value: Value | undefined): boolean {
	try {
		const kept = isDeepStrictEqual(format.rest(before), format.rest(after));
		return kept && isDeepStrictEqual(format.read(after), value);
	} catch (error) {
		// What was just made cannot be read: then it is not done. Anything else is a defect and must be seen.
		if (error instanceof FileProblem) return false;
		throw error;
	}
}

export type TakenBack = {
	readonly text: string;
	/** Steps whose value somebody else has changed or removed since: they were left alone. */
	readonly left: number;
};

/** For a text that is the result of the steps. */
export function revert(after: string, steps: readonly Step[]): string {
	return steps.reduceRight((text, { splice }) => applySplice(text, inverse(splice)), after);
}

/**
 * For a text that was edited since.
 * @throws FileProblem `unparsable` if it is not valid, `unsupported` if a value cannot be taken out alone.
 */
export function takeBack(text: string, steps: readonly Step[]): TakenBack {
	let [current, left] = [text, 0];
	for (const step of steps.toReversed()) {
		const format = formatOf(step.slot);
		if (isDeepStrictEqual(format.read(current), step.value)) current = withoutStep(format, current, step);
		else left++;
	}
	return { text: current, left };
}

/** First our very characters, wherever they are now; else by the rules of the language. */
function withoutStep(format: SlotFormat, text: string, { splice, previous }: Step): string {
	for (const at of placesOf(text, splice)) {
		const after = applySplice(text, { ...inverse(splice), at });
		if (isDone(format, text, after, previous)) return after;
	}
	const taken: Splice = previous === undefined ? format.take(text) : format.put(text, previous);
	const after = applySplice(text, taken);
	if (!isDone(format, text, after, previous))
		throw new FileProblem('unsupported', 'the change cannot be taken out alone');
	return after;
}
