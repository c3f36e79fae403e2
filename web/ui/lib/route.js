// SPDX-License-Identifier: Apache-2.0
// Addresses behind the #: what they say, and how they are made.

/**
 * Take '#/devices/b1?state=revoked' apart.
 * @param {string} hash
 * @returns {{ path: string, query: Record<string, string> }}
 */
export function parseHash(hash) {
	const text = hash.replace(/^#/, '');
	const mark = text.indexOf('?');
	const path = mark < 0 ? text : text.slice(0, mark);
	const query = mark < 0 ? '' : text.slice(mark + 1);

	return {
		path: '/' + path.split('/').filter(Boolean).join('/'),
		query: Object.fromEntries(new URLSearchParams(query)),
	};
}

/**
 * Match a path with a pattern such as '/devices/:name'.
 * @param {string} pattern
 * @param {string} path
 * @returns {Record<string, string> | null} the members, decoded
 */
export function match(pattern, path) {
	const want = pattern.split('/');
	const have = path.split('/');
	/** @type {Record<string, string>} */
	const params = {};

	if (want.length !== have.length)
		return null;
	for (let i = 0; i < want.length; i++) {
		if (!want[i].startsWith(':')) {
			if (want[i] !== have[i])
				return null;
			continue;
		}
		try {
			params[want[i].slice(1)] = decodeURIComponent(have[i]);
		} catch {
			return null;
		}
	}
	return params;
}

/**
 * The address of a place: to('/devices', { state: 'revoked' }). Absent and
 * empty members are left out.
 * @param {string} path
 * @param {Record<string, string | number | undefined>} [query]
 */
export function to(path, query = {}) {
	const text = search(query);

	return '#' + path + (text && '?' + text);
}

/**
 * A query string of the members that say something.
 * @param {Record<string, string | number | boolean | undefined>} query
 */
export function search(query) {
	const out = new URLSearchParams();

	for (const [name, value] of Object.entries(query))
		if (value !== undefined && value !== '' && value !== false)
			out.set(name, String(value));
	return out.toString();
}

/**
 * A path with its members encoded: path`/batches/${name}/devices`.
 * @param {TemplateStringsArray} parts
 * @param {(string | number)[]} values
 */
export function path(parts, ...values) {
	return String.raw({ raw: parts },
		...values.map((v) => encodeURIComponent(v)));
}

/** Where a thing has its page. */
export const links = {
	/** @param {string} name */
	batch: (name) => '#' + path`/devices/${name}`,
	/** @param {string} id */
	device: (id) => '#' + path`/device/${id}`,
};
