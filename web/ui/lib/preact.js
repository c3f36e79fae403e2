// SPDX-License-Identifier: Apache-2.0
// The only module that names what npm brings; all others import from here.
import { h, render, Fragment, createContext } from 'preact';
import {
	useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo,
	useRef, useState,
} from 'preact/hooks';
import { batch, computed, effect, signal } from '@preact/signals';
import htm from 'htm';

/** Markup as a tagged template: html`<p class="x">${text}</p>`. */
export const html = htm.bind(h);

/** @template T @typedef {import('@preact/signals').Signal<T>} Signal */

export {
	render, Fragment, createContext, useCallback, useContext, useEffect,
	useId, useLayoutEffect, useMemo, useRef, useState, batch, computed,
	effect, signal,
};
