/**
 * One replacement in a text, and what it takes to make it, take it back and find it again. Everything that is done to a
 * tool's file is a list of these, because a splice is undone byte for byte without knowing the language of the file.
 */

export type Splice = {
	/** Offset in UTF-16 units. */
	readonly at: number;
	readonly removed: string;
	readonly inserted: string;
};

/** Throws if the text at the place is not what the splice removes: it was made for another text. */
export function applySplice(text: string, { at, removed, inserted }: Splice): string {
	if (!text.startsWith(removed, at)) throw new Error('the splice belongs to another text');
	return text.slice(0, at) + inserted + text.slice(at + removed.length);
}

export function inverse({ at, removed, inserted }: Splice): Splice {
	return { at, removed: inserted, inserted: removed };
}

/** More places than this mean that the inserted text is too common to tell which one is ours. */
const MAX_PLACES = 50;

/** Where in a text that has changed since the splice could be taken back: nearest to its place first. */
export function placesOf(text: string, { at, inserted }: Splice): number[] {
	const places: number[] = [];
	for (let found = text.indexOf(inserted); found >= 0; found = text.indexOf(inserted, found + 1)) {
		places.push(found);
		if (places.length > MAX_PLACES) return [];
	}
	return places.sort((a, b) => Math.abs(a - at) - Math.abs(b - at));
}

/** The line break that the text uses; that of the system's convention for these files if it has none. */
export function eolOf(text: string): string {
	return text.includes('\r\n') ? '\r\n' : '\n';
}

/** Offset of the first character of the line. */
export function lineStart(text: string, offset: number): number {
	return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Offset behind the line break that ends the line, or the end of the text. */
export function lineEnd(text: string, offset: number): number {
	const end = text.indexOf('\n', offset);
	return end < 0 ? text.length : end + 1;
}

/** Blanks at the beginning of the line that holds `offset`. */
export function indentOf(text: string, offset: number): string {
	const line = text.slice(lineStart(text, offset));
	return line.slice(0, line.search(/[^ \t]|$/));
}

/** A block of whole lines at `offset`, which is a line start or the end of a text that may lack its last line break. */
export function insertLines(text: string, offset: number, lines: readonly string[]): Splice {
	const eol = eolOf(text);
	const isOpen = offset > 0 && text[offset - 1] !== '\n';
	const block = lines.join(eol);
	return { at: offset, removed: '', inserted: isOpen ? eol + block : block + eol };
}
