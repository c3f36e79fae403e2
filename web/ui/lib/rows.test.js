// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { filterRows, shownColumns, sortRows } from './rows.js';

/** @type {import('./types').Column[]} */
const columns = [
	{ id: 'name', title: 'Name', value: (r) => r.name },
	{ id: 'n', title: 'Number', value: (r) => r.n },
	{ id: 'more', title: 'More', value: () => 'zzz', hidden: true },
];
const rows = [
	{ name: 'b10', n: 2 }, { name: 'b9', n: 10 }, { name: 'a', n: undefined },
];
/** @param {any[]} list */
const names = (list) => list.map((r) => r.name).join();

test('sort: numbers as numbers, the empty last both ways', () => {
	assert.equal(names(sortRows(rows, columns[0], false)), 'a,b9,b10');
	assert.equal(names(sortRows(rows, columns[0], true)), 'b10,b9,a');
	assert.equal(names(sortRows(rows, columns[1], false)), 'b10,b9,a');
	assert.equal(names(sortRows(rows, columns[1], true)), 'b9,b10,a');
	assert.equal(names(sortRows(rows, undefined, true)), 'b10,b9,a');
	assert.equal(rows[0].name, 'b10');
});

test('filter: every word, in any column, in any case', () => {
	assert.equal(names(filterRows(rows, columns, 'B')), 'b10,b9');
	assert.equal(names(filterRows(rows, columns, 'b 10')), 'b10,b9');
	assert.equal(names(filterRows(rows, columns, 'b9 2')), '');
	assert.equal(filterRows(rows, columns, '  ').length, 3);
});

test('columns as they were chosen, and never none', () => {
	/** @param {Record<string, boolean>} shown */
	const ids = (shown) => shownColumns(columns, shown)
		.map((c) => c.id).join();

	assert.equal(ids({}), 'name,n');
	assert.equal(ids({ n: false, more: true }), 'name,more');
	assert.equal(ids({ name: false, n: false }), 'name');
});
