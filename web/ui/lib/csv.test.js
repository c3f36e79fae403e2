// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { deviceFileType, deviceIds } from './csv.js';

const a = '2fdbbebf711596348d85eb42fc02a1e392c4f3bcff841e27098f90fa14f7cce1';
const b = 'f016d74d4f9c3912be50cc5504b2d8cddfa7cb85a187b2169c5cb1d43c37eda9';

test('identities in whatever was pasted', () => {
	assert.deepEqual(deviceIds(`${a}\n${b.toUpperCase()}, ${a}`),
		{ ids: [a, b], wrong: [] });
	assert.deepEqual(deviceIds(`["${a}"]`), { ids: [a], wrong: [] });
	assert.deepEqual(deviceIds(a.slice(1)),
		{ ids: [], wrong: [a.slice(1)] });
	assert.deepEqual(deviceIds(' '), { ids: [], wrong: [] });
});

test('what a file is sent as', () => {
	assert.equal(deviceFileType('d.txt', '{"devices":['), 'text/plain');
	assert.equal(deviceFileType('d.json', ' {"devices":['),
		'application/json');
	assert.equal(deviceFileType('d.csv', 'device_id'), 'text/csv');
	assert.equal(deviceFileType('d.txt', `${a}\n`), 'text/csv');
});
