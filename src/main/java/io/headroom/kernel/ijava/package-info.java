/** The adapter for IJava: one line in the kernel's start-up script. */
package io.headroom.kernel.ijava;
