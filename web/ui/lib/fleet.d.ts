// SPDX-License-Identifier: Apache-2.0
// Shapes of the REST answers about devices, policies and the HSM.

export interface Attribute {
	name: string;
	value: string;
}

export interface Counts {
	devices?: number;
	not_enrolled?: number;
	enrolled?: number;
	expired?: number;
	revoked?: number;
	renewed?: number;
}

export interface Batch {
	name: string;
	policy: string;
	description?: string;
	created_at?: string;
	firmware?: string;
	signing_key?: string;
	filter?: Attribute[];
	token_alone?: boolean;
	deleting?: boolean;
	loading?: { done: number; total?: number };
	counts?: Counts;
	etag?: string;
}

export interface DeviceCert {
	serial?: string;
	issuer?: string;
	not_before?: string;
	not_after?: string;
	revoked_at?: string;
}

export interface Device {
	id: string;
	batch: string;
	state: string;
	renewed?: boolean;
	issued?: number;
	enrolled_at?: string;
	renewed_at?: string;
	last_seen?: string;
	revoked_at?: string;
	reason?: string;
	allow_renew?: boolean;
	approval?: string;
	not_after?: string;
	certs?: DeviceCert[];
	etag?: string;
}

export interface Policy {
	name: string;
	connection?: string;
	hub?: string;
	device_lifetime: number;
	issuing_lifetime: number;
	signature?: string;
	size?: number;
	autorenew?: boolean;
	issuing_autorenew?: boolean;
	allow_rekey?: boolean;
	allow_rsa2048?: boolean;
	allow_serverkey?: boolean;
	approve?: boolean;
	created_at?: string;
	used_by?: number | string[];
	issuing?: { id: string; name?: string; not_after?: string };
	etag?: string;
}

export interface Cert {
	id: string;
	purpose?: string;
	name?: string;
	policy?: string;
	subject?: string;
	issuer?: string;
	state?: string;
	not_before?: string;
	not_after?: string;
	serial?: string;
	fingerprint?: string;
	issued?: boolean;
	crl_number?: number;
	pem?: string;
	chain?: string[];
}

export interface Rules {
	users?: string[] | string;
	not_before?: string;
	not_after?: string;
	uses?: number;
	rate?: number;
	approvals?: number;
	approvers?: string[];
}

export interface Key {
	id: string;
	name: string;
	purpose?: string;
	type?: string;
	size?: number;
	imported?: boolean;
	token?: number;
	created?: string;
	/** Signatures since the start of quoin-signd. */
	used?: number;
	/** Signatures in all, where they are limited. */
	uses?: number;
	rules?: Rules;
	/** Revision of the rules. */
	etag?: string;
	public_pem?: string;
	needed_by?: string[];
	etag?: string;
}

export interface Approval {
	id: string;
	action?: string;
	key: string;
	statement: string;
	digest?: string;
	meaning?: string;
	created?: string;
	until?: string;
	need: number;
	have: number;
	approved?: string[];
	challenge: string;
	credentials?: { approver: string; id: string }[];
	rp_id?: string;
}
