/** The cells of a notebook, each one line into a room. May use every room. */
package io.headroom;
