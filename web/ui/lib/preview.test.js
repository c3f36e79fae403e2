// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preview, reportCsv } from './preview.js';

const a = 'a1'.repeat(32);
const b = 'B2'.repeat(32);

test('JSON of the guide', () => {
	const text = JSON.stringify({ devices: [a, b] });
	const p = preview('devices.txt', text, text.length);

	assert.equal(p.type, 'text/plain');
	assert.deepEqual(p.ids, [a, b.toLowerCase()]);
	assert.equal(p.about, 2);
	assert.deepEqual(p.wrong, []);
});

test('JSON that is cut and has an error', () => {
	const text = `{"devices":[\n"${a}",\n"${a.slice(1)}",\n"${b}",\n"${
		a.slice(9)}`;
	const p = preview('d.json', text, text.length * 10);

	assert.equal(p.type, 'application/json');
	assert.equal(p.about, 20);
	assert.equal(p.whole, false);
	assert.deepEqual(p.wrong, [{ line: 3, word: a.slice(1) }]);
});

test('CSV with and without a header, other columns, quotes', () => {
	const named = `name,device_id\r\nx,"${a}"\r\ny,${b}\r\n`;
	const bare = `${a};1\n\nnope;2\n`;

	assert.deepEqual(preview('d.csv', named, named.length).ids,
		[a, b.toLowerCase()]);
	assert.deepEqual(preview('d.csv', bare, bare.length).wrong,
		[{ line: 3, word: 'nope' }]);
	assert.equal(preview('d.csv', bare, bare.length).about, 1);
});

test('a cut last line is not called wrong', () => {
	const text = `${a}\n${b.slice(0, 20)}`;

	assert.deepEqual(preview('d.csv', text, 5000).wrong, []);
});

test('the report as CSV', () => {
	assert.equal(reportCsv([{ position: 2, line: 3, detail: 'no "hex"' }]),
		'position,line,what\r\n2,3,"no ""hex"""\r\n');
});
