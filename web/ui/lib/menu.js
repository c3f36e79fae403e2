// SPDX-License-Identifier: Apache-2.0
// A menu under a button.
import { Icon } from './icons.js';
import { html, useId, useRef } from './preact.js';
import { toastError } from './toast.js';

/** @typedef {import('./types').Action} Action */

/** @param {HTMLElement} menu @param {HTMLElement} button */
function place(menu, button) {
	const at = button.getBoundingClientRect();
	const { offsetHeight: high, offsetWidth: wide } = menu;
	const below = at.bottom + 4;

	menu.style.left = `${Math.max(8, Math.min(at.right - wide,
		innerWidth - wide - 8))}px`;
	menu.style.top = `${below + high > innerHeight ?
		Math.max(8, at.top - high - 4) : below}px`;
}

/**
 * <${Menu} label="Actions for b1" icon="more" items=${[{ label, icon, run,
 * href, danger, disabled, hidden }]} row=${row} />; run, href, disabled and
 * hidden are called with `row`. `children` is what the button shows instead of the
 * icon; `label` is then added to it for readers.
 * @param {{ label: string, icon?: string, items: Action[], row?: any,
 *	children?: any }} props
 */
export function Menu({ label, icon, items, row, children }) {
	const id = useId();
	/** @type {{ current: HTMLElement | null }} */
	const ref = useRef(null);
	/** @type {{ current: HTMLElement | null }} */
	const button = useRef(null);
	/** @param {KeyboardEvent} e */
	const keys = (e) => {
		const all = /** @type {HTMLElement[]} */ ([
			...ref.current?.querySelectorAll('[role=menuitem]') ?? []]);
		const at = all.indexOf(
			/** @type {HTMLElement} */ (document.activeElement));
		/** @type {Record<string, number>} */
		const next = {
			ArrowDown: at + 1, ArrowUp: at - 1 + all.length,
			Home: 0, End: all.length - 1,
		};

		if (!(e.key in next))
			return;
		e.preventDefault();
		all[next[e.key] % all.length]?.focus();
	};
	/** @param {ToggleEvent} e */
	const toggled = (e) => {
		const open = e.newState === 'open';

		button.current?.setAttribute('aria-expanded', String(open));
		if (open && ref.current && button.current) {
			place(ref.current, button.current);
			/** @type {HTMLElement | null} */
			(ref.current.querySelector('[role=menuitem]'))?.focus();
		}
	};
	/** @param {Action} item */
	const run = async (item) => {
		ref.current?.hidePopover();
		button.current?.focus();
		try {
			await item.run?.(row);
		} catch (e) {
			toastError(e);
		}
	};

	return html`<button type="button" ref=${button} title=${label}
		class=${children ? 'menu-btn' : 'icon-btn'} aria-label=${children ? undefined : label}
		aria-haspopup="menu" aria-expanded="false" popovertarget=${id}>
		${children ? html`${children}<span class="hide">${label}</span>` :
			html`<${Icon} name=${icon ?? 'more'} />`}
	</button>
	<div id=${id} class="menu" popover="auto" role="menu" ref=${ref}
		aria-label=${label} onKeyDown=${keys} onToggle=${toggled}>
		${items.filter((item) => !item.hidden?.(row)).map((item) => {
			const why = item.disabled?.(row);
			const inside = html`
				${item.icon && html`<${Icon} name=${item.icon} />`}
				<span>${item.label}
				${why && html`<small>${why}</small>`}</span>`;

			return item.href && !why ?
				html`<a role="menuitem" tabindex="-1"
					href=${item.href(row)}
					onClick=${() => ref.current?.hidePopover()}
					>${inside}</a>` :
				html`<button type="button" role="menuitem"
					tabindex="-1" aria-disabled=${!!why}
					class=${item.danger ? 'danger' : ''}
					onClick=${() => why || run(item)}
					>${inside}</button>`;
		})}
	</div>`;
}
