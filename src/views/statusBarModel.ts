/** The status bar's item as data: who answers for this workspace, or what keeps anybody from it. Pure, so that it is tested. */
import type { ProviderSnapshot, Snapshot } from '../auth/snapshot.ts';
import { viewState } from './accounts/accountsModel.ts';
import { automaticText } from './accounts/automaticText.ts';
import { bucketTitle } from './accounts/bucketWords.ts';
import type { CommandId } from './ids.ts';
import { type Localizer, plain } from './localizer.ts';

export type StatusCommand =
	| { readonly command: CommandId; readonly target: { readonly providerId: string; readonly bucketId?: string } }
	| { readonly command: 'showAccounts' };

export type StatusItem = {
	/** With the icon in front. */
	readonly text: string;
	/** Plain text: names in it are chosen by servers. One line per service. */
	readonly tooltip: readonly string[];
	readonly accessibilityLabel: string;
	readonly needsAttention: boolean;
	readonly click: StatusCommand;
};

/** Longer names would push the items of others off the screen; the tooltip has them whole. */
const NAME_LIMIT = 28;

/** Undefined where there is nothing to say: nothing is set up, or not yet read. */
export function statusItem(snapshot: Snapshot, l10n: Localizer, nowMs: number): StatusItem | undefined {
	const state = viewState(snapshot);
	if (state === 'loading' || state === 'noProvider' || state === 'noAccount') return undefined;
	if (state !== 'accounts') return lockedItem(l10n);
	const shown = snapshot.providers.filter(({ buckets }) => buckets.length > 0).map((one) => answerOf(one, l10n, nowMs));
	// What waits for the person comes first, whatever the order of the services.
	const first = shown.find(({ trouble }) => trouble) ?? shown[0];
	if (!first) return undefined;
	const rest = shown.length - 1;
	const short = first.trouble ? `${first.service}: ${first.answer}` : cut(first.answer);
	const hint = hintOf(first.click, l10n);
	return {
		text: `$(${first.trouble ? 'warning' : 'account'}) ${escaped(short)}${rest > 0 ? ` +${rest}` : ''}`,
		tooltip: [...shown.map(({ service, answer }) => `${service}: ${answer}`), '', hint],
		accessibilityLabel: `Agent Auth: ${shown.map(({ service, answer }) => `${service}: ${answer}`).join(', ')}. ${hint}`,
		needsAttention: first.trouble,
		click: first.click,
	};
}

/** One state explains every account; the view has it with its remedy. */
function lockedItem(l10n: Localizer): StatusItem {
	const text = l10n.t('Accounts cannot be opened');
	const click: StatusCommand = { command: 'showAccounts' };
	return {
		text: `$(warning) ${text}`,
		tooltip: [text, '', hintOf(click, l10n)],
		accessibilityLabel: `Agent Auth: ${text}. ${hintOf(click, l10n)}`,
		needsAttention: true,
		click,
	};
}

type Answer = {
	readonly service: string;
	readonly answer: string;
	readonly trouble: boolean;
	readonly click: StatusCommand;
};

function answerOf(snapshot: ProviderSnapshot, l10n: Localizer, nowMs: number): Answer {
	const { provider, buckets, inForce } = snapshot;
	const service = plain(provider.label);
	const bucket = buckets.find(({ id }) => id === inForce);
	if (bucket) {
		const answer = plain(bucketTitle(bucket));
		return { service, answer, trouble: false, click: { command: 'showAccounts' } };
	}
	const answer = troubleText(snapshot, l10n, nowMs);
	// Accounts that were all kept out of Automatic are a wish, not a trouble.
	return { service, answer, trouble: snapshot.automatic.kind !== 'none', click: remedyOf(snapshot) };
}

function troubleText(snapshot: ProviderSnapshot, l10n: Localizer, nowMs: number): string {
	if (snapshot.automatic.kind === 'needsSignIn') return l10n.t('sign in again');
	return plain(automaticText(snapshot, nowMs, l10n) ?? l10n.t('no usable account'));
}

function remedyOf({ provider, automatic, buckets }: ProviderSnapshot): StatusCommand {
	const target = { providerId: provider.id };
	switch (automatic.kind) {
		case 'needsSignIn': {
			const waiting = buckets.find(({ id }) => id === automatic.bucketId);
			// What is damaged or cannot be read has its remedy in the view.
			return waiting?.state.kind === 'needsSignIn'
				? { command: 'agentAuth.signIn', target: { ...target, bucketId: automatic.bucketId } }
				: { command: 'showAccounts' };
		}
		case 'decision':
			return { command: 'agentAuth.decideCrossing', target };
		case 'boundMissing':
		case 'boundUnusable':
			return { command: 'agentAuth.bindWorkspace', target };
		case 'inForce':
		case 'none':
		case 'exhausted':
		case 'bindingConflict':
			return { command: 'showAccounts' };
		default:
			return automatic satisfies never;
	}
}

function hintOf({ command }: StatusCommand, l10n: Localizer): string {
	switch (command) {
		case 'agentAuth.signIn':
			return l10n.t('Click to sign in.');
		case 'agentAuth.decideCrossing':
			return l10n.t('Click to decide.');
		case 'agentAuth.bindWorkspace':
			return l10n.t('Click to choose another account for this workspace.');
		default:
			return l10n.t('Click to see the accounts.');
	}
}

function cut(name: string): string {
	return name.length > NAME_LIMIT ? `${name.slice(0, NAME_LIMIT - 1)}…` : name;
}

/** VS Code draws `$(name)` in the text of an item as an icon, also where a server chose the text. */
function escaped(text: string): string {
	return text.replaceAll('$(', '$ (');
}
