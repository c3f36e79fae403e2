// SPDX-License-Identifier: Apache-2.0
// Create and edit a policy (guide, section 11): a dialog of several pages.
import { patch, post } from '../lib/api.js';
import { Dialog } from '../lib/dialog.js';
import {
	Alert, Buttons, Check, Field, Input, Select, useForm,
} from '../lib/form.js';
import { Icon } from '../lib/icons.js';
import {
	changes, connections, spanUnits, toSeconds, users,
} from '../lib/policy.js';
import { html } from '../lib/preact.js';
import { path } from '../lib/route.js';
import { many } from '../lib/show.js';
import { splitSpan } from '../lib/time.js';
import { toast } from '../lib/toast.js';
import { useLoad } from '../lib/use.js';

/** @typedef {import('../lib/fleet').Policy} Policy */

/**
 * A number and its unit.
 * @param {{ f: any, name: string, label: string, help?: string }} props
 */
export function LifeTime({ f, name, label, help }) {
	const value = f.values[name];

	return html`<${Field} f=${f} name=${name} label=${label} help=${help}
		required>
		${(/** @type {any} */ a) => html`<div class="beside">
			<input ...${a} type="number" min="1" max="999999" step="1"
				inputmode="numeric" value=${value.n}
				onInput=${(/** @type {any} */ e) => f.set(name, {
					...value, n: e.currentTarget.value })} />
			<select aria-label="Unit of ${label}"
				onChange=${(/** @type {any} */ e) => f.set(name, {
					...value, unit: e.currentTarget.value })}>
			${spanUnits.map((u) => html`<option value=${u.value}
				key=${u.value} selected=${u.value === value.unit}
				>${u.label}</option>`)}
			</select></div>`}
	</>`;
}

/** The signature of a certificate: one type and one size so far.
 * @param {{ f: any, prefix: string }} props */
function Signature({ f, prefix }) {
	return html`<div class="columns">
		<${Select} f=${f} name="${prefix}_signature" required
			label="Signature type" options=${['ECDSA']} />
		<${Select} f=${f} name="${prefix}_size" required
			label="Signature size" options=${[
				{ value: '256', label: '256 bits' }]} />
	</div>`;
}

/** @param {{ f: any }} props */
function Certificates({ f }) {
	return html`<div class="two tight">
		<fieldset class="part"><legend>Device certificate</legend>
			<${LifeTime} f=${f} name="device_lifetime"
				label="Device certificate life time" />
			<${Signature} f=${f} prefix="device" />
			<${Check} f=${f} name="autorenew" label="Autorenew"
				help="Devices get a new certificate before theirs
				ends." />
		</fieldset>
		<fieldset class="part"><legend>Issuing certificate</legend>
			<${LifeTime} f=${f} name="issuing_lifetime"
				label="Issuing certificate life time" />
			<${Signature} f=${f} prefix="issuing" />
			<${Check} f=${f} name="issuing_autorenew"
				label="Autorenew issuing certificate"
				help="A new issuing certificate takes over before
				this one ends." />
		</fieldset></div>`;
}

/** @param {{ f: any }} props */
function Enrolment({ f }) {
	return html`<fieldset class="part"><legend>Enrolment</legend>
		<${Check} f=${f} name="approve" label="Approve each new device"
			help="A device that asks for the first time waits until
			somebody approves it." />
		<${Check} f=${f} name="allow_rekey"
			label="Devices may renew with a new key" />
		<${Check} f=${f} name="allow_rsa2048"
			label="Devices may have RSA keys of 2048 bits" />
		<${Check} f=${f} name="allow_serverkey"
			label="The appliance may make a device's key" />
	</fieldset>`;
}

/** Those that are not told by what they are, but by how policies see them. */
const kinds = { iot_hub: 1, database_direct: 1 };

/** @param {{ f: any, hubs: any, kept: string }} props kept: the hub of the
 *	policy as it is, which may be none of the list */
