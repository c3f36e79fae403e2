// SPDX-License-Identifier: Apache-2.0
// The table of every list: sort, filter, column settings, paging, actions.
import { Button, IconButton } from './button.js';
import { Dialog } from './dialog.js';
import { Alert } from './form.js';
import { Icon } from './icons.js';
import { Menu } from './menu.js';
import { html, useMemo, useState } from './preact.js';
import { filterRows, shownColumns, sortRows } from './rows.js';
import { count } from './show.js';
import { useKept } from './use.js';

/** @typedef {import('./types').Column} Column */
/** @typedef {import('./types').Action} Action */

/**
 * What <${Table}> takes. The list of lib/use.js goes in as it is:
 *
 * const list = useList('/batches', {}, { live: ['batch'] });
 * <${Table} id="batches" label="Batches" ...${list} columns=${columns}
 *	rowKey=${(b) => b.name} actions=${[{ label: 'Edit', icon: 'edit',
 *	run: (b) => ... }]} toolbar=${html`<${Button} ...>Create Batch</>`}
 *	empty=${{ title: 'No batches yet', text: '...', action: html`...` }} />
 *
 * @typedef {{
 *	id: string, label: string, title?: any, text?: any, columns: Column[],
 *	rows: any[] | null | undefined, rowKey: (row: any) => string | number,
 *	actions?: Action[], toolbar?: any, filters?: any, filter?: boolean,
 *	filtered?: boolean, onClear?: () => void, sort?: string, down?: boolean,
 *	empty?: { title: string, text?: any, action?: any },
 *	next?: string, onMore?: () => unknown, onReload?: () => unknown,
 *	error?: any, rowClass?: (row: any) => string,
 * }} TableProps
 * id: name of the stored settings; label: the caption for readers; title,
 * text: a heading that is seen, where a page has several tables; rows: null while they
 * are loaded; rowKey: also names the row in its buttons ("Edit b1");
 * actions: up to 3 become buttons, more a menu; toolbar: buttons above, at
 * the right; filters: fields above, at the left, for what the server
 * filters; filter: false leaves out the box that filters the rows at hand;
 * filtered: the server has filtered, so that "none" means "none found";
 * onClear: takes those filters away;
 * sort, down: first order; next, onMore, onReload, error: of useList()
 */

/** @param {Column} c */
const align = (c) => [c.num && 'num', c.wide && 'wide']
	.filter(Boolean).join(' ');

/** @param {any} v */
const plain = (v) => v === true ? 'Yes' : v === false ? 'No' : v ?? '';

/** @param {{ column: Column, sort: string, down: boolean,
 *	onSort: (id: string) => void }} props */
function Head({ column: c, sort, down, onSort }) {
	const on = sort === c.id;

	if (c.sort === false)
		return html`<th scope="col" role="columnheader" class=${align(c)}>
			${c.title}</th>`;
	return html`<th scope="col" role="columnheader" class=${align(c)}
		aria-sort=${on ? down ? 'descending' : 'ascending' : undefined}>
		<button type="button" class="sort" onClick=${() => onSort(c.id)}>
			<span>${c.title}</span>
			<span class="sort-mark ${on ? 'on' : ''}">
			<${Icon} name=${on && !down ? 'up' : 'down'} /></span>
		</button></th>`;
}

/** @param {{ row: any, name: string | number, actions: Action[] }} props */
function RowActions({ row, name, actions }) {
	if (actions.length > 3)
		return html`<${Menu} label="Actions for ${name}" items=${actions}
			row=${row} />`;
	return actions.map((a) => {
		const why = a.disabled?.(row);
		const label = `${a.label} ${name}`;

		if (a.href)
			return html`<a class="icon-btn" href=${a.href(row)}
				aria-label=${label} title=${a.label}>
				<${Icon} name=${a.icon ?? 'right'} /></a>`;
		return html`<${IconButton} icon=${a.icon ?? 'right'}
			label=${why ? `${label}: ${why}` : label}
			danger=${a.danger} disabled=${!!why}
			run=${() => a.run?.(row)} />`;
	});
}

/** Arrow keys go from row to row, in the same place of it.
 * @param {KeyboardEvent} e */
