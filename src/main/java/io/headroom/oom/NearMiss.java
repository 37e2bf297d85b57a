package io.headroom.oom;

/**
 * A message that looks like memory and is not.
 *
 * @param what one line on what it is instead
 * @param excerpt the part of the text that says so
 */
public record NearMiss(String what, String excerpt) implements Finding {}
