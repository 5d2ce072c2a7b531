/**
 * Which variables of an environment or a file can be stored as API keys, for which providers, and which cannot and why. What
 * it answers can be shown and logged: the keys themselves come out one by one, for those that a person chose.
 */
import { digest, fingerprint } from '../log.ts';
import type { EnvVariable } from './envFile.ts';
import { REFRESH_TOKEN_NAME, type SecretKind, secretKind } from './secretKind.ts';
import { isFor, type VendorKey, vendorOf } from './vendorKeys.ts';

/** As much of a provider as this needs. */
export type ImportProvider = {
	readonly id: string;
	readonly label: string;
	readonly kind: string;
	/** Names of variables that carry this provider's token. */
	readonly environment?: Readonly<Record<string, string>>;
};

export type ImportSource =
	| { readonly kind: 'environment'; readonly variables: Readonly<Record<string, string | undefined>> }
	| { readonly kind: 'file'; readonly variables: readonly EnvVariable[] };

export type ImportCandidate = {
	/** All that hold this key, the first of them in the order of the source. */
	readonly variables: readonly [string, ...string[]];
	/** Providers for API keys that it belongs to, the likeliest first. Empty: the person has to say. */
	readonly providerIds: readonly string[];
	/** Absent for a variable that only a provider names. */
	readonly vendor?: string;
	/** Enough to tell two keys apart, and no part of either. */
	readonly length: number;
	readonly fingerprint: string;
	/** Full digest, to see whether it is stored already. */
	readonly digest: string;
};

export type RefusedVariable = {
	readonly variable: string;
	readonly reason:
		| Exclude<SecretKind, 'key'>
		/** Its provider takes no keys: people sign in to it, or a command prints its token. */
		| 'notForKeys';
	/** Providers that can be signed in to instead. */
	readonly providerIds: readonly string[];
};

export type ImportScan = {
	readonly candidates: readonly ImportCandidate[];
	readonly refused: readonly RefusedVariable[];
	/** The secret of a candidate of this scan. */
	keyOf(candidate: ImportCandidate): string;
};

type Found = Omit<EnvVariable, 'line'>;

export function importCandidates(source: ImportSource, providers: readonly ImportProvider[]): ImportScan {
	const candidates = new Map<string, ImportCandidate>();
	const refused: RefusedVariable[] = [];
	const keys = new Map<string, string>();
	for (const { name, value, refers } of variablesOf(source)) {
		const vendor = vendorOf(name);
		const owners = ownersOf(name, vendor, providers);
		if (owners.length === 0 && vendor === undefined && !REFRESH_TOKEN_NAME.test(name)) continue;
		const forKeys = owners.filter(({ kind }) => kind === 'apiKey').map(({ id }) => id);
		const others = owners.filter(({ kind }) => kind !== 'apiKey').map(({ id }) => id);
		const kind = secretKind(name, value, refers);
		if (kind !== 'key') {
			refused.push({ variable: name, reason: kind, providerIds: others });
			continue;
		}
		if (forKeys.length === 0 && others.length > 0) {
			refused.push({ variable: name, reason: 'notForKeys', providerIds: others });
			continue;
		}
		const key = value.trim();
		const whole = digest(key);
		const same = candidates.get(whole);
		keys.set(whole, key);
		candidates.set(whole, {
			...(vendor === undefined ? {} : { vendor: vendor.vendor }),
			...same,
			variables: same === undefined ? [name] : [...same.variables, name],
			providerIds: [...new Set([...(same?.providerIds ?? []), ...forKeys])],
			length: key.length,
			fingerprint: fingerprint(key),
			digest: whole,
		});
	}
	return {
		candidates: [...candidates.values()],
		refused,
		keyOf(candidate) {
			const key = keys.get(candidate.digest);
			if (key === undefined) throw new RangeError('the candidate is of another scan');
			return key;
		},
	};
}

/** Each name once: of a file the last line counts, as it does to a loader. */
function variablesOf(source: ImportSource): Iterable<Found> {
	const found = new Map<string, Found>();
	if (source.kind === 'file') {
		for (const variable of source.variables) found.set(variable.name, variable);
	} else {
		for (const [name, value] of Object.entries(source.variables)) {
			// What an environment holds has been expanded already.
			if (value !== undefined) found.set(name, { name, value, refers: false });
		}
	}
	return found.values();
}

/** Those that name the variable themselves come first. Names only suggest: a person confirms. */
function ownersOf(
	name: string,
	vendor: VendorKey | undefined,
	providers: readonly ImportProvider[],
): readonly ImportProvider[] {
	const naming = providers.filter(({ environment }) => environment?.[name] === 'token');
	const named = vendor === undefined ? [] : providers.filter((provider) => isFor(vendor, provider));
	return [...new Set([...naming, ...named])];
}
