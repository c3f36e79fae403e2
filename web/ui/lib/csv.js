// SPDX-License-Identifier: Apache-2.0
// Device identities out of what people paste or type, before it is sent.

const id = /^[0-9a-f]{64}$/;

/**
 * Find DeviceIDs in pasted text: one or many, separated by anything.
 * @param {string} text
 * @returns {{ ids: string[], wrong: string[] }} in lower case, each once
 */
export function deviceIds(text) {
	/** @type {Set<string>} */
	const ids = new Set();
	const wrong = [];

	for (const word of text.split(/[\s,;"'[\]{}]+/).filter(Boolean)) {
		const lower = word.toLowerCase();

		if (id.test(lower))
			ids.add(lower);
		else
			wrong.push(word);
	}
	return { ids: [...ids], wrong };
}

/**
 * The media type to send a file of devices as, by its name and beginning.
 * @param {string} name
 * @param {string} head its first characters
 */
export function deviceFileType(name, head) {
	if (/\.csv$/i.test(name))
		return 'text/csv';
	if (/^\s*[[{]/.test(head))
		return /\.txt$/i.test(name) ? 'text/plain' : 'application/json';
	return 'text/csv';
}
