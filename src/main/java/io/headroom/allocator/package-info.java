/**
 * The CUDA caching allocator, its settings and what a trace leaves in it: allocated, reserved, holes.
 *
 * <p>On CPU the allocator is the C library's malloc: there a trace is run and measured.
 *
 * <p>May use: trace, memory.
 */
package io.headroom.allocator;