function Hub({ f, hubs, kept }) {
	const direct = f.values.connection === 'database_direct';
	const fit = (hubs ?? []).filter((/** @type {any} */ h) =>
		(h.type === 'database_direct') === direct);
	const names = fit.map((/** @type {any} */ h) => ({
		value: h.name,
		label: h.type in kinds || !h.type ? h.name : `${h.name} (${h.type})`,
	})).sort((/** @type {any} */ a, /** @type {any} */ b) =>
		a.label.localeCompare(b.label));

	if (kept && f.values.hub === kept &&
			!names.some((/** @type {any} */ n) => n.value === kept))
		names.push({ value: kept, label: kept });
	return direct ? html`<${Select} f=${f} name="hub" required
			label="Select Database Direct Connection"
			empty="Choose a connection" options=${names}
			help=${hubs && !names.length && `There is no Database
			Direct connection yet: it has to be made before a policy
			that uses it.`} />` :
		html`<${Select} f=${f} name="hub" label="Select IoT Hub"
			empty="None: certificates only" options=${names}
			help=${hubs && !names.length && `There is no hub yet.
			Devices get a certificate and no place to connect to.`} />`;
}

/** @param {{ lines: string[], who: string }} props who: is concerned */
export function WhatChanges({ lines, who }) {
	return lines.length > 0 && html`<div class="note" role="status">
		<${Icon} name="info" /><div><b>Saving will change:</b>
		<ul>${lines.map((x) => html`<li key=${x}>${x}</li>`)}</ul>
		<p>${who}</p></div></div>`;
}

/** Whom a policy concerns. @param {number} n of batches */
const concerned = (n) => n ? `${many(n, 'batch')} ${n === 1 ? 'uses' :
	'use'} this policy.` : 'No batch uses this policy.';

/** @param {any} v @returns {any} */
const body = (v) => ({
	hub: v.hub,
	connection: v.connection,
	device_lifetime: toSeconds(v.device_lifetime.n, v.device_lifetime.unit),
	issuing_lifetime: toSeconds(v.issuing_lifetime.n,
		v.issuing_lifetime.unit),
	signature: v.device_signature,
	size: Number(v.device_size),
	autorenew: v.autorenew,
	issuing_autorenew: v.issuing_autorenew,
	allow_rekey: v.allow_rekey,
	allow_rsa2048: v.allow_rsa2048,
	allow_serverkey: v.allow_serverkey,
	approve: v.approve,
});

/** @param {Policy | undefined} p */
const first = (p) => ({
	name: p?.name ?? '',
	connection: p?.connection ?? 'iot_hub',
	hub: p?.hub ?? '',
	device_lifetime: splitSpan(p?.device_lifetime ?? 31536000),
	issuing_lifetime: splitSpan(p?.issuing_lifetime ?? 10 * 31536000),
	device_signature: 'ECDSA',
	device_size: '256',
	issuing_signature: 'ECDSA',
	issuing_size: '256',
	autorenew: p?.autorenew ?? true,
	issuing_autorenew: p?.issuing_autorenew ?? true,
	allow_rekey: p?.allow_rekey ?? false,
	allow_rsa2048: p?.allow_rsa2048 ?? false,
	allow_serverkey: p?.allow_serverkey ?? false,
	approve: p?.approve ?? false,
});

/**
 * @param {{ policy?: Policy, onDone: (name: string) => unknown,
 *	onClose: () => void }} props policy: the one to edit
 */
export function PolicyForm({ policy, onDone, onClose }) {
	const hubs = useLoad('/hubs');
	const f = useForm(first(policy), async (v) => {
		if (policy) {
			const at = path`/policies/${policy.name}`;
			const { etag } = await patch(at, body(v), policy.etag);

			toast(`Policy ${policy.name} saved`, { undo: () =>
				patch(at, body(first(policy)), etag) });
		} else {
			await post('/policies', { name: v.name, ...body(v) });
			toast(`Policy ${v.name} created`);
		}
		onDone(v.name);
	});

	return html`<${Dialog} wide onClose=${onClose}
		title=${policy ? `Edit policy ${policy.name}` :
			'Create new policy'}>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<div class="columns">
				<${Input} f=${f} name="name" label="Policy Name" required
					disabled=${!!policy} maxlength="64"
					autofocus=${!policy} autocomplete="off" />
				<${Select} f=${f} name="connection" required
					label="Select Type of Connection"
					options=${connections}
					onValue=${() => f.set('hub', '')} />
				<${Hub} f=${f} hubs=${hubs.data?.items}
					kept=${policy?.hub ?? ''} />
			</div>
			<${Certificates} f=${f} />
			<${Enrolment} f=${f} />
			${policy && html`<${WhatChanges}
				who=${concerned(users(policy))}
				lines=${changes(policy, { ...policy,
					...body(f.values) })} />`}
			<${Buttons} f=${f} action="Save Policy" onCancel=${onClose} />
		</form>
	</>`;
}
