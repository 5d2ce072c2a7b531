/** English texts without VS Code. */
import type { Localizer } from '../../src/views/localizer.ts';

export const plainLocalizer: Localizer = {
	t: (message, ...args) => message.replaceAll(/\{(\d+)\}/g, (_whole, index) => String(args[Number(index)])),
	language: 'en',
};
