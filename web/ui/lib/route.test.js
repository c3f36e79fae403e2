// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { links, match, parseHash, path, search, to } from './route.js';

test('an address is taken apart', () => {
	assert.deepEqual(parseHash(''), { path: '/', query: {} });
	assert.deepEqual(parseHash('#/devices/b1?state=revoked&x=a%20b'),
		{ path: '/devices/b1', query: { state: 'revoked', x: 'a b' } });
	assert.equal(parseHash('#//devices//').path, '/devices');
});

test('a path meets its pattern', () => {
	assert.deepEqual(match('/', '/'), {});
	assert.deepEqual(match('/devices/:name', '/devices/b%2F1'),
		{ name: 'b/1' });
	assert.equal(match('/devices/:name', '/devices'), null);
	assert.equal(match('/devices', '/users'), null);
	assert.equal(match('/devices/:name', '/devices/%'), null);
});

test('what is made is taken apart to the same', () => {
	const name = 'a b/c?d#e%';

	assert.deepEqual(match('/devices/:name',
		parseHash(links.batch(name)).path), { name });
	assert.equal(path`/batches/${name}/x`,
		'/batches/a%20b%2Fc%3Fd%23e%25/x');
	assert.equal(to('/logs', { text: 'a&b', user: '', kind: undefined }),
		'#/logs?text=a%26b');
	assert.equal(search({ off: false, n: 0 }), 'n=0');
});
