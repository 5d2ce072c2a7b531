/** The access view as data: who may have tokens in terminals, which tools ask for them, and who got one. Pure. */
import type { Connection } from '../../auth/connect/connectionRecord.ts';
import type { AuditEntry } from '../../auth/terminal/audit.ts';
import type { Consent } from '../../auth/terminal/consents.ts';
import { contextValue } from '../accounts/contextFacts.ts';
import { clockText } from '../clockText.ts';
import { agoText } from '../durationText.ts';
import { type Localizer, plain } from '../localizer.ts';

export type AccessNode = {
	/** Stable, so that selection and expansion survive a refresh. */
	readonly id: string;
	readonly kind: 'group' | 'decision' | 'tool' | 'use';
	/** Of decisions, what revokes it; of tools, what disconnects it. */
	readonly consentId?: string;
	readonly connectionId?: string;
	readonly label: string;
	readonly description: string;
	readonly contextValue: string;
	readonly icon: string;
	readonly tooltip: readonly string[];
	readonly accessibilityLabel: string;
	readonly children: readonly AccessNode[];
};

export type ConnectedTool = Pick<Connection, 'id' | 'name' | 'provider' | 'file'> & {
	/** Name of the tool. */
	readonly label: string;
};

export type AccessFacts = {
	readonly consents: readonly Consent[];
	readonly tools: readonly ConnectedTool[];
	/** Newest first. */
	readonly uses: readonly AuditEntry[];
	/** The id itself for a service that is not configured any more. */
	readonly labelOf: (providerId: string) => string;
};

/** A view is for a glance; the files of the audit have the rest. */
const MAX_USES = 30;

/** Empty if nobody has access and nobody had any: then a welcome says more. */
export function accessNodes(facts: AccessFacts, l10n: Localizer, nowMs: number): readonly AccessNode[] {
	return [
		group(
			'decisions',
			l10n.t('Terminals'),
			facts.consents.map((one) => decisionNode(one, facts, l10n, nowMs)),
		),
		group(
			'tools',
			l10n.t('Connected Tools'),
			facts.tools.map((one) => toolNode(one, facts, l10n)),
		),
		group(
			'uses',
			l10n.t('Recent Use'),
			facts.uses.slice(0, MAX_USES).map((one) => useNode(one, facts, l10n, nowMs)),
		),
	].filter(({ children }) => children.length > 0);
}

/**
 * What has to be drawn anew: lines that changed, and groups that have other lines than before or in another order.
 * Undefined if the groups themselves are others.
 */
export function changedNodes(before: readonly AccessNode[], after: readonly AccessNode[]): AccessNode[] | undefined {
	if (idsOf(before) !== idsOf(after)) return undefined;
	return after.flatMap((group, index) => {
		const old = before[index];
		if (lineOf(group) !== lineOf(old) || idsOf(group.children) !== idsOf(old?.children)) return [group];
		return group.children.filter((node, row) => lineOf(node) !== lineOf(old?.children[row]));
	});
}

function idsOf(nodes: readonly AccessNode[] = []): string {
	return nodes.map(({ id }) => id).join('\n');
}

/** Children are lines of their own. */
function lineOf(node: AccessNode | undefined): string {
	return JSON.stringify(node && { ...node, children: [] });
}

function group(id: string, label: string, children: readonly AccessNode[]): AccessNode {
	const count = children.length;
	return {
		...{ id, kind: 'group', label, description: `${count}`, children, icon: '', tooltip: [] },
		contextValue: contextValue('group', []),
		accessibilityLabel: `${label}, ${count}`,
	};
}

