/** A month: the longest period a service bills or limits by. What says later is wrong. In ms. */
export const RESET_CAP_MS = 31 * 24 * 60 * 60_000;
