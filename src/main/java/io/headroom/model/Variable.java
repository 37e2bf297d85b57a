package io.headroom.model;

/**
 * One notebook variable: what a release looks through to tell who still holds arrays.
 *
 * @param name {@code "years"}, or a temporary such as {@code "$3"}
 * @param type its declared type, as shown
 * @param value what it holds, null too
 */
public record Variable(String name, String type, Object value) {}
