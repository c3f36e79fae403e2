// SPDX-License-Identifier: Apache-2.0
// Attribute filters: which firmware a batch may be given.

/** @typedef {import('./fleet').Attribute} Attribute */

/**
 * The filters that were filled in, without blanks around.
 * @param {Attribute[]} rows
 * @returns {Attribute[]}
 */
export function filled(rows) {
	return rows.map((r) => ({ name: r.name.trim(), value: r.value.trim() }))
		.filter((r) => r.name !== '' || r.value !== '');
}

/**
 * What is wrong with them, in words, or ''.
 * @param {Attribute[]} rows
 */
export function wrongFilter(rows) {
	const some = filled(rows);
	const half = some.find((r) => r.name === '');
	const names = some.map((r) => r.name);
	const twice = names.find((n, i) => names.indexOf(n) !== i);

	if (half)
		return `The filter with the value "${half.value}" has no name.`;
	return twice ? `There are two filters named "${twice}".` : '';
}

/**
 * The firmwares that have all of the attributes.
 * @template {{ attributes?: Attribute[] }} F
 * @param {F[]} firmwares
 * @param {Attribute[]} filter
 * @returns {F[]}
 */
export function fitting(firmwares, filter) {
	return firmwares.filter((f) => filled(filter).every((want) =>
		(f.attributes ?? []).some((a) => a.name === want.name &&
			a.value === want.value)));
}
