// SPDX-License-Identifier: Apache-2.0
// Policies: life times, and what an edit of one changes.
import { span, units } from './time.js';

/** @typedef {import('./fleet').Policy} Policy */

export const connections = [
	{ value: 'iot_hub', label: 'IoT Hub' },
	{ value: 'database_direct', label: 'Database Direct' },
];

/** Units as the guide names them, smallest first. */
export const spanUnits = Object.keys(units).reverse().map((u) => ({
	value: u, label: u[0].toUpperCase() + u.slice(1),
}));

/**
 * Seconds of a number and its unit; NaN if it is none.
 * @param {number | string} n
 * @param {string} unit
 */
export function toSeconds(n, unit) {
	const size = /** @type {Record<string, number>} */ (units)[unit];
	const number = n === '' ? NaN : Number(n);

	return Number.isInteger(number) && number > 0 ? number * size : NaN;
}

/** How many batches use it. @param {Policy | undefined} p */
export function users(p) {
	return Array.isArray(p?.used_by) ? p.used_by.length : p?.used_by ?? 0;
}

/**
 * What saving a batch will change for its devices, in sentences.
 * @param {import('./fleet').Batch} was
 * @param {{ policy: string, firmware: string, signing_key: string }} now
 * @returns {string[]}
 */
export function batchChanges(was, now) {
	const n = was.counts?.devices ?? 0;
	const out = [];

	if (now.policy && now.policy !== was.policy)
		out.push(`Its ${n === 1 ? 'device follows' : 'devices follow'} ` +
			`the policy "${now.policy}" instead of "${was.policy}" from ` +
			'their next contact on. Certificates that are out stay as ' +
			'they are.');
	if (now.firmware !== (was.firmware ?? ''))
		out.push(now.firmware ? 'Its devices are told of the firmware ' +
			`"${now.firmware}".` :
			'Its devices are offered no firmware any more.');
	if (now.signing_key !== (was.signing_key ?? ''))
		out.push(now.signing_key ? 'Only firmware signed by ' +
			`"${now.signing_key}" can be chosen for it.` :
			'Firmware for it needs no particular signing key.');
	return out;
}

/** @type {[keyof Policy, string, string][]} */
const switches = [
	['autorenew', 'Devices renew their certificates without being asked.',
		'Devices renew only when they are allowed to.'],
	['issuing_autorenew', 'The issuing certificate is renewed by itself.',
		'The issuing certificate is not renewed by itself: when it ' +
		'ends, no device can enrol.'],
	['allow_rekey', 'Devices may renew with a new key.',
		'Devices keep their key when they renew.'],
	['allow_rsa2048', 'Devices may have RSA keys of 2048 bits.',
		'Devices with RSA keys of 2048 bits are refused.'],
	['allow_serverkey', 'The appliance makes keys for devices that ask.',
		'The appliance makes no keys for devices.'],
	['approve', 'New devices wait until somebody approves them.',
		'New devices enrol without being approved; those that wait may ' +
		'go on.'],
];

/**
 * What saving will change, in sentences.
 * @param {Policy} was
 * @param {Policy} now
 * @returns {string[]}
 */
export function changes(was, now) {
	const out = [];

	if (was.device_lifetime !== now.device_lifetime)
		out.push('Device certificates issued from now on last ' +
			`${span(now.device_lifetime)} instead of ` +
			`${span(was.device_lifetime)}. Those that are out stay ` +
			'as they are.');
	if (was.issuing_lifetime !== now.issuing_lifetime)
		out.push('The next issuing certificate lasts ' +
			`${span(now.issuing_lifetime)} instead of ` +
			`${span(was.issuing_lifetime)}. The one in use stays as ` +
			'it is.');
	if ((was.hub ?? '') !== (now.hub ?? ''))
		out.push(now.hub ? `Devices are sent to the hub "${now.hub}"` +
			`${was.hub ? ` instead of "${was.hub}"` : ''} when they ` +
			'next ask the appliance.' :
			`Devices are no longer sent to the hub "${was.hub}".`);
	for (const [name, on, off] of switches)
		if (!!was[name] !== !!now[name])
			out.push(now[name] ? on : off);
	return out;
}
