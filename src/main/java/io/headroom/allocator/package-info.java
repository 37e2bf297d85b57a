/**
 * The CUDA caching allocator, its settings and what a trace leaves in it: allocated, reserved, holes.
 *
 * <p>May use: trace.
 */
package io.headroom.allocator;
