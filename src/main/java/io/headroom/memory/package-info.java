/**
 * Where every byte of this process is, its peak over a stretch, its limit, its history.
 *
 * <p>May use: units.
 */
package io.headroom.memory;
