/** The accounts view as data: what is listed, how it is called, and what can be done with it. Pure, so that it is tested. */
import type { BucketSnapshot, ProviderSnapshot, Snapshot } from '../../auth/snapshot.ts';
import type { Localizer } from '../localizer.ts';
import { automaticText } from './automaticText.ts';
import { bucketNode } from './bucketNode.ts';
import { contextValue } from './contextFacts.ts';

/** Which welcome is shown instead of the list; `accounts` means the list. */
export type ViewState =
	| 'loading'
	| 'noProvider'
	| 'noAccount'
	| 'keyMissing'
	| 'keyUnreadable'
	| 'storageFailed'
	| 'damaged'
	| 'newerSchema'
	| 'accounts';

export type AccountsNode = {
	/** Stable, so that selection and expansion survive a refresh. */
	readonly id: string;
	readonly kind: 'provider' | 'bucket';
	readonly providerId: string;
	/** Only of buckets. */
	readonly bucketId?: string;
	readonly label: string;
	readonly description: string;
	/** Facts joined with `+`, the kind first, the others sorted; package.json matches them with `\b`. */
	readonly contextValue: string;
	readonly icon: string;
	readonly iconColor?: string;
	/** Plain text, never markdown: names in it are chosen by servers. */
	readonly tooltip: readonly string[];
	readonly accessibilityLabel: string;
	readonly children: readonly AccountsNode[];
};

export function viewState(snapshot: Snapshot): ViewState {
	if (!snapshot.loaded) return 'loading';
	const buckets = snapshot.providers.flatMap((provider) => provider.buckets);
	const trouble = wholeTrouble(snapshot) ?? commonTrouble(buckets);
	if (trouble !== undefined) return trouble;
	if (snapshot.providers.length === 0) return 'noProvider';
	return buckets.length === 0 ? 'noAccount' : 'accounts';
}

function wholeTrouble({ problem }: Snapshot): ViewState | undefined {
	switch (problem) {
		case undefined:
			return undefined;
		case 'storage':
			return 'storageFailed';
		case 'damaged':
			return 'damaged';
		case 'newer_schema':
			return 'newerSchema';
		default:
			return problem satisfies never;
	}
}

/** One state that explains all of them is told once, with its remedy, and not once per account. */
function commonTrouble(buckets: readonly BucketSnapshot[]): ViewState | undefined {
	const kind = buckets[0]?.state.kind;
	if (kind !== 'keyMissing' && kind !== 'keyUnreadable' && kind !== 'storageFailed') return undefined;
	return buckets.every((bucket) => bucket.state.kind === kind) ? kind : undefined;
}

/** The top of the tree; empty whenever a welcome says more. */
export function accountsNodes(snapshot: Snapshot, l10n: Localizer, nowMs: number): readonly AccountsNode[] {
	if (viewState(snapshot) !== 'accounts') return [];
	return snapshot.providers.map((provider) => providerNode(provider, l10n, nowMs));
}

/** How many accounts wait for the person: to be mended, or to be let stand in. */
export function attentionCount({ providers }: Snapshot): number {
	const mended = providers
		.flatMap(({ buckets }) => buckets)
		.filter(({ state, disabled }) => !disabled && (state.kind === 'needsSignIn' || state.kind === 'damaged'));
	return mended.length + providers.filter(({ automatic }) => automatic.kind === 'decision').length;
}

function providerNode(snapshot: ProviderSnapshot, l10n: Localizer, nowMs: number): AccountsNode {
	const { provider, buckets, signingIn } = snapshot;
	const address = addressOf(snapshot, l10n);
	const trouble = automaticText(snapshot, nowMs, l10n);
	const wish = bindingText(snapshot, l10n);
	const status = signingIn
		? l10n.t('signing in…')
		: buckets.length === 0
			? l10n.t('no account')
			: buckets.length === 1
				? l10n.t('1 account')
				: l10n.t('{0} accounts', buckets.length);
	return {
		id: provider.id,
		kind: 'provider',
		providerId: provider.id,
		label: provider.label,
		description: signingIn || buckets.length === 0 ? status : (trouble ?? address),
		contextValue: contextValue('provider', [
			provider.kind,
			buckets.length === 0 && 'empty',
			signingIn && 'signingIn',
			snapshot.automatic.kind === 'decision' && 'needsDecision',
			snapshot.binding?.kind === 'bound' && 'bound',
		]),
		icon: signingIn
			? 'loading~spin'
			: provider.kind === 'apiKey'
				? 'key'
				: provider.kind === 'command'
					? 'terminal'
					: 'shield',
		tooltip: [provider.label, address, status, trouble ?? '', wish].filter((line) => line !== ''),
		accessibilityLabel: [provider.label, status, ...(trouble === undefined ? [] : [trouble])].join(', '),
		children: buckets.map((bucket) => bucketNode(bucket, snapshot, l10n, nowMs)),
	};
}

function addressOf({ provider }: ProviderSnapshot, l10n: Localizer): string {
	if (provider.kind === 'apiKey') return l10n.t('API key');
	if (provider.kind === 'command') return l10n.t('command');
	const address = provider.kind === 'oidc' ? provider.issuer : provider.endpoints.issuer;
	return URL.canParse(address) ? new URL(address).host : address;
}

function bindingText({ binding }: ProviderSnapshot, l10n: Localizer): string {
	switch (binding?.kind) {
		case 'bound':
			return l10n.t('This workspace is tied to "{0}".', binding.bucketName);
		case 'unconfirmed':
			return l10n.t('This workspace wants to be tied to "{0}"; you have not agreed.', binding.binding.bucketName);
		default:
			return '';
	}
}
