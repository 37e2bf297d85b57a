/**
 * Ordered allocations and frees with operator and phase: what a step does to memory, where a snapshot and an estimate meet.
 *
 * <p>May use: units.
 */
package io.headroom.trace;
