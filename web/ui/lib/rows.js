// SPDX-License-Identifier: Apache-2.0
// The logic of tables: sort, filter, which columns.

/** @typedef {import('./types').Column} Column */

const order = new Intl.Collator(undefined, { numeric: true });

/** @param {any} v */
const empty = (v) => v === undefined || v === null || v === '';

/**
 * Sort rows by a column, the empty ones last whichever the direction.
 * @template Row
 * @param {Row[]} rows left as they are
 * @param {Column | undefined} column
 * @param {boolean} down
 */
export function sortRows(rows, column, down) {
	if (!column)
		return rows;
	const sign = down ? -1 : 1;

	return rows.map((row) => ({ row, v: column.value(row) }))
		.sort((a, b) => {
			if (empty(a.v) || empty(b.v))
				return Number(empty(a.v)) - Number(empty(b.v));
			if (typeof a.v === 'number' && typeof b.v === 'number')
				return sign * (a.v - b.v);
			return sign * order.compare(String(a.v), String(b.v));
		})
		.map((x) => x.row);
}

/**
 * Keep the rows that have every word of the text in one of the columns.
 * @template Row
 * @param {Row[]} rows
 * @param {Column[]} columns
 * @param {string} text
 */
export function filterRows(rows, columns, text) {
	const words = text.toLowerCase().split(/\s+/).filter(Boolean);

	if (!words.length)
		return rows;
	return rows.filter((row) => {
		const all = columns.map((c) => c.value(row))
			.filter((v) => !empty(v)).join('\n').toLowerCase();

		return words.every((w) => all.includes(w));
	});
}

/**
 * The columns to show, by what was stored: ids that were switched on or off.
 * @param {Column[]} columns
 * @param {Record<string, boolean>} shown
 */
export function shownColumns(columns, shown) {
	const some = columns.filter((c) => shown[c.id] ?? !c.hidden);

	return some.length ? some : columns.slice(0, 1);
}
