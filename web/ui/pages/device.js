// SPDX-License-Identifier: Apache-2.0
// One device: where it stands, its certificates, its history.
import { Button } from '../lib/button.js';
import { LongId } from '../lib/copy.js';
import { html } from '../lib/preact.js';
import { links, path, to } from '../lib/route.js';
import { Card, Facts, Waiting, When } from '../lib/show.js';
import { Table } from '../lib/table.js';
import { useList, useLoad } from '../lib/use.js';
import { DeviceState, useDeviceActions } from './deviceactions.js';

/** @typedef {import('../lib/fleet').Device} Device */
/** @typedef {import('../lib/fleet').DeviceCert} DeviceCert */

/** @type {import('../lib/types').Column<DeviceCert>[]} */
const certColumns = [
	{ id: 'serial', title: 'Serial number', value: (c) => c.serial,
		cell: (c) => html`<${LongId} id=${c.serial ?? ''}
			what="Serial number" />` },
	{ id: 'issuer', title: 'Issued by', value: (c) => c.issuer,
		cell: (c) => html`<a class="mono" href=${to('/hsm',
			{ cert: c.issuer })}>${c.issuer}</a>` },
	{ id: 'from', title: 'Valid from', value: (c) => c.not_before,
		cell: (c) => html`<${When} at=${c.not_before} />` },
	{ id: 'until', title: 'Valid until', value: (c) => c.not_after,
		cell: (c) => html`<${When} at=${c.not_after} />` },
	{ id: 'revoked', title: 'Revoked', value: (c) => c.revoked_at,
		cell: (c) => html`<${When} at=${c.revoked_at} />` },
];

/** @type {import('../lib/types').Column<
 *	import('../lib/types').LogItem>[]} */
const logColumns = [
	{ id: 'time', title: 'Time', value: (l) => l.at,
		cell: (l) => html`<${When} at=${l.at} />` },
	// Which device it is stands above.
	{ id: 'message', title: 'Message', wide: true,
		value: (l) => l.message.replace(` ${l.object}`, '') },
	{ id: 'user', title: 'User', value: (l) => l.who },
	{ id: 'from', title: 'From', value: (l) => l.from, mono: true,
		hidden: true },
];

/** Why there is no certificate. @param {Device} d */
const noCert = (d) => d.state === 'revoked' ? 'Those it had are revoked. It ' +
	'gets one when it is allowed again and enrols.' : d.approval ===
	'waiting' ? 'It gets one once somebody has approved it.' :
	'It gets one when it enrols.';

/** @param {{ d: Device }} props */
function Overview({ d }) {
	/** @param {string | undefined} at */
	const when = (at) => at && html`<${When} at=${at} />`;

	return html`<${Card} title="Device">
		<${Facts} items=${[
			['State', html`<${DeviceState} d=${d} />`],
			['Batch', html`<a href=${links.batch(d.batch)}>${d.batch}</a>`],
			['Certificate until', when(d.not_after)],
			['Enrolled', when(d.enrolled_at)],
			['Renewed', when(d.renewed_at)],
			['Last seen', html`<${When} at=${d.last_seen} ago
				none="never" />`],
			['Certificates issued', d.issued],
			['Revoked', when(d.revoked_at)],
			['Reason', d.reason],
		]} /></>`;
}

/** @param {{ params: Record<string, string> }} props */
function DevicePage({ params }) {
	const at = path`/devices/${params.id}`;
	const of = useLoad(at, {}, ['device']);
	const history = useList(`${at}/activity`, {}, {
		live: ['activity', 'device'], limit: 50,
	});
	/** @type {Device | undefined} */
	const d = of.data;
	const { actions, dialogs } = useDeviceActions(async () => {
		await of.reload();
		await history.onReload();
	}, () => {
		location.hash = d ? links.batch(d.batch) : '#/devices';
	});

	return html`<nav class="crumbs" aria-label="Where this is">
		<a href="#/devices">Batches</a>${d && html`
		<a href=${links.batch(d.batch)}>${d.batch}</a>`}</nav>
	${!d || of.error ? html`<${Waiting} of=${of} />` : html`
	<div class="heading"><div><h2>DeviceID</h2>
		<${LongId} id=${d.id} whole /></div>
		<div class="heading-side">${actions.map((a) =>
			!a.disabled?.(d) && !a.hidden?.(d) && html`<${Button} key=${a.label} icon=${a.icon}
				run=${() => a.run?.(d)}>${a.label}</>`)}</div></div>
	<${Overview} d=${d} />
	<${Table} id="device-certs" label="Certificates" filter=${false}
			title="Certificates" rows=${d.certs ?? []} columns=${certColumns}
			rowKey=${(/** @type {DeviceCert} */ c) => c.serial ?? ''}
			empty=${{ title: 'No certificate', text: noCert(d) }} />
	<${Table} id="device-history" label="History" ...${history}
			title="History" columns=${logColumns}
			rowKey=${(/** @type {any} */ l) => l.id}
			empty=${{ title: 'Nothing has happened yet', text: `What the
				device and people do shows here.` }} />
	${dialogs}`}`;
}

export const page = {
	path: '/device/:id', title: 'Device', home: '/devices',
	view: DevicePage,
};
