/** Asks the protected endpoint of the demo service whose token this is. */
import { createHash } from 'node:crypto';

export type Person = {
	readonly name: string;
	readonly email: string;
	/** Of the token that the service was sent; see {@link fingerprint}. */
	readonly fingerprint: string;
};

export type Who =
	| ({ readonly kind: 'person' } & Person)
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
		return { kind: 'person', ...readPerson(await response.json()) };
	} catch (error) {
		return { kind: 'unreachable', reason: error instanceof Error ? error.message : String(error) };
	}
}

/** Tells two tokens apart without showing either: the start of the SHA-256. */
export function fingerprint(accessToken: string): string {
	return createHash('sha256').update(accessToken).digest('hex').slice(0, FINGERPRINT_LENGTH);
}

const FINGERPRINT_LENGTH = 8;

/** The answer of the endpoint. */
export function readPerson(body: unknown): Person {
	return {
		name: textOf(body, 'name'),
		email: textOf(body, 'email'),
		fingerprint: textOf(body, 'tokenDigest').slice(0, FINGERPRINT_LENGTH),
	};
}

function textOf(body: unknown, member: 'name' | 'email' | 'tokenDigest'): string {
	if (typeof body !== 'object' || body === null) return '?';
	const value = Object.entries(body).find(([name]) => name === member)?.[1];
	return typeof value === 'string' ? value : '?';
}
