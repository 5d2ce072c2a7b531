/** What a window is measured beside: a process that does nothing (`nothing`), or looks at a file every 100 ms (`poll`). */
import { stat } from 'node:fs/promises';

export type IdleOrder = { readonly kind: 'nothing' } | { readonly kind: 'poll'; readonly file: string };
export type IdleAnswer = { readonly kind: 'started' | 'opened' };

const POLL_MS = 100;

process.on('message', (order: IdleOrder) => {
	if (order.kind === 'poll') setInterval(() => void stat(order.file).catch(() => undefined), POLL_MS);
	process.send?.({ kind: 'opened' } satisfies IdleAnswer);
});
process.on('disconnect', () => process.exit(0));
process.send?.({ kind: 'started' } satisfies IdleAnswer);
