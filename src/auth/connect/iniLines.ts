/** Reads a text line by line with the place of each, for the formats that are made of lines. */

export type Line = {
	/** Without line break. */
	readonly source: string;
	readonly start: number;
	/** Behind the line break. */
	readonly end: number;
};

export function linesOf(text: string): Line[] {
	return [...text.matchAll(/[^\n]*\n|[^\n]+$/g)].map(({ 0: line, index }) => ({
		source: line.replace(/\r?\n$/, ''),
		start: index,
		end: index + line.length,
	}));
}
