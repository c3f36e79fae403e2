// SPDX-License-Identifier: Apache-2.0
// Hooks: load what a page shows, and keep it fresh.
import { get } from './api.js';
import { onChange } from './live.js';
import { useCallback, useEffect, useRef, useState } from './preact.js';

/**
 * Call fn when the server says that such things changed, at most once per
 * second: many devices may join in that time.
 * @param {string[]} types see onChange()
 * @param {(key: string) => void} fn
 */
export function useChange(types, fn) {
	const last = useRef(fn);

	last.current = fn;
	useEffect(() => {
		let timer = 0;
		let keys = new Set();
		const stop = types.length ? onChange(types, (key) => {
			keys.add(key);
			timer ||= setTimeout(() => {
				const one = keys.size === 1 ? [...keys][0] : '';

				timer = 0;
				keys = new Set();
				last.current(one);
			}, 1000);
		}) : () => {};

		return () => {
			stop();
			clearTimeout(timer);
		};
	}, [types.join()]);
}

/**
 * Load one thing: useLoad(path`/batches/${name}`, {}, ['batch']). With the
 * path '' nothing is loaded. The data stays while it is loaded again.
 * @param {string} path
 * @param {Record<string, string | number | undefined>} [query]
 * @param {string[]} [live] load again when these change
 * @returns {{ data: any, error: any, reload: () => Promise<void>,
 *	set: (data: any) => void }}
 */
export function useLoad(path, query = {}, live = []) {
	const [state, setState] = useState(
		/** @type {{ data?: any, error?: any, of?: string }} */ ({}));
	const of = path + JSON.stringify(query);
	const turn = useRef(0);
	const reload = useCallback(async () => {
		const mine = ++turn.current;

		if (!path)
			return;
		try {
			const data = await get(path, query);

			if (mine === turn.current)
				setState({ data, of });
		} catch (error) {
			if (mine === turn.current)
				setState((s) => ({ ...s, error, of }));
		}
	}, [of]);

	useEffect(() => {
		reload();
		return () => {
			turn.current++;
		};
	}, [of]);
	useChange(live, reload);
	return {
		data: state.of === of ? state.data : undefined,
		error: state.of === of ? state.error : undefined,
		reload,
		set: (data) => setState({ data, of }),
	};
}

/**
 * Load a list by its cursor. The answer goes into <${Table} ...${list}/>:
 * { rows, next, onMore, onReload, error }. The server looks at so many
 * records at a time, and none of them may fit: it is asked until some do.
 * @param {string} path
 * @param {Record<string, string | number | undefined>} [query]
 * @param {{ live?: string[], limit?: number }} [how] live: load again
 *	when these change; limit: rows at once, as the server likes if absent
 *	(a list that is not paged refuses it)
 * @returns {{ rows: any[] | null, next?: string, error?: any,
 *	onMore: () => Promise<void>, onReload: () => Promise<void> }}
 */
export function useList(path, query = {}, { live = [], limit = 0 } = {}) {
	const [state, setState] = useState(
		/** @type {{ rows: any[] | null, next?: string, error?: any }} */
		({ rows: null }));
	const turn = useRef(0);
	const size = useRef(limit);
	const busy = useRef(false);
	const changed = useRef(false);
	const of = path + JSON.stringify(query);
	/** @param {string | undefined} after @param {number} mine */
	const some = async (after, mine) => {
		let a;

		for (;;) {
			a = await get(path, {
				...query, after: a?.next ?? after,
				limit: (after ? limit :
					Math.min(1000, size.current)) || undefined,
			});
			if (a.items?.length || !a.next || mine !== turn.current)
				return a;
			// What is there belongs to what was asked before.
			if (!after)
				setState({ rows: null });
		}
	};
	/** @param {string | undefined} after @param {any[]} before */
	const load = async (after, before) => {
		const mine = ++turn.current;

		if (!path)
			return;
		busy.current = true;
		changed.current = false;
		try {
			const a = await some(after, mine);

			if (mine !== turn.current)
				return;
			const rows = before.concat(a.items ?? []);

			// Loading again brings as many as there are now.
			if (after)
				size.current = rows.length;
			setState({ rows, next: a.next });
		} catch (error) {
			if (mine === turn.current)
				setState((s) => ({ ...s, error }));
		}
		if (mine !== turn.current)
			return;
		busy.current = false;
		if (changed.current)
			onReload();
	};
	const onReload = useCallback(() => load(undefined, []), [of]);

	useEffect(() => {
		size.current = limit;
		onReload();
		return () => {
			turn.current++;
		};
	}, [of]);
	// What changes meanwhile must not have a long look begin again.
	useChange(live, () => {
		if (busy.current)
			changed.current = true;
		else
			onReload();
	});
	return {
		...state,
		onReload,
		onMore: () => load(state.next, state.rows ?? []),
	};
}

/**
 * The value, once it has stayed the same for a while: for boxes that ask
 * the server while somebody types.
 * @template T
 * @param {T} value
 * @param {number} [ms]
 * @returns {T}
 */
export function useSettled(value, ms = 250) {
	const [settled, setSettled] = useState(value);

	useEffect(() => {
		const timer = setTimeout(() => setSettled(value), ms);

		return () => clearTimeout(timer);
	}, [value, ms]);
	return settled;
}

/**
 * A value that is kept in this browser.
 * @template T
 * @param {string} name
 * @param {T} otherwise
 * @returns {[T, (value: T) => void]}
 */
export function useKept(name, otherwise) {
	const key = 'quoin.' + name;
	const [value, setValue] = useState(() => {
		try {
			const text = localStorage.getItem(key);

			return text === null ? otherwise : JSON.parse(text);
		} catch {
			return otherwise;
		}
	});

	return [value, (v) => {
		setValue(v);
		try {
			localStorage.setItem(key, JSON.stringify(v));
		} catch {
			// Private windows may refuse; then it holds for now.
		}
	}];
}
