// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { sha256, solve, zeroBits } from './pow.js';

/** @param {string} text */
const ours = (text) => [...sha256(text)]
	.map((w) => w.toString(16).padStart(8, '0')).join('');
/** @param {string} text */
const theirs = (text) => createHash('sha256').update(text).digest('hex');

test('SHA-256 of every length around the block', () => {
	for (let n = 0; n < 200; n++)
		assert.equal(ours('a'.repeat(n)), theirs('a'.repeat(n)), `${n}`);
});

test('zero bits are counted over words', () => {
	assert.equal(zeroBits(new Uint32Array([0, 1, 2])), 63);
	assert.equal(zeroBits(new Uint32Array([0x80000000])), 0);
	assert.equal(zeroBits(new Uint32Array([0x00ffffff])), 8);
});

test('a nonce that another SHA-256 agrees with', () => {
	const nonce = solve('challenge', 12);
	const hex = theirs(`challenge.${nonce}`);

	assert.equal(hex.slice(0, 3), '000');
	assert.match(nonce, /^\d+$/);
});
