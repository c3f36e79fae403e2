// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { above, chain, chainPem, tree, validity } from './chain.js';
import { filled, fitting, wrongFilter } from './filters.js';
import { batchChanges, changes, toSeconds, users } from './policy.js';
import {
	assertion, decode, encode, request, synchronised,
} from './webauthn.js';

test('life times', () => {
	assert.equal(toSeconds('2', 'years'), 63072000);
	assert.equal(toSeconds(5, 'minutes'), 300);
	assert.ok(Number.isNaN(toSeconds('', 'days')));
	assert.ok(Number.isNaN(toSeconds(1.5, 'days')));
	assert.ok(Number.isNaN(toSeconds(0, 'days')));
});

test('what an edit of a policy changes', () => {
	const was = { name: 'p', device_lifetime: 86400, issuing_lifetime: 60,
		used_by: ['a', 'b'] };

	assert.deepEqual(changes(was, { ...was }), []);
	assert.match(changes(was, { ...was, device_lifetime: 172800 })[0],
		/2 days instead of 1 day/);
	assert.match(changes(was, { ...was, hub: 'h' })[0], /hub "h" when/);
	assert.match(changes({ ...was, hub: 'h' }, was)[0], /no longer/);
	assert.match(changes(was, { ...was, approve: true })[0], /wait/);
	assert.equal(users(was), 2);
	assert.equal(users({ ...was, used_by: 7 }), 7);
});

test('what an edit of a batch changes', () => {
	const was = { name: 'b', policy: 'p', counts: { devices: 2 } };
	const now = { policy: 'p', firmware: '', signing_key: '' };

	assert.deepEqual(batchChanges(was, now), []);
	assert.match(batchChanges(was, { ...now, policy: 'q' })[0],
		/devices follow the policy "q" instead of "p"/);
	assert.match(batchChanges(was, { ...now, firmware: 'f' })[0], /"f"/);
	assert.match(batchChanges({ ...was, signing_key: 'k' }, now)[0],
		/no particular/);
});

test('attribute filters', () => {
	const rows = [{ name: ' chip ', value: 'esp32' }, { name: '', value: '' }];
	const fw = [
		{ n: 1, attributes: [{ name: 'chip', value: 'esp32' }] },
		{ n: 2, attributes: [{ name: 'chip', value: 'nrf' }] },
		{ n: 3 },
	];

	assert.deepEqual(filled(rows), [{ name: 'chip', value: 'esp32' }]);
	assert.deepEqual(fitting(fw, rows).map((f) => f.n), [1]);
	assert.equal(fitting(fw, []).length, 3);
	assert.equal(wrongFilter(rows), '');
	assert.match(wrongFilter([{ name: '', value: 'x' }]), /no name/);
	assert.match(wrongFilter([...rows, { name: 'chip', value: 'y' }]),
		/two/);
});

test('chains', () => {
	const root = { id: 'r', pem: 'R' };
	const a = { id: 'a', pem: 'A', chain: ['a', 'r'] };
	const b = { id: 'b', pem: 'B\n', chain: ['a', 'r'] };
	const lost = { id: 'x', chain: ['gone'] };
	const top = tree(root, [b, a, lost]);

	assert.equal(above(a), 'r');
	assert.deepEqual(top.map((n) => n.cert.id), ['r', 'x']);
	assert.deepEqual(top[0].below.map((n) => n.cert.id), ['a']);
	assert.deepEqual(top[0].below[0].below.map((n) => n.cert.id), ['b']);
	assert.deepEqual(chain(b, root, [a, b]).map((c) => c.id),
		['r', 'a', 'b']);
	assert.deepEqual(chain(lost, root, [a]).map((c) => c.id), ['r', 'x']);
	assert.equal(chainPem([root, a, b]), 'B\nA\n');
});

test('a certificate in its time', () => {
	const c = { id: 'c', not_before: '2026-01-01T00:00:00Z',
		not_after: '2026-01-11T00:00:00Z' };
	const at = (day) => validity(c, Date.parse(`2026-01-${day}T12:00:00Z`));

	assert.equal(validity(c, 0), 'early');
	assert.equal(at('02'), 'valid');
	assert.equal(at('10'), 'soon');
	assert.equal(at('11'), 'expired');
	// A root may begin before 1970 was thought of, and end with no date.
	assert.equal(validity({ id: 'n' }), 'valid');
});

test('WebAuthn', () => {
	const bytes = Uint8Array.from([251, 255, 0, 1]);
	const a = { id: '1', key: 'k', statement: 's', need: 1, have: 0,
		rp_id: 'q.example', challenge: encode(bytes),
		credentials: [{ approver: 'alice', id: encode(bytes) }] };

	assert.equal(encode(bytes), '-_8AAQ');
	assert.deepEqual(decode('-_8AAQ'), bytes);
	assert.deepEqual(decode('+/8AAQ=='), bytes);
	assert.deepEqual(request(a).publicKey.challenge, bytes);
	assert.equal(request(a).publicKey.userVerification, 'required');
	const given = assertion(a, { rawId: bytes.buffer, type: 'public-key',
		response: { clientDataJSON: bytes, authenticatorData: bytes,
			signature: bytes } });

	assert.equal(given.approver, 'alice');
	assert.equal(given.credential.response.signature, '-_8AAQ');
	const flags = new Uint8Array(37);

	assert.equal(synchronised(flags), false);
	flags[32] = 0x0d;
	assert.equal(synchronised(flags), true);
});
