/** Who asks for a token, and for whose. */

/** Who asks. A terminal is its process, so that a later one with the same pid inherits nothing. */
export type Consumer =
	| { readonly kind: 'terminal'; readonly pid: number; readonly startTime: string | undefined; readonly name: string }
	| { readonly kind: 'outside' };

/** A terminal of this window and the process of its shell. */
export type TerminalProcess = { readonly pid: number; readonly name: string };

/** Whose tokens they are: a configured provider, or a session of the editor itself. */
export type ConsentTarget = { readonly id: string; readonly label: string };

/** The same for the same consumer and provider, and for nothing else while this computer runs. */
export function consumerKey(consumer: Consumer, providerId: string): string {
	const who = consumer.kind === 'terminal' ? `${consumer.pid}:${consumer.startTime ?? ''}` : 'outside';
	return `${who}\0${providerId}`;
}

/** For the log. The name of a terminal is somebody's text and stays out. */
export function describeConsumer(consumer: Consumer): string {
	return consumer.kind === 'terminal' ? `terminal with pid ${consumer.pid}` : 'outside';
}
