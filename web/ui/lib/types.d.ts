// SPDX-License-Identifier: Apache-2.0
// Shapes of the REST answers that more than one module handles.

/** What a component may give back or hold. */
export type View = import('preact').ComponentChildren;

export interface Site {
	name: string;
	version: string;
	first_start?: boolean;
	signup?: boolean;
	signup_domains?: string[];
	mail?: boolean;
	help_url?: string;
	feedback_url?: string;
}

export interface User {
	name: string;
	first_name?: string;
	last_name?: string;
	email?: string;
	role: string;
	totp_on?: boolean;
	disabled?: boolean;
	last_login?: string;
	last_from?: string;
	created_at?: string;
	etag?: string;
}

export interface Session {
	user: User;
	csrf: string;
	until?: string;
	idle_seconds?: number;
	wants_second_factor?: boolean;
	help_url?: string;
	feedback_url?: string;
	name?: string;
}

export interface LogItem {
	id: string | number;
	at: string;
	who?: string;
	from?: string;
	what?: string;
	object?: string;
	detail?: string;
	message: string;
}

export interface Status {
	color: 'green' | 'orange' | 'red' | 'grey';
	text?: string;
	detail?: string;
	up?: number;
	of?: number;
	list?: { name: string; type?: string; up?: boolean; text?: string }[];
}

export interface Dashboard {
	status: {
		hsm: Status;
		backend: Status;
		database: Status;
		hubs: Status;
	};
	devices: {
		total: number;
		not_enrolled?: number;
		enrolled?: number;
		renewed?: number;
		revoked?: number;
		expired?: number;
	};
	certificates: { valid?: number; expired?: number; not_used?: number };
	activity?: LogItem[];
	at?: string;
}

export interface MemberError {
	pointer?: string;
	detail: string;
	position?: number;
	line?: number;
}

/** A column of lib/table.js; Row is what the list holds. */
export interface Column<Row = any> {
	/** Name in the stored column settings. */
	id: string;
	title: string;
	/** What is sorted, filtered and, without `cell`, shown. */
	value: (row: Row) => string | number | boolean | null | undefined;
	/** What is shown, if that is more than text; extend: all of it. */
	cell?: (row: Row, extend?: boolean) => View;
	/** false: not to be sorted by. */
	sort?: boolean;
	/** Not shown until chosen in the column settings. */
	hidden?: boolean;
	/** Long text: cut to one line unless the screen is extended. */
	wide?: boolean;
	/** Numbers: set flush right. */
	num?: boolean;
	mono?: boolean;
}

/** Something to do with one row, or in a menu. */
export interface Action<Row = any> {
	label: string;
	icon?: string;
	danger?: boolean;
	run?: (row: Row) => unknown;
	href?: (row: Row) => string;
	/** Not for this row; it is left out of its menu. */
	hidden?: (row: Row) => boolean | undefined;
	/** A reason why not now; it is shown instead. */
	disabled?: (row: Row) => string | false | undefined;
}
