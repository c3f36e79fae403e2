// SPDX-License-Identifier: Apache-2.0
// Who is logged in, and to what: signals that the whole page reads.
import { signal } from './preact.js';

/**
 * undefined: not asked yet; null: nobody is logged in.
 * @type {import('./preact.js').Signal<
 *	import('./types').Session | null | undefined>}
 */
export const session = signal(undefined);

/** @type {import('./preact.js').Signal<import('./types').Site | null>} */
export const site = signal(null);

/** True if an administrator is logged in. */
export function isAdmin() {
	return session.value?.user.role === 'administrator';
}
