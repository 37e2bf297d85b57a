/**
 * What a notebook kernel gives to the cells: display, update, comm, the failing cell, its variables.
 *
 * <p>May use: widget, render.
 */
package io.headroom.kernel;