function arrows(e) {
	const at = /** @type {HTMLElement} */ (e.target);
	const row = at.closest('tr');
	const next = e.key === 'ArrowDown' ? row?.nextElementSibling :
		e.key === 'ArrowUp' ? row?.previousElementSibling : null;
	const inside = 'a[href], button:not(:disabled), [tabindex="0"]';

	if (!row || !next || at.closest('[role=menu]'))
		return;
	const i = [...row.querySelectorAll(inside)].indexOf(at);
	const all = /** @type {NodeListOf<HTMLElement>} */ (
		next.querySelectorAll(inside));

	e.preventDefault();
	(all[i] ?? all[0])?.focus();
}

/** @param {{ columns: Column[], shown: Record<string, boolean>, setShown: any,
 *	sort: string, down: boolean, onSort: any, onReset: () => void,
 *	onClose: any }} props */
function Settings({ columns, shown, setShown, sort, down, onSort, onReset,
	onClose }) {
	const visible = shownColumns(columns, shown);

	return html`<${Dialog} title="Column settings" onClose=${onClose}>
		<fieldset class="radios"><legend>Columns</legend>
		${columns.map((c) => html`<label class="row-check">
			<input type="checkbox" checked=${visible.includes(c)}
				disabled=${visible.length === 1 && visible[0] === c}
				onChange=${(/** @type {any} */ e) => setShown({
					...shown, [c.id]: e.currentTarget.checked,
				})} /> ${c.title}</label>`)}
		</fieldset>
		<div class="field"><label for="sort-by">Sort by</label>
			<div class="beside"><select id="sort-by"
				onChange=${(/** @type {any} */ e) =>
					onSort(e.currentTarget.value, down)}>
				<option value="" selected=${!sort}>As it comes</option>
				${columns.filter((c) => c.sort !== false).map((c) => html`
					<option value=${c.id} selected=${sort === c.id}
						>${c.title}</option>`)}
			</select>
			<${IconButton} icon=${down ? 'down' : 'up'}
				label=${down ? 'Descending' : 'Ascending'}
				run=${() => onSort(sort, !down)} /></div></div>
		<div class="buttons">
			<${Button} run=${onReset}>Reset</>
			<${Button} kind="primary" run=${onClose}>Done</>
		</div>
	</>`;
}

/** @param {{ p: TableProps, found: boolean, onClear: () => void }} props */
function Empty({ p, found, onClear }) {
	if (found)
		return html`<div class="empty"><h2>Nothing matches</h2>
			<p>None of the ${p.rows?.length} rows at hand has these
			words.</p>
			<${Button} run=${onClear}>Clear the filter</></div>`;
	if (p.filtered)
		return html`<div class="empty"><h2>Nothing found</h2>
			<p>Nothing matches these filters.</p>
			${p.onClear && html`<${Button} run=${p.onClear}>Clear the
				filters</>`}</div>`;
	return html`<div class="empty">
		<h2>${p.empty?.title ?? 'Nothing here yet'}</h2>
		${p.empty?.text && html`<p>${p.empty.text}</p>`}
		${p.empty?.action}</div>`;
}

/** @param {{ p: TableProps, rows: any[], columns: Column[], sort: string,
 *	down: boolean, onSort: any, extend: boolean }} props */
function Grid({ p, rows, columns, sort, down, onSort, extend }) {
	const actions = p.actions ?? [];

	return html`<div class="scroll"><table role="table"
		class=${extend ? 'extend' : ''} aria-label=${p.label}>
		<thead role="rowgroup"><tr role="row">
			${columns.map((c) => html`<${Head} key=${c.id} column=${c}
				sort=${sort} down=${down} onSort=${onSort} />`)}
			${actions.length > 0 && html`<th scope="col"
				role="columnheader" class="acts">
				<span class="hide">Actions</span></th>`}
		</tr></thead>
		<tbody role="rowgroup" onKeyDown=${arrows}>
		${rows.map((row) => html`<tr role="row" key=${p.rowKey(row)}
			class=${p.rowClass?.(row)}>
			${columns.map((c) => html`<td role="cell" key=${c.id}
				class="${align(c)} ${c.mono ? 'mono' : ''}" data-label=${c.title}
				title=${c.wide && !extend ? plain(c.value(row)) :
					undefined}><div class="cell">
				${c.cell ? c.cell(row, extend) : plain(c.value(row))}
				</div></td>`)}
			${actions.length > 0 && html`<td role="cell" class="acts">
				<div class="cell"><${RowActions} row=${row}
					name=${p.rowKey(row)} actions=${actions} />
				</div></td>`}
		</tr>`)}
		</tbody>
	</table></div>`;
}

