// SPDX-License-Identifier: Apache-2.0
// What a file of devices seems to hold, before it is sent: the server reads
// it whole and has the last word.
import { deviceFileType } from './csv.js';

/** As much of a file as preview() wants to see, in bytes. */
export const HEAD = 65536;

const id = /^[0-9a-f]{64}$/i;

/**
 * The strings of JSON such as {"devices":["..."]}, whole ones only.
 * @param {string} head
 */
function jsonWords(head) {
	return [...head.matchAll(/"((?:[^"\\]|\\.)*)"\s*(:?)/g)]
		.filter((m) => m[2] === '')
		.map((m) => ({ word: m[1], at: head.slice(0, m.index)
			.split('\n').length }));
}

/** @param {string} cell */
const bare = (cell) => cell.trim().replace(/^"(.*)"$/, '$1');

/**
 * The cells of the column of DeviceIDs.
 * @param {string} head
 * @param {boolean} cut the last line may not be whole
 */
function csvWords(head, cut) {
	const lines = head.replace(/^\ufeff/, '').split(/\r?\n/);
	const first = lines[0].split(/[,;\t]/)
		.map((c) => bare(c).toLowerCase());
	const named = first.findIndex((c) => c === 'device_id' || c === 'id');
	const column = Math.max(0, named);

	if (cut)
		lines.pop();
	return lines.map((line, i) => ({
		word: bare(line.split(/[,;\t]/)[column] ?? ''), at: i + 1,
	})).slice(named >= 0 ? 1 : 0).filter((x) => x.word !== '');
}

/**
 * @param {string} name of the file
 * @param {string} head its first HEAD bytes
 * @param {number} size of all of it, in bytes
 * @returns {{ type: string, ids: string[], about: number, whole: boolean,
 *	wrong: { line: number, word: string }[] }} type: media type to send it
 *	as; ids: the first three; about: how many there are in all, counted if
 *	`whole`; wrong: what is no DeviceID
 */
export function preview(name, head, size) {
	const type = deviceFileType(name, head);
	const seen = new TextEncoder().encode(head).length;
	const whole = seen >= size;
	const words = type === 'text/csv' ? csvWords(head, !whole) :
		jsonWords(head);
	const good = words.filter((w) => id.test(w.word));

	return {
		type, whole,
		ids: good.slice(0, 3).map((w) => w.word.toLowerCase()),
		about: whole ? good.length :
			Math.round(good.length * size / Math.max(seen, 1)),
		wrong: words.filter((w) => !id.test(w.word))
			.map((w) => ({ line: w.at, word: w.word })),
	};
}

/**
 * The report of a refused file as CSV, to be read beside the file.
 * @param {import('./types').MemberError[]} errors
 */
export function reportCsv(errors) {
	/** @param {string | number | undefined} v */
	const cell = (v) => {
		const text = String(v ?? '');

		return /[",\r\n]/.test(text) ?
			`"${text.replaceAll('"', '""')}"` : text;
	};

	return 'position,line,what\r\n' + errors.map((e) =>
		[e.position, e.line, e.detail].map(cell).join(',') + '\r\n')
		.join('');
}
