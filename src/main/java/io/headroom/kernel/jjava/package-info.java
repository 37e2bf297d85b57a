/** The adapter for JJava: an extension the kernel finds by itself. */
package io.headroom.kernel.jjava;
