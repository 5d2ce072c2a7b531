/** A new provider while it is being asked for: which fields its type needs, and whether an answer will do. Pure. */
import { PROVIDER_ID, type ProblemCode, parseProviders } from '../../auth/settings.ts';

export type ProviderType = 'oidc' | 'oauth2' | 'apiKey';

export type DraftField =
	| 'issuer'
	| 'authorizationEndpoint'
	| 'tokenEndpoint'
	| 'deviceAuthorizationEndpoint'
	| 'clientId'
	| 'scopes';

/** The fields in the order in which they are asked for. */
export const FIELDS: Readonly<Record<ProviderType, readonly DraftField[]>> = {
	oidc: ['issuer', 'clientId', 'scopes'],
	oauth2: ['authorizationEndpoint', 'tokenEndpoint', 'deviceAuthorizationEndpoint', 'clientId', 'scopes'],
	apiKey: [],
};

/** May be left blank. Which of the two endpoints for signing in there is, differs from service to service. */
export const OPTIONAL_FIELDS: ReadonlySet<DraftField> = new Set([
	'authorizationEndpoint',
	'deviceAuthorizationEndpoint',
	'scopes',
]);

export type Answers = Readonly<Partial<Record<DraftField, string>>>;

/** An id made from a name; empty if nothing of the name can be part of an id. */
export function idFor(name: string): string {
	const id = name
		.normalize('NFKD')
		.replaceAll(/\p{M}/gu, '')
		.toLowerCase()
		.replaceAll(/[^a-z0-9]+/g, '-')
		.replaceAll(/^-+|-+$/g, '')
		.slice(0, 40)
		.replaceAll(/-+$/g, '');
	return PROVIDER_ID.test(id) ? id : '';
}

/** The entry for the setting. Blank answers are left out. */
export function draftEntry(type: ProviderType, label: string, answers: Answers): Record<string, unknown> {
	const entry: Record<string, unknown> = { type, label: label.trim() };
	for (const field of FIELDS[type]) {
		const answer = answers[field]?.trim() ?? '';
		if (answer !== '') entry[field] = field === 'scopes' ? answer.split(/[\s,]+/) : answer;
	}
	return entry;
}

/** What the settings' own parser says about this answer; problems of fields that are not asked for yet do not count. */
export function problemOf(
	type: ProviderType,
	id: string,
	field: DraftField,
	answers: Answers,
): ProblemCode | undefined {
	if (OPTIONAL_FIELDS.has(field) && (answers[field]?.trim() ?? '') === '') {
		// With the second of the two left blank as well there is no way to sign in.
		const none = field === 'deviceAuthorizationEndpoint' && (answers.authorizationEndpoint?.trim() ?? '') === '';
		return none ? 'noEndpoint' : undefined;
	}
	const { problems } = parseProviders({ [id]: draftEntry(type, id, answers) });
	return problems.find((problem) => problem.field === field || problem.field.startsWith(`${field}.`))?.code;
}
