// SPDX-License-Identifier: Apache-2.0
// Take something along: copy, download, identities that are long.
import { Button, IconButton } from './button.js';
import { html } from './preact.js';
import { toast } from './toast.js';

/** @param {string} text @param {string} what 'DeviceID' */
export async function copyText(text, what) {
	try {
		await navigator.clipboard.writeText(text);
		toast(`${what} copied`);
	} catch {
		toast('The browser did not allow it: mark the text and copy it.',
			{ kind: 'error' });
	}
}

/**
 * Save text as a file.
 * @param {string} name
 * @param {string} text
 * @param {string} [type]
 */
export function download(name, text, type = 'text/plain') {
	const a = document.createElement('a');

	a.href = URL.createObjectURL(new Blob([text], { type }));
	a.download = name;
	a.click();
	setTimeout(URL.revokeObjectURL, 10000, a.href);
}

/**
 * A button that copies.
 * @param {{ text: string, what: string, words?: boolean }} props what: what
 *	it is, 'Token'; words: with the word Copy to see
 */
export function Copy({ text, what, words }) {
	const run = () => copyText(text, what);

	return words ? html`<${Button} icon="copy" run=${run}>Copy</>` :
		html`<${IconButton} icon="copy" label="Copy ${what}" run=${run} />`;
}

/**
 * A long identity: its beginning and end, the whole on hover, and Copy.
 * @param {{ id: string, what?: string, href?: string, whole?: boolean }}
 *	props what: 'DeviceID'; href: where it leads; whole: not shortened
 */
export function LongId({ id, what = 'DeviceID', href, whole }) {
	const short = whole || id.length <= 20 ? id :
		`${id.slice(0, 10)}…${id.slice(-6)}`;

	return html`<span class="long-id">
		${href ? html`<a class="mono" href=${href} title=${id}>${short}</a>` :
			html`<span class="mono" title=${id}>${short}</span>`}
		<${Copy} text=${id} what=${what} /></span>`;
}
