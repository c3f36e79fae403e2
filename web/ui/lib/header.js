// SPDX-License-Identifier: Apache-2.0
// The line above every page: title, the search box, the user.
import { get, post } from './api.js';
import { IconButton } from './button.js';
import { Icon } from './icons.js';
import { connected } from './live.js';
import { Menu } from './menu.js';
import {
	html, useEffect, useId, useLayoutEffect, useRef, useState,
} from './preact.js';
import { links } from './route.js';
import { session } from './session.js';
import { useKept, useSettled } from './use.js';

/** What may be typed: the first digits of a DeviceID. @param {string} s */
const clean = (s) => s.toLowerCase().replace(/[^0-9a-f]/g, '').slice(0, 64);

/**
 * The devices whose DeviceID begins so.
 * @param {string} prefix
 * @returns {{ items: any[] | null, error: any }}
 */
function useFound(prefix) {
	const [found, setFound] = useState(
		/** @type {{ items: any[] | null, error: any }} */
		({ items: null, error: null }));

	useEffect(() => {
		const stop = new AbortController();

		if (prefix.length < 4) {
			setFound({ items: null, error: null });
			return;
		}
		get('/devices', { prefix, limit: 8 }, stop.signal).then(
			(a) => setFound({ items: a.items ?? [], error: null }),
			(error) => stop.signal.aborted ||
				setFound({ items: null, error }));
		return () => stop.abort();
	}, [prefix]);
	return found;
}

/** One search box finds a device from any page. "/" leads to it. */
function Search() {
	const id = useId();
	const [text, setText] = useState('');
	const [on, setOn] = useState(-1);
	const [open, setOpen] = useState(false);
	const prefix = clean(text);
	const { items, error } = useFound(useSettled(prefix, 150));
	/** @type {{ current: HTMLInputElement | null }} */
	const input = useRef(null);
	/** @param {any} device */
	const go = (device) => {
		location.hash = links.device(device.id);
		setText('');
		setOpen(false);
		input.current?.blur();
	};
	/** @param {KeyboardEvent} e */
	const keys = (e) => {
		const n = items?.length ?? 0;

		if (e.key === 'Escape') {
			setOpen(false);
			setText('');
		} else if (e.key === 'ArrowDown' && n) {
			e.preventDefault();
			setOn((on + 1) % n);
		} else if (e.key === 'ArrowUp' && n) {
			e.preventDefault();
			setOn((Math.max(on, 0) - 1 + n) % n);
		} else if (e.key === 'Enter' && items &&
			(on >= 0 || n === 1)) {
			e.preventDefault();
			go(items[Math.max(on, 0)]);
		}
	};

	useEffect(() => setOn(-1), [items]);
	useEffect(() => {
		/** @param {KeyboardEvent} e */
		const slash = (e) => {
			const at = /** @type {HTMLElement} */ (e.target);

			if (e.key !== '/' || e.ctrlKey || e.metaKey ||
				at.closest('input, textarea, select, dialog'))
				return;
			e.preventDefault();
			input.current?.focus();
		};

		addEventListener('keydown', slash);
		return () => removeEventListener('keydown', slash);
	}, []);
	return html`<div class="search" role="search"
		onFocusOut=${(/** @type {FocusEvent} */ e) => {
			const to = /** @type {Node | null} */ (e.relatedTarget);

			if (!(/** @type {HTMLElement} */ (e.currentTarget))
				.contains(to))
				setOpen(false);
		}}>
		<${Icon} name="search" />
		<input type="search" ref=${input} role="combobox" value=${text}
			aria-label="Find a device by DeviceID"
			placeholder="Find a device by DeviceID"
			autocomplete="off" spellcheck=${false} maxlength="64"
			aria-expanded=${open && !!text} aria-controls=${id}
			aria-autocomplete="list"
			aria-activedescendant=${on >= 0 ? `${id}-${on}` : undefined}
			onKeyDown=${keys} onFocus=${() => setOpen(true)}
			onInput=${(/** @type {any} */ e) => {
				setText(e.currentTarget.value);
				setOpen(true);
			}} />
		<div class="found" hidden=${!open || !text}>
			<p role="status" hidden=${!!items?.length && !error}>${
				error ? error.message :
				prefix.length < 4 ? 'Type four digits (0–9, a–f) of ' +
					'it or more.' :
				items ? 'No device begins with this.' : 'Searching'}</p>
			<ul role="listbox" id=${id} aria-label="Devices">
			${(prefix.length >= 4 && items || []).map((d, i) => html`
				<li role="option" id="${id}-${i}" key=${d.id}
					aria-selected=${i === on}
					onPointerDown=${(/** @type {Event} */ e) => {
						e.preventDefault();
						go(d);
					}}>
					<span class="mono">${d.id}</span>
					<small>${d.batch}${d.state && `, ${
						d.state.replace('_', ' ')}`}</small>
				</li>`)}
			</ul>
		</div>
	</div>`;
}

/**
 * @param {{ title: string, menu: boolean,
 *	setMenu: (open: boolean) => void }} props
 */
export function Header({ title, menu, setMenu }) {
	const user = session.value?.user;
	const [theme, setTheme] = useKept('theme', '');
	const dark = theme ? theme === 'dark' :
		matchMedia('(prefers-color-scheme: dark)').matches;
	const whole = [user?.first_name, user?.last_name].filter(Boolean)
		.join(' ') || user?.name || '';

	useLayoutEffect(() => {
		document.documentElement.dataset.theme = theme;
	}, [theme]);
	return html`<header class="top">
		<span class="menu-switch"><${IconButton} icon="menu" label="Menu"
			pressed=${menu} run=${() => setMenu(!menu)} /></span>
		<h1>${title}</h1>
		${!connected.value && html`<span class="pill orange" role="status"
			title="What you see may be old; trying again."
			>Not connected</span>`}
		<${Search} />
		<${Menu} label="User menu" items=${[
			{ label: 'Profile', icon: 'user', href: () => '#/profile' },
			{
				label: dark ? 'Light colours' : 'Dark colours',
				icon: dark ? 'sun' : 'moon',
				run: () => setTheme(dark ? 'light' : 'dark'),
			},
			{
				label: 'Logout', icon: 'logout',
				run: async () => {
					await post('/logout');
					session.value = null;
					location.hash = '#/';
				},
			},
		]}><span class="avatar" aria-hidden="true">${
			whole.slice(0, 1).toUpperCase()}</span>
			<span class="user-name">${whole}</span></>
	</header>`;
}
