/**
 * Standard output and standard error, written at once. The streams of `process` are loaded when they are first used, which
 * takes longer than to fetch a token; on Windows only they know the character set of the console.
 */
import { writeSync } from 'node:fs';
import { hasCode } from '../atomicFile.ts';
import { EXIT_INTERNAL } from '../outcome.ts';

/** A pipe that is full and does not block has to be emptied by its reader, who has other things to do as well. */
const FULL_PIPE_WAIT_MS = 2;

export function writeOutput(text: string): void {
	if (process.platform === 'win32') writeToStream(process.stdout, text);
	else writeAll(1, text);
}

export function writeError(text: string): void {
	if (process.platform === 'win32') writeToStream(process.stderr, text);
	else writeAll(2, text);
}

function writeAll(fd: number, text: string): void {
	for (let left = Buffer.from(text); left.length > 0; ) {
		try {
			left = left.subarray(writeSync(fd, left));
		} catch (error) {
			if (!hasCode(error, 'EAGAIN')) stop();
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_WAIT_MS);
		}
	}
}

function writeToStream(stream: NodeJS.WriteStream, text: string): void {
	if (stream.listenerCount('error') === 0) stream.on('error', stop);
	stream.write(text);
}

/** Whoever reads the output may stop early; that is no reason for a stack trace in its terminal. */
function stop(): never {
	process.exit(EXIT_INTERNAL);
}
