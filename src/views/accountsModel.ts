/** The accounts view as data: what is listed, how it is called, and what can be done with it. Pure, so that it is tested. */
import type { BucketSnapshot, BucketState, ProviderSnapshot, Snapshot } from '../auth/snapshot.ts';
import type { Localizer } from './localizer.ts';

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
export function accountsNodes(snapshot: Snapshot, l10n: Localizer): readonly AccountsNode[] {
	if (viewState(snapshot) !== 'accounts') return [];
	return snapshot.providers.map((provider) => providerNode(provider, l10n));
}

/** How many accounts wait for the person. */
export function attentionCount(snapshot: Snapshot): number {
	return snapshot.providers
		.flatMap((provider) => provider.buckets)
		.filter((bucket) => bucket.state.kind === 'needsSignIn' || bucket.state.kind === 'damaged').length;
}

function providerNode(snapshot: ProviderSnapshot, l10n: Localizer): AccountsNode {
	const { provider, buckets, signingIn } = snapshot;
	const address = provider.kind === 'apiKey' ? l10n.t('API key') : hostOf(snapshot);
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
		description: signingIn || buckets.length === 0 ? status : address,
		contextValue: contextValue('provider', [provider.kind, buckets.length === 0 && 'empty', signingIn && 'signingIn']),
		icon: signingIn ? 'loading~spin' : provider.kind === 'apiKey' ? 'key' : 'shield',
		tooltip: [provider.label, address, status],
		accessibilityLabel: `${provider.label}, ${status}`,
		children: buckets.map((bucket) => bucketNode(bucket, snapshot, l10n)),
	};
}

function hostOf({ provider }: ProviderSnapshot): string {
	if (provider.kind === 'apiKey') return '';
	const address = provider.kind === 'oidc' ? provider.issuer : provider.endpoints.issuer;
	return URL.canParse(address) ? new URL(address).host : address;
}

function bucketNode(bucket: BucketSnapshot, snapshot: ProviderSnapshot, l10n: Localizer): AccountsNode {
	const inForce = snapshot.inForce === bucket.id;
	const { account, name } = bucket;
	const look = lookOf(bucket.state, inForce, l10n);
	const title = name === account.label ? account.label : `${account.label} (${name})`;
	const words = [
		look.text,
		// The icon says as well which one is in use, so that may be cut off in a narrow view.
		bucket.sessionOnly ? l10n.t('this window only') : '',
		inForce ? l10n.t('in use') : '',
	].filter((word) => word !== '');
	return {
		id: `${bucket.providerId}/${bucket.id}`,
		kind: 'bucket',
		providerId: bucket.providerId,
		bucketId: bucket.id,
		label: account.label,
		description: [...(name === account.label ? [] : [name]), ...words].join(' · '),
		contextValue: contextValue('bucket', [
			bucket.kind,
			bucket.state.kind,
			inForce && 'inForce',
			bucket.renewable && 'renewable',
		]),
		icon: look.icon,
		...(look.color === undefined ? {} : { iconColor: look.color }),
		tooltip: tooltipOf(bucket, snapshot, title, words, l10n),
		accessibilityLabel: [title, snapshot.provider.label, ...(words.length > 0 ? words : [l10n.t('ready')])].join(', '),
		children: [],
	};
}

function tooltipOf(
	bucket: BucketSnapshot,
	{ provider }: ProviderSnapshot,
	title: string,
	words: readonly string[],
	l10n: Localizer,
): readonly string[] {
	const { identity } = bucket.account;
	const scopes = bucket.token?.scopes ?? [];
	const lines = [
		`${provider.label}: ${title}`,
		words.join(' · '),
		identity.email === undefined || identity.email === bucket.account.label ? '' : identity.email,
		scopes.length === 0 ? '' : l10n.t('Scopes: {0}', scopes.join(' ')),
		bucket.token?.expiresAtMs === undefined ? '' : l10n.t('Token ends: {0}', timeText(bucket.token.expiresAtMs)),
		bucket.lastRefreshAtMs === undefined ? '' : l10n.t('Last renewed: {0}', timeText(bucket.lastRefreshAtMs)),
		bucket.lastUsedAtMs === undefined ? '' : l10n.t('Last used: {0}', timeText(bucket.lastUsedAtMs)),
		bucket.sessionOnly ? l10n.t('Only until this window closes: nothing here keeps secrets.') : '',
	];
	return lines.filter((line) => line !== '');
}

function timeText(atMs: number): string {
	return new Date(atMs).toLocaleString();
}

type Look = { readonly text: string; readonly icon: string; readonly color?: string };

const WARNING = 'list.warningForeground';
const ERROR = 'list.errorForeground';

function lookOf(state: BucketState, inForce: boolean, l10n: Localizer): Look {
	switch (state.kind) {
		case 'ready':
			return inForce ? { text: '', icon: 'pass-filled', color: 'charts.green' } : { text: '', icon: 'account' };
		case 'failing':
			return {
				text:
					state.retryAtMs === undefined
						? l10n.t('cannot be renewed right now')
						: l10n.t('cannot be renewed right now, next try {0}', new Date(state.retryAtMs).toLocaleTimeString()),
				icon: 'sync-ignored',
				color: WARNING,
			};
		case 'needsSignIn':
			return { text: needsSignInText(state.reason, l10n), icon: 'warning', color: WARNING };
		case 'keyMissing':
			return { text: l10n.t('key missing'), icon: 'lock', color: WARNING };
		case 'keyUnreadable':
			return { text: l10n.t('key store does not answer'), icon: 'lock', color: WARNING };
		case 'damaged':
			return { text: l10n.t('damaged, kept; sign in again'), icon: 'error', color: ERROR };
		case 'newerSchema':
			return { text: l10n.t('needs a newer version of Agent Auth'), icon: 'versions', color: WARNING };
		case 'storageFailed':
			return { text: l10n.t('cannot be read'), icon: 'error', color: ERROR };
		case 'signedOut':
			return { text: l10n.t('signed out'), icon: 'circle-slash' };
		default:
			return state satisfies never;
	}
}

function needsSignInText(reason: 'invalid_grant' | 'unknown_outcome' | 'unavailable', l10n: Localizer): string {
	switch (reason) {
		case 'invalid_grant':
			return l10n.t('session ended, sign in again');
		case 'unknown_outcome':
			return l10n.t('session lost, sign in again');
		case 'unavailable':
			return l10n.t('expired, sign in again');
		default:
			return reason satisfies never;
	}
}

function contextValue(kind: string, facts: readonly (string | false)[]): string {
	return [kind, ...facts.filter((fact) => fact !== false).toSorted()].join('+');
}
