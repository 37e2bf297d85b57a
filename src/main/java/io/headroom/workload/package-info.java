/**
 * What runs: architecture, sizes, precision, optimizer; it can build the DJL block that it describes.
 *
 * <p>May use: trace.
 */
package io.headroom.workload;
