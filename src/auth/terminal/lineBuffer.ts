/** Cuts a byte stream into lines without ever holding more than a limit, whatever the other side sends. */

export type LineBuffer = {
	/** The lines that `chunk` completes, without their newline; `tooLarge` as soon as one passes the limit. */
	push(chunk: Buffer): { readonly lines: readonly Buffer[]; readonly tooLarge: boolean };
	/** The bytes of the unfinished line, at most `length` of them. */
	peek(length: number): Buffer;
	/** Bytes of the unfinished line. */
	readonly size: number;
};

const NEWLINE = 0x0a;

export function createLineBuffer(maxBytes: number): LineBuffer {
	let parts: Buffer[] = [];
	let size = 0;
	return {
		push(chunk) {
			const lines: Buffer[] = [];
			let rest = chunk;
			for (let at = rest.indexOf(NEWLINE); at >= 0; at = rest.indexOf(NEWLINE)) {
				if (size + at > maxBytes) return { lines, tooLarge: true };
				lines.push(Buffer.concat([...parts, rest.subarray(0, at)]));
				parts = [];
				size = 0;
				rest = rest.subarray(at + 1);
			}
			if (size + rest.length > maxBytes) return { lines, tooLarge: true };
			if (rest.length > 0) parts.push(rest);
			size += rest.length;
			return { lines, tooLarge: false };
		},
		peek(length) {
			return Buffer.concat(parts, Math.min(length, size));
		},
		get size() {
			return size;
		},
	};
}
