/** Asks the protected endpoint of the demo service whose token this is. */
import { createHash } from 'node:crypto';

export type Who =
	| { readonly kind: 'person'; readonly name: string; readonly email: string }
	| { readonly kind: 'refused'; readonly status: number }
	| { readonly kind: 'unreachable'; readonly reason: string };

/** A service on the same machine answers at once; longer means that it hangs. */
const DEADLINE_MS = 10_000;

export async function askWhoAmI(url: string, accessToken: string): Promise<Who> {
	try {
		const response = await fetch(url, {
			headers: { authorization: `Bearer ${accessToken}` },
			signal: AbortSignal.timeout(DEADLINE_MS),
		});
		if (!response.ok) return { kind: 'refused', status: response.status };
		const body: unknown = await response.json();
		return { kind: 'person', name: textOf(body, 'name'), email: textOf(body, 'email') };
	} catch (error) {
		return { kind: 'unreachable', reason: error instanceof Error ? error.message : String(error) };
	}
}

/** Tells two tokens apart without showing either. */
export function fingerprint(accessToken: string): string {
	return createHash('sha256').update(accessToken).digest('hex').slice(0, 8);
}

function textOf(body: unknown, member: 'name' | 'email'): string {
	if (typeof body !== 'object' || body === null) return '?';
	const value = Object.entries(body).find(([name]) => name === member)?.[1];
	return typeof value === 'string' ? value : '?';
}
