// SPDX-License-Identifier: Apache-2.0
// The REST interface: every request of the pages goes through here.
import { search } from './route.js';
import { session } from './session.js';

export const base = '/api/v1';

/**
 * The server's words as a sentence; what begins with a name stays.
 * @param {string} text
 */
export const sentence = (text) => /^[a-z]+[ ,]/.test(text) ?
	text[0].toUpperCase() + text.slice(1) : text;

/**
 * An answer that is no success, as problem+json (RFC 9457) says it.
 * `errors` names the members that are wrong: [{ pointer, detail }].
 */
export class Problem extends Error {
	/**
	 * @param {number} status 0: no answer at all
	 * @param {any} body
	 * @param {number} [retryAfter] seconds
	 */
	constructor(status, body, retryAfter) {
		super(sentence(body?.detail || body?.title ||
			`The server answered ${status}.`));
		this.status = status;
		/** @type {string} */
		this.type = body?.type ?? 'about:blank';
		/** @type {import('./types').MemberError[]} */
		this.errors = (body?.errors ?? []).map(
			(/** @type {import('./types').MemberError} */ e) =>
				({ ...e, detail: sentence(e.detail) }));
		/** @type {number | undefined} */
		this.errorCount = body?.error_count;
		this.retryAfter = retryAfter;
	}
}

/** @type {Record<number, string>} */
const words = {
	0: 'The appliance does not answer. Is the network up?',
	403: 'Your role does not allow this.',
	404: 'This does not exist (any more).',
	412: 'Somebody else changed this meanwhile. Load it again, then ' +
		'make your change.',
	413: 'That is too big.',
	429: 'Too many attempts.',
	503: 'The appliance is busy or not ready. Try again in a moment.',
};

/**
 * @param {number} status
 * @param {string} text
 * @param {string | null} retry
 */
function problem(status, text, retry) {
	let body;

	try {
		body = JSON.parse(text);
	} catch {
		body = { title: words[status] };
	}
	if (status === 412)
		body.detail = words[412];
	if (status === 429 && Number(retry) > 0)
		body.detail = `${body.detail || words[429]} ` +
			`Wait ${retry} seconds.`;
	return new Problem(status, body, Number(retry) || undefined);
}

/**
 * Without a session nothing but the login page is of use. Its own "no" is
 * no end of a session.
 * @param {number} status
 * @param {string} path
 */
function ended(status, path) {
	if (status === 401 && !path.startsWith('/login'))
		session.value = null;
}

/**
 * Ask the server.
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {{ body?: any, etag?: string, signal?: AbortSignal }} [how]
 * @returns {Promise<any>} the JSON of the answer, undefined if it has none
 */
export async function api(method, path, { body, etag, signal } = {}) {
	/** @type {Record<string, string>} */
	const headers = { Accept: 'application/json' };
	let answer;

	if (body !== undefined)
		headers['Content-Type'] = 'application/json';
	// Revision 0 was made by nobody: there is nothing to be overtaken by.
	if (etag && etag !== '0')
		headers['If-Match'] = `"${etag.replaceAll('"', '')}"`;
	if (method !== 'GET' && session.value)
		headers['X-Quoin-CSRF'] = session.value.csrf;
	try {
		answer = await fetch(base + path, {
			method, headers, signal, credentials: 'same-origin',
			cache: 'no-store',
			body: body === undefined ? undefined :
				JSON.stringify(body),
		});
	} catch (e) {
		if (signal?.aborted)
			throw e;
		throw new Problem(0, { title: words[0] });
	}
	const text = await answer.text();

	if (!answer.ok) {
		ended(answer.status, path);
		throw problem(answer.status, text,
			answer.headers.get('Retry-After'));
	}
	return text ? JSON.parse(text) : undefined;
}

/**
 * get('/logs', { limit: 10 }): empty members of the query are left out.
 * @param {string} path
 * @param {Record<string, string | number | boolean | undefined>} [query]
 * @param {AbortSignal} [signal]
 */
export function get(path, query = {}, signal = undefined) {
	const text = search(query);

	return api('GET', path + (text && '?' + text), { signal });
}

/** @param {string} path @param {any} [body] */
export const post = (path, body) => api('POST', path, { body });

/** @param {string} path @param {any} [body] */
export const put = (path, body) => api('PUT', path, { body });

/**
 * patch(path, changes, row.etag): refused with 412 if somebody was faster.
 * @param {string} path
 * @param {any} body
 * @param {string} [etag]
 */
export const patch = (path, body, etag) => api('PATCH', path, { body, etag });

/** @param {string} path @param {string} [etag] */
export const del = (path, etag) => api('DELETE', path, { etag });

/**
 * Send a file and tell how far it is.
 * @param {string} path
 * @param {Blob} file
 * @param {string} type media type
 * @param {(sent: number, total: number) => void} [onProgress] bytes
 * @returns {{ done: Promise<any>, abort: () => void }} as api() answers
 */
export function upload(path, file, type, onProgress) {
	const rq = new XMLHttpRequest();
	const done = new Promise((resolve, reject) => {
		rq.open('POST', base + path);
		rq.setRequestHeader('Content-Type', type);
		rq.setRequestHeader('Accept', 'application/json');
		rq.setRequestHeader('X-Quoin-CSRF', session.value?.csrf ?? '');
		rq.upload.onprogress = (e) => onProgress?.(e.loaded, e.total);
		rq.onerror = () => reject(new Problem(0, { title: words[0] }));
		rq.onabort = () => reject(new Problem(0, { title: 'Stopped.' }));
		rq.onload = () => {
			if (rq.status >= 200 && rq.status < 300) {
				resolve(rq.responseText ?
					JSON.parse(rq.responseText) : undefined);
				return;
			}
			ended(rq.status, path);
			reject(problem(rq.status, rq.responseText,
				rq.getResponseHeader('Retry-After')));
		};
		rq.send(file);
	});

	return { done, abort: () => rq.abort() };
}
