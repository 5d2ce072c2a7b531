/** Standard input, bounded in bytes and in time: a caller that forgets to close it must not hang the helper. */

export type InputLimits = { readonly maxBytes: number; readonly waitMs: number };

/** What comes until the end, the limit or the time. A terminal is not read: nobody would know what to type. */
export async function readStandardInput({ maxBytes, waitMs }: InputLimits): Promise<string> {
	if (process.stdin.isTTY) return '';
	const chunks: Buffer[] = [];
	let size = 0;
	const ended = await new Promise<boolean>((resolve) => {
		const timer = setTimeout(() => resolve(false), waitMs);
		const settle = (whole: boolean): void => {
			clearTimeout(timer);
			resolve(whole);
		};
		process.stdin.on('data', (chunk: Buffer) => {
			chunks.push(chunk);
			size += chunk.length;
			if (size > maxBytes) settle(false);
		});
		process.stdin.on('end', () => settle(true)).on('error', () => settle(true));
	});
	process.stdin.pause();
	process.stdin.removeAllListeners('data');
	if (!ended) process.stdin.destroy();
	return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8');
}
