// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import {
	fromInput, fromNow, local, span, splitSpan, toInput, utc,
} from './time.js';

test('a time as the guide shows it', () => {
	process.env.TZ = 'Europe/Berlin';
	assert.equal(local('2021-03-19T13:13:33Z'), '19 Mar 2021 - 14:13:33');
	assert.equal(utc('2021-03-19T13:13:33Z'), '2021-03-19 13:13:33 UTC');
	assert.equal(utc('2021-03-19T13:13:33.25Z'), '2021-03-19 13:13:33 UTC');
	assert.equal(local(undefined), '');
	assert.equal(local('nonsense'), '');
	assert.equal(utc(''), '');
});

test('spans in the largest unit that fits', () => {
	assert.deepEqual(splitSpan(31536000 * 2), { n: 2, unit: 'years' });
	assert.deepEqual(splitSpan(5400), { n: 90, unit: 'minutes' });
	assert.equal(span(86400), '1 day');
	assert.equal(span(31536000 * 10), '10 years');
	assert.equal(span(59), '59 seconds');
	assert.equal(span(undefined), '');
});

test('how long ago', () => {
	const now = Date.parse('2024-01-10T00:00:00Z');

	assert.equal(fromNow('2024-01-09T00:00:00Z', now), '1 day ago');
	assert.equal(fromNow('2024-01-13T01:00:00Z', now), 'in 3 days');
	assert.equal(fromNow('2024-01-09T23:59:30Z', now), 'just now');
	assert.equal(fromNow('', now), '');
});

test('a time goes into a field and comes back', () => {
	const at = '2024-07-01T10:30:00Z';

	assert.equal(fromInput(toInput(at)), at);
	assert.equal(fromInput(''), '');
	assert.equal(toInput('x'), '');
});
