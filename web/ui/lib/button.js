// SPDX-License-Identifier: Apache-2.0
// Buttons and links that look like them.
import { Icon } from './icons.js';
import { html, useState } from './preact.js';
import { toastError } from './toast.js';

/**
 * A button. While what `run` promised goes on it is busy and cannot be
 * pressed again; what goes wrong there becomes a toast.
 *
 * <${Button} kind="primary" icon="plus" run=${create}>Create Batch</>
 *
 * @param {{ kind?: 'primary' | 'danger' | 'quiet' | 'small', icon?: string,
 *	run?: (e: Event) => unknown, disabled?: boolean, busy?: boolean,
 *	type?: 'button' | 'submit', title?: string, autofocus?: boolean,
 *	pressed?: boolean, children?: any }} props kind: look, plain without;
 *	run: what a click does; busy: shown as busy whatever run does; pressed:
 *	for what is switched on and off
 */
export function Button({ kind, icon, run, disabled, busy, type, title,
	autofocus, pressed, children }) {
	const [working, setWorking] = useState(false);
	const on = busy || working;
	/** @param {Event} e */
	const click = async (e) => {
		if (on || !run)
			return;
		setWorking(true);
		try {
			await run(e);
		} catch (error) {
			toastError(error);
		} finally {
			setWorking(false);
		}
	};

	return html`<button type=${type ?? 'button'} class="btn ${kind ?? ''}"
		disabled=${disabled} aria-busy=${on || undefined} title=${title}
		aria-pressed=${pressed} autofocus=${autofocus} onClick=${click}>
		${icon && html`<${Icon} name=${icon} />`}
		<span>${children}</span>
	</button>`;
}

/**
 * A button with an icon and no words to see; `label` is its name and its
 * hover text.
 * @param {{ icon: string, label: string, run: (e: Event) => unknown,
 *	pressed?: boolean, danger?: boolean, disabled?: boolean }} props
 *	pressed: for what is switched on and off
 */
export function IconButton({ icon, label, run, pressed, danger, disabled }) {
	return html`<button type="button" class="icon-btn ${danger ? 'danger' : ''}"
		aria-label=${label} title=${label} aria-pressed=${pressed}
		disabled=${disabled}
		onClick=${async (/** @type {Event} */ e) => {
			try {
				await run(e);
			} catch (error) {
				toastError(error);
			}
		}}>
		<${Icon} name=${icon} />
	</button>`;
}

/**
 * A link that looks like a button.
 * @param {{ href: string, kind?: string, icon?: string, download?: string,
 *	out?: boolean, children?: any }} props out: opens beside this page
 */
export function LinkButton({ href, kind, icon, download, out, children }) {
	return html`<a class="btn ${kind ?? ''}" href=${href}
		download=${download} target=${out ? '_blank' : undefined}
		rel=${out ? 'noopener noreferrer' : undefined}>
		${icon && html`<${Icon} name=${icon} />`}
		<span>${children}</span>
	</a>`;
}
