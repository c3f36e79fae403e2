// SPDX-License-Identifier: Apache-2.0
// The Dashboard (user guide, section 7).
import { get } from '../lib/api.js';
import { Button, LinkButton } from '../lib/button.js';
import { Donut } from '../lib/chart.js';
import { dashboard } from '../lib/live.js';
import { html, useEffect, useId, useState } from '../lib/preact.js';
import { links, to } from '../lib/route.js';
import { session } from '../lib/session.js';
import { Card, count, Waiting, When } from '../lib/show.js';
import { Table } from '../lib/table.js';
import { toastError } from '../lib/toast.js';
import { useLoad } from '../lib/use.js';

/** @typedef {import('../lib/types').Status} Status */
/** @typedef {import('../lib/types').Dashboard} Dashboard */

/** What a colour means, for those who do not see it. */
const meaning = {
	green: 'fully operational',
	orange: 'partly reachable',
	red: 'not reachable',
	grey: 'none set up',
};

/**
 * One server of the Global Status: a click asks it again, hover and focus
 * show the details, Escape hides them.
 * @param {{ name: string, status: Status | undefined,
 *	refresh: () => Promise<void> }} props
 */
function StatusButton({ name, status, refresh }) {
	const id = useId();
	const [busy, setBusy] = useState(false);
	const [quiet, setQuiet] = useState(false);
	const color = status?.color ?? 'grey';
	const n = status?.of ? `${status.up ?? 0} of ${status.of}` : '';
	const list = status?.list ?? [];
	const text = status?.text || meaning[color];
	const run = async () => {
		setBusy(true);
		await refresh();
		setBusy(false);
	};

	return html`<div class="status ${color} ${quiet ? 'quiet' : ''}"
		aria-busy=${busy || undefined} onFocusOut=${() => setQuiet(false)}
		onMouseLeave=${() => setQuiet(false)}
		onKeyDown=${(/** @type {KeyboardEvent} */ e) =>
			e.key === 'Escape' && setQuiet(true)}>
		<button type="button" aria-describedby=${id} onClick=${run}>
			<i class="lamp" aria-hidden="true" />
			<span><b>${name}</b><small>${n || text}</small></span>
		</button>
		<div class="tip" role="tooltip" id=${id}>
			<div>${text}</div>
			${status?.detail && html`<small>${status.detail}</small>`}
			${list.length > 0 && html`<ul>${list.map((h) => html`<li>
				<i class="dot ${h.up ? 'green' : 'red'}" />
				<span>${h.name} <small>${h.type && `${h.type}, `}${
					h.text || (h.up ? 'reachable' :
						'not reachable')}</small></span>
			</li>`)}</ul>`}
			${color === 'red' && html`<small>Contact your company IT
				department for additional help.</small>`}
		</div>
	</div>`;
}

/** @param {string} path */
const go = (path) => {
	location.hash = to(path);
};

/** @param {{ label: string, n: number | undefined, color?: string,
 *	href: string, title: string }} props */
function Box({ label, n, color, href, title }) {
	return html`<a class="box ${color ?? ''}" href=${href} title=${title}>
		<b>${count(n ?? 0)}</b><span>${label}</span></a>`;
}

/** @param {{ d: Dashboard['devices'] }} props */
function Devices({ d }) {
	const waiting = d.not_enrolled ?? 0;

	return html`<${Card} title="Devices" side=${html`<${Button} kind="small"
		run=${() => go('/devices')}>Go to Devices</>`}>
		<div class="dash-devices">
		<div class="boxes">
			<${Box} label="Enrolled" n=${d.enrolled} color="green"
				href="#/devices"
				title="Recognised as valid, with a certificate" />
			<${Box} label="Renewed" n=${d.renewed} color="blue"
				href="#/devices"
				title="Their certificates have been renewed" />
			<${Box} label="Revoked" n=${d.revoked} color="red"
				href="#/devices"
				title="Enrolled once, and shut out since" />
			<${Box} label="Expired" n=${d.expired} color="ink"
				href="#/devices"
				title="Their certificates are past their time" />
		</div>
		<${Donut} label="Devices status" unit=${
			d.total === 1 ? 'device' : 'devices'}
			total=${d.total} parts=${[
				{ label: 'Enrolled', value: d.enrolled ?? 0,
					color: 'green' },
				{ label: 'Revoked', value: d.revoked ?? 0,
					color: 'red' },
				{ label: 'Expired', value: d.expired ?? 0,
					color: 'ink' },
				{ label: 'Not enrolled', value: waiting,
					color: 'grey' },
			]} />
		</div></>`;
}

/** @param {{ c: Dashboard['certificates'] }} props */
function Certificates({ c }) {
	return html`<${Card} title="Issuing Certificates" side=${html`<${Button}
		kind="small" run=${() => go('/hsm')}>Go to HSM</>`}>
		<div class="boxes">
			<${Box} label="Valid" n=${c.valid} color="green" href="#/hsm"
				title="Within their time" />
			<${Box} label="Expired" n=${c.expired} color="ink"
				href="#/hsm" title="Past their time" />
			<${Box} label="Not used" n=${c.not_used} href="#/hsm"
				title="Have issued no certificate yet" />
		</div></>`;
}

