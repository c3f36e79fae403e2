// SPDX-License-Identifier: Apache-2.0
// Chains of certificates: who issued whom, as a tree.

/** @typedef {import('./fleet').Cert} Cert */
/** @typedef {{ cert: Cert, below: Node[] }} Node */

/**
 * The id of the certificate above this one, or undefined for a root.
 * @param {Cert} cert chain: itself, perhaps, then those above it in order
 */
export function above(cert) {
	return (cert.chain ?? []).find((id) => id !== cert.id);
}

/**
 * The tree of certificates under the root. Those whose issuer is not at hand
 * stand beside the root.
 * @param {Cert | undefined} root
 * @param {Cert[]} certs
 * @returns {Node[]}
 */
export function tree(root, certs) {
	const all = root ? [root, ...certs.filter((c) => c.id !== root.id)] :
		certs;
	/** @type {Map<string, Node>} */
	const nodes = new Map(all.map((cert) => [cert.id, { cert, below: [] }]));
	/** @type {Node[]} */
	const top = [];

	for (const node of nodes.values()) {
		const up = nodes.get(above(node.cert) ?? '');

		(up && up !== node ? up.below : top).push(node);
	}
	return top;
}

/**
 * The chain of one certificate, the root first.
 * @param {Cert} cert
 * @param {Cert | undefined} root
 * @param {Cert[]} certs
 * @returns {Cert[]}
 */
export function chain(cert, root, certs) {
	const all = new Map([...certs, ...root ? [root] : []]
		.map((c) => [c.id, c]));
	const out = [cert];

	for (const id of cert.chain ?? []) {
		const c = all.get(id);

		if (c && !out.includes(c))
			out.unshift(c);
	}
	if (root && !out.some((c) => c.id === root.id))
		out.unshift(root);
	return out;
}

/**
 * The PEM of a chain as servers want it: the certificate first, no root.
 * @param {Cert[]} list the root first
 */
export function chainPem(list) {
	return list.slice(1).reverse().map((c) => (c.pem ?? '').trim() + '\n')
		.join('');
}

/**
 * Where a certificate stands in its time.
 * @param {Cert} cert
 * @param {number} [now] milliseconds
 * @returns {'valid' | 'expired' | 'soon' | 'early'} soon: its last tenth
 */
export function validity(cert, now = Date.now()) {
	const from = Date.parse(cert.not_before ?? '') || 0;
	const to = Date.parse(cert.not_after ?? '');

	if (now >= to)
		return 'expired';
	if (now < from)
		return 'early';
	return from && now > to - (to - from) / 10 ? 'soon' : 'valid';
}
