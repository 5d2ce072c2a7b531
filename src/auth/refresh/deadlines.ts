/** The waits of a refresh, declared together because each must outlast the one before it; a test pins their order. */

/** The one hard deadline: the request is aborted, and what became of it is then unknown. Typical answers take < 5 s. */
export const REQUEST_DEADLINE_MS = 15_000;

/** Storing what the server answered, with its retries on a disk in trouble, before others may wonder. */
export const STORE_MARGIN_MS = 5_000;

/** The longest a lease is held: a request, its one declared resend, and storing the answer. */
export const LEASE_HOLD_MS = 2 * REQUEST_DEADLINE_MS + STORE_MARGIN_MS;

/** How long a waiter waits for a live holder: longer than any legal holding, so no one fails who would have been served. */
export const PATIENCE_MS = LEASE_HOLD_MS + 10_000;