/** A log item's object, as a link if it has a page. @param {any} item */
export function objectOf(item) {
	const o = item.object ?? '';

	return /^[0-9a-f]{64}$/.test(o) ? html`<a class="mono"
		href=${links.device(o)} title=${o}>${o.slice(0, 12)}…</a>` : o;
}

/**
 * A message: a device in it leads to its page, and is cut short to leave
 * room for what was done, unless all is to be seen.
 * @param {any} item
 * @param {boolean} [extend]
 */
function said(item, extend) {
	const id = item.message.match(/\b[0-9a-f]{64}\b/)?.[0] ?? '';
	const [before, after] = id ? item.message.split(id) : [];

	return id ? html`${before}<a class="mono" href=${links.device(id)}
		title=${id}>${extend ? id : `${id.slice(0, 12)}…`}</a>${after}` :
		item.message;
}

/** Columns of activity, here and in the logs. */
export const activityColumns = [
	{
		id: 'at', title: 'Time',
		value: (/** @type {any} */ r) => r.at,
		cell: (/** @type {any} */ r) => html`<${When} at=${r.at} />`,
	},
	{
		id: 'message', title: 'Message', wide: true,
		value: (/** @type {any} */ r) => r.message, cell: said,
	},
	{
		id: 'who', title: 'User', hidden: true,
		value: (/** @type {any} */ r) => r.who,
	},
	{
		id: 'from', title: 'From', hidden: true, mono: true,
		value: (/** @type {any} */ r) => r.from,
	},
	{
		id: 'what', title: 'Kind', hidden: true,
		value: (/** @type {any} */ r) => r.what,
	},
	{
		id: 'object', title: 'Object', hidden: true,
		value: (/** @type {any} */ r) => r.object,
		cell: objectOf,
	},
	{
		id: 'detail', title: 'Detail', hidden: true, wide: true,
		value: (/** @type {any} */ r) => r.detail,
	},
];

/** @param {{ items: any[], reload: () => unknown }} props */
function Activity({ items, reload }) {
	return html`<${Table} id="activity" label="Last Activity" filter=${false}
			title="Last Activity" toolbar=${html`<${Button} kind="small"
				run=${() => go('/logs')}>Go to Logs</>`}
			columns=${activityColumns} rows=${items.slice(0, 10)}
			rowKey=${(/** @type {any} */ r) => r.id} onReload=${reload}
			empty=${{
				title: 'No activity yet',
				text: 'What users and devices do shows here.',
			}} />`;
}

/** What a new appliance still needs. @param {{ d: Dashboard }} props */
function FirstSteps({ d }) {
	if (d.devices.total > 0)
		return null;
	return html`<${Card} title="First steps">
		<p>There are no devices yet. Make a batch with a policy, put
		the DeviceIDs in, and watch them enrol here.</p>
		<${LinkButton} kind="primary" icon="plus"
			href=${to('/devices', { create: 1 })}>Create Batch</></>`;
}

function View() {
	const loaded = useLoad('/dashboard');
	const d = dashboard.value ?? loaded.data;
	const refresh = async () => {
		try {
			dashboard.value = await get('/dashboard', { refresh: 1 });
		} catch (e) {
			toastError(e);
		}
	};

	// What was loaded is newer than what an old stream left.
	useEffect(() => {
		if (loaded.data)
			dashboard.value = loaded.data;
	}, [loaded.data]);
	if (!d)
		return html`<${Waiting} of=${loaded} />`;
	const s = d.status ?? {};

	return html`<div class="dash">
		${session.value?.wants_second_factor && html`<div class="note warn">
			<div>Your account has no second factor yet. A password
			alone can be seen or guessed.${' '}
			<a href="#/profile">Set it up now</a></div></div>`}
		<section aria-labelledby="gs"><h2 id="gs" class="hide">Global
			Status</h2>
			<div class="status-row">
				<${StatusButton} name="HSM" status=${s.hsm}
					refresh=${refresh} />
				<${StatusButton} name="Backend" status=${s.backend}
					refresh=${refresh} />
				<${StatusButton} name="Database" status=${s.database}
					refresh=${refresh} />
				<${StatusButton} name="IoT Hubs" status=${s.hubs}
					refresh=${refresh} />
			</div></section>
		<${FirstSteps} d=${d} />
		<div class="dash-two">
			<${Devices} d=${d.devices} />
			<${Certificates} c=${d.certificates} />
		</div>
		<${Activity} items=${d.activity ?? []} reload=${refresh} />
		<small>As of <${When} at=${d.at} /></small>
	</div>`;
}

export const page = {
	path: '/', title: 'Dashboard', icon: 'dashboard', menu: true, view: View,
};
