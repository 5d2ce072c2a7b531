/** Ordering accounts with the mouse: an account that is dropped on another one of its service takes that one's place. */
import * as vscode from 'vscode';
import type { AuthService } from '../../auth/service.ts';
import type { Failures } from '../failures.ts';
import { type Move, movesFor } from './accountsOrder.ts';
import type { AccountsElement } from './accountsTree.ts';

/** VS Code makes it of the view's id in lower case; nothing else can be dropped here. */
const MIME_TYPE = 'application/vnd.code.tree.agentauth.accounts';

export function createAccountsDrop(
	service: Pick<AuthService, 'snapshot' | 'moveBucket'>,
	failures: Failures,
): vscode.TreeDragAndDropController<AccountsElement> {
	return {
		dragMimeTypes: [MIME_TYPE],
		dropMimeTypes: [MIME_TYPE],
		handleDrag(source, data) {
			const ids = source.flatMap(({ bucketId }) => bucketId ?? []);
			if (ids.length > 0) data.set(MIME_TYPE, new vscode.DataTransferItem(ids));
		},
		async handleDrop(target, data) {
			const dragged: unknown = data.get(MIME_TYPE)?.value;
			const provider = service.snapshot().providers.find(({ provider: { id } }) => id === target?.providerId);
			if (!provider || !Array.isArray(dragged)) return;
			const ids = dragged.filter((id) => typeof id === 'string');
			try {
				for (const move of movesFor(provider, ids, target?.bucketId)) await apply(provider.provider.id, move);
			} catch (error) {
				failures.show(error);
			}
		},
	};

	function apply(providerId: string, { bucketId, index }: Move): Promise<void> {
		return service.moveBucket(providerId, bucketId, index);
	}
}
