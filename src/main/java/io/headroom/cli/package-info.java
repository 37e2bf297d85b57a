/**
 * The command line: {@code headroom doctor}, {@code diagnose}, {@code budget}, {@code replay}.
 *
 * <p>May use: all but the notebook's rooms.
 */
package io.headroom.cli;
