// SPDX-License-Identifier: Apache-2.0
// The shell around every page: who is logged in, menu, header, router.
import { get } from './lib/api.js';
import { ConfirmHost } from './lib/dialog.js';
import { Header } from './lib/header.js';
import { Icon } from './lib/icons.js';
import { start } from './lib/live.js';
import {
	html, render, signal, useEffect, useRef, useState,
} from './lib/preact.js';
import { match, parseHash } from './lib/route.js';
import { session, site } from './lib/session.js';
import { ToastHost } from './lib/toast.js';
import { pages } from './pages.js';
import { page as login } from './pages/login.js';

const place = signal(parseHash(location.hash));

/** @typedef {import('./pages.js').Page} Page */

/** @param {Page} p */
const allowed = (p) => !p.roles ||
	p.roles.includes(session.value?.user.role ?? '');

/** The page of a path, and the members of the path. @param {string} path */
function find(path) {
	for (const page of pages) {
		const params = match(page.path, path);

		if (params)
			return { page, params };
	}
	return null;
}

/** A link that administrators set; mail needs no new tab.
 * @param {{ href?: string, icon: string, children?: any }} props */
function Out({ href, icon, children }) {
	return href ? html`<a href=${href} rel="noopener noreferrer"
		target=${/^mailto:/i.test(href) ? undefined : '_blank'}>
		<${Icon} name=${icon} />${children}</a>` : null;
}

/** @param {{ path: string, open: boolean, onClose: () => void }} props */
function Sidebar({ path, open, onClose }) {
	const here = find(path)?.page;
	const s = session.value;
	const name = s?.name || site.value?.name || 'Quoin';

	return html`<div class="side ${open ? 'open' : ''}">
		<div class="side-inner">
		<nav aria-label="Main" id="main-menu">
			<a class="brand" href="#/" onClick=${onClose}>
			<img src="icon.svg" alt="" width="28" height="28" />
			<span>${name}</span></a>
			${pages.filter((p) => p.menu && allowed(p)).map((p) => html`
				<a href="#${p.path}" key=${p.path} onClick=${onClose}
					aria-current=${p === here ||
						here?.home === p.path ?
						'page' : undefined}>
				<${Icon} name=${p.icon ?? 'right'} />${p.title}</a>`)}
		</nav>
		<nav class="side-foot" aria-label="Help">
			<${Out} href=${s?.feedback_url} icon="feedback">Feedback</>
			<${Out} href=${s?.help_url} icon="help">Help</>
			<small>Quoin ${site.value?.version ?? ''}</small>
		</nav></div>
	</div>`;
}

/** @param {{ title: string, text: string }} props */
function Nothing({ title, text }) {
	return html`<div class="empty"><h2>${title}</h2><p>${text}</p>
		<a class="btn primary" href="#/">Go to the Dashboard</a></div>`;
}

/** What stands in the middle. */
function Main() {
	const { path, query } = place.value;
	const found = find(path);

	if (!found)
		return html`<${Nothing} title="No such page"
			text="The address may have a letter wrong." />`;
	if (!allowed(found.page))
		return html`<${Nothing} title="Not for your role" text="Only an
			administrator may open this page." />`;
	return html`<${found.page.view} key=${path} params=${found.params}
		query=${query} />`;
}

/** Pages for those who are logged in. */
function Inside() {
	const [menu, setMenu] = useState(false);
	const { path } = place.value;
	const title = find(path)?.page.title ?? 'No such page';
	/** @type {{ current: HTMLElement | null }} */
	const main = useRef(null);
	const first = useRef(true);

	useEffect(() => {
		document.title = `${title} – ${session.value?.name || 'Quoin'}`;
		// A reader is told of the new page, but not at the start.
		if (!first.current)
			main.current?.focus({ preventScroll: true });
		first.current = false;
		scrollTo(0, 0);
	}, [path]);
	return html`<a class="skip" href="#main" onClick=${
			(/** @type {Event} */ e) => {
				e.preventDefault();
				main.current?.focus();
			}}>Skip to the content</a>
		<div class="shell" onKeyDown=${(/** @type {KeyboardEvent} */ e) =>
			e.key === 'Escape' && setMenu(false)}>
		<${Sidebar} path=${path} open=${menu}
			onClose=${() => setMenu(false)} />
		${menu && html`<div class="veil" onClick=${() =>
			setMenu(false)} />`}
		<div class="middle">
			<${Header} title=${title} menu=${menu} setMenu=${setMenu} />
			<main id="main" tabindex="-1" ref=${main}><${Main} /></main>
		</div>
	</div>`;
}

/** Pages for those who are not: they are small and stand in the middle. */
function Outside() {
	const { path, query } = place.value;
	const found = find(path);
	const page = found?.page.open ? found.page : login;

	useEffect(() => {
		document.title = `${page.title} – ${site.value?.name || 'Quoin'}`;
	}, [page, site.value]);
	return html`<div class="outside"><header class="outside-brand">
			<img src="icon.svg" alt="" width="40" height="40" />
			<span>${site.value?.name || 'Quoin'}</span></header>
		<main class="outside-card"><${page.view} key=${page.path}
			params=${found?.params ?? {}} query=${query} /></main>
		<footer><small>Quoin ${site.value?.version ?? ''}</small></footer>
	</div>`;
}

function App() {
	const inside = session.value && !find(place.value.path)?.page.open;

	if (session.value === undefined)
		return html`<div class="outside"><div class="loading"
			role="status"><span class="hide">Loading</span><i /><i /><i />
			</div></div>`;
	return html`${inside ? html`<${Inside} />` : html`<${Outside} />`}
		<${ConfirmHost} /><${ToastHost} />`;
}

async function ask() {
	get('/site').then((s) => {
		site.value = s;
	}, () => {});
	try {
		session.value = await get('/session');
	} catch {
		session.value = null;
	}
}

addEventListener('hashchange', () => {
	place.value = parseHash(location.hash);
});
start();
ask();
render(html`<${App} />`,
	/** @type {HTMLElement} */ (document.getElementById('app')));
