/**
 * Loading a model with its bytes known, and releasing it for good.
 *
 * <p>May use: memory.
 */
package io.headroom.model;