/** @param {{ p: TableProps, shown: number, sort: string }} props */
function Foot({ p, shown, sort }) {
	const all = p.rows?.length ?? 0;
	const n = shown < all ? `${count(shown)} of ${count(all)}` : count(all);

	return html`<footer class="table-foot">
		<span role="status">${n} ${all === 1 ? 'row' : 'rows'}${p.next &&
			`, and there are more${sort && ': only these are sorted'}`}</span>
		${p.next && html`<${Button} run=${p.onMore}>Load more</>`}
	</footer>`;
}

/** @param {{ p: TableProps, columns: Column[], text: string, setText: any,
 *	extend: boolean, setExtend: any, onSettings: () => void }} props */
function Tools({ p, columns, text, setText, extend, setExtend, onSettings }) {
	// Where there is nothing, there is nothing to filter or to arrange.
	if (p.rows?.length === 0 && !p.filtered) {
		const rest = !p.empty?.action && p.toolbar;

		return (p.title || rest) && html`<div class="tools">
			${p.title && html`<h2>${p.title}</h2>`}
			<span class="gap" />${rest}</div>`;
	}
	return html`<div class="tools">
		${p.title && html`<h2>${p.title}</h2>`}
		${p.filters}
		${p.filter !== false && html`<div class="filter-box">
			<${Icon} name="filter" />
			<input type="search" aria-label="Filter ${p.label}"
				placeholder="Filter" value=${text}
				onInput=${(/** @type {any} */ e) =>
					setText(e.currentTarget.value)} /></div>`}
		<span class="gap" />
		${p.onReload && html`<${IconButton} icon="refresh" label="Refresh"
			run=${p.onReload} />`}
		<${IconButton} icon="columns" label="Column settings"
			run=${onSettings} />
		${columns.some((c) => c.wide) && html`<${IconButton}
			icon=${extend ? 'shrink' : 'extend'} label="Screen extend"
			pressed=${extend} run=${() => setExtend(!extend)} />`}
		${p.toolbar}
	</div>`;
}

/** @param {TableProps} p see TableProps above */
export function Table(p) {
	const [kept, setKept] = useKept(`table.${p.id}`,
		/** @type {{ shown?: Record<string, boolean>, sort?: string,
		 *	down?: boolean, extend?: boolean }} */ ({}));
	const [text, setText] = useState('');
	const [settings, setSettings] = useState(false);
	const sort = kept.sort ?? p.sort ?? '';
	const down = kept.down ?? p.down ?? false;
	const extend = kept.extend ?? false;
	const columns = shownColumns(p.columns, kept.shown ?? {});
	const rows = useMemo(() => sortRows(
		filterRows(p.rows ?? [], p.columns, text),
		p.columns.find((c) => c.id === sort), down),
	[p.rows, p.columns, text, sort, down]);
	/** @param {string} id @param {boolean} [way] */
	const onSort = (id, way) => setKept({
		...kept, sort: id,
		down: way ?? (id === sort ? !down : false),
	});

	return html`<section class="table">
		<${Tools} p=${p} columns=${columns} text=${text} setText=${setText} extend=${extend}
			setExtend=${(/** @type {boolean} */ v) =>
				setKept({ ...kept, extend: v })}
			onSettings=${() => setSettings(true)} />
		${p.text && html`<p class="table-text">${p.text}</p>`}
		${p.error && html`<${Alert} error=${p.error} />`}
		${!p.rows && !p.error && html`<div class="loading" role="status">
			<span class="hide">Loading</span><i /><i /><i /></div>`}
		${p.rows && rows.length === 0 && html`<${Empty} p=${p}
			found=${p.rows.length > 0} onClear=${() => setText('')} />`}
		${rows.length > 0 && html`<${Grid} p=${p} rows=${rows}
			columns=${columns} sort=${sort} down=${down}
			onSort=${onSort} extend=${extend} />`}
		${p.rows && p.rows.length > 0 && html`<${Foot} p=${p}
			shown=${rows.length} sort=${sort} />`}
		${settings && html`<${Settings} columns=${p.columns}
			shown=${kept.shown ?? {}} sort=${sort} down=${down}
			setShown=${(/** @type {any} */ v) =>
				setKept({ ...kept, shown: v })}
			onSort=${onSort} onReset=${() => setKept({ extend })}
			onClose=${() => setSettings(false)} />`}
	</section>`;
}
