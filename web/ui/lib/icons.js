// SPDX-License-Identifier: Apache-2.0
// Line icons on a grid of 24.
import { html } from './preact.js';

/** @type {Record<string, string>} */
const paths = {
	dashboard: 'M4 4h7v8H4zM13 4h7v5h-7zM13 12h7v8h-7zM4 15h7v5H4z',
	devices: 'M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4' +
		'M17 10h4M17 14h4',
	hsm: 'M5 11h14v9H5zM8 11V8a4 4 0 0 1 8 0v3M12 14.5v2',
	policies: 'M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5',
	users: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20c0-3.5 2.5-6 ' +
		'6-6s6 2.5 6 6M16 4.5a3.5 3.5 0 0 1 0 6.2M18 14.5c2 .9 3 3 3 5.5',
	logs: 'M4 5h16M4 10h16M4 15h10M4 20h7',
	settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 5a2 2 0 1 0 0 4 2 2 0 0 0 ' +
		'0-4zM9 15a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
	user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c.5-4 3.5-6 7.5-6s' +
		'7 2 7.5 6',
	search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4.5 4.5',
	menu: 'M4 6h16M4 12h16M4 18h16',
	more: 'M12 5a.6.6 0 1 0 .01 0zM12 11.4a.6.6 0 1 0 .01 0zM12 17.8a.6.6 0 ' +
		'1 0 .01 0z',
	close: 'M6 6l12 12M18 6L6 18',
	refresh: 'M20 11a8 8 0 0 0-14-4.5L4 9M4 4v5h5M4 13a8 8 0 0 0 14 4.5' +
		'l2-2.5M20 20v-5h-5',
	columns: 'M4 5h16v14H4zM9.5 5v14M14.5 5v14',
	extend: 'M9 4H4v5M15 4h5v5M9 20H4v-5M15 20h5v-5',
	shrink: 'M4 9h5V4M20 9h-5V4M4 15h5v5M20 15h-5v5',
	plus: 'M12 5v14M5 12h14',
	edit: 'M4 20l1-4L16 5l3 3L8 19zM14 7l3 3',
	trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
	copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
	download: 'M12 4v11M7 11l5 5 5-5M4 20h16',
	upload: 'M12 16V5M7 9l5-5 5 5M4 20h16',
	check: 'M5 12.5l5 5 9-11',
	warn: 'M12 4l9 16H3zM12 10v4M12 17v.01',
	info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8v.01',
	up: 'M6 15l6-6 6 6',
	down: 'M6 9l6 6 6-6',
	right: 'M9 6l6 6-6 6',
	left: 'M15 6l-6 6 6 6',
	sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 3v2M12 19v2M3 12h2M19 12' +
		'h2M5.6 5.6L7 7M17 17l1.4 1.4M5.6 18.4L7 17M17 7l1.4-1.4',
	moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
	logout: 'M14 4h5v16h-5M4 12h11M11 8l4 4-4 4',
	help: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.5 9.5a2.5 2.5 0 1 1 3.5 ' +
		'2.3c-.7.4-1 .8-1 1.7M12 16.5v.01',
	feedback: 'M4 5h16v11H9l-5 4z',
	key: 'M8 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 12h9M18 12v3.5M15 12v2.5',
	shield: 'M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6zM8.5 12l2.5 2.5 ' +
		'4.5-5',
	mail: 'M3 6h18v13H3zM3 7l9 7 9-7',
	link: 'M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 ' +
		'0l-3 3a4 4 0 0 0 6 6l1-1',
	chain: 'M6 3h12v5H6zM6 16h12v5H6zM12 8v8',
	block: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.7 5.7l12.6 12.6',
	undo: 'M9 7L4 12l5 5M4 12h10a6 6 0 0 1 6 6',
	move: 'M4 12h15M13 6l6 6-6 6',
	filter: 'M4 5h16l-6 8v6l-4-2v-4z',
};

/**
 * <${Icon} name="edit" />: decoration, the words stand beside it.
 * @param {{ name: string }} props name: a member of `paths` above
 */
export function Icon({ name }) {
	return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"
		focusable="false"><path d=${paths[name] ?? ''} /></svg>`;
}
