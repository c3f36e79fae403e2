// SPDX-License-Identifier: Apache-2.0
// The proof of work beside the page, so that it stays alive meanwhile.
import { solve } from './pow.js';

self.onmessage = (e) => {
	const { challenge, difficulty } = e.data;

	self.postMessage(solve(challenge, difficulty));
};
