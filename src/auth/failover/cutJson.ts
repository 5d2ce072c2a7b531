/**
 * JSON of which only the beginning is there: reports carry a piece of a body. What was complete before the cut is read; the
 * value that the cut went through is left out, because half a code is another code.
 */

/** Deeper nesting is no error body, and would be the parser's recursion. */
const MAX_DEPTH = 64;

/** The value of the text, or of its readable beginning; undefined if that is no JSON object or list. */
export function parseCutJson(text: string): unknown {
	const json = text.replace(/^\uFEFF/, '').trim();
	if (!json.startsWith('{') && !json.startsWith('[')) return undefined;
	const readable = readablePart(json);
	return readable === undefined ? undefined : parse(readable);
}

/** Up to the last place at which all open lists and objects may be closed, and closed there. */
function readablePart(text: string): string | undefined {
	let open = '';
	let inString = false;
	let end: { readonly at: number; readonly closers: string } | undefined;
	for (let at = 0; at < text.length; at++) {
		const char = text[at];
		if (inString) {
			if (char === '\\') at++;
			else if (char === '"') inString = false;
			continue;
		}
		if (char === '"') inString = true;
		else if (char === '{' || char === '[') {
			open = (char === '{' ? '}' : ']') + open;
			if (open.length > MAX_DEPTH) return undefined;
			end = { at: at + 1, closers: open };
		} else if (char === '}' || char === ']') {
			if (open[0] !== char) return undefined;
			open = open.slice(1);
			end = { at: at + 1, closers: open };
			if (open === '') return text.slice(0, at + 1);
		} else if (char === ',') end = { at, closers: open };
	}
	return end && text.slice(0, end.at) + end.closers;
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		// Not JSON; the parser's message would quote the body.
		return undefined;
	}
}
