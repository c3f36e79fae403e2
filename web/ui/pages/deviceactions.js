// SPDX-License-Identifier: Apache-2.0
// What can be done with a device, from a list or from its own page.
import { del, get, post } from '../lib/api.js';
import { confirm, Dialog } from '../lib/dialog.js';
import { Alert, Buttons, Input, Select, useForm } from '../lib/form.js';
import { html, useState } from '../lib/preact.js';
import { path } from '../lib/route.js';
import { Pill } from '../lib/show.js';
import { toast } from '../lib/toast.js';
import { useLoad } from '../lib/use.js';

/** @typedef {import('../lib/fleet').Device} Device */

/** In the colours of the charts.
 * @type {Record<string, [string, 'green' | 'red' | 'grey' | 'ink']>} */
export const states = {
	not_enrolled: ['Not enrolled', 'grey'],
	enrolled: ['Enrolled', 'green'],
	expired: ['Expired', 'ink'],
	revoked: ['Revoked', 'red'],
};

/** @param {{ d: Device }} props */
export function DeviceState({ d }) {
	const [label, color] = states[d.state] ?? [d.state, 'grey'];

	return html`<span class="pills"><${Pill} color=${color}>${label}</>
		${d.approval === 'waiting' && html`<${Pill} color="blue">Waiting
			for approval</>`}
		${d.allow_renew && html`<${Pill} color="blue">May enrol again</>`}</span>`;
}

/** @param {Device} d */
const short = (d) => `${d.id.slice(0, 10)}…`;

/** @param {Device} d @param {string} what @param {any} [body] */
const act = (d, what, body) => post(path`/devices/${d.id}/${what}`, body);

/** @param {{ d: Device, onDone: () => unknown, onClose: () => void }} p */
function Revoke({ d, onDone, onClose }) {
	const f = useForm({ reason: '' }, async (v) => {
		await act(d, 'revoke', { reason: v.reason });
		toast(`Device ${short(d)} revoked`);
		onDone();
	});

	return html`<${Dialog} title="Revoke device?" onClose=${onClose}>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<p class="mono break">${d.id}</p>
			<ul class="lost"><li>its certificates: they go into the
				revocation list</li><li>its connections to hubs: they
				end at once</li></ul>
			<p>It cannot enrol again until you allow it.</p>
			<${Input} f=${f} name="reason" label="Reason" autofocus
				maxlength="160" help="For the logs and for whoever looks
				at the device later." />
			<${Buttons} f=${f} action="Revoke" kind="danger"
				onCancel=${onClose} />
		</form>
	</>`;
}

/** @param {{ d: Device, onDone: () => unknown, onClose: () => void }} p */
function Move({ d, onDone, onClose }) {
	const batches = useLoad('/batches', { limit: 1000 });
	const f = useForm({ batch: '' }, async (v) => {
		await act(d, 'move', { batch: v.batch });
		toast(`Device ${short(d)} moved to ${v.batch}`, { undo: async () => {
			await act(d, 'move', { batch: d.batch });
			onDone();
		} });
		onDone();
	});

	return html`<${Dialog} title="Move device" onClose=${onClose}>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<p class="mono break">${d.id}</p>
			<${Select} f=${f} name="batch" label="Batch" required
				empty="Select a batch"
				options=${(batches.data?.items ?? []).filter(
					(/** @type {any} */ b) => b.name !== d.batch &&
						!b.deleting)
					.map((/** @type {any} */ b) => ({ value: b.name,
						label: `${b.name} (policy ${b.policy})` }))}
				help="It is in the batch ${d.batch}. Its certificates
				stay; the policy of the new batch counts from its next
				contact on." />
			<${Buttons} f=${f} action="Move" onCancel=${onClose} />
		</form>
	</>`;
}

/** @param {Device} d */
async function allow(d) {
	await act(d, 'allow');
	toast(`Device ${short(d)} may enrol again`);
}

/** @param {Device} d */
async function approve(d) {
	await act(d, 'approve');
	toast(`Device ${short(d)} approved`);
}

/** @param {Device} d */
async function remove(d) {
	const held = d.state === 'enrolled' || d.state === 'expired';
	const now = await get(path`/devices/${d.id}`).catch(() => d);

	if (!await confirm({
		title: 'Delete device?', action: 'Delete',
		text: html`<span class="mono break">${d.id}</span>`,
		lost: [
			`its place in the batch ${now.batch}: it is unknown from then on`,
			...held ? ['its certificates, which are revoked: its ' +
				'connections to hubs end at once'] : [],
			'what is known of it; what was done with it stays in the logs',
		],
	}))
		return false;
	await del(path`/devices/${d.id}`);
	toast(`Device ${short(d)} is being deleted`);
	return true;
}

/**
 * The actions, and the dialogs that they open.
 * @param {() => unknown} onDone after each; load again
 * @param {() => unknown} [onGone] after Delete, instead
 * @returns {{ actions: import('../lib/types').Action<Device>[],
 *	dialogs: any }}
 */
export function useDeviceActions(onDone, onGone = onDone) {
	const [open, setOpen] = useState(
		/** @type {{ what: any, d: Device } | null} */ (null));
	const close = () => setOpen(null);

	return {
		dialogs: open && html`<${open.what} d=${open.d} onClose=${close}
			onDone=${() => {
				close();
				onDone();
			}} />`,
		actions: [
			{ label: 'Approve', icon: 'check',
				hidden: (d) => d.approval !== 'waiting',
				run: async (d) => {
					await approve(d);
					await onDone();
				} },
			{ label: 'Revoke', icon: 'block', danger: true,
				disabled: (d) => d.state === 'revoked' &&
					'it is revoked already',
				run: (d) => setOpen({ what: Revoke, d }) },
			{ label: 'Allow again', icon: 'undo',
				disabled: (d) => d.allow_renew ?
					'it may enrol again already' :
					d.state === 'not_enrolled' && 'it may enrol anyway',
				run: async (d) => {
					await allow(d);
					await onDone();
				} },
			{ label: 'Move', icon: 'move',
				run: (d) => setOpen({ what: Move, d }) },
			{ label: 'Delete', icon: 'trash', danger: true,
				run: async (d) => await remove(d) && await onGone() },
		],
	};
}
