/**
 * From an error's text to the numbers it states, for every backend and version.
 *
 * <p>May use: units.
 */
package io.headroom.oom;
