// SPDX-License-Identifier: Apache-2.0
// The proof of work that stands where others have a CAPTCHA of a third
// party. SHA-256 (FIPS 180-4) is here because the browser's own is
// asynchronous, which for one block costs fifty times the hash.

const k = new Uint32Array(64);
const first = new Uint32Array(8);

/** The fraction of a root, 32 bits. @param {number} x */
const fraction = (x) => ((x - Math.floor(x)) * 0x100000000) >>> 0;

for (let n = 2, i = 0; i < 64; n++) {
	let prime = true;

	for (let d = 2; d * d <= n; d++)
		prime &&= n % d !== 0;
	if (!prime)
		continue;
	if (i < 8)
		first[i] = fraction(Math.sqrt(n));
	k[i++] = fraction(Math.cbrt(n));
}

/** @param {number} x @param {number} n */
const rotate = (x, n) => (x >>> n) | (x << (32 - n));

/**
 * One block into the state.
 * @param {Uint32Array} state
 * @param {Uint32Array} w 64 words, the first 16 are the block
 */
function compress(state, w) {
	let [a, b, c, d, e, f, g, h] = state;

	for (let i = 16; i < 64; i++) {
		const x = w[i - 15];
		const y = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] +
			(rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)) +
			(rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10));
	}
	for (let i = 0; i < 64; i++) {
		const t = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
			((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
		const u = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
			((a & b) ^ (a & c) ^ (b & c))) | 0;

		[h, g, f, e, d, c, b, a] = [g, f, e, d + t | 0, c, b, a,
			t + u | 0];
	}
	for (const [i, v] of [a, b, c, d, e, f, g, h].entries())
		state[i] += v;
}

/**
 * SHA-256 of ASCII text.
 * @param {string} text
 * @returns {Uint32Array} eight words
 */
export function sha256(text) {
	const state = first.slice();
	const w = new Uint32Array(64);
	const length = ((text.length + 8 >> 6) + 1) * 64;

	for (let at = 0; at < length; at += 64) {
		w.fill(0, 0, 16);
		for (let i = at; i < at + 64 && i <= text.length; i++) {
			const c = i < text.length ? text.charCodeAt(i) : 0x80;

			w[(i - at) >> 2] |= c << (24 - 8 * (i & 3));
		}
		if (at + 64 === length)
			w[15] = text.length * 8;
		compress(state, w);
	}
	return state;
}

/**
 * How many zero bits the hash begins with.
 * @param {Uint32Array} hash
 */
export function zeroBits(hash) {
	let n = 0;

	for (const word of hash) {
		n += Math.clz32(word);
		if (word)
			break;
	}
	return n;
}

/**
 * Find the nonce for which SHA-256(challenge + '.' + nonce) begins with that
 * many zero bits.
 * @param {string} challenge
 * @param {number} difficulty
 */
export function solve(challenge, difficulty) {
	for (let nonce = 0; ; nonce++)
		if (zeroBits(sha256(`${challenge}.${nonce}`)) >= difficulty)
			return String(nonce);
}
