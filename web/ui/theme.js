// SPDX-License-Identifier: Apache-2.0
// Before the first paint: light or dark, if somebody chose.
try {
	document.documentElement.dataset.theme =
		JSON.parse(localStorage.getItem('quoin.theme') ?? '""');
} catch {
	// Then as the system has it.
}
