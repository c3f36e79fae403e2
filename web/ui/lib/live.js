// SPDX-License-Identifier: Apache-2.0
// What changes on the appliance while the page is open: one stream of
// Server-Sent Events for all pages.
import { base } from './api.js';
import { effect, signal } from './preact.js';
import { session } from './session.js';

/**
 * The newest dashboard the server sent; null until then.
 * @type {import('./preact.js').Signal<
 *	import('./types').Dashboard | null>}
 */
export const dashboard = signal(null);

/** Is the stream up? The header shows when it is not. */
export const connected = signal(true);

/** @type {Map<(key: string, type: string) => void, string[]>} */
const listeners = new Map();
/** @type {EventSource | undefined} */
let source;
let timer = 0;
let lost = 0;

/**
 * Call fn(key, type) when things of one of the types change: 'batch',
 * 'device', 'policy', 'auth_cert', 'token', 'user', 'setting', 'activity',
 * 'key', 'cert'. key '' means several. After a gap in the stream everything
 * may have changed, and fn is called with ''.
 * @param {string | string[]} types
 * @param {(key: string, type: string) => void} fn
 * @returns {() => void} stops it
 */
export function onChange(types, fn) {
	listeners.set(fn, [types].flat());
	return () => {
		listeners.delete(fn);
	};
}

/** @param {string} type @param {string} key */
function tell(type, key) {
	for (const [fn, types] of listeners)
		if (type === '' || types.includes(type))
			fn(key, type);
}

function close() {
	clearTimeout(timer);
	source?.close();
	source = undefined;
}

function open() {
	close();
	const es = source = new EventSource(base + '/events');

	es.onopen = () => {
		connected.value = true;
		if (lost)
			tell('', '');
		lost = 0;
	};
	es.onerror = () => {
		lost++;
		connected.value = lost < 2;
		// The browser retries by itself unless the server said no.
		if (es.readyState === EventSource.CLOSED)
			timer = setTimeout(open, Math.min(30000, 1000 * 2 ** lost));
	};
	es.addEventListener('dashboard', (e) => {
		dashboard.value = JSON.parse(e.data);
	});
	es.addEventListener('change', (e) => {
		const { type, key } = JSON.parse(e.data);

		tell(type, key ?? '');
	});
	es.addEventListener('end', () => {
		session.value = null;
	});
}

let name = '';

/** Keep the stream open as long as somebody is logged in. */
export function start() {
	effect(() => {
		const user = session.value?.user.name ?? '';

		if (user === name)
			return;
		name = user;
		lost = 0;
		connected.value = true;
		dashboard.value = null;
		if (user)
			open();
		else
			close();
	});
	// A page that goes away must not leave its stream to time out.
	addEventListener('pagehide', close);
	addEventListener('pageshow', (e) => {
		if (e.persisted && name)
			open();
	});
}
