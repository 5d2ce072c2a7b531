/** Asks whose account it is and how its use is paid for: one click each, and nothing is assumed when the person leaves it. */
import * as vscode from 'vscode';
import { BILLING_CLASSES, type BillingClass, BUCKET_OWNERS, type BucketOwner } from '../../auth/buckets/billing.ts';
import type { BucketDescription } from '../../auth/service.ts';
import type { BucketSnapshot } from '../../auth/snapshot.ts';
import { billingText, bucketTitle, ownerText } from '../accounts/bucketWords.ts';
import { display } from '../display.ts';

type Said = Pick<BucketDescription, 'owner' | 'billing'>;
type Item = vscode.QuickPickItem & { readonly said: Said };

/** @returns undefined if the person left it unsaid. */
export function askOwner(bucket: BucketSnapshot): Promise<Said | undefined> {
	return ask(bucket, ownerItems(bucket), vscode.l10n.t('Whose account is it?'));
}

/** @returns undefined if the person left it unsaid. */
export function askBilling(bucket: BucketSnapshot): Promise<Said | undefined> {
	return ask(
		bucket,
		billingItems(bucket),
		vscode.l10n.t('How is its use paid for? Automatic does not change that unasked.'),
	);
}

/** Both in one list, for a change. */
export function askDescription(bucket: BucketSnapshot): Promise<Said | undefined> {
	const separator = (label: string): Item => ({ label, kind: vscode.QuickPickItemKind.Separator, said: {} });
	return ask(
		bucket,
		[
			separator(vscode.l10n.t('Owner')),
			...ownerItems(bucket),
			separator(vscode.l10n.t('Billing')),
			...billingItems(bucket),
		],
		vscode.l10n.t('Automatic moves to an account with another owner or billing only after you said yes.'),
	);
}

async function ask(bucket: BucketSnapshot, items: readonly Item[], placeHolder: string): Promise<Said | undefined> {
	const picked = await vscode.window.showQuickPick(items, {
		title: bucketTitle(bucket),
		placeHolder,
		// It may come right after a sign-in, while the browser still has the focus.
		ignoreFocusOut: true,
	});
	return picked?.said;
}

function ownerItems({ owner: present }: BucketSnapshot): Item[] {
	return BUCKET_OWNERS.map((owner) => item(ownerTitle(owner), owner === present, { owner }));
}

function billingItems({ billing: present }: BucketSnapshot): Item[] {
	return BILLING_CLASSES.map((billing) =>
		item(billingTitle(billing), billing === present, { billing }, billingDetail(billing)),
	);
}

function item(label: string, isCurrent: boolean, said: Said, detail?: string): Item {
	return {
		label,
		said,
		...(isCurrent ? { iconPath: new vscode.ThemeIcon('check'), description: vscode.l10n.t('current') } : {}),
		...(detail === undefined ? {} : { detail }),
	};
}

function ownerTitle(owner: BucketOwner): string {
	return capitalised(ownerText(owner, display));
}

function billingTitle(billing: BillingClass): string {
	return capitalised(billingText(billing, display));
}

function capitalised(word: string): string {
	return word.charAt(0).toLocaleUpperCase() + word.slice(1);
}

function billingDetail(billing: BillingClass): string {
	switch (billing) {
		case 'subscription':
			return vscode.l10n.t('A fixed price, with limits.');
		case 'metered':
			return vscode.l10n.t('Every request costs money.');
		case 'organisation':
			return vscode.l10n.t('A company or a team pays.');
		default:
			return billing satisfies never;
	}
}
