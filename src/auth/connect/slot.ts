/** The one place in a tool's file that is ours, as it is remembered, and which format knows it. */
import * as v from 'valibot';
import { awsFormat } from './awsFormat.ts';
import type { Format, Value } from './format.ts';
import { gitFormat } from './gitFormat.ts';
import { jsonFormat } from './jsonFormat.ts';
import type { Splice } from './splice.ts';
import { tomlFormat } from './tomlFormat.ts';
import { kubeFormat } from './yamlFormat.ts';

const path = v.pipe(v.array(v.string()), v.minLength(1), v.readonly());

export const slotSchema = v.variant('format', [
	v.object({ format: v.literal('json'), path: v.pipe(v.tupleWithRest([v.string()], v.string()), v.readonly()) }),
	v.object({ format: v.literal('toml'), table: path }),
	v.object({ format: v.literal('kube'), user: v.string(), added: v.boolean() }),
	v.object({ format: v.literal('git'), url: v.string(), helper: v.string() }),
	v.object({ format: v.literal('aws'), profile: v.string() }),
]);

export type Slot = v.InferOutput<typeof slotSchema>;

/** For people: where it is in the file. */
export function placeOf(slot: Slot): string {
	switch (slot.format) {
		case 'json':
			return slot.path.join('.');
		case 'toml':
			return slot.table.join('.');
		case 'kube':
			return slot.user;
		case 'git':
			return slot.url;
		case 'aws':
			return slot.profile;
	}
}

/** A slot with its format, as four functions of the text alone. */
export type SlotFormat = {
	read(text: string): Value | undefined;
	rest(text: string): unknown;
	put(text: string, value: Value): Splice;
	take(text: string): Splice;
};

export function formatOf(slot: Slot): SlotFormat {
	switch (slot.format) {
		case 'json':
			return bound(jsonFormat, slot);
		case 'toml':
			return bound(tomlFormat, slot);
		case 'kube':
			return bound(kubeFormat, slot);
		case 'git':
			return bound(gitFormat, slot);
		case 'aws':
			return bound(awsFormat, slot);
	}
}

function bound<S>(format: Format<S>, slot: S): SlotFormat {
	return {
		read: (text) => format.read(text, slot),
		rest: (text) => format.rest(text, slot),
		put: (text, value) => format.put(text, slot, value),
		take: (text) => format.take(text, slot),
	};
}
