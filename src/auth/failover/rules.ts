/**
 * What answers mean, as data: the first rule that fits decides. The defaults move on only for what is known to concern this
 * credential alone. Everything else waits or gives up: moving on costs a warm cache, and takes a person's work to another
 * account. A provider's own rules come before them.
 */
import * as v from 'valibot';
import { PERMISSION_RULES, TOKEN_RULES } from './credentialRules.ts';
import { LIMIT_RULES } from './limitRules.ts';
import { overridesSchema, ruleId, ruleSchema } from './ruleSchema.ts';

export type Rule = v.InferOutput<typeof ruleSchema>;
export type Condition = Rule['when'];
export type Outcome = Rule['then'];

export const DEFAULT_RULES: readonly Rule[] = [
	{ id: 'success', when: { status: ['2xx', '3xx'] }, then: { kind: 'fine' } },
	// Not each 401 is an expired token, but each is worth one refresh.
	{ id: 'unauthorized', when: { status: [401] }, then: { kind: 'refused' } },
	...PERMISSION_RULES,
	...LIMIT_RULES,
	...TOKEN_RULES,
	// Parked where it names no time: waiting does not pay bills.
	{ id: 'payment-required', when: { status: [402] }, then: { kind: 'limit', reason: 'credit' } },
	{ id: 'rate-limit', when: { status: [429] }, then: { kind: 'limit', reason: 'rate_limit', waitMs: 30_000 } },
	{ id: 'forbidden', when: { status: [403] }, then: { kind: 'denied', reason: 'forbidden' } },
	// Request time-out and too early: the service did not get to look at the token.
	{ id: 'timeout', when: { status: [408, 425] }, then: { kind: 'wait', reason: 'unavailable' } },
	{ id: 'bad-request', when: { status: ['4xx'] }, then: { kind: 'denied', reason: 'bad_request' } },
	{ id: 'overloaded', when: { status: [529] }, then: { kind: 'wait', reason: 'overloaded' } },
	{ id: 'server-error', when: { status: ['5xx'] }, then: { kind: 'wait', reason: 'unavailable' } },
	{ id: 'no-answer', when: { status: [0] }, then: { kind: 'wait', reason: 'unavailable' } },
];

export type ParsedRules = {
	/** In the order in which they are tried. */
	readonly rules: readonly Rule[];
	/** Sentences that begin with the path. What they are about is left out; the rest holds. */
	readonly problems: readonly string[];
};

/**
 * The rules of one provider: its own, then the defaults without those it disables. An own rule with the id of a default
 * takes that one's place and comes first like all own ones.
 * @param providerOverrides `{ rules?: Rule[], disabled?: string[] }` as the settings hold it; undefined for none.
 */
export function rulesFor(providerOverrides: unknown): ParsedRules {
	if (providerOverrides === undefined || providerOverrides === null) return { rules: DEFAULT_RULES, problems: [] };
	const parsed = v.safeParse(overridesSchema, providerOverrides);
	if (!parsed.success) return { rules: DEFAULT_RULES, problems: parsed.issues.map((issue) => sentence('', issue)) };
	const problems: string[] = [];
	const own = new Map<string, Rule>();
	for (const [index, raw] of (parsed.output.rules ?? []).entries()) {
		const rule = v.safeParse(ruleSchema, raw);
		if (!rule.success) problems.push(...rule.issues.map((issue) => sentence(`rules[${index}]`, issue)));
		else if (own.has(rule.output.id)) problems.push(`rules[${index}].id is that of an earlier rule.`);
		else own.set(rule.output.id, rule.output);
	}
	const disabled = new Set<string>();
	for (const [index, raw] of (parsed.output.disabled ?? []).entries()) {
		const id = v.safeParse(ruleId, raw);
		if (!id.success) problems.push(...id.issues.map((issue) => sentence(`disabled[${index}]`, issue)));
		else if (DEFAULT_RULES.some((rule) => rule.id === id.output)) disabled.add(id.output);
		else problems.push(`disabled[${index}] must be the id of a default rule.`);
	}
	const defaults = DEFAULT_RULES.filter(({ id }) => !disabled.has(id) && !own.has(id));
	return { rules: [...own.values(), ...defaults], problems };
}

function sentence(root: string, issue: v.BaseIssue<unknown>): string {
	const path = root + (issue.path ?? []).map(({ key }) => step(key)).join('');
	return `${path.replace(/^\./, '') || 'rules'} ${whatIsWrong(issue)}.`;
}

/** Names that could be mistaken for something else are quoted, and cut: whoever reads the sentence knows them. */
function step(key: unknown): string {
	if (typeof key === 'number') return `[${key}]`;
	const name = String(key);
	return /^[\w-]{1,40}$/.test(name) ? `.${name}` : `[${JSON.stringify(name.slice(0, 40))}]`;
}

/** The library reports absent and unknown fields as faults of the object around them. */
function whatIsWrong(issue: v.BaseIssue<unknown>): string {
	if (issue.type !== 'strict_object') return issue.message;
	if (issue.expected === 'never') return 'is no known field';
	return issue.received === 'undefined' && issue.path !== undefined ? 'is required' : issue.message;
}
