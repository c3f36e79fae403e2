// SPDX-License-Identifier: Apache-2.0
// Short words about what was done, with Undo where that is cheap.
import { Icon } from './icons.js';
import { html, signal, useEffect, useRef } from './preact.js';

/** @typedef {{ id: number, text: string, kind: 'ok' | 'error',
 *	undo?: () => unknown }} Toast */

/** @type {import('./preact.js').Signal<Toast[]>} */
const toasts = signal([]);
let last = 0;

/** @param {number} id */
const drop = (id) => {
	toasts.value = toasts.value.filter((t) => t.id !== id);
};

/**
 * toast('Batch b1 deleted', { undo: () => ... }): shown for six seconds,
 * twelve if it can be undone or went wrong.
 * @param {string} text
 * @param {{ kind?: 'ok' | 'error', undo?: () => unknown }} [how]
 */
export function toast(text, { kind = 'ok', undo } = {}) {
	const id = ++last;

	toasts.value = [...toasts.value.slice(-3), { id, text, kind, undo }];
	setTimeout(drop, undo || kind === 'error' ? 12000 : 6000, id);
}

/** What went wrong, for people. @param {any} error */
export function toastError(error) {
	if (error?.name === 'AbortError')
		return;
	// After the session the login page says so.
	if (error?.status !== 401)
		toast(error?.message ?? String(error), { kind: 'error' });
}

/** Where toasts appear: once, in app.js, above dialogs too. */
export function ToastHost() {
	/** @type {{ current: HTMLElement | null }} */
	const ref = useRef(null);
	const list = toasts.value;

	useEffect(() => {
		const host = ref.current;

		if (!host?.showPopover)
			return;
		if (host.matches(':popover-open'))
			host.hidePopover();
		if (list.length)
			host.showPopover();
	}, [list]);
	return html`<div class="toasts" ref=${ref} popover="manual" role="status"
		aria-live="polite">
		${list.map((t) => html`<div key=${t.id} class="toast ${t.kind}">
			<${Icon} name=${t.kind === 'ok' ? 'check' : 'warn'} />
			<span>${t.text}</span>
			${t.undo && html`<button type="button" class="btn small"
				onClick=${async () => {
					drop(t.id);
					try {
						await t.undo?.();
					} catch (e) {
						toastError(e);
					}
				}}>Undo</button>`}
			<button type="button" class="icon-btn" aria-label="Close"
				onClick=${() => drop(t.id)}>
				<${Icon} name="close" />
			</button>
		</div>`)}
	</div>`;
}