function decisionNode(consent: Consent, { labelOf }: AccessFacts, l10n: Localizer, nowMs: number): AccessNode {
	const service = plain(labelOf(consent.providerId));
	const label = holderText(consent, l10n);
	const isAllowed = consent.decision === 'allow';
	const decision = isAllowed ? l10n.t('allowed') : l10n.t('refused');
	const sinceMs = consent.scope === 'session' ? consent.grantedAtMs : consent.decidedAtMs;
	const since = l10n.t('decided {0}', agoText(sinceMs, nowMs, l10n));
	return {
		id: `decision/${consent.id}`,
		kind: 'decision',
		consentId: consent.id,
		label,
		description: `${service} · ${decision}`,
		contextValue: contextValue('decision', [consent.scope, isAllowed ? 'allowed' : 'refused']),
		icon: isAllowed ? 'terminal' : 'circle-slash',
		tooltip: [
			`${label}: ${service}`,
			`${decision}, ${since}`,
			reachText(consent, l10n),
			...(consent.scope === 'session' && consent.lastUsedAtMs !== undefined
				? [l10n.t('Last used: {0}', agoText(consent.lastUsedAtMs, nowMs, l10n))]
				: []),
		],
		accessibilityLabel: `${label}, ${service}, ${decision}, ${since}`,
		children: [],
	};
}

function holderText(consent: Consent, l10n: Localizer): string {
	if (consent.scope === 'session')
		return consent.consumer.kind === 'terminal'
			? plain(consent.consumer.name)
			: l10n.t('Programs outside of terminals');
	const workspace = plain(consent.workspaceName);
	return consent.side === 'terminal'
		? l10n.t('All terminals in {0}', workspace)
		: l10n.t('Programs outside of terminals, in {0}', workspace);
}

function reachText(consent: Consent, l10n: Localizer): string {
	if (consent.scope === 'workspace') return l10n.t('Counts until you take it back.');
	return consent.consumer.kind === 'terminal'
		? l10n.t('Counts until the terminal is closed.')
		: l10n.t('Counts until this window is closed.');
}

function toolNode({ id, label, name, provider, file }: ConnectedTool, facts: AccessFacts, l10n: Localizer): AccessNode {
	const service = plain(facts.labelOf(provider));
	const title = name === '' ? label : `${label} (${plain(name)})`;
	return {
		...{
			id: `tool/${id}`,
			kind: 'tool',
			connectionId: id,
			label: title,
			description: service,
			icon: 'tools',
			children: [],
		},
		contextValue: contextValue('tool', []),
		tooltip: [`${title}: ${service}`, l10n.t('Set up in {0}', file)],
		accessibilityLabel: `${title}, ${service}`,
	};
}

function useNode(entry: AuditEntry, { labelOf }: AccessFacts, l10n: Localizer, nowMs: number): AccessNode {
	const service = plain(labelOf(entry.providerId));
	const label = entry.program === undefined ? holderOf(entry, l10n) : plain(entry.program);
	const what = outcomeText(entry, l10n);
	const ago = agoText(entry.lastAtMs, nowMs, l10n);
	const times = entry.count > 1 ? [l10n.t('{0} times', entry.count)] : [];
	return {
		id: `use/${entry.atMs}/${entry.terminalPid ?? ''}/${entry.providerId}/${entry.use}/${entry.outcome}/${entry.program ?? ''}`,
		kind: 'use',
		label,
		description: [service, what, ...times, ago].join(' · '),
		contextValue: contextValue('use', [entry.outcome]),
		icon: entry.outcome === 'refused' ? 'circle-slash' : entry.outcome === 'keyAdded' ? 'key' : 'pass',
		tooltip: [
			`${label}: ${service}`,
			[what, ...times].join(', '),
			l10n.t('By {0}', holderOf(entry, l10n)),
			l10n.t('For: {0}', entry.use),
			clockText(entry.lastAtMs, nowMs, l10n),
			...(entry.expiresAtMs === undefined
				? []
				: [l10n.t('The token that was given ends: {0}', clockText(entry.expiresAtMs, nowMs, l10n))]),
		],
		accessibilityLabel: [label, service, what, ...times, ago].join(', '),
		children: [],
	};
}

function holderOf({ consumer, terminal }: AuditEntry, l10n: Localizer): string {
	if (consumer === 'outside') return l10n.t('a program outside of terminals');
	return terminal === undefined ? l10n.t('a terminal') : l10n.t('the terminal "{0}"', plain(terminal));
}

function outcomeText({ outcome }: AuditEntry, l10n: Localizer): string {
	switch (outcome) {
		case 'given':
			return l10n.t('got a token');
		case 'refused':
			return l10n.t('was refused');
		case 'keyAdded':
			return l10n.t('stored a key');
		default:
			return outcome satisfies never;
	}
}
