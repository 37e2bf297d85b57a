/**
 * Byte counts: exact {@code long}s in code, GiB and MiB only where a person reads them.
 *
 * <p>May use: nothing.
 */
package io.headroom.units;
