/** What every language of a tool's file must be able to do with the one place in it that is ours. */
import type { Splice } from './splice.ts';

/** As in JSON. kubectl writes `null` for what is not set, so it stands in values that are replaced. */
export type Value = null | string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

export type FileProblemCode =
	/** Not valid in its language, or in an encoding that nobody knows. */
	| 'unparsable'
	/** UTF-16, as some editors of Windows write it, and as the tool does not read it either. */
	| 'utf16'
	/** Valid, but written in a way that cannot be changed without touching what is not ours. */
	| 'unsupported'
	/** Something else in the file excludes the change; `name` says what. */
	| 'conflict'
	/** What would be replaced, and kept to bring it back, holds a secret; `subject` says where. */
	| 'secret'
	/** The file or its folder may not be written. */
	| 'readOnly'
	/** Reading or writing failed; `cause` has the reason. */
	| 'io'
	/** The file changed since it was looked at. */
	| 'changed'
	/** The launcher's path has characters that the file's language cannot carry. */
	| 'path'
	/** There is nothing to change: what the change needs is not in the file. */
	| 'absent';

/** Why a tool's file was left as it is. Nothing was written. */
export class FileProblem extends Error {
	readonly code: FileProblemCode;
	/** What is in the way, such as a key. Never a value. */
	readonly subject: string | undefined;

	constructor(code: FileProblemCode, message: string, options: { subject?: string; cause?: unknown } = {}) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.name = 'FileProblem';
		this.code = code;
		this.subject = options.subject;
	}
}

/** By name, because the error may come out of another bundle, which has a class of its own. */
export function isFileProblem(error: unknown): error is FileProblem {
	return error instanceof Error && error.name === 'FileProblem' && 'code' in error;
}

/** All throw {@link FileProblem} `unparsable` if the text is not valid; `put` and `take` also `unsupported`. */
export type Format<Slot> = {
	/** The value in the slot; undefined if there is none. */
	read(text: string, slot: Slot): Value | undefined;
	/** All that the text means but the slot and what is empty without it. Equal before and after a good change. */
	rest(text: string, slot: Slot): unknown;
	/** Sets the value. */
	put(text: string, slot: Slot, value: Value): Splice;
	/** Removes the value, which is there. */
	take(text: string, slot: Slot): Splice;
};
