// SPDX-License-Identifier: Apache-2.0
// Times and spans of time as people read them.

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug',
	'Sep', 'Oct', 'Nov', 'Dec'];

/** Units of a life time, in seconds, largest first. */
export const units = Object.freeze({
	years: 31536000,
	months: 2592000,
	days: 86400,
	hours: 3600,
	minutes: 60,
});

/** @param {number} n */
const two = (n) => String(n).padStart(2, '0');

/**
 * '19 Mar 2021 - 14:13:33' in the reader's zone.
 * @param {string | undefined | null} at RFC 3339
 */
export function local(at) {
	const d = new Date(at ?? NaN);

	if (isNaN(d.getTime()))
		return '';
	return `${d.getDate()} ${months[d.getMonth()]} ${d.getFullYear()}` +
		` - ${two(d.getHours())}:${two(d.getMinutes())}` +
		`:${two(d.getSeconds())}`;
}

/**
 * '2021-03-19 14:13:33 UTC', for what shows on hover.
 * @param {string | undefined | null} at RFC 3339
 */
export function utc(at) {
	const d = new Date(at ?? NaN);

	if (isNaN(d.getTime()))
		return '';
	return d.toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
}

/**
 * Split a span into the largest unit that divides it.
 * @param {number} seconds
 * @returns {{ n: number, unit: keyof typeof units }}
 */
export function splitSpan(seconds) {
	for (const [unit, size] of Object.entries(units))
		if (seconds >= size && seconds % size === 0)
			return {
				n: seconds / size,
				unit: /** @type {keyof typeof units} */ (unit),
			};
	return { n: Math.round(seconds / 60), unit: 'minutes' };
}

/**
 * '2 years', '90 minutes'.
 * @param {number | undefined | null} seconds
 */
export function span(seconds) {
	if (seconds === undefined || seconds === null)
		return '';
	if (seconds < 60)
		return `${seconds} seconds`;
	const { n, unit } = splitSpan(seconds);

	return `${n} ${n === 1 ? unit.slice(0, -1) : unit}`;
}

/**
 * 'in 3 days', '2 hours ago', 'just now'.
 * @param {string | undefined | null} at RFC 3339
 * @param {number} [now] milliseconds
 */
export function fromNow(at, now = Date.now()) {
	const left = Math.round((Date.parse(at ?? '') - now) / 1000);

	if (isNaN(left))
		return '';
	for (const [unit, size] of Object.entries(units)) {
		const n = Math.floor(Math.abs(left) / size);

		if (n > 0) {
			const text = `${n} ${n === 1 ? unit.slice(0, -1) : unit}`;

			return left < 0 ? `${text} ago` : `in ${text}`;
		}
	}
	return left < 0 ? 'just now' : 'in a moment';
}

/**
 * What <input type="datetime-local"> shows for a time, and the way back.
 * @param {string | undefined | null} at RFC 3339
 */
export function toInput(at) {
	const d = new Date(at ?? NaN);

	if (isNaN(d.getTime()))
		return '';
	return `${d.getFullYear()}-${two(d.getMonth() + 1)}` +
		`-${two(d.getDate())}T${two(d.getHours())}` +
		`:${two(d.getMinutes())}`;
}

/**
 * @param {string} text of <input type="datetime-local">
 * @returns {string} RFC 3339 in UTC, or ''
 */
export function fromInput(text) {
	const d = new Date(text);

	return isNaN(d.getTime()) ? '' :
		d.toISOString().replace(/\.\d+Z$/, 'Z');
}
